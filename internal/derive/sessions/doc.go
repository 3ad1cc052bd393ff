// Package sessions turns the lines of a host's nitro-cli log into lives of
// enclaves. It is pure: no input or output, no clock, no lake.
//
// It works in two steps. A Folder folds the lines of one instance and one UTC day
// to marks: few, sorted, and the same in whatever order and however often the
// lines are added. Derive reads the marks of all days of one instance and gives
// its sessions and its starts that failed.
//
// Marks are a selection of the day's facts, one for each line that can matter:
// what is left out are repeated proofs of life and the middle of runs of polls
// that saw the same enclaves. Derive gives the same for the marks as for all
// facts; the tests hold it to that.
//
// What other evidence knows of an enclave or of its host comes in as signs: attested
// calls and ends of instances. So does what the host agent saw, whose lines stand in the
// log. They narrow what the log leaves open. No enclave outlives the end of its host.
//
// The meaning of each line is in facts/nitro.md 2.1 to 2.10.
package sessions

// Version names this derivation. It changes when the same lines give other marks,
// sessions or attempts, and goes into the watermarks of the tables.
const Version = "sessions-7"
