package demo

// ending is how the life of an enclave ends if its host does not end first.
type ending uint8

const (
	endsByName    ending = iota // terminate-enclave --enclave-name
	endsByID                    // terminate-enclave --enclave-id
	endsWithAll                 // terminate-enclave --all
	endsCrashed                 // the enclave exits or crashes
	endsSignalled               // its daemon gets a signal
	endsUnlinked                // somebody removes the socket
	endsKilled                  // its daemon gets SIGKILL: no line at all
)

// end lets one enclave end in its way (facts/nitro.md 2.4).
func (h *host) end(e *enclave) {
	switch e.ending {
	case endsByName, endsByID:
		h.terminate(e)
	case endsWithAll:
		h.terminateAll()
	case endsCrashed:
		h.crash(e)
	case endsSignalled:
		h.signal(e, [...]string{"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"}[h.rng.IntN(4)])
	case endsUnlinked:
		if at := h.now; h.says(e, at, warn, placeSocket, "The enclave process socket has been deleted!") {
			e.seen.stopped(at, "socket-deleted")
		}
		h.bury(e)
	case endsKilled:
		h.bury(e)
		h.stale = append(h.stale, e)
		h.noticed()
	}
}

// noticed sees to it that somebody finds the stale socket: by looking, or by
// terminating everything that still runs.
func (h *host) noticed() {
	if len(h.live) > 0 && h.rng.IntN(3) == 0 {
		h.live[0].ending = endsWithAll
		h.live[0].endAt = h.now + h.between(minute, 10*minute)
		return
	}
	h.looks = min(h.looks, h.now+h.between(minute, hour))
}

// terminate is terminate-enclave for one enclave. By name it asks all enclaves for
// their id first; by id it prints no `Connected to`.
func (h *host) terminate(e *enclave) {
	cli, start := h.command(), h.now
	h.print(cli, start, info, h.version.start, "Start Nitro CLI")
	at := start + 2
	if e.ending == endsByName && h.version.named {
		at = h.broadcast(cli, start, at, "GetIDbyName")
	}
	h.print(cli, at+1, info, placeSentEnd, "Sent command: Terminate")
	h.complete(e, at+2)
}

// complete prints what the daemon prints of its termination: the kernel frees CPUs
// and memory before the second line.
func (h *host) complete(e *enclave, at Instant) {
	h.says(e, at, info, placeReceived, "Received command: Terminate")
	at += h.between(100, 400)
	h.says(e, at, info, placeReceived, "Received command: TerminateComplete")
	if h.says(e, at, info, h.version.done, "Enclave has completed termination.") {
		e.seen.stopped(at, "terminated")
	}
	h.says(e, at+2, info, placeListener, "The connection listener has been stopped.")
	h.exits(e.proc, at+3)
	h.bury(e)
}

// exits prints the last line of a daemon's loop.
func (h *host) exits(p *process, at Instant) {
	_, pid := cutLogger(p.logger)
	h.print(p, at, info, placeExited, "Enclave process ", pid, " exited event loop.")
}

// terminateAll is terminate-enclave --all. A stale socket makes it end with E39,
// which is no failed start (facts/nitro.md 2.10).
func (h *host) terminateAll() {
	cli, at := h.command(), h.now
	h.print(cli, at, info, h.version.start, "Start Nitro CLI")
	at += 2
	stale := len(h.stale) > 0
	for _, e := range h.stale {
		if h.print(cli, at, info, placeStaleAll, `Deleting stale socket: "`, e.socket(), `"`) {
			e.seen.missing(at)
			h.closeCase(e)
		}
		at++
	}
	h.stale = h.stale[:0]
	for len(h.live) > 0 {
		h.complete(h.live[0], at+1)
		at = h.now
	}
	if stale {
		h.report(cli, at+2, "E39", request{})
	}
}

// crash is what the daemon prints when the enclave hangs up.
func (h *host) crash(e *enclave) {
	at := h.now
	if h.says(e, at, warn, placeHangUp, "Received hang-up event from the enclave. Enclave process will shut down.") {
		e.seen.stopped(at, "crashed")
	}
	h.exits(e.proc, at+1)
	at += h.between(20, 300)
	if h.says(e, at, info, placeDropped, "Enclave terminated.") {
		e.seen.stopped(at, "crashed")
	}
	h.bury(e)
}

// signal is what the daemon prints when it is asked to leave.
func (h *host) signal(e *enclave, name string) {
	at := h.now
	if h.says(e, at, warn, placeSignal, "Received signal ", name, ". The enclave process will now close.") {
		e.seen.stopped(at, "signal")
	}
	h.says(e, at+1, info, placeReceived, "Received command: ConnectionListenerStop")
	h.says(e, at+3, info, placeListener, "The connection listener has been stopped.")
	h.exits(e.proc, at+4)
	at += h.between(50, 300)
	if h.says(e, at, info, placeDropped, "Enclave terminated.") {
		e.seen.stopped(at, "signal")
	}
	h.bury(e)
}

// bury frees what the enclave held. Its case stays open as long as no line shows
// the end.
func (h *host) bury(e *enclave) {
	e.ended = h.now
	h.pool.free(e.held)
	kept := h.live[:0]
	for _, o := range h.live {
		if o != e {
			kept = append(kept, o)
		}
	}
	h.live = kept
	if e.seen.stop != 0 {
		h.closeCase(e)
	}
}
