package trail

import (
	"time"

	"github.com/trailhouse/trailhouse"
)

// DefaultEvents is how many events a demo's trail has if nobody asks for more.
const DefaultEvents = 20_000

// MinEvents and MaxEvents bound the events of a trail: what the truth lists one by one
// must fit.
const (
	MinEvents = 2_000
	MaxEvents = 100_000_000
)

// Options say what Generate makes. Equal options give equal bytes.
type Options struct {
	// Seed decides everything that is left to chance.
	Seed uint64
	// From and To bound the events, but for the hosts' launches, which are in the day
	// before. They are cut to whole days in UTC.
	From, To time.Time
	// Events is how many different events the table cloudtrail gets, at least MinEvents;
	// zero for DefaultEvents. Duplicates and the other kinds of files come on top.
	Events int64
	// EventsPerFile is the mean of a busy object; zero for 2,000 in trails of more than
	// DefaultEvents, and 25 in others: real ones are small (facts/cloudtrail.md 2.2).
	EventsPerFile int
	// Hosts are instances whose enclave logs exist; they were launched before From.
	Hosts []Host
	// Sessions are lives of enclaves on them that the logs show. Attested calls fit them.
	Sessions []Session
}

// Host is an instance that runs enclaves.
type Host struct {
	InstanceID   string
	Account      string // one of the organisation's
	InstanceType string
}

// Session is the part of an enclave's life that its log proves.
type Session struct {
	InstanceID string
	// Slot is the slot id as nitro-cli prints it, without padding.
	Slot     string
	From, To time.Time
	// Image is the path of the image; equal paths are equal images.
	Image string
	Debug bool
	// Ended says that the log prints its end, which is To.
	Ended bool
	// Client is whose it is: each client has keys of its own.
	Client string
	// Always says that it calls KMS for sure, Silent that it never does; else chance
	// decides.
	Always, Silent bool
}

// check refuses options that make no trail and fills in what is left open.
func (o Options) check() (Options, error) {
	o.From, o.To = o.From.UTC().Truncate(24*time.Hour), o.To.UTC().Truncate(24*time.Hour)
	if o.Events == 0 {
		o.Events = DefaultEvents
	}
	if o.EventsPerFile == 0 {
		o.EventsPerFile = 25
		if o.Events > DefaultEvents {
			o.EventsPerFile = 2000
		}
	}
	switch {
	case o.Events < MinEvents || o.Events > MaxEvents:
		return o, trailhouse.Errorf(trailhouse.CodeUsage, "a trail of the demo has %d to %d events, not %d", MinEvents, MaxEvents, o.Events)
	case o.EventsPerFile < 1 || o.EventsPerFile > 100_000:
		return o, trailhouse.Errorf(trailhouse.CodeUsage, "a file of the demo's trail has 1 to 100,000 events, not %d", o.EventsPerFile)
	case o.To.Sub(o.From) < 7*24*time.Hour:
		return o, trailhouse.Errorf(trailhouse.CodeUsage, "a trail of the demo spans a week or more")
	}
	for _, h := range o.Hosts {
		if !member(h.Account) {
			return o, trailhouse.Errorf(trailhouse.CodeUsage, "the demo's organisation has no account %s", h.Account)
		}
	}
	return o, nil
}

func member(account string) bool {
	for _, a := range accounts() {
		if a.name == account {
			return true
		}
	}
	return false
}
