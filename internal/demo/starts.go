package demo

import (
	"strconv"
	"strings"
)

// launch is run-enclave up to `Run args`, which every start prints.
func (h *host) launch(r request, f failure) *enclave {
	cli, start := h.command(), h.now
	e := &enclave{request: r, failure: f, version: h.version, cli: cli, slot: h.newSlot(), proc: h.daemon()}
	h.print(cli, start, info, h.version.start, "Start Nitro CLI")
	_, pid := cutLogger(e.proc.logger)
	at := start + 7
	if h.print(e.proc, at, info, placeProcess, "Enclave process PID: ", pid) {
		e.seen.attempt, e.seen.pid = at, true
		h.reused(e.proc.pid, at)
	}
	at += 2
	if h.version.named {
		e.request.name = h.freeName(r.name)
		at = h.broadcast(cli, start, at, "GetEnclaveName")
	}
	// Two processes write at once: the later line often comes first.
	if h.rng.IntN(2) == 0 {
		h.print(e.proc, at+2, info, placeReceived, "Received command: Run")
		h.print(cli, at+1, info, placeSentRun, "Sent command: Run")
	} else {
		h.print(cli, at+1, info, placeSentRun, "Sent command: Run")
		h.print(e.proc, at+2, info, placeReceived, "Received command: Run")
	}
	e.seen.args = h.print(e.proc, at+3, info, h.version.args, e.request.text(h.version))
	return e
}

// reused notes a process id that an enclave without an end had: the new daemon
// could not have it while that one lived. Only an id that the log showed counts
// (facts/nitro.md 2.10, convention 2).
func (h *host) reused(pid int64, at Instant) {
	for _, e := range h.open {
		if e.proc.pid == pid && e.seen.pid {
			e.seen.missing(at)
		}
	}
}

// freeName returns the name, with _1, _2 … where a living enclave has it.
func (h *host) freeName(name string) string {
	free := name
	for n := 1; ; n++ {
		taken := false
		for _, e := range h.live {
			taken = taken || e.request.name == free
		}
		if !taken {
			return free
		}
		free = name + "_" + strconv.Itoa(n)
	}
}

// allocate prints that memory is being taken.
func (h *host) allocate(e *enclave) {
	bytes := strconv.FormatInt(e.request.mib<<20, 10)
	h.print(e.proc, h.now+11, info, placeAllocate, "Allocating memory regions to hold ", bytes, " bytes.")
}

// donate prints that memory was taken and given away.
func (h *host) donate(e *enclave) {
	h.allocate(e)
	e.held = h.pool.take(e.request)
	e.seen.allocated = h.print(e.proc, h.now+17, info, placeAllocated, e.held.text())
	if at := h.now + h.between(150, 500); h.print(e.proc, at, info, placeDonated, "Finished initializing memory.") {
		e.seen.reserved = at
	}
}

// start is one run-enclave, from its first line to the point where it waits for the
// enclave to boot or has failed.
func (h *host) start(r request, f failure) {
	e := h.launch(r, f)
	switch {
	case f == startsFine || f == failsBoot || f == failsKilled:
		h.donate(e)
		e.bootAt = h.now + h.bootTime(f)
		h.booting = e
		return
	case f.donates():
		h.donate(e)
	case f == failsMemory:
		h.allocate(e)
	}
	h.now += h.between(20, 80)
	h.failed(e)
}

// bootTime is how long the daemon waits for the enclave.
func (h *host) bootTime(f failure) Instant {
	switch f {
	case failsBoot:
		return h.version.bootWait + 20
	case failsKilled:
		return h.between(200, 1500)
	}
	return h.between(1500, 4000)
}

// boot ends the wait for the enclave that boots.
func (h *host) boot() {
	e := h.booting
	h.booting = nil
	if e.failure != startsFine {
		h.failed(e)
		return
	}
	at := h.now
	if h.print(e.proc, at, info, h.version.ready, "Enclave ID = ", h.id, "-enc", e.slot) {
		e.seen.ready = at
		e.seen.alive(at)
	}
	e.named()
	h.live = append(h.live, e)
	h.open = append(h.open, e)
	h.enclaves = append(h.enclaves, e)
	h.now += 50 // its socket is there before anybody asks
	if e.request.console {
		h.now += 20
		h.console(e)
	}
	e.endAt = h.now + h.lifetime()
	e.ending = h.pickEnding()
}

// failed prints the end of a start that gives no enclave.
func (h *host) failed(e *enclave) {
	at := h.now
	if e.failure == failsBoot {
		h.print(e.proc, at, fail, placeError, "Waiting on enclave to boot failed with error VsockTimeoutError. Terminating the enclave...")
		at += 60
	}
	if e.failure.dropsHandle() && e.request.cid > 0 {
		h.print(e.proc, at, info, placeDropped, "Enclave terminated.")
		at += 40
	}
	speaker := e.proc
	if e.failure == failsKilled {
		speaker = e.cli
	}
	if h.report(speaker, at, e.failure.code(), e.request) {
		h.failures = append(h.failures, failedStart{enclave: e, at: at})
	}
	h.pool.free(e.held)
	if e.failure != failsKilled {
		h.exits(e.proc, at+2)
		h.report(e.cli, at+3, "E39", e.request)
	}
}

// cutLogger splits a logger id at its colon.
func cutLogger(logger string) (name, pid string) {
	name, pid, _ = strings.Cut(logger, ":")
	return name, pid
}
