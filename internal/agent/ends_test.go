package agent

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

// kept is a sink that keeps lines in memory.
type kept struct {
	mu    sync.Mutex
	lines []trailhouse.AgentLine
	fails bool
}

func (k *kept) Write(lines []Line) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fails {
		return os.ErrDeadlineExceeded
	}
	for _, l := range lines {
		parsed, ok := trailhouse.ParseAgentLine(l.Text)
		if !ok {
			return fmt.Errorf("no line of the agent: %s", l.Text)
		}
		k.lines = append(k.lines, parsed)
	}
	return nil
}

func (k *kept) Room() bool   { return true }
func (k *kept) Close() error { return nil }

// of returns the lines of an event.
func (k *kept) of(event string) (out []trailhouse.AgentLine) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range k.lines {
		if l.Event == event {
			out = append(out, l)
		}
	}
	return out
}

// enclave is a process that stands for an enclave.
const testEnclave = "i-0a1b2c3d4e5f60718-enc19a48bae81e5f1c"

// host is an agent under test with a nitro-cli that prints what stands in a file.
type host struct {
	t    *testing.T
	dir  string
	sink *kept
	a    *Agent
}

func newHost(t *testing.T, beat time.Duration, change func(*Options)) *host {
	t.Helper()
	h := &host{t: t, dir: t.TempDir(), sink: &kept{}}
	h.script(`cat "` + h.dir + `/answer"`)
	h.list()
	o := Options{
		Clock: trailhouse.SystemClock{}, Host: Host{Instance: "i-0a1b2c3d4e5f60718", Root: h.dir, Sockets: h.dir}, NitroCLI: filepath.Join(h.dir, "nitro-cli"),
		Heartbeat: beat, Timeout: 2 * time.Second, Say: func(string) {}, Version: "test",
	}
	if change != nil {
		change(&o)
	}
	h.a = New(o, 7)
	h.a.SetSink(h.sink)
	ctx, done := t.Context(), make(chan struct{})
	go func() {
		defer close(done)
		if err := h.a.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { <-done })
	return h
}

func (h *host) put(name, text string, mode os.FileMode) {
	h.t.Helper()
	at := filepath.Join(h.dir, name)
	if err := os.WriteFile(at+".new", []byte(text), mode); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Rename(at+".new", at); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) script(text string) { h.t.Helper(); h.put("nitro-cli", "#!/bin/sh\n"+text+"\n", 0o700) }

// list sets the enclave's processes that nitro-cli lists.
func (h *host) list(pids ...int) {
	h.t.Helper()
	var all []string
	for _, pid := range pids {
		all = append(all, fmt.Sprintf(`{"EnclaveID":%q,"ProcessID":%d,"State":"RUNNING"}`, testEnclave, pid))
	}
	h.put("answer", "["+strings.Join(all, ",")+"]", 0o600)
}

// sleeper starts a process and returns it with a way to kill it.
func (h *host) sleeper() (pid int, kill func() time.Time) {
	h.t.Helper()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	end := sync.OnceValue(func() time.Time {
		at := time.Now()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed, as asked
		return at
	})
	h.t.Cleanup(func() { end() })
	return cmd.Process.Pid, end
}

func (h *host) wait(what string, is func() bool) {
	h.t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("waited for %s", what)
		}
	}
}

// seen waits until the process is listed.
func (h *host) seen(pid int) {
	h.t.Helper()
	h.wait("the process in a list", func() bool {
		beats := h.sink.of(trailhouse.AgentHeartbeat)
		return len(beats) > 0 && len(beats[len(beats)-1].Enclaves) == 1 && beats[len(beats)-1].Enclaves[0].PID == int64(pid)
	})
}

// TestEndBehindAStaleList kills a process that nitro-cli goes on listing for a while: its
// end is told once, as the kernel told it.
func TestEndBehindAStaleList(t *testing.T) {
	t.Parallel()
	h := newHost(t, 5*time.Second, nil)
	pid, kill := h.sleeper()
	h.list(pid)
	h.seen(pid)
	beats := len(h.sink.of(trailhouse.AgentHeartbeat))
	killed := kill()
	h.wait("a list that still has it", func() bool { return len(h.sink.of(trailhouse.AgentHeartbeat)) > beats })
	for _, l := range h.sink.of(trailhouse.AgentHeartbeat)[beats:] {
		if len(l.Enclaves) != 1 || l.Enclaves[0].State != trailhouse.AgentGone {
			t.Errorf("a list proves that it lives behind its end: %+v", l)
		}
	}
	h.list()
	h.wait("the end", func() bool { return len(h.sink.of(trailhouse.AgentEnded)) > 0 })
	time.Sleep(300 * time.Millisecond)
	got := h.sink.of(trailhouse.AgentEnded)
	if len(got) != 1 || !got[0].Exact || got[0].Time.Sub(killed).Abs() > time.Second || len(h.sink.of(trailhouse.AgentFailed)) != 0 {
		t.Errorf("killed at %v: %+v", killed, got)
	}
}

