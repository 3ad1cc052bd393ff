package sessions

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/trailhouse/trailhouse"
)

// bound is an instant at which an enclave was certainly gone, and what shows it.
type bound struct {
	at  int64
	why string
}

// session writes down a life. lives are all of its slot, in order; i is its place.
func (d *derivation) session(l *life, lives []*life, i int) Session {
	slot := d.store.slots[l.slot].text
	s := Session{
		SessionID: string(d.in.Instance) + "-enc" + d.store.keys[l.key],
		Instance:  d.in.Instance,
		EnclaveID: string(d.in.Instance) + "-enc" + slot,
		Slot:      trailhouse.Slot(slot),
		PID:       int64(l.pid),
		Started:   instant(l.begin),
		Partial:   true,
	}
	if i > 0 {
		s.SessionID += "#" + strconv.Itoa(i+1)
	}
	if us, ok := created(s.Slot); ok {
		s.Created = instant(us)
	}
	if st := l.start; st != nil {
		s.Request, s.Partial = st.request, !st.whole()
		s.Attempt, s.Reserved = st.attemptTime(), st.reservedTime()
		if st.ready != nil {
			s.Ready = instant(st.ready.micros)
			s.EnclaveID = d.store.textOf(st.ready)
		}
	}
	d.finish(&s, l, lives[i+1:])
	l.measure(&s)
	return s
}

// finish sets how the life ended. later are the later lives of the same slot.
func (d *derivation) finish(s *Session, l *life, later []*life) {
	slot := string(s.Slot)
	if f, reason := l.end(); f != nil {
		stop := max(f.micros, l.begin) // a clock set back makes nothing negative
		s.Stop, s.StopNotBefore, s.StopNotAfter = instant(stop), instant(stop), instant(stop)
		s.Reason = reason
		s.Evidence = told(stopWords(f.kind)+" by "+daemon(slot, f.pid), f.micros)
		return
	}
	lower := max(l.proof.at, l.begin)
	alive := func() string { return d.words(l.proof) }
	upper, gone := d.upper(l, lower, later)
	own, _ := l.applySigns(lower, upper.at, never)
	end, calls := d.hostEnd(l, own)
	if at, why := l.applySigns(lower, upper.at, calls); why != "" {
		lower, alive = at, func() string { return why }
	}
	add := func(at int64, why func() string) bool {
		if !gone || at < upper.at {
			upper, gone = bound{at, why()}, true
		}
		return true
	}
	d.bySigns(l, lower, add)
	if end != nil {
		at := end.At.UnixMicro()
		add(max(at, lower), func() string { return told(end.Why, at) })
	}
	s.StopNotBefore = instant(lower)
	if gone {
		s.StopNotAfter, s.Reason, s.Evidence = instant(upper.at), ReasonLost, upper.why
		if l.wentAt(upper.at) {
			s.Reason = l.ended()
		}
		if upper.at == lower && l.endedAt(lower) {
			s.Stop = s.StopNotAfter
		}
		return
	}
	d.presume(s, lower, alive())
}

// presume sets how long an enclave that nothing shows to be gone is presumed to run.
// alive says in words what proved it alive last.
func (d *derivation) presume(s *Session, lower int64, alive string) {
	through := d.last
	if !d.in.CompleteThrough.IsZero() {
		through = d.in.CompleteThrough.UnixMicro()
	}
	until, cut := d.beforeGap(lower, max(through, lower))
	s.PresumedUntil, s.Reason = instant(until), ReasonRunning
	s.Evidence = "No end in the log. " + alive
	if cut {
		s.Evidence += told("; lines may be missing behind it, presumed to the gap", until)
	}
}

// beforeGap returns through, or the beginning of the first gap that reaches beyond
// lower, the last proof of life, where that is earlier: in a gap the line of an end
// may be missing. It reports whether a gap was in the way.
func (d *derivation) beforeGap(lower, through int64) (until int64, cut bool) {
	until = through
	for _, g := range d.in.Gaps {
		if !g.beyond(lower) {
			continue
		}
		from := lower
		if !g.From.IsZero() {
			from = max(from, g.From.UnixMicro())
		}
		if from < until {
			until, cut = from, true
		}
	}
	return until, cut
}

