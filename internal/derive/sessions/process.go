package sessions

import (
	"slices"
	"time"
)

// process is one run of nitro-cli, from its lines.
type process struct {
	pid         int32
	started     bool  // its "Start Nitro CLI" is known
	start       int64 // time of that line, where started
	first, last int64
	sent        int64 // time of its first "Sent command", where sentAny
	sentAny     bool
	sentRun     bool
	listing     bool    // sent a command that asks every enclave
	sentOther   bool    // sent a command that is neither Run nor a listing
	stale       bool    // deleted a stale socket
	deleted     []int32 // keys of the slots whose stale socket it deleted
	errors      bool
	anonymous   bool    // connected to a socket that is not named after a slot
	e39         []*fact // its [ E39 ] records
	connected   []int32 // keys of the slots it connected to, in order
	lines       int32
}

// The spans within which lines of one pid are taken for one process: pids come
// again, and a start may wait for its enclave to boot.
const (
	processGap = int64(time.Hour / time.Microsecond)
	errorGap   = day
)

// segment groups the lines of nitro-cli to processes. of gives for each fact its
// process, or none. The facts are sorted.
func segment(s *store) (procs []process, of []int32) {
	of = make([]int32, len(s.facts))
	procs = make([]process, 0, len(s.facts)/8) // a poll of two enclaves prints six lines
	open := make(map[int32]int32)              // by pid
	for i := range s.facts {
		f := &s.facts[i]
		of[i] = none
		if !f.kind.cli() || fromDaemon(s, f) {
			continue
		}
		id, ok := open[f.pid]
		if f.kind == KindCLIStart || !ok || !procs[id].takes(f) {
			id = int32(len(procs))
			procs = append(procs, process{pid: f.pid, first: f.micros, last: f.micros})
			open[f.pid] = id
		}
		procs[id].add(s, f)
		of[i] = id
	}
	return procs, of
}

// fromDaemon reports whether a line that nitro-cli prints was printed by another
// logger, whose name is then the text.
func fromDaemon(s *store, f *fact) bool {
	return f.text != none && (f.kind == KindConnected || f.kind == KindStale) && starts([]byte(s.texts[f.text]), "enc-")
}

// takes reports whether a line that is not a start can belong to the process.
func (p *process) takes(f *fact) bool {
	gap := processGap
	if f.kind == KindCLIError && !p.listing && !p.sentOther {
		gap = errorGap
	}
	return f.micros-p.last <= gap
}

func (p *process) add(s *store, f *fact) {
	p.last = max(p.last, f.micros)
	p.lines += f.lines
	switch f.kind {
	case KindCLIStart:
		p.started, p.start = true, f.micros
	case KindConnected:
		if key := s.key(f); key != none {
			p.connect(key)
		} else {
			p.anonymous = true
		}
	case KindStale:
		p.stale = true
		if key := s.key(f); key != none {
			p.deleted = append(p.deleted, key)
		}
	case KindSent:
		p.send(s.textOf(f), f.micros)
	case KindCLIError:
		p.errors = true
		if errorCode(s.textOf(f)) == "E39" {
			p.e39 = append(p.e39, f)
		}
	}
}

func (p *process) send(command string, at int64) {
	if !p.sentAny {
		p.sentAny, p.sent = true, at
	}
	switch command {
	case "Run":
		p.sentRun = true
	case "Describe", "GetIDbyName":
		p.listing = true
	default:
		p.sentOther = true
	}
}

func (p *process) connect(key int32) {
	if i, found := slices.BinarySearch(p.connected, key); !found {
		p.connected = slices.Insert(p.connected, i, key)
	}
}

// reached reports whether the process connected to the slot.
func (p *process) reached(key int32) bool {
	_, found := slices.BinarySearch(p.connected, key)
	return found
}

// broadcast reports whether the process asked every enclave of the host, so that
// one that it did not connect to was gone. before11 reports, for a Run without
// connections, whether the nitro-cli is older than 1.1.0, where Run asks nobody
// (facts/nitro.md 2.8). Terminate by id or with --all asks nobody either.
func (p *process) broadcast(asks func(p *process) bool) bool {
	switch {
	case p.listing:
		return true
	case len(p.connected) > 0 || p.anonymous:
		return p.sentAny
	}
	return p.sentRun && asks(p)
}

// at returns when a broadcast began: facts/nitro.md 2.10, convention 1.
func (p *process) at() int64 {
	if p.started {
		return p.start
	}
	return p.sent
}

// forkSpan is how long after its start a nitro-cli forks the daemon, at most.
const forkSpan = 60 * second

// forks reports whether the process can be the one that forked a daemon which
// came up at t. Processes that start and print nothing more (build-enclave,
// describe-eif) have no part in it.
func (p *process) forks(t int64) bool {
	return p.mayFork() && p.start <= t && t-p.start <= forkSpan
}

func (p *process) mayFork() bool {
	return p.started && !p.listing && !p.sentOther && (p.sentRun || len(p.e39) > 0)
}
