package demo

import (
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/demo/trail"
)

// Options say what Generate makes. Equal options give equal bytes.
type Options struct {
	// Seed decides everything that is left to chance.
	Seed uint64
	// Hosts is the number of EC2 instances. The first six are all of another kind
	// (see profiles); further ones repeat the kinds.
	Hosts int
	// Clients is how many clients own enclaves, at most MaxClients. Workloads that
	// belong to nobody are there in any case.
	Clients int
	// Start is the first instant of the evidence. It is cut to a whole day in UTC.
	Start time.Time
	// Months is the number of calendar months from Start.
	Months int
	// StartsPerDay is how often a host tries to start an enclave.
	StartsPerDay float64
	// PollEvery is the interval of the monitoring job that describes the enclaves of
	// the first host. Another host is polled six times as often for a tenth of the
	// time. At least a second.
	PollEvery time.Duration
	// PollDays is for how many days the first host is polled.
	PollDays int
	// Events is how many events the trail has, of those that are not duplicates; zero for
	// trail.DefaultEvents.
	Events int64
}

// DefaultOptions are those of `make demo`: six hosts over three months, some 45 MB
// of text, and a trail of 20,000 events.
func DefaultOptions() Options {
	return Options{
		Seed:         1,
		Hosts:        6,
		Clients:      MaxClients,
		Start:        time.Date(2025, time.August, 1, 0, 0, 0, 0, time.UTC),
		Months:       3,
		StartsPerDay: 4,
		PollEvery:    time.Minute,
		PollDays:     21,
	}
}

// check refuses options that make no evidence.
func (o Options) check() error {
	switch {
	case o.Hosts < 1 || o.Hosts > 1000:
		return trailhouse.Errorf(trailhouse.CodeUsage, "a demo has 1 to 1000 hosts, not %d", o.Hosts)
	case o.Clients < 1 || o.Clients > MaxClients:
		return trailhouse.Errorf(trailhouse.CodeUsage, "a demo has 1 to %d clients, not %d", MaxClients, o.Clients)
	case o.Months < 1 || o.Months > 120:
		return trailhouse.Errorf(trailhouse.CodeUsage, "a demo spans 1 to 120 months, not %d", o.Months)
	case o.StartsPerDay <= 0 || o.StartsPerDay > 200:
		return trailhouse.Errorf(trailhouse.CodeUsage, "a host of the demo tries more than 0 and at most 200 starts a day, not %g", o.StartsPerDay)
	case o.PollEvery < time.Second || o.PollDays < 0:
		return trailhouse.Errorf(trailhouse.CodeUsage, "a host of the demo is polled at most once a second and not for %d days", o.PollDays)
	case o.Events != 0 && (o.Events < trail.MinEvents || o.Events > trail.MaxEvents):
		return trailhouse.Errorf(trailhouse.CodeUsage, "a trail of the demo has %d to %d events, not %d", trail.MinEvents, trail.MaxEvents, o.Events)
	case o.Start.IsZero():
		return trailhouse.Errorf(trailhouse.CodeUsage, "a demo needs its first day")
	}
	return nil
}

// span returns the first instant of the evidence and the instant at which the
// simulation ends.
func (o Options) span() (from, to Instant) {
	day := o.Start.UTC().Truncate(24 * time.Hour)
	return instantOf(day), instantOf(day.AddDate(0, o.Months, 0))
}
