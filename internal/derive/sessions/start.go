package sessions

import (
	"time"

	"github.com/trailhouse/trailhouse/internal/derive/sessions/runargs"
)

// start is one try to start an enclave: the lines under enc-xxxxxxx:Q.
type start struct {
	pid         int32
	have        uint64 // kinds of its lines, as bits
	first, last int64
	attempt     int64 // time of "Enclave process PID: Q", where it has that line
	reserved    int64
	request     Request
	readable    bool  // the Run args were understood
	ready       *fact // "Enclave ID = …"
	failure     *fact // its first [ Exx ] record
	life        *life // the enclave it gave, nil for none

	forked    bool  // the nitro-cli that forked it is known
	forkError *fact // [ E39 ] of that nitro-cli
}

// startSpan is how far apart two lines of one start can be.
const startSpan = day

func (s *start) has(k Kind) bool { return s.have&(1<<k) != 0 }

// at returns when the daemon came up, as far as is known.
func (s *start) at() int64 {
	if s.has(KindAttempt) {
		return s.attempt
	}
	return s.first
}

// attemptTime returns the time of the daemon's first line, zero where that line is
// lost. A clock that was set back during the start must not make its parts
// negative.
func (s *start) attemptTime() time.Time {
	if !s.has(KindAttempt) {
		return time.Time{}
	}
	return instant(s.notAfterEnd(s.attempt))
}

func (s *start) reservedTime() time.Time {
	if !s.has(KindReserved) {
		return time.Time{}
	}
	return instant(s.notAfterEnd(s.reserved))
}

// notAfterEnd returns t, but not after the instant at which the start succeeded or
// failed.
func (s *start) notAfterEnd(t int64) int64 {
	switch {
	case s.ready != nil:
		return min(t, s.ready.micros)
	case s.failure != nil:
		return min(t, s.failure.micros)
	case s.life != nil:
		return min(t, s.life.begin)
	case s.forkError != nil:
		return min(t, s.forkError.micros)
	}
	return t
}

// whole reports whether no line that tells about the enclave is missing.
func (s *start) whole() bool {
	const lines = 1<<KindAttempt | 1<<KindRunArgs | 1<<KindAllocated | 1<<KindReserved | 1<<KindReady
	return s.have&lines == lines && s.readable && s.request.MemoryMiB != nil
}

// groupStarts groups the lines of daemons without an enclave: each belongs to the
// latest "Enclave process PID: Q" of its pid at or before it. Lines that none can
// claim make a start of their own. The facts are sorted.
func groupStarts(s *store) []*start {
	byPID := make(map[int32][]*start)
	var pids []int32
	for i := range s.facts {
		f := &s.facts[i]
		if !f.kind.starting() {
			continue
		}
		list := byPID[f.pid]
		if list == nil {
			pids = append(pids, f.pid)
		}
		if n := len(list); n == 0 || !list[n-1].takes(f) {
			list = append(list, &start{pid: f.pid, first: f.micros, last: f.micros})
		}
		list[len(list)-1].add(s, f)
		byPID[f.pid] = list
	}
	var all []*start
	for _, pid := range pids {
		all = append(all, settleOverlaps(s, joinSteps(byPID[pid]))...)
	}
	return all
}

// takes reports whether a line can belong to the start, given that it is later
// than all its others.
func (s *start) takes(f *fact) bool {
	switch {
	case f.kind == KindAttempt || f.micros-s.last > startSpan:
		return false
	case s.ready != nil:
		return f.kind == KindStartLine && f.micros-s.last <= forkSpan
	case f.kind >= KindRunArgs && f.kind <= KindReady:
		return !s.has(f.kind)
	}
	return true
}

func (s *start) add(st *store, f *fact) {
	s.have |= 1 << f.kind
	s.last = max(s.last, f.until)
	switch f.kind {
	case KindAttempt:
		s.attempt = f.micros
	case KindRunArgs:
		memory := s.request.MemoryMiB
		request, _, err := runargs.Parse(st.textOf(f))
		s.request, s.readable = request, err == nil
		s.request.MemoryMiB = memory
	case KindAllocated:
		if mib, ok := allocatedMiB(st.textOf(f)); ok {
			s.request.MemoryMiB = &mib
		}
	case KindReserved:
		s.reserved = f.micros
	case KindReady:
		s.ready = f
	case KindStartError:
		if s.failure == nil {
			s.failure = f
		}
	}
}

// joinSteps joins lines without a "Enclave process PID" with the next start of the
// same pid, where that one lacks these very lines: the clock was set back during
// the start.
func joinSteps(list []*start) []*start {
	var out []*start
	for i, s := range list {
		if !s.has(KindAttempt) && i+1 < len(list) && s.misplaced(list[i+1]) {
			list[i+1].join(s)
			continue
		}
		out = append(out, s)
	}
	return out
}

// misplaced reports whether the lines of s, which come before those of next, are
// missing there.
func (s *start) misplaced(next *start) bool {
	if !next.has(KindAttempt) || next.attempt-s.last > startSpan {
		return false
	}
	have := s.have
	if telling := have &^ (1 << KindStartLine); telling != 0 {
		have = telling
	}
	return have&next.have == 0
}

// join takes over the lines of head.
func (s *start) join(head *start) {
	memory := s.request.MemoryMiB
	if head.has(KindRunArgs) {
		s.request, s.readable = head.request, head.readable
	}
	if head.has(KindAllocated) {
		memory = head.request.MemoryMiB
	}
	s.request.MemoryMiB = memory
	if head.has(KindReserved) {
		s.reserved = head.reserved
	}
	if head.ready != nil {
		s.ready = head.ready
	}
	if head.failure != nil {
		s.failure = head.failure
	}
	s.have |= head.have
	s.first = head.first
}
