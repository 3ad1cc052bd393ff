package sessions

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/derive/sessions/runargs"
)

// Input is everything that is known of one instance.
type Input struct {
	Instance trailhouse.InstanceID
	// Marks of all days, in any order. Equal marks count once, those of other
	// instances not at all.
	Marks []Mark
	// CompleteThrough is the instant through which the host's log is known to be
	// complete: an enclave without an end is presumed to run until then. Where it is
	// zero, the last line of the nitro-cli log stands for it.
	CompleteThrough time.Time
	// Gaps are stretches in which lines of the host may be missing, in any order: an
	// enclave without an end is presumed to run only to the first of them that
	// reaches beyond its last proof of life.
	Gaps []Gap
	// Signs are evidence from elsewhere, in any order. Those of slots that neither
	// the log nor the host agent shows count nothing.
	Signs []Sign
}

// Gap is a stretch of time in which lines of the host's log may be missing, because
// a file or a part of it could not be read.
type Gap struct {
	// From is the last instant before it whose lines are known, zero where the gap
	// reaches back to the beginning.
	From time.Time
	// Through is the first instant behind it whose lines are known, zero where it has
	// no end.
	Through time.Time
}

// Empty reports whether no instant lies in the gap.
func (g Gap) Empty() bool {
	return !g.From.IsZero() && !g.Through.IsZero() && !g.Through.After(g.From)
}

// beyond reports whether the gap reaches beyond t, in microseconds.
func (g Gap) beyond(t int64) bool {
	return !g.Empty() && (g.Through.IsZero() || g.Through.UnixMicro() > t)
}

// Request is what run-enclave was asked for.
type Request = runargs.Request

// Result is what the marks of an instance say.
type Result struct {
	// Sessions are ordered by start and id.
	Sessions []Session
	// Attempts are the starts that gave no enclave, ordered by time and pid.
	Attempts []Attempt
}

// The reasons for which a session ends (facts/nitro.md 2.10, convention 4).
const (
	ReasonTerminated    = "terminated"
	ReasonCrashed       = "crashed" // clean exits too: the log cannot tell
	ReasonSignal        = "signal"
	ReasonSocketDeleted = "socket-deleted"
	ReasonEnded         = "ended"   // its process was seen to go away; no log says how: a kill prints nothing
	ReasonLost          = "lost"    // no end in the log, but proof that it was gone
	ReasonRunning       = "running" // no end in the log and no such proof
)

// Session is one life of an enclave. Times are UTC; a zero time is unknown.
type Session struct {
	SessionID     string
	Instance      trailhouse.InstanceID
	EnclaveID     string
	Slot          trailhouse.Slot
	PID           int64 // 0 is unknown
	Request       Request
	Attempt       time.Time
	Reserved      time.Time
	Ready         time.Time
	Started       time.Time // Ready, else the first proof of life
	Created       time.Time
	Stop          time.Time
	StopNotBefore time.Time
	StopNotAfter  time.Time
	PresumedUntil time.Time // only while running
	Reason        string
	Evidence      string
	Partial       bool
	PCR0, PCR8    string // from signs, never from the log
}

// The outcomes of an attempt that gave no enclave.
const (
	OutcomeFailed     = "failed"
	OutcomeUnresolved = "unresolved" // cut off by reboot, rotation or the log's end
)

// Attempt is one start that gave no enclave. Times are UTC; a zero time is
// unknown.
type Attempt struct {
	Instance  trailhouse.InstanceID
	PID       int64
	Time      time.Time
	Outcome   string
	ErrorCode string
	Error     string
	Request   Request
	Attempt   time.Time
	Reserved  time.Time
	Evidence  string
}

// Derive turns the marks of one instance into its sessions and failed starts.
func Derive(in Input) Result {
	d := &derivation{in: in, store: newStore()}
	d.load()
	d.procs, _ = segment(&d.store)
	d.starts = groupStarts(&d.store)
	d.joinLives()
	d.watch()
	d.giveSigns()
	d.findBroadcasts()
	d.forkErrors()
	return d.result()
}

// derivation is the work of one Derive.
type derivation struct {
	in     Input
	store  store
	last   int64 // last line of the nitro-cli log
	procs  []process
	starts []*start
	lives  []*life

	bySlot          map[int32][]*life // by slot key, in order of begin
	byPID           map[int32][]*start
	broadcasts      []*process           // in order of their time
	hostGone, boots []Sign               // in order of their time
	listings        map[string][]listing // by scope, in order of their time
}

// load brings the marks into the store's form, sorted and without repetition.
func (d *derivation) load() {
	s := &d.store
	s.facts = make([]fact, 0, len(d.in.Marks))
	for i := range d.in.Marks {
		m := &d.in.Marks[i]
		if m.Instance != d.in.Instance || m.Kind == 0 {
			continue
		}
		if !m.Kind.allocator() {
			d.last = max(d.last, m.Until)
		}
		if m.Kind == KindLog {
			continue
		}
		s.facts = append(s.facts, fact{
			micros: m.Micros, until: m.Until, kind: m.Kind, pid: int32(m.PID), lines: int32(m.Lines), id: m.Record,
			slot: s.slot([]byte(m.Slot)), text: s.text([]byte(m.Detail)),
		})
	}
	s.sort()
}

