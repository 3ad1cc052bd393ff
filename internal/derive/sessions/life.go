package sessions

import (
	"cmp"
	"slices"
	"strconv"
)

// life is one enclave from its start to its end, as its lines show it.
type life struct {
	slot  int32 // spelling
	key   int32
	pid   int32 // 0 where only sockets tell of it
	start *start
	begin int64 // ready, else the first proof of life
	proof proof // the last proof of life
	stops [lastKind + 1]*fact
	signs []Sign // in order of their time
}

// proof is one instant at which an enclave lived.
type proof struct {
	at   int64
	line *fact
}

// joinLives finds the enclaves: those whose start printed an id, and those that
// only later lines tell of.
func (d *derivation) joinLives() {
	d.bySlot = make(map[int32][]*life)
	d.byPID = make(map[int32][]*start)
	for _, s := range d.starts {
		d.byPID[s.pid] = append(d.byPID[s.pid], s)
		if s.ready != nil {
			l := d.addLife(s.ready, s.pid, s)
			l.prove(s.ready.micros, s.ready)
		}
	}
	d.sortLives()
	for i := range d.store.facts {
		if f := &d.store.facts[i]; f.kind.alive() {
			d.lifeOf(f).take(f)
		}
	}
	d.sortLives()
	for i := range d.store.facts {
		if f := &d.store.facts[i]; f.kind == KindConnected && f.slot != none {
			d.connected(f)
		}
	}
	d.sortLives()
}

// addLife adds an enclave that f, its id or its first line, tells of.
func (d *derivation) addLife(f *fact, pid int32, s *start) *life {
	key := d.store.key(f)
	l := &life{slot: f.slot, key: key, pid: pid, start: s, begin: f.micros}
	if s != nil {
		s.life = l
	}
	d.lives = append(d.lives, l)
	d.bySlot[key] = append(d.bySlot[key], l)
	return l
}

func (d *derivation) sortLives() {
	for _, lives := range d.bySlot {
		slices.SortStableFunc(lives, func(a, b *life) int {
			return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.pid, b.pid))
		})
	}
}

// lifeOf returns the life that a line under enc-<slot>:Q belongs to: the latest of
// that slot and pid at or before it.
func (d *derivation) lifeOf(f *fact) *life {
	var found *life
	for _, l := range d.bySlot[d.store.key(f)] {
		if l.pid == f.pid && (found == nil || l.begin <= f.micros) {
			found = l
		}
	}
	if found != nil {
		return found
	}
	return d.addLife(f, f.pid, d.unresolved(f))
}

// unresolved returns the latest start of the line's pid, where it printed neither
// an id nor an error: the id line is missing, and these are its lines.
func (d *derivation) unresolved(f *fact) *start {
	var latest *start
	for _, s := range d.byPID[f.pid] {
		if s.at() <= f.micros {
			latest = s
		}
	}
	if latest == nil || latest.ready != nil || latest.failure != nil || latest.life != nil {
		return nil
	}
	return latest
}

// take adds a line of the enclave's daemon.
func (l *life) take(f *fact) {
	if l.stops[f.kind] == nil {
		l.stops[f.kind] = f
	}
	l.prove(f.until, f)
}

// prove notes that the enclave lived at t.
func (l *life) prove(t int64, f *fact) {
	if l.proof.line == nil || t > l.proof.at {
		l.proof = proof{at: t, line: f}
	}
}

// connected takes an answer behind the enclave's socket as proof of life. It makes
// an enclave known that nothing else tells of.
func (d *derivation) connected(f *fact) {
	lives := d.bySlot[d.store.key(f)]
	if len(lives) == 0 {
		d.addLife(f, 0, nil).prove(f.micros, f)
		return
	}
	found := lives[0]
	for _, l := range lives {
		if l.begin <= f.micros {
			found = l
		}
	}
	if found.start == nil || found.start.ready == nil {
		found.begin = min(found.begin, f.micros)
	}
	found.prove(f.micros, f)
}

// end returns the line that ended the enclave and the reason, nil where the log
// holds none. facts/nitro.md 2.4 and 2.8: "completed termination" only
// terminate-enclave prints, "Enclave terminated." every other orderly end.
func (l *life) end() (*fact, string) {
	other := ReasonCrashed
	switch {
	case l.stops[KindSignal] != nil || l.stops[KindListenerStop] != nil:
		other = ReasonSignal
	case l.stops[KindTerminateComplete] != nil:
		other = ReasonTerminated
	}
	for _, k := range [...]Kind{KindCompleted, KindTerminated, KindSocketDeleted, KindExited, KindSignal, KindHangUp} {
		if f := l.stops[k]; f != nil {
			switch k {
			case KindCompleted:
				return f, ReasonTerminated
			case KindSocketDeleted:
				return f, ReasonSocketDeleted
			}
			return f, other
		}
	}
	return nil, ""
}

// ended returns the reason for an end that the log does not print, of a process that was
// seen to go: what the daemon was told before, where it still wrote that.
func (l *life) ended() string {
	switch {
	case l.stops[KindListenerStop] != nil:
		return ReasonSignal
	case l.stops[KindTerminateComplete] != nil:
		return ReasonTerminated
	}
	return ReasonEnded
}

// stopWords says in words which line ended an enclave.
func stopWords(k Kind) string {
	switch k {
	case KindCompleted:
		return "Enclave has completed termination"
	case KindTerminated:
		return "Enclave terminated"
	case KindSocketDeleted:
		return "Socket deleted, noticed"
	case KindExited:
		return "Exited event loop"
	case KindSignal:
		return "Received signal"
	}
	return "Received hang-up event"
}

// words says in words which line proved the enclave alive.
func (d *derivation) words(p proof) string {
	switch p.line.kind {
	case KindConnected:
		return told("Connected to its socket by "+d.printer(p.line), p.at)
	case KindListed:
		return told("Listed by trailhouse-agent", p.at)
	case KindReady:
		return told("Enclave ID by "+daemon(starter, p.line.pid), p.at)
	}
	return told("Last line by "+daemon(d.store.slotOf(p.line), p.line.pid), p.at)
}

// printer returns the logger id of a line about a socket.
func (d *derivation) printer(f *fact) string {
	if fromDaemon(&d.store, f) {
		return d.store.textOf(f)
	}
	return "nitro-cli:" + strconv.Itoa(int(f.pid))
}
