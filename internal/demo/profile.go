package demo

import (
	"fmt"
	"math/rand/v2"
)

// profile is what kind of host one is.
type profile struct {
	machine  machine
	memory   []int64 // MiB of the pool, one of which each boot takes
	versions []string
	layout   layout
	// journal says that the allocator's journal was collected.
	journal bool
	// headLost says that the log's first days are lost; the first mood ends that.
	headLost bool
	polls    []polling
	moods    []mood
	// startEvery, lookEvery and rebootEvery are mean distances; zero for never.
	startEvery, lookEvery, rebootEvery Instant
	// calm is how long before the end nobody starts or describes enclaves any more:
	// what runs then can only be presumed to run on.
	calm Instant
	// life, where set, is how long every enclave lives; it is then terminated by id.
	life Instant
	// keep, where set, is how many equal enclaves run at any time.
	keep int
}

// polling is a job that describes the enclaves at fixed times.
type polling struct{ from, to, every Instant }

// mood is a change of RUST_LOG. It also ends the lost part of a log.
type mood struct {
	at    Instant
	level severity
}

// profileCount is how many kinds of hosts there are.
const profileCount = 6

// profiles returns the kinds of hosts: a polled one with rotated logs, an unpolled
// one from CloudWatch, an old one without names, one polled very often as JSON
// lines, one whose logs fall silent from an export task, and a single file whose
// head is lost and that has no journal.
func profiles(o Options) [profileCount]profile {
	from, to := o.span()
	starts := Instant(float64(day) / o.StartsPerDay)
	every := Instant(o.PollEvery.Milliseconds())
	pollDays := Instant(o.PollDays) * day
	middle := from + (to-from)/3
	return [profileCount]profile{
		{
			machine: machine{"m5.2xlarge", 8, 2}, memory: []int64{6144, 8192},
			versions: []string{"1.3.4", "1.4.0", "1.4.3", "1.5.0"}, layout: layoutRotated, journal: true,
			polls:      []polling{{middle, min(middle+pollDays, to), every}},
			startEvery: starts, lookEvery: 8 * hour, rebootEvery: 14 * day,
		},
		{
			machine: machine{"c6i.4xlarge", 16, 2}, memory: []int64{8192, 12288},
			versions: []string{"1.2.0", "1.2.1", "1.2.3", "1.3.1", "1.3.2"}, layout: layoutEvents, journal: true,
			calm:       3 * day,
			startEvery: starts, lookEvery: 30 * hour, rebootEvery: 11 * day,
		},
		{
			machine: machine{"m5.xlarge", 4, 2}, memory: []int64{4096},
			versions: []string{"1.0.10", "1.0.12", "1.0.12", "1.1.0"}, layout: layoutPlain, journal: true,
			calm:       5 * day,
			startEvery: starts * 2, lookEvery: 12 * hour, rebootEvery: 17 * day,
		},
		{
			machine: machine{"m6g.2xlarge", 8, 1}, memory: []int64{6144, 7168},
			versions: []string{"1.4.2", "1.5.0"}, layout: layoutEventLines, journal: true,
			polls:      []polling{{from + 2*day, min(from+2*day+pollDays/10, to), max(every/6, second)}},
			startEvery: starts, lookEvery: 20 * hour, rebootEvery: 19 * day,
		},
		{
			machine: machine{"r5.2xlarge", 8, 2}, memory: []int64{8192},
			versions: []string{"1.3.2", "1.3.4"}, layout: layoutExport, journal: true,
			polls:      []polling{{from, to, 10 * every}},
			moods:      []mood{{from + 9*day, fail}, {from + 12*day, info}, {from + 21*day, warn}, {from + 25*day, info}},
			startEvery: starts, lookEvery: 24 * hour, rebootEvery: 13 * day,
		},
		{
			machine: machine{"c5.2xlarge", 8, 2}, memory: []int64{4096, 6144},
			versions: []string{"1.2.2", "1.3.0", "1.4.2"}, layout: layoutFlat,
			calm:     2 * day,
			headLost: true, moods: []mood{{from + 5*day, info}},
			startEvery: starts, lookEvery: 16 * hour, rebootEvery: 12 * day,
		},
	}
}

// instanceID returns the id of the host with that index.
func instanceID(seed uint64, index int) string {
	rng := rand.New(rand.NewPCG(seed, 1<<32+uint64(index)))
	return fmt.Sprintf("i-0%016x", rng.Uint64())
}

// accounts are the AWS accounts of the hosts.
func accounts() []string { return []string{"111122223333", "444455556666"} }