// findBroadcasts lists the processes that asked every enclave.
func (d *derivation) findBroadcasts() {
	for i := range d.procs {
		if d.procs[i].broadcast(d.runAsks) {
			d.broadcasts = append(d.broadcasts, &d.procs[i])
		}
	}
	slices.SortStableFunc(d.broadcasts, func(a, b *process) int {
		return cmp.Or(cmp.Compare(a.at(), b.at()), cmp.Compare(a.pid, b.pid))
	})
}

// runSpan is how long after "Sent command: Run" the daemon prints what it was
// asked for, at most.
const runSpan = 10 * second

// runAsks reports whether a Run that connected to nobody asked for names: whether
// the start that it caused is of nitro-cli 1.1.0 or newer.
func (d *derivation) runAsks(p *process) bool {
	facts := d.store.facts
	i, _ := slices.BinarySearchFunc(facts, p.sent, func(f fact, t int64) int { return cmp.Compare(f.micros, t) })
	for ; i < len(facts) && facts[i].micros-p.sent <= runSpan; i++ {
		if facts[i].kind == KindRunArgs {
			_, named, err := runargs.Parse(d.store.textOf(&facts[i]))
			return err == nil && named
		}
	}
	return false
}

// forkErrors gives starts that ended without a word of their own the [ E39 ] of the
// nitro-cli that forked them. Each process forked one daemon at most; the nearest
// pids are paired first.
func (d *derivation) forkErrors() {
	type pair struct {
		distance, wait int64
		start          *start
		p              int
	}
	var pairs []pair
	for _, s := range d.starts {
		t := s.at()
		for i, end := d.startedBefore(t); i < end; i++ {
			if p := &d.procs[i]; p.forks(t) {
				pairs = append(pairs, pair{pidDistance(p.pid, s.pid), t - p.start, s, i})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.wait, b.wait), cmp.Compare(a.start.at(), b.start.at()), cmp.Compare(a.p, b.p))
	})
	taken := make(map[int]bool)
	for _, q := range pairs {
		if taken[q.p] || q.start.forked {
			continue
		}
		taken[q.p], q.start.forked = true, true
		for _, f := range d.procs[q.p].e39 {
			if f.micros >= q.start.at() {
				q.start.forkError = f
				break
			}
		}
	}
}

// startedBefore returns the range of processes whose first line is within forkSpan
// before t. They are in order of that line.
func (d *derivation) startedBefore(t int64) (from, to int) {
	at := func(p process, t int64) int { return cmp.Compare(p.first, t) }
	from, _ = slices.BinarySearchFunc(d.procs, t-forkSpan, at)
	to, _ = slices.BinarySearchFunc(d.procs, t+1, at)
	return from, to
}

// pidDistance returns how many pids after p the kernel gave q, over the wrap at
// the kernel's default limits.
func pidDistance(p, q int32) int64 {
	const small, large = 32768, 4194304
	switch {
	case q > p:
		return int64(q) - int64(p)
	case p < small:
		return int64(q) - int64(p) + small
	}
	return int64(q) - int64(p) + large
}

// result writes the rows down.
func (d *derivation) result() Result {
	var r Result
	for _, lives := range d.bySlot {
		for i, l := range lives {
			r.Sessions = append(r.Sessions, d.session(l, lives, i))
		}
	}
	slices.SortFunc(r.Sessions, func(a, b Session) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.SessionID, b.SessionID))
	})
	for _, s := range d.starts {
		if s.life == nil {
			r.Attempts = append(r.Attempts, d.attempt(s))
		}
	}
	slices.SortFunc(r.Attempts, func(a, b Attempt) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.PID, b.PID), a.Attempt.Compare(b.Attempt), cmp.Compare(a.Evidence, b.Evidence))
	})
	return r
}

// attempt writes down a start without an enclave.
func (d *derivation) attempt(s *start) Attempt {
	a := Attempt{
		Instance: d.in.Instance, PID: int64(s.pid), Outcome: OutcomeUnresolved,
		Request: s.request, Attempt: s.attemptTime(), Reserved: s.reservedTime(),
	}
	switch {
	case s.failure != nil:
		a.Outcome, a.Time = OutcomeFailed, instant(s.failure.micros)
		a.Error = d.store.textOf(s.failure)
		a.ErrorCode = errorCode(a.Error)
		a.Evidence = told("[ "+a.ErrorCode+" ] by "+daemon(starter, s.pid), s.failure.micros)
	case s.forkError != nil:
		f := s.forkError
		a.Outcome, a.Time = OutcomeFailed, instant(f.micros)
		a.Error, a.ErrorCode = d.store.textOf(f), "E39"
		a.Evidence = told("[ E39 ] by nitro-cli:"+strconv.Itoa(int(f.pid)), f.micros)
	default:
		a.Time = instant(s.last)
		a.Evidence = told("Last line by "+daemon(starter, s.pid), s.last)
	}
	return a
}

// instant returns microseconds since 1970 as a time.
func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }

// told writes evidence: what was seen, and when.
func told(what string, us int64) string {
	return what + " at " + instant(us).Format("2006-01-02T15:04:05.000Z")
}

// daemon returns the logger id of a daemon.
func daemon(slot string, pid int32) string {
	return "enc-" + slot + ":" + strconv.Itoa(int(pid))
}
