package agent

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/trailhouse/trailhouse"
)

// gone is the end of an enclave's process.
type gone struct {
	enclave trailhouse.AgentEnclave
	at      time.Time
	aliveAt time.Time // when it was last seen
	exact   bool      // the kernel told at once
	listed  int       // how often nitro-cli listed the enclave on since
}

// watcher watches processes, one goroutine each.
type watcher struct {
	clock trailhouse.Clock
	gone  chan gone
	ctx   context.Context
	end   context.CancelFunc
	all   sync.WaitGroup
	known map[process]*watched // of the agent's goroutine only
	// descriptor is pidfd, but for tests of what follows where the kernel has none.
	descriptor func(pid int64) func(context.Context) bool
}

// watched is a process under watch.
type watched struct {
	forget  context.CancelFunc
	missing time.Time // since when its enclave is described no more, zero while it is
}

// grace is how long a process is watched on whose enclave is described no more: it ends
// just now.
const grace = 2 * time.Second

// process is what is watched: pids come again, and so does none together with a slot.
type process struct {
	enclave string
	pid     int64
}

// look is how often a process is looked at that the kernel does not tell of.
const look = time.Second

func newWatcher(ctx context.Context, clock trailhouse.Clock) *watcher {
	w := &watcher{clock: clock, gone: make(chan gone, 64), known: map[process]*watched{}, descriptor: pidfd}
	w.ctx, w.end = context.WithCancel(ctx)
	return w
}

// close ends all watching.
func (w *watcher) close() {
	w.end()
	w.all.Wait()
}

// add watches the process of an enclave that was described at an instant. An error is
// returned once for each.
func (w *watcher) add(e trailhouse.AgentEnclave, described time.Time) error {
	id := process{e.EnclaveID, e.PID}
	if _, ok := w.known[id]; ok {
		return nil
	}
	ctx, cancel := context.WithCancel(w.ctx)
	w.known[id] = &watched{forget: cancel}
	start, ok := startTime(e.PID)
	if !ok {
		return errors.New("no such process is seen from here")
	}
	wait := w.descriptor(e.PID)
	if again, ok := startTime(e.PID); !ok || again != start { // it went meanwhile, and the pid may be another's
		if wait != nil {
			cancel()
			wait(ctx) // closes the descriptor
		}
		delete(w.known, id)
		return errors.New("it went away just now")
	}
	w.all.Go(func() {
		g := gone{enclave: e, aliveAt: described, exact: wait != nil}
		if wait == nil {
			wait = w.poll(e.PID, start, &g.aliveAt)
		}
		if !wait(ctx) {
			return
		}
		g.at = w.clock.Now()
		select {
		case w.gone <- g: // even where it is to be forgotten just now
			return
		default:
		}
		select {
		case w.gone <- g:
		case <-ctx.Done():
		}
	})
	return nil
}

// keep notes of which processes the enclaves are described no more, as of an instant.
func (w *watcher) keep(list []trailhouse.AgentEnclave, asked time.Time) {
	now := map[process]bool{}
	for _, e := range list {
		now[process{e.EnclaveID, e.PID}] = true
	}
	for id, p := range w.known {
		switch {
		case now[id]:
			p.missing = time.Time{}
		case p.missing.IsZero():
			p.missing = asked
		}
	}
}

// sweep forgets processes whose enclaves have been described no more for a while.
func (w *watcher) sweep(now time.Time) {
	for id, p := range w.known {
		if !p.missing.IsZero() && now.Sub(p.missing) > grace {
			p.forget()
			delete(w.known, id)
		}
	}
}

// poll returns a wait that looks at the process again and again.
func (w *watcher) poll(pid int64, start string, alive *time.Time) func(context.Context) bool {
	return func(ctx context.Context) bool {
		tick := time.NewTicker(look)
		defer tick.Stop()
		for {
			now := w.clock.Now()
			if s, ok := startTime(pid); !ok || s != start {
				return true
			}
			*alive = now
			select {
			case <-ctx.Done():
				return false
			case <-tick.C:
			}
		}
	}
}

// startTime returns when a process started, in the kernel's own count, and whether there
// is one: a zombie is gone. It tells a pid that came again from the one before.
func startTime(pid int64) (string, bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.FormatInt(pid, 10), "stat"))
	if err != nil {
		return "", false
	}
	// The name stands in parentheses and may hold any character: fields count from the
	// last one. The state is the 3rd field, the start the 22nd (proc_pid_stat(5)).
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 || len(fields[0]) != 1 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
		return "", false
	}
	return string(fields[19]), true
}