// upper returns the earliest instant, not before lower, at which the enclave was
// gone for sure by the log (facts/nitro.md 2.8, 2.10).
func (d *derivation) upper(l *life, lower int64, later []*life) (bound, bool) {
	var all []bound
	add := func(at int64, why func() string) bool {
		if at >= lower && (len(all) == 0 || at < all[0].at) {
			all = append(all[:0], bound{at, why()})
		}
		return at >= lower
	}
	d.byBroadcast(l, lower, add)
	d.byFacts(l, lower, add)
	for _, next := range later {
		from := next.begin
		if next.start != nil {
			from = min(from, next.start.at())
		}
		add(from, func() string { return told("Slot started again by "+daemon(starter, next.pid), from) })
	}
	d.byCPUs(l, add)
	if len(all) == 0 {
		return bound{}, false
	}
	return all[0], true
}

// addBound takes a bound and reports whether it is one: not before the lower bound.
type addBound func(at int64, why func() string) bool

// byBroadcast adds the first broadcast that began after the enclave was up and did
// not find it. Where it deleted the enclave's stale socket, that line is the bound
// instead, and byFacts has it.
func (d *derivation) byBroadcast(l *life, lower int64, add addBound) {
	from := max(lower, l.begin+1)
	i, _ := slices.BinarySearchFunc(d.broadcasts, from, func(p *process, t int64) int { return cmp.Compare(p.at(), t) })
	for ; i < len(d.broadcasts); i++ {
		p := d.broadcasts[i]
		if p.reached(l.key) || slices.Contains(p.deleted, l.key) {
			continue
		}
		add(p.at(), func() string { return told(p.words()+" without it by nitro-cli:"+strconv.Itoa(int(p.pid)), p.at()) })
		return
	}
}

// words says what a broadcast was.
func (p *process) words() string {
	switch {
	case p.listing:
		return "Describe"
	case p.sentRun:
		return "Run"
	}
	return "Search by name"
}

// byFacts adds the first bound that a single line shows.
func (d *derivation) byFacts(l *life, lower int64, add addBound) {
	facts := d.store.facts
	from := lower - lower%second
	i, _ := slices.BinarySearchFunc(facts, from, func(f fact, t int64) int { return cmp.Compare(f.micros, t) })
	for ; i < len(facts); i++ {
		f := &facts[i]
		found := false
		switch {
		case f.kind == KindStale && d.store.key(f) == l.key:
			found = add(f.micros, func() string { return told("Deleting stale socket by "+d.printer(f), f.micros) })
		case f.kind == KindAttempt && f.pid == l.pid && (l.start == nil || f.micros != l.start.attempt):
			found = add(f.micros, func() string { return told("Its pid again: Enclave process PID by "+daemon(starter, f.pid), f.micros) })
		case f.kind == KindPool && d.poolBounds(l, f):
			found = add(max(f.micros, lower), func() string { return told("Allocator succeeded", f.micros) })
		}
		if found {
			return
		}
	}
}

// poolBounds reports whether a run of the allocator, known to the second, was
// after the enclave took its resources: it succeeds only while no enclave runs.
func (d *derivation) poolBounds(l *life, f *fact) bool {
	taken := l.begin
	if l.start != nil {
		taken = min(taken, l.start.at())
	}
	return f.micros > taken
}

// byCPUs adds the first later enclave that got a CPU which this one had asked for
// by number.
func (d *derivation) byCPUs(l *life, add addBound) {
	if l.start == nil {
		return
	}
	for _, next := range d.lives {
		st := next.start
		if next == l || st == nil || st.ready == nil || next.begin <= l.begin || !intersect(l.start.request.CPUIDs, st.request.CPUIDs) {
			continue
		}
		add(next.begin, func() string {
			return told("Its CPUs taken: Enclave ID by "+daemon(starter, next.pid), next.begin)
		})
	}
}

func intersect(a, b []int64) bool {
	return slices.ContainsFunc(a, func(x int64) bool { return slices.Contains(b, x) })
}
