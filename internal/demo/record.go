package demo

import (
	"strconv"
	"time"
)

// severity is the level of a record, and of RUST_LOG: a process prints the records
// that are at least as severe as its own (facts/nitro.md 2.1).
type severity uint8

const (
	info severity = iota
	warn
	fail
)

// header returns the level between the logger and the timestamp.
func (s severity) header() string {
	return [...]string{"][INFO][", "][WARN][", "][ERROR]["}[s]
}

// process is one process that writes to the log.
type process struct {
	pid    int64
	logger string
	level  severity
	// generation is the rotated file that it holds open: a rename leaves it writing to
	// the old file for all its life (facts/nitro.md 2.2).
	generation int
}

// command returns a process of nitro-cli.
func (h *host) command() *process {
	pid := h.pid(3 + h.rng.Int64N(38))
	return &process{pid: pid, logger: "nitro-cli:" + strconv.FormatInt(pid, 10), level: h.level, generation: h.log.current(h.now)}
}

// daemon returns the process that a run-enclave forks, four ids behind it.
func (h *host) daemon() *process {
	pid := h.pid(4)
	return &process{pid: pid, logger: "enc-xxxxxxx:" + strconv.FormatInt(pid, 10), level: h.level, generation: h.log.current(h.now)}
}

// pid returns a process id some steps behind the last one that no enclave holds.
func (h *host) pid(step int64) int64 {
	const lowest, highest = 300, 32768
	for h.lastPID += step; ; h.lastPID++ {
		if h.lastPID >= highest {
			h.lastPID = lowest + h.rng.Int64N(100)
		}
		if !h.holds(h.lastPID) {
			return h.lastPID
		}
	}
}

// holds reports whether a living daemon has the process id.
func (h *host) holds(pid int64) bool {
	for _, e := range h.live {
		if e.proc.pid == pid {
			return true
		}
	}
	return h.booting != nil && h.booting.proc.pid == pid
}

// print writes one record and reports whether the log shows it: not where the
// process's level hides it, nor where that part of the log is lost.
func (h *host) print(p *process, at Instant, level severity, where place, message ...string) bool {
	h.now = max(h.now, at)
	if level < p.level || h.lost {
		return false
	}
	b := append(h.text[:0], '[')
	b = append(b, p.logger...)
	b = append(b, level.header()...)
	b = h.clock.append(b, at)
	b = append(b, "]["...)
	b = append(b, where...)
	b = append(b, "] "...)
	for _, m := range message {
		b = append(b, m...)
	}
	h.text = append(b, '\n')
	h.log.write(p.generation, at, h.text)
	return true
}

// stamp formats instants; it keeps the text of the last second.
type stamp struct {
	second Instant
	text   []byte
}

// append appends 2025-11-03T08:00:00.012Z.
func (s *stamp) append(b []byte, at Instant) []byte {
	whole := at / second
	if whole != s.second || s.text == nil {
		s.second = whole
		s.text = time.Unix(int64(whole), 0).UTC().AppendFormat(s.text[:0], "2006-01-02T15:04:05.")
	}
	ms := at % second
	b = append(b, s.text...)
	return append(b, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}
