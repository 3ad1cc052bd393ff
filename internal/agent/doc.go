// Package agent watches the enclaves of the host that it runs on. It copies the log of
// nitro-cli, asks nitro-cli again and again which enclaves there are, and sees the
// process of each go away: a kill leaves no line in any log (facts/nitro.md 2.4), but the
// enclave lives exactly as long as the process that holds it (2.8). What it sees it writes
// as lines of trailhouse.AgentLine, which the source enclave-log reads.
//
// Nothing that a host can do makes it end: what fails is a line and a count. It never
// fills a disk: files and spools have a bound, and what falls off is counted.
package agent
