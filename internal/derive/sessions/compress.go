package sessions

import "slices"

// role says what becomes of a process when a day is folded.
type role uint8

const (
	idle   role = iota // proves nothing: left out
	member             // a broadcast that found what it found: one of a run
	other              // kept, and it ends every run
)

// edge is the span at the start and end of a day within which a process may have
// lines in the next file or day.
const edge = 60 * second

// compress returns the facts that matter. Left out are processes that prove
// nothing, the broadcasts between the first and the last of a run that found the
// same enclaves while nothing else happened on the host, and the proofs of life
// between the first and the last of an uninterrupted series. No bound depends on
// them: the first broadcast of a run is the earliest that can show an enclave
// gone, the last one the latest that shows others alive.
func compress(s *store) []fact {
	procs, of := segment(s)
	c := compressor{store: s, procs: procs, of: of, roles: roles(s, procs), drop: make([]bool, len(procs))}
	for i := range procs {
		c.drop[i] = c.roles[i] == idle
	}
	c.findRuns()
	return c.foldSeries()
}

// roles decides for each process what it can mean.
func roles(s *store, procs []process) []role {
	var attempts []int64
	for i := range s.facts {
		if s.facts[i].kind.starting() {
			attempts = append(attempts, s.facts[i].micros)
		}
	}
	out := make([]role, len(procs))
	for i := range procs {
		p := &procs[i]
		switch {
		case p.idle(attempts):
			out[i] = idle
		case p.started && !p.stale && !p.sentRun && p.broadcast(func(*process) bool { return false }):
			out[i] = member
		default:
			out[i] = other
		}
	}
	return out
}

// idle reports whether a process proves nothing about any enclave. starts are the
// times of lines of starting daemons, in order.
func (p *process) idle(starts []int64) bool {
	if !p.started || p.listing || p.sentRun || p.stale || p.anonymous || len(p.connected) > 0 {
		return false
	}
	if p.sentOther {
		return true
	}
	midnight := dayOf(p.start)
	if p.start-midnight < processGap || midnight+day-p.start < processGap {
		return false // its other lines may stand in another day
	}
	i, _ := slices.BinarySearch(starts, p.start)
	return i == len(starts) || starts[i]-p.start > forkSpan
}

// compressor finds what can be left out of a day.
type compressor struct {
	store *store
	procs []process
	of    []int32
	roles []role
	drop  []bool // processes left out

	run []int32 // the run under way, in order of start
}

// findRuns marks the middle of every run of broadcasts as left out.
func (c *compressor) findRuns() {
	for i := range c.store.facts {
		f := &c.store.facts[i]
		p := c.of[i]
		switch {
		case f.kind.allocator():
		case f.kind == KindListed:
			c.see(c.store.key(f))
		case f.kind.watched():
		case p != none && c.roles[p] == idle:
		case p != none && c.roles[p] == member:
			if f.kind == KindCLIStart {
				c.enter(p)
			} else if f.kind == KindConnected && f.slot != none {
				c.see(c.store.key(f))
			}
		case f.kind == KindLife:
			c.see(c.store.key(f))
		default:
			c.end()
		}
	}
	c.end()
}

// enter puts a broadcast into the run, or begins another one with it.
func (c *compressor) enter(p int32) {
	if len(c.run) > 0 && !c.procs[c.run[0]].sees(&c.procs[p]) {
		c.end()
	}
	c.run = append(c.run, p)
}

// sees reports whether two broadcasts found the same.
func (p *process) sees(q *process) bool {
	return p.anonymous == q.anonymous && slices.Equal(p.connected, q.connected)
}

// see ends the run where an enclave that it misses proves that it lives.
func (c *compressor) see(key int32) {
	if len(c.run) > 0 && !c.procs[c.run[0]].reached(key) {
		c.end()
	}
}

// end closes the run under way.
func (c *compressor) end() {
	for i := 1; i < len(c.run)-1; i++ {
		p := &c.procs[c.run[i]]
		c.drop[c.run[i]] = !nearMidnight(p.first) && !nearMidnight(p.last)
	}
	c.run = c.run[:0]
}

func nearMidnight(t int64) bool {
	since := t - dayOf(t)
	return since < edge || day-since <= edge
}

// series identifies proofs of life that can be folded to one span.
type series struct {
	slot, pid, text int32
	kind            Kind
}

// foldSeries returns the facts that are kept, with series of proofs of life folded
// to spans.
func (c *compressor) foldSeries() []fact {
	var out []fact
	open := make(map[series]int)
	for i := range c.store.facts {
		f := &c.store.facts[i]
		switch {
		case c.of[i] != none:
			if !c.drop[c.of[i]] {
				out = append(out, *f)
				unwatch(open)
			}
			continue
		case f.kind == KindLife || f.kind == KindStartLine || f.kind.watched():
			id := series{f.slot, f.pid, f.text, f.kind}
			if f.kind != KindBoot && f.kind != KindListed && !c.expected(open, f) {
				unwatch(open)
			}
			if at, ok := open[id]; ok {
				out[at].until = f.until
				out[at].lines += f.lines
				continue
			}
			open[id] = len(out)
		default:
			c.interrupt(open, f)
			unwatch(open)
		}
		out = append(out, *f)
	}
	return out
}

// interrupt ends the series of the fact's process and slot, so that a proof of
// life never spans the end of one life and the start of the next.
func (c *compressor) interrupt(open map[series]int, f *fact) {
	key := c.store.key(f)
	for id := range open {
		if id.pid == f.pid || id.slot != none && c.store.slots[id.slot].key == key {
			delete(open, id)
		}
	}
}

// unwatch ends the series of lists: between two equal ones something happened, which the
// first behind it may bound.
func unwatch(open map[series]int) {
	for id := range open {
		if id.kind == KindListing || id.kind == KindListed {
			delete(open, id)
		}
	}
}

// expected reports whether a fact tells nothing but what the lists of the series under way
// say: a list like them, or a line of an enclave in it.
func (c *compressor) expected(open map[series]int, f *fact) bool {
	for id := range open {
		switch {
		case f.kind == KindListing && id.kind == KindListing && id.text == f.text:
			return true
		case f.kind == KindLife && id.kind == KindListed && c.store.slots[id.slot].key == c.store.key(f):
			return true
		}
	}
	return false
}
