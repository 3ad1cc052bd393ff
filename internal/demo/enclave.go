package demo

import "strconv"

// enclave is one start that got as far as a daemon, and the life that it gave.
type enclave struct {
	proc    *process
	slot    string
	request request
	held    held
	failure failure
	version version  // of nitro-cli at the start
	cli     *process // the run-enclave that waits for it, while it boots
	bootAt  Instant  // when the boot ends, well or not
	endAt   Instant  // when the life ends, unless the host ends first
	ending  ending
	ended   Instant // when it really ended
	seen    evidence
}

// evidence is what the printed lines say of one enclave: all that a meter can know.
// Every instant is zero until a line shows it.
type evidence struct {
	attempt, reserved, ready Instant
	args, allocated, pid     bool
	first, last              Instant // proofs of life
	stop                     Instant
	reason                   string
	gone                     Instant // earliest proof that it was no longer there
}

// alive notes a proof of life.
func (e *evidence) alive(at Instant) {
	if e.first == 0 {
		e.first = at
	}
	e.last = max(e.last, at)
}

// missing notes a proof that the enclave was gone. Of several the earliest counts
// (facts/nitro.md 2.10, convention 1). Whoever was never seen cannot be missed.
func (e *evidence) missing(at Instant) {
	if e.first != 0 && e.stop == 0 && at >= e.last && (e.gone == 0 || at < e.gone) {
		e.gone = at
	}
}

// stopped notes a printed end.
func (e *evidence) stopped(at Instant, reason string) {
	e.stop, e.reason = at, reason
}

// socket is the path at which the daemon listens.
func (e *enclave) socket() string { return "/run/nitro_enclaves/" + e.slot + ".sock" }

// says prints a record of the daemon of an enclave that has its id: each one proves
// it alive, whatever it says (facts/nitro.md 2.8).
func (h *host) says(e *enclave, at Instant, level severity, where place, message ...string) bool {
	if !h.print(e.proc, at, level, where, message...) {
		return false
	}
	e.seen.pid = true
	e.seen.alive(at)
	return true
}

// named gives the daemon the slot as its logger's name.
func (e *enclave) named() {
	e.proc.logger = "enc-" + e.slot + ":" + strconv.FormatInt(e.proc.pid, 10)
}

// newSlot returns the slot of an enclave that is created now: 48 bits of Unix
// milliseconds, then 16 of chance, as hexadecimal without padding (facts/nitro.md
// 2.6).
func (h *host) newSlot() string {
	return strconv.FormatInt(int64(h.now)<<16|h.rng.Int64N(1<<16), 16)
}
