package demo

import (
	"context"
	"math/rand/v2"
)

// host is one EC2 instance under simulation.
type host struct {
	id      string
	account string
	profile profile
	rng     *rand.Rand
	log     *logFile
	journal *journalFile
	clock   stamp
	text    []byte // the record under way

	from, to Instant
	now      Instant // of the last line
	timers   [timerCount]Instant
	looks    Instant // when somebody looks next

	version  version
	upgrades int      // how many versions of the profile are behind us
	level    severity // RUST_LOG of processes that start now
	lost     bool     // this part of the log was lost
	moods    int      // how many moods of the profile are behind us
	lastPID  int64
	pool     pool

	booting *enclave   // run-enclave waits for it
	live    []*enclave // ready, in the order of their sockets
	stale   []*enclave // dead, with a socket that is still there
	open    []*enclave // without an end that the log shows

	enclaves   []*enclave
	failures   []failedStart
	unresolved []*enclave
	pools      []poolSpan
}

// failedStart is a failed start at the time of its `[ Exx ]` record.
type failedStart struct {
	enclave *enclave
	at      Instant
}

// timer is something that happens again and again on a host.
type timer int

const (
	timerPoll    timer = iota // the monitoring job
	timerStart                // somebody starts an enclave
	timerReboot               // the host boots again
	timerRestart              // somebody restarts the allocator's service
	timerMood                 // the level changes, or the lost part of the log ends
	timerCount
	timerLook // not in timers: host.looks
	timerBoot // not in timers: the boot that is under way
	timerEnd  // not in timers: enclave.endAt
)

// never is an instant that does not come.
const never Instant = 1 << 62

// newHost returns the instance with that index, ready to run.
func newHost(o Options, index int) *host {
	from, to := o.span()
	h := &host{
		profile: profiles(o)[index%profileCount],
		rng:     rand.New(rand.NewPCG(o.Seed, uint64(index))),
		from:    from, to: to, now: from,
		lastPID: 1100,
		looks:   never,
	}
	h.id = instanceID(o.Seed, index)
	h.account = accounts()[index%len(accounts())]
	h.now += h.between(0, 20*minute)
	h.version = versionNamed(h.profile.versions[0])
	h.lost = h.profile.headLost
	h.timers = [timerCount]Instant{never, never, never, never, never}
	if h.profile.startEvery > 0 {
		h.timers[timerStart] = h.now + h.between(minute, hour)
	}
	if h.profile.rebootEvery > 0 {
		h.timers[timerReboot] = h.now + h.between(h.profile.rebootEvery/2, h.profile.rebootEvery)
		h.timers[timerRestart] = h.now + h.between(h.profile.rebootEvery/2, h.profile.rebootEvery)
	}
	if len(h.profile.moods) > 0 {
		h.timers[timerMood] = h.profile.moods[0].at
	}
	h.schedulePoll()
	h.scheduleLook()
	return h
}

// run lets the host live to its end.
func (h *host) run(ctx context.Context) error {
	h.allocator(h.profile.memory[0])
	for {
		at, what, e := h.next()
		if at >= h.to || h.log.full() {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		h.now = max(at, h.now+5)
		h.act(what, e)
	}
	if h.journal != nil && h.journal.last >= h.log.last {
		// The log reaches as far as the journal, so that no figure hangs on whether a
		// journal says how far a log is complete.
		h.print(h.command(), h.journal.last+10*second, info, h.version.start, "Start Nitro CLI")
	}
	h.endPool(h.through())
	return nil
}

// next returns what happens next.
func (h *host) next() (at Instant, what timer, e *enclave) {
	at, what = h.looks, timerLook
	for t, when := range h.timers {
		if when < at {
			at, what = when, timer(t)
		}
	}
	if h.booting != nil && h.booting.bootAt < at {
		at, what = h.booting.bootAt, timerBoot
	}
	for _, l := range h.live {
		if l.endAt < at {
			at, what, e = l.endAt, timerEnd, l
		}
	}
	return at, what, e
}

// act does what is due.
func (h *host) act(what timer, e *enclave) {
	switch what {
	case timerPoll:
		h.describe()
		h.schedulePoll()
	case timerLook:
		h.look()
		h.scheduleLook()
	case timerStart:
		h.timers[timerStart] = h.now + h.between(h.profile.startEvery/5, h.profile.startEvery*9/5)
		h.tryStart()
	case timerReboot:
		h.timers[timerReboot] = h.now + h.between(h.profile.rebootEvery/2, h.profile.rebootEvery*3/2)
		if h.now < h.to-2*hour && !h.calm(day) {
			h.reboot()
			h.schedulePoll()
		}
	case timerRestart:
		h.timers[timerRestart] = h.now + h.between(h.profile.rebootEvery/2, h.profile.rebootEvery*3/2)
		h.restartAllocator()
	case timerMood:
		h.changeMood()
	case timerBoot:
		h.boot()
	case timerEnd:
		h.end(e)
	}
}

// calm reports whether the host's calm end has begun or begins within ahead.
func (h *host) calm(ahead Instant) bool {
	return h.profile.calm > 0 && h.now >= h.to-h.profile.calm-ahead
}

// tryStart starts an enclave if the host has room for one.
func (h *host) tryStart() {
	if h.calm(0) {
		return
	}
	if !h.version.named && len(h.open) > len(h.live) {
		// Before 1.1.0 run-enclave asks nobody: let somebody notice the dead first, so
		// that no two enclaves seem to hold the same CPUs.
		h.describe()
		h.now += second
	}
	if h.booting != nil {
		r := h.pickRequest()
		if h.level == info && h.booting.failure != failsKilled && h.pool.fits(r.mib, r.vcpus()) {
			h.start(r, failsTogether)
		}
		return
	}
	r, f, ok := h.pickStart()
	if !ok {
		return
	}
	h.start(r, f)
	if h.booting != nil && h.rng.IntN(20) == 0 {
		h.timers[timerStart] = h.now + h.between(100, second)
	}
}

// schedulePoll sets the next run of the monitoring job.
func (h *host) schedulePoll() {
	h.timers[timerPoll] = never
	for _, w := range h.profile.polls {
		next := w.from
		if h.now >= w.from {
			next += ((h.now-w.from)/w.every + 1) * w.every
		}
		if next < w.to {
			h.timers[timerPoll] = next + h.between(1, 6)
			return
		}
	}
}

// scheduleLook sets when a person looks next.
func (h *host) scheduleLook() {
	h.looks = never
	if h.profile.lookEvery > 0 {
		h.looks = h.now + h.between(h.profile.lookEvery/4, h.profile.lookEvery*7/4)
	}
}

// changeMood takes the next mood of the profile, as soon as no start is under way:
// a start is seen whole or not at all.
func (h *host) changeMood() {
	if h.booting != nil {
		h.timers[timerMood] = h.booting.bootAt + 1
		return
	}
	m := h.profile.moods[h.moods]
	h.moods++
	h.level, h.lost = m.level, false
	h.timers[timerMood] = never
	if h.moods < len(h.profile.moods) {
		h.timers[timerMood] = h.profile.moods[h.moods].at
	}
}

// between returns an instant in [low, high).
func (h *host) between(low, high Instant) Instant {
	if high <= low {
		return low
	}
	return low + Instant(h.rng.Int64N(int64(high-low)))
}

// through returns the instant of the last record of the host's evidence, through
// which it is complete.
func (h *host) through() Instant {
	last := h.log.last
	if h.journal != nil {
		last = max(last, h.journal.last)
	}
	return last
}
