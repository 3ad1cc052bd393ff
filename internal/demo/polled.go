package demo

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"time"

	"github.com/trailhouse/trailhouse"
)

// PolledOptions say what Polled makes.
type PolledOptions struct {
	// Seed decides process ids and slots.
	Seed uint64
	// Start is the first instant. It is cut to a whole day in UTC.
	Start time.Time
	// Every is the interval of the polls.
	Every time.Duration
	// Enclaves is how many run at any time, 1 to 4.
	Enclaves int
	// Life is how long each runs before it is terminated and another one started;
	// zero for as long as the log goes.
	Life time.Duration
	// Days bounds the log.
	Days int
	// Bytes, where not zero, ends the log as soon as it has as many.
	Bytes int64
}

// PolledResult is what Polled wrote, with its truth.
type PolledResult struct {
	InstanceID string
	Bytes      int64
	Records    int64
	// Through is the time of the last record.
	Through  Instant
	Sessions []Session
}

// Polled writes the log of one host whose enclaves are described at a fixed
// interval, such as a monitoring job does, in constant memory but for one entry per
// session. It returns the error of w, or CodeUsage.
func Polled(ctx context.Context, w io.Writer, o PolledOptions) (*PolledResult, error) {
	if o.Enclaves < 1 || o.Enclaves > 4 || o.Every < time.Second || o.Days < 1 || o.Start.IsZero() {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage,
			"a polled log needs 1 to 4 enclaves, a second or more between polls, a day or more and a start")
	}
	from := instantOf(o.Start.UTC().Truncate(24 * time.Hour))
	to := from + Instant(o.Days)*day
	life := Instant(o.Life.Milliseconds())
	if life <= 0 {
		life = to - from + day
	}
	p := &part{out: bufio.NewWriterSize(w, 1<<18)}
	h := &host{
		id:   instanceID(o.Seed, 0),
		rng:  rand.New(rand.NewPCG(o.Seed, 0)),
		log:  &logFile{layout: layoutPlain, parts: []*part{p}, limit: o.Bytes},
		from: from, to: to, now: from,
		lastPID: 1100, looks: never,
		version: versionNamed("1.5.0"),
		profile: profile{
			machine: machine{"m5.4xlarge", 16, 2}, memory: []int64{8192},
			polls:      []polling{{from, to, Instant(o.Every.Milliseconds())}},
			startEvery: 30 * second, life: life, keep: o.Enclaves,
		},
	}
	h.timers = [timerCount]Instant{never, from + second, never, never, never}
	h.schedulePoll()
	if err := h.run(ctx); err != nil {
		return nil, err
	}
	if err := p.close(""); err != nil {
		return nil, err
	}
	return &PolledResult{
		InstanceID: h.id, Bytes: h.log.bytes, Records: p.counts.Records, Through: h.through(), Sessions: h.sessions(nil),
	}, nil
}
