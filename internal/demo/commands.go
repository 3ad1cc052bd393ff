package demo

// broadcast prints what a command prints that asks all enclaves: it connects to
// every socket, deletes those that nobody listens at, and each daemon notes the
// question. Enclaves that it misses were gone when it started (facts/nitro.md 2.10,
// convention 1). It returns the instant behind its last line.
func (h *host) broadcast(cli *process, start, at Instant, question string) Instant {
	for _, e := range h.live {
		if h.print(cli, at, info, placeConnected, "Connected to: ", e.socket()) {
			e.seen.alive(at)
		}
		at++
	}
	for _, e := range h.stale {
		if h.print(cli, at, info, placeStale, "Deleting stale socket: ", e.socket()) {
			e.seen.missing(at)
			h.closeCase(e)
		}
		at++
	}
	h.stale = h.stale[:0]
	for _, e := range h.live {
		h.says(e, at, info, placeReceived, "Received command: ", question)
		at++
	}
	if cli.level == info && !h.lost {
		h.missed(start)
	}
	return at
}

// missed notes that a broadcast which started then found none of the enclaves that
// died without a line.
func (h *host) missed(start Instant) {
	kept := h.open[:0]
	for _, e := range h.open {
		if e.ended == 0 {
			kept = append(kept, e)
			continue
		}
		e.seen.missing(start)
	}
	h.open = kept
}

// closeCase drops an enclave whose end the log shows from those that a later line
// may show to be gone.
func (h *host) closeCase(e *enclave) {
	kept := h.open[:0]
	for _, o := range h.open {
		if o != e {
			kept = append(kept, o)
		}
	}
	h.open = kept
}

// describe is `nitro-cli describe-enclaves`.
func (h *host) describe() {
	start := h.now
	cli := h.command()
	h.print(cli, start, info, h.version.start, "Start Nitro CLI")
	at := h.broadcast(cli, start, start+2, "Describe")
	h.print(cli, at+1, info, placeSentShow, "Sent command: Describe")
}

// look is a command that a person types now and then.
func (h *host) look() {
	switch n := h.rng.IntN(10); {
	case h.calm(0):
		h.print(h.command(), h.now, info, h.version.start, "Start Nitro CLI")
	case n < 2 && len(h.live) > 0:
		h.console(h.live[h.rng.IntN(len(h.live))])
	case n < 4:
		// describe-eif, pcr and explain start nitro-cli and ask nobody: no evidence.
		h.print(h.command(), h.now, info, h.version.start, "Start Nitro CLI")
	default:
		h.describe()
	}
}

// console is `nitro-cli console`: it speaks to one enclave without a `Connected to`.
func (h *host) console(e *enclave) {
	cli, at := h.command(), h.now
	h.print(cli, at, info, h.version.start, "Start Nitro CLI")
	h.print(cli, at+2, info, placeAskCID, "Sent command: GetEnclaveCID")
	h.says(e, at+3, info, placeReceived, "Received command: GetEnclaveCID")
	h.print(cli, at+5, info, placeAskFlags, "Sent command: GetEnclaveFlags")
	h.says(e, at+6, info, placeReceived, "Received command: GetEnclaveFlags")
}

// report prints an error as nitro-cli does, over several lines, and reports whether
// the log shows it.
func (h *host) report(p *process, at Instant, code string, r request) bool {
	nanos := h.clock.append(nil, at-1)
	nanos = append(nanos[:len(nanos)-1], byte('0'+h.rng.IntN(10)), byte('0'+h.rng.IntN(10)), '5', '2', '4', '5')
	file := "/var/log/nitro_enclaves/err" + string(nanos) + "+00:00.log"
	return h.print(p, at, fail, placeError, errorText(code, r, h.version, file))
}
