package demo

import (
	"cmp"
	"slices"
	"time"
)

// sessions returns what the host's log shows of its enclaves.
func (h *host) sessions(rules []rule) []Session {
	var list []Session
	for _, e := range h.enclaves {
		if e.seen.first != 0 { // of the others the log says nothing
			s := h.session(e)
			s.Client = owner(rules, s)
			list = append(list, s)
		}
	}
	return list
}

// session returns what the log shows of one enclave.
func (h *host) session(e *enclave) Session {
	s := Session{
		EnclaveID: h.id + "-enc" + e.slot, InstanceID: h.id,
		Attempt: e.seen.attempt, Reserved: e.seen.reserved, Ready: e.seen.ready, Started: e.seen.first,
		Partial: !e.seen.args || e.seen.ready == 0, ReallyEnded: e.ended,
	}
	if e.seen.pid {
		s.PID = &e.proc.pid
	}
	if e.seen.args {
		r := e.request
		s.EIFPath, s.MemoryRequestedMiB, s.CPUIDs, s.Debug = &r.eif, &r.mib, r.cpus, &r.debug
		s.Name, s.VCPUs = nameOf(e), pointer(r.vcpus())
		if r.cid >= 0 {
			s.CIDRequested = &r.cid
		}
	}
	if e.seen.allocated {
		s.MemoryMiB = pointer(e.held.mib())
	}
	h.finish(&s, e.seen)
	return s
}

// finish sets the end of a session and what it is billed (facts/nitro.md 2.8, 2.10
// and the rule of presumed running).
func (h *host) finish(s *Session, seen evidence) {
	var end Instant
	switch {
	case seen.stop != 0:
		s.Reason, s.Stop, s.StopNotBefore, s.StopNotAfter = seen.reason, seen.stop, seen.stop, seen.stop
		end = seen.stop
	case seen.gone != 0:
		s.Reason, s.StopNotBefore, s.StopNotAfter = "lost", seen.last, seen.gone
		end = seen.last
		s.Uncertain = Seconds(seen.gone - seen.last)
	default:
		s.Reason, s.StopNotBefore, s.PresumedUntil = "running", seen.last, h.through()
		end = s.PresumedUntil
		s.Presumed = Seconds(end - seen.last)
	}
	s.Billed = Seconds(end - s.Started)
}

// attempts returns the failed starts, and those that were cut off.
func (h *host) attempts() (failed, unresolved []Attempt) {
	for _, f := range h.failures {
		a := h.attempt(f.enclave)
		a.Time, a.ErrorCode = f.at, f.enclave.failure.code()
		failed = append(failed, a)
	}
	for _, e := range h.unresolved {
		if e.seen.pid {
			a := h.attempt(e)
			a.Time = e.seen.reserved
			unresolved = append(unresolved, a)
		}
	}
	return failed, unresolved
}

func (h *host) attempt(e *enclave) Attempt {
	a := Attempt{InstanceID: h.id, PID: e.proc.pid, Attempt: e.seen.attempt, Reserved: e.seen.reserved}
	if e.seen.args {
		a.Name, a.EIFPath, a.VCPUs = nameOf(e), &e.request.eif, pointer(e.request.vcpus())
	}
	if e.seen.allocated {
		a.MemoryMiB = pointer(e.held.mib())
	}
	return a
}

// nameOf returns the name that the log shows; before 1.1.0 there was none.
func nameOf(e *enclave) *string {
	if !e.version.named {
		return nil
	}
	return &e.request.name
}

func pointer[T any](v T) *T { return &v }

func value(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

// billed, presumed and uncertain are the parts of a session's time.
func (s *Session) billed() span { return span{s.Started, s.Started + Instant(s.Billed)} }
func (s *Session) presumed() span {
	return span{s.StopNotBefore, s.StopNotBefore + Instant(s.Presumed)}
}
func (s *Session) uncertain() span {
	return span{s.StopNotBefore, s.StopNotBefore + Instant(s.Uncertain)}
}

// usage sums the sessions by client and month.
func usage(sessions []Session) []Usage {
	type key struct{ client, month string }
	sums := map[key]*Usage{}
	for i := range sessions {
		s := &sessions[i]
		for m := monthOf(s.Started); m.from <= max(s.billed().to, s.uncertain().to); m = monthOf(m.to) {
			billed, uncertain := s.billed().within(m).length(), s.uncertain().within(m).length()
			if s.Started < m.from && billed == 0 && uncertain == 0 {
				continue
			}
			k := key{s.Client, m.from.Time().Format("2006-01")}
			u := sums[k]
			if u == nil {
				u = &Usage{Client: k.client, Month: k.month}
				sums[k] = u
			}
			u.Sessions++
			u.Billed += Seconds(billed)
			u.Presumed += Seconds(s.presumed().within(m).length())
			u.Uncertain += Seconds(uncertain)
			u.VCPUMillis += value(s.VCPUs) * billed
			u.MiBMillis += value(s.MemoryMiB) * billed
		}
	}
	list := make([]Usage, 0, len(sums))
	for _, u := range sums {
		list = append(list, *u)
	}
	slices.SortFunc(list, func(a, b Usage) int {
		return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.Client, b.Client))
	})
	return list
}

// monthOf returns the calendar month of an instant, UTC.
func monthOf(at Instant) span {
	t := at.Time()
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return span{instantOf(first), instantOf(first.AddDate(0, 1, 0))}
}

// poolUse sums what became of the host's pool.
func (h *host) poolUse(sessions []Session, failed []Attempt) Pool {
	p := Pool{InstanceID: h.id}
	for _, span := range h.pools {
		ms := span.length()
		p.VCPUs, p.MiB = span.vcpus, span.mib
		p.ReservedMilli += ms
		p.ReservedVCPU += span.vcpus * ms
		p.ReservedMiB += span.mib * ms
		for i := range sessions {
			s := &sessions[i]
			used := s.billed().within(span.span).length()
			p.UsedVCPU += value(s.VCPUs) * used
			p.UsedMiB += value(s.MemoryMiB) * used
			unbilled := s.uncertain().within(span.span).length()
			if s.Reserved != 0 && s.Ready != 0 {
				unbilled += spanOf(s.Reserved, s.Ready).within(span.span).length()
			}
			p.UnbilledVCPU += value(s.VCPUs) * unbilled
			p.UnbilledMiB += value(s.MemoryMiB) * unbilled
		}
		for _, a := range failed {
			if a.Reserved != 0 {
				held := spanOf(a.Reserved, a.Time).within(span.span).length()
				p.UnbilledVCPU += value(a.VCPUs) * held
				p.UnbilledMiB += value(a.MemoryMiB) * held
			}
		}
	}
	p.IdleVCPU = p.ReservedVCPU - p.UsedVCPU - p.UnbilledVCPU
	p.IdleMiB = p.ReservedMiB - p.UsedMiB - p.UnbilledMiB
	return p
}

func spanOf(from, to Instant) span { return span{from, to} }
