package demo

import "fmt"

// poolSpan is the time for which the allocator's journal shows a pool.
type poolSpan struct {
	span
	vcpus, mib int64
}

// reboot ends everything that runs, in order or by a power loss, and boots again,
// sometimes with a newer nitro-cli or another pool.
func (h *host) reboot() {
	if h.booting == nil && h.rng.IntN(2) == 0 {
		for len(h.live) > 0 {
			h.signal(h.live[0], "SIGTERM")
			h.now += 3
		}
	} else {
		h.losePower()
	}
	h.stale = h.stale[:0] // /run is a tmpfs
	h.now += h.between(40*second, 30*minute)
	h.lastPID = 900 + h.rng.Int64N(900)
	if len(h.profile.versions) > h.upgrades+1 {
		h.upgrades++
		h.version = versionNamed(h.profile.versions[h.upgrades])
	}
	sizes := h.profile.memory
	h.allocator(sizes[h.rng.IntN(len(sizes))])
	h.now += 20 * second
}

// losePower ends everything without a line, sometimes in the midst of a start.
func (h *host) losePower() {
	if h.booting == nil && h.rng.IntN(3) == 0 {
		if r, f, ok := h.pickStart(); ok && f == startsFine {
			h.start(r, f)
		}
	}
	for len(h.live) > 0 {
		h.bury(h.live[0])
	}
	if h.booting != nil { // a start that is cut off is unresolved, not failed
		h.unresolved = append(h.unresolved, h.booting)
		h.booting = nil
	}
}

// allocator is a successful run of nitro-enclaves-allocator.service. It fails while
// an enclave runs, so its success shows that none did.
func (h *host) allocator(mib int64) {
	h.pool = newPool(h.profile.machine, mib)
	if !h.profile.journal {
		return
	}
	// The journal prints whole seconds: keep clear of what happened just before.
	begin := (h.now/second + 10) * second
	done := begin + second
	pid := 1000 + h.rng.Int64N(500)
	const tool = "nitro-enclaves-allocator"
	lines := []string{
		"Auto-generating the enclave CPU pool by using the CPU count...",
		fmt.Sprintf("Will try to reserve %d MB of memory on node 0.", h.pool.mib),
		"Configuring the huge page memory...",
	}
	if h.pool.big > 0 {
		lines = append(lines, fmt.Sprintf("- Reserved %d pages of type: 1048576kB.", h.pool.big))
	}
	lines = append(lines,
		fmt.Sprintf("- Reserved %d pages of type: 2048kB.", h.pool.small),
		"Done.",
		"Auto-generated the enclave CPU pool: "+h.pool.list()+".",
		"Configuring the enclave CPU pool...",
		"Done.",
	)
	h.journal.write(begin, "systemd", 1, "Starting Nitro Enclaves Resource Allocator...")
	h.journal.write(begin, tool, pid, lines[0])
	for _, line := range lines[1:] {
		h.journal.write(done, tool, pid, line)
	}
	h.journal.write(done, tool, pid, fmt.Sprintf("Successfully allocated Nitro Enclaves resources: %d MiB, %d CPUs", h.pool.mib, h.pool.vcpus))
	h.endPool(begin)
	h.pools = append(h.pools, poolSpan{span: span{from: done}, vcpus: h.pool.vcpus, mib: h.pool.mib})
	h.missed(done)
	h.now = done + second
}

// endPool ends the pool that the journal shows.
func (h *host) endPool(at Instant) {
	if n := len(h.pools); n > 0 {
		h.pools[n-1].to = at
	}
}

// restartAllocator is a person who restarts the service. With an enclave running it
// fails and the pool stays.
func (h *host) restartAllocator() {
	switch {
	case h.booting != nil:
	case len(h.live) == 0:
		h.allocator(h.pool.mib)
	case h.profile.journal:
		h.journal.write(h.now, "nitro-enclaves-allocator", 1000+h.rng.Int64N(30000),
			"Error: Could not re-online CPUs because there is at least one enclave currently running. Make sure you stop all enclaves prior to re-starting the nitro-enclaves-allocator.service.")
	}
}