// TestProcessOfAnother kills a process whose enclave nitro-cli lists on and on: that of
// another namespace of pids.
func TestProcessOfAnother(t *testing.T) {
	t.Parallel()
	h := newHost(t, time.Second, nil)
	pid, kill := h.sleeper()
	h.list(pid)
	h.seen(pid)
	kill()
	h.wait("the words", func() bool { return len(h.sink.of(trailhouse.AgentFailed)) > 0 })
	beats := len(h.sink.of(trailhouse.AgentHeartbeat))
	h.wait("a list", func() bool { return len(h.sink.of(trailhouse.AgentHeartbeat)) > beats })
	if l := h.sink.of(trailhouse.AgentHeartbeat)[beats]; len(l.Enclaves) != 1 || l.Enclaves[0].State != trailhouse.AgentRunning {
		t.Errorf("the enclave of another process is not proven: %+v", l)
	}
	if got := h.sink.of(trailhouse.AgentFailed); len(got) != 1 || !strings.Contains(got[0].Text, "still lists") || len(h.sink.of(trailhouse.AgentEnded)) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestSameEnclaveAgain kills a process and lists the enclave in another one.
func TestSameEnclaveAgain(t *testing.T) {
	t.Parallel()
	h := newHost(t, time.Second, nil)
	first, kill := h.sleeper()
	h.list(first)
	h.seen(first)
	second, killSecond := h.sleeper()
	h.list(second)
	kill()
	h.wait("the first end", func() bool { return len(h.sink.of(trailhouse.AgentEnded)) == 1 })
	h.seen(second)
	h.list()
	killSecond()
	h.wait("the second end", func() bool { return len(h.sink.of(trailhouse.AgentEnded)) == 2 })
	got := h.sink.of(trailhouse.AgentEnded)
	if got[0].Enclave.PID != int64(first) || got[1].Enclave.PID != int64(second) || !got[0].Time.Before(got[1].Time) {
		t.Errorf("%+v", got)
	}
}

// TestEndWhileNitroCLIHangs tells an end though nitro-cli gives no answer.
func TestEndWhileNitroCLIHangs(t *testing.T) {
	t.Parallel()
	h := newHost(t, time.Second, nil)
	pid, kill := h.sleeper()
	h.list(pid)
	h.seen(pid)
	h.script("sleep 30")
	h.wait("a question without an answer", func() bool { return len(h.sink.of(trailhouse.AgentFailed)) > 0 })
	kill()
	h.wait("the end", func() bool { return len(h.sink.of(trailhouse.AgentEnded)) == 1 })
}

// TestNitroCLIThatCannotBeKilled says once that nitro-cli does not even end when it is
// killed, and tells ends without it.
func TestNitroCLIThatCannotBeKilled(t *testing.T) {
	t.Parallel()
	k := &kept{}
	a := New(Options{Clock: trailhouse.SystemClock{}, Host: Host{Instance: "i-0a1b2c3d4e5f60718"}, NitroCLI: "nitro-cli", Timeout: time.Second, Heartbeat: time.Minute, Say: func(string) {}}, 7)
	a.SetSink(k)
	a.asking, a.asked = true, time.Now().Add(-time.Second)
	if a.due() || len(k.of(trailhouse.AgentFailed)) != 0 {
		t.Error("it may still end")
	}
	a.asked = time.Now().Add(-time.Second - stuckAfter - time.Millisecond)
	a.gone = []gone{{enclave: trailhouse.AgentEnclave{EnclaveID: testEnclave, PID: 41}, at: time.Now(), exact: true}}
	for range 3 {
		if a.due() {
			t.Error("it is asked once more while it hangs")
		}
	}
	if len(k.of(trailhouse.AgentFailed)) != 1 || len(k.of(trailhouse.AgentEnded)) != 1 {
		t.Errorf("%+v", k.lines)
	}
}

// TestSocketsTell asks nitro-cli long before the next heartbeat where an enclave comes of which the log says
// nothing.
func TestSocketsTell(t *testing.T) {
	t.Parallel()
	h := newHost(t, time.Hour, nil)
	h.wait("the first list", func() bool { return len(h.sink.of(trailhouse.AgentHeartbeat)) == 1 })
	pid, kill := h.sleeper()
	h.list(pid)
	h.put("19a48bae81e5f1c.sock", "", 0o600)
	h.seen(pid)
	h.list()
	kill()
	h.wait("the end", func() bool { return len(h.sink.of(trailhouse.AgentEnded)) == 1 })
	time.Sleep(2 * poll)
	beats := len(h.sink.of(trailhouse.AgentHeartbeat))
	h.put("other", "", 0o600) // is no socket
	time.Sleep(askBehindSocket + 2*poll)
	if now := len(h.sink.of(trailhouse.AgentHeartbeat)); now != beats {
		t.Errorf("%d lists for nothing", now-beats)
	}
}

// TestStopReason tells how an enclave ended, by the log where that says so.
func TestStopReason(t *testing.T) {
	t.Parallel()
	const head = "[enc-19a48bae81e5f1c:41][INFO][2025-11-03T08:00:00.000Z][src/enclave_proc/mod.rs:1] "
	for _, c := range []struct{ name, log, want string }{
		{"killed", "Received command: Describe", "ended"},
		{"terminated", "Received command: TerminateComplete|Enclave has completed termination.|Enclave process 41 exited event loop.", "terminated"},
		{"crashed", "Received hang-up event from the enclave. Enclave process will shut down.|Enclave process 41 exited event loop.|Enclave terminated.", "crashed"},
		{"signal", "Received signal SIGTERM. The enclave process will now close.|Received command: ConnectionListenerStop|Enclave terminated.", "signal"},
		{"socket", "The enclave process socket has been deleted!", "socket-deleted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := filepath.Join(t.TempDir(), "nitro_enclaves.log")
			h := newHost(t, 5*time.Second, func(o *Options) { o.LogPath = log })
			pid, kill := h.sleeper()
			h.list(pid)
			var lines strings.Builder
			fmt.Fprintf(&lines, "[enc-xxxxxxx:41][INFO][2025-11-03T08:00:00.000Z][src/enclave_proc/mod.rs:281] Enclave ID = %s\n", testEnclave)
			if err := os.WriteFile(log, []byte(lines.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			h.seen(pid) // long before the next heartbeat: the log told of it
			for message := range strings.SplitSeq(c.log, "|") {
				lines.WriteString(head + message + "\n")
			}
			if err := os.WriteFile(log, []byte(lines.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			h.list()
			kill()
			h.wait("the end", func() bool { return len(h.sink.of(trailhouse.AgentEnded)) == 1 })
			var b strings.Builder
			if err := h.a.Metrics().write(&b, time.Now()); err != nil {
				t.Fatal(err)
			}
			if got := checkExposition(t, b.String()); got[`trailhouse_agent_last_stop_reason{reason="`+c.want+`"}`] != 1 {
				t.Errorf("want %s:\n%s", c.want, b.String())
			}
		})
	}
}

// TestWatchByLooking watches processes where the kernel has no descriptors of them: an end
// is known between two looks, and a pid that came again is another process.
func TestWatchByLooking(t *testing.T) {
	t.Parallel()
	h := &host{t: t, dir: t.TempDir()}
	w := newWatcher(t.Context(), trailhouse.SystemClock{})
	w.descriptor = func(int64) func(context.Context) bool { return nil }
	t.Cleanup(w.close)
	pid, kill := h.sleeper()
	begun := time.Now()
	if err := w.add(trailhouse.AgentEnclave{EnclaveID: testEnclave, PID: int64(pid)}, begun); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	killed := kill()
	select {
	case g := <-w.gone:
		if g.exact || g.at.Before(killed.Add(-time.Millisecond)) || g.at.Sub(killed) > look+500*time.Millisecond || !g.aliveAt.After(begun) || g.aliveAt.After(killed) {
			t.Errorf("killed at %v: %+v", killed, g)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no end")
	}
	gone := w.poll(1, "not when it began", new(time.Time))
	if !gone(t.Context()) {
		t.Error("another process with the pid is taken for the one before")
	}
}
