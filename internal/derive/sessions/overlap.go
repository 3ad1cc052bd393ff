package sessions

import (
	"time"

	"github.com/trailhouse/trailhouse"
)

// clockSlack is how far the clock in a slot may be off the log's, in microseconds.
const clockSlack = int64(2 * time.Second / time.Microsecond)

// settleOverlaps takes the starts of one pid, in order, and finds those that
// overlapped: two "Enclave ID" lines after two open attempts, as of containers on one
// host, each of which has the pid. The grouping gave the first id to the later attempt
// and the second to none.
func settleOverlaps(st *store, list []*start) []*start {
	gone := map[*start]bool{}
	for i := 2; i < len(list); i++ {
		first, second, stray := list[i-2], list[i-1], list[i]
		if !stray.stray() || second.ready == nil || stray.first-second.last > startSpan || !second.has(KindAttempt) || !first.open(second) {
			continue
		}
		third := i > 2 && list[i-3].open(first) || i+1 < len(list) && list[i+1].stray()
		switch {
		case third || !first.prepared() || !second.prepared():
			second.forget()
		case choose(st, first, second, second.ready) == first && choose(st, first, second, stray.ready) == second:
			first.give(second.ready)
			second.give(stray.ready)
			gone[stray] = true
		case choose(st, first, second, second.ready) == second && choose(st, first, second, stray.ready) == first:
			first.give(stray.ready)
			gone[stray] = true
		default:
			second.forget()
		}
	}
	if len(gone) == 0 {
		return list
	}
	var out []*start
	for _, s := range list {
		if !gone[s] {
			out = append(out, s)
		}
	}
	return out
}

// stray reports whether the start is an id whose beginning is not known.
func (s *start) stray() bool { return s.ready != nil && !s.has(KindAttempt) }

// open reports whether the start had no outcome when the next one began.
func (s *start) open(next *start) bool {
	return s.has(KindAttempt) && s.ready == nil && s.failure == nil && next.at()-s.last <= startSpan
}

// prepared reports whether the start has every line up to its id: none of them can be
// the other's then.
func (s *start) prepared() bool {
	const lines = 1<<KindAttempt | 1<<KindRunArgs | 1<<KindAllocated | 1<<KindReserved
	return s.have&lines == lines
}

// choose returns which of two overlapping starts an id belongs to: the later that was
// not after the creation that the slot tells (facts/nitro.md 2.6), nil where the clock
// is none or fits neither.
func choose(st *store, first, second *start, id *fact) *start {
	at, ok := created(trailhouse.Slot(st.slotOf(id)))
	if !ok || at > id.micros+clockSlack {
		return nil
	}
	switch {
	case at >= second.attempt:
		return second
	case at >= second.attempt-clockSlack && at < first.attempt+clockSlack:
		return nil // so close together that the slack decides nothing
	case at >= first.attempt-clockSlack:
		return first
	}
	return nil
}

// give makes an id the start's.
func (s *start) give(id *fact) {
	s.ready = id
	s.have |= 1 << KindReady
	s.last = max(s.last, id.until)
}

// forget leaves of a start its id alone: whose lines the others are is not known, and
// nothing is better than another client's arguments.
func (s *start) forget() {
	s.request, s.readable = Request{}, false
	s.have &= 1<<KindReady | 1<<KindStartLine
	s.attempt, s.reserved = 0, 0
	s.first = s.ready.micros
}
