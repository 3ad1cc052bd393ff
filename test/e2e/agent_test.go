package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const agentHost = "i-0a1b2c3d4e5f60718"

// fakeNitro is a nitro-cli of a test: it prints what stands in a file. Its enclaves are
// processes that sleep.
type fakeNitro struct {
	t       *testing.T
	dir     string
	log     string
	program string
	live    []*fakeEnclave
}

type fakeEnclave struct {
	id   string
	cmd  *exec.Cmd
	name string
}

func newFakeNitro(t *testing.T) *fakeNitro {
	dir := t.TempDir()
	n := &fakeNitro{t: t, dir: dir, log: filepath.Join(dir, "log", "nitro_enclaves.log"), program: filepath.Join(dir, "nitro-cli")}
	if err := os.Mkdir(filepath.Dir(n.log), 0o755); err != nil {
		t.Fatal(err)
	}
	n.script(`cat "` + filepath.Join(dir, "answer.json") + `"`)
	n.answer()
	t.Cleanup(func() {
		for _, e := range n.live {
			_ = e.cmd.Process.Kill()
			_ = e.cmd.Wait()
		}
	})
	return n
}

// script makes the program do something else.
func (n *fakeNitro) script(body string) {
	n.t.Helper()
	next := n.program + ".new"
	if err := os.WriteFile(next, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(next, n.program); err != nil {
		n.t.Fatal(err)
	}
}

// answer writes what the program prints.
func (n *fakeNitro) answer() {
	n.t.Helper()
	list := []map[string]any{}
	for _, e := range n.live {
		list = append(list, map[string]any{
			"EnclaveName": e.name, "EnclaveID": e.id, "ProcessID": e.cmd.Process.Pid, "EnclaveCID": 16, "NumberOfCPUs": 2, "CPUIDs": []int{1, 3},
			"MemoryMiB": 512, "State": "RUNNING", "Flags": "NONE",
			"Measurements": map[string]any{"HashAlgorithm": "Sha384 { ... }", "PCR0": strings.Repeat("ab", 48), "PCR1": strings.Repeat("01", 48), "PCR2": strings.Repeat("02", 48)},
		})
	}
	text, err := json.Marshal(list)
	if err != nil {
		n.t.Fatal(err)
	}
	path := filepath.Join(n.dir, "answer.json")
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		n.t.Fatal(err)
	}
}

// put writes a line to the log as nitro-cli does: the file is opened for it.
func (n *fakeNitro) put(logger, message string) {
	n.t.Helper()
	f, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		n.t.Fatal(err)
	}
	fmt.Fprintf(f, "[%s][INFO][%s][src/enclave_proc/mod.rs:281] %s\n", logger, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), message)
	if err := f.Close(); err != nil {
		n.t.Fatal(err)
	}
}

// start starts an enclave; without a log it is one of a container.
func (n *fakeNitro) start(slot, name string, logged bool) *fakeEnclave {
	n.t.Helper()
	cmd := exec.Command("sleep", "300")
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	e := &fakeEnclave{id: agentHost + "-enc" + slot, cmd: cmd, name: name}
	n.live = append(n.live, e)
	n.answer()
	if logged {
		enc := fmt.Sprintf("enc-xxxxxxx:%d", cmd.Process.Pid)
		n.put(enc, fmt.Sprintf("Enclave process PID: %d", cmd.Process.Pid))
		n.put(enc, `Run args = RunEnclavesArgs { eif_path: "a.eif", enclave_cid: None, memory_mib: 256, cpu_ids: None, debug_mode: false, attach_console: false, cpu_count: Some(2), enclave_name: Some("`+name+`") }`)
		n.put(enc, "Allocated 1 region(s): 1 page(s) of 512 MB")
		n.put(enc, "Finished initializing memory.")
		n.put(enc, "Enclave ID = "+e.id)
	}
	return e
}

// kill ends an enclave with a signal that leaves no line.
func (n *fakeNitro) kill(e *fakeEnclave) time.Time {
	n.t.Helper()
	for i, o := range n.live {
		if o == e {
			n.live = append(n.live[:i:i], n.live[i+1:]...)
		}
	}
	n.answer()
	at := time.Now()
	if err := e.cmd.Process.Kill(); err != nil {
		n.t.Fatal(err)
	}
	_ = e.cmd.Wait() // killed, as asked
	return at
}

// agentRun is an agent under test.
type agentRun struct {
	t    *testing.T
	cmd  *exec.Cmd
	errs *strings.Builder
	mu   sync.Mutex
	done chan struct{}
}

func (a *agentRun) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.errs.Write(p)
}

func (a *agentRun) said() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.errs.String()
}

// agent starts an agent with a heartbeat of a second.
func (n *fakeNitro) agent(h *house, more ...string) *agentRun {
	n.t.Helper()
	return n.agentWith(h, append([]string{"agent", "--dir", filepath.Join(n.dir, "agent"), "--instance", agentHost, "--log", n.log,
		"--nitro-cli", n.program, "--sockets", n.dir, "--heartbeat", "1s", "--timeout", "2s", "--listen", "127.0.0.1:0"}, more...))
}

// agentWith starts an agent.
func (n *fakeNitro) agentWith(h *house, args []string) *agentRun {
	n.t.Helper()
	return n.begin(h, func(*exec.Cmd) {}, args...)
}

// begin starts an agent by a command that may be changed before.
func (n *fakeNitro) begin(h *house, change func(*exec.Cmd), args ...string) *agentRun {
	n.t.Helper()
	a := &agentRun{t: n.t, errs: &strings.Builder{}, cmd: h.command(args...), done: make(chan struct{})}
	change(a.cmd)
	a.cmd.Stderr = a
	if err := a.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	go func() { _ = a.cmd.Wait(); close(a.done) }()
	n.t.Cleanup(func() { _ = a.cmd.Process.Kill(); <-a.done })
	return a
}

// stop asks the agent to end, and wants that it does.
func (a *agentRun) stop() {
	a.t.Helper()
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		a.t.Fatal(err)
	}
	select {
	case <-a.done:
	case <-time.After(20 * time.Second):
		a.t.Fatalf("the agent does not end: %s", a.said())
	}
	if code := a.cmd.ProcessState.ExitCode(); code != 0 {
		a.t.Fatalf("the agent ended with %d: %s", code, a.said())
	}
}

// metrics reads the agent's series.
func (a *agentRun) metrics() string {
	a.t.Helper()
	at := regexp.MustCompile(`http://127\.0\.0\.1:\d+/metrics`).FindString(a.said())
	res, err := http.Get(at)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text)
}

// lines returns what the agent wrote, by event.
func (n *fakeNitro) lines() map[string][]map[string]any {
	out := map[string][]map[string]any{}
	text, _ := os.ReadFile(filepath.Join(n.dir, "agent", "agent.jsonl")) // may not be there yet
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, "\n") {
			break // is being written
		}
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			n.t.Fatalf("%q: %v", line, err)
		}
		out[l["event"].(string)] = append(out[l["event"].(string)], l)
	}
	return out
}

// wait waits until something is so.
func wait(t *testing.T, what string, is func() bool) {
	t.Helper()
	waitFor(t, 30*time.Second, what, is)
}

// waitFor waits until something is so, for so long.
func waitFor(t *testing.T, most time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(most); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// TestAgentSeesAKill kills an enclave in a way that leaves no line in the log: its session
// ends when it did, those of others go on to the last heartbeat.
func TestAgentSeesAKill(t *testing.T) {
	n, h := newFakeNitro(t), newHouse(t)
	a := n.agent(h)
	wait(t, "a heartbeat", func() bool { return len(n.lines()["heartbeat"]) > 0 })
	first := n.start("19a48bae81e5f1c", "acme-tokenizer", true)
	n.start("19a48bae81e6a2d", "globex-signer", true)
	n.start("19a48bae81e7b3e", "in-a-container", false)
	wait(t, "all three listed", func() bool {
		beats := n.lines()["heartbeat"]
		list, _ := beats[len(beats)-1]["enclaves"].([]any)
		return len(list) == 3
	})
	if m := a.metrics(); !strings.Contains(m, "\ntrailhouse_agent_enclaves_running 3\n") || !strings.Contains(m, "\ntrailhouse_agent_vcpus 6\n") || !strings.Contains(m, "\ntrailhouse_agent_memory_mib 1536\n") {
		t.Errorf("metrics:\n%s", m)
	}
	killed := n.kill(first)
	wait(t, "the end", func() bool { return len(n.lines()["ended"]) == 1 })
	beats := len(n.lines()["heartbeat"])
	wait(t, "two heartbeats more", func() bool { return len(n.lines()["heartbeat"]) >= beats+2 })
	if m := a.metrics(); !strings.Contains(m, "\ntrailhouse_agent_enclaves_running 2\n") || !strings.Contains(m, "trailhouse_agent_last_stop_reason{reason=") {
		t.Errorf("metrics:\n%s", m)
	}
	a.stop()

	h.must(0, "import", "enclave-log", filepath.Join(n.dir, "agent", "agent.jsonl"))
	rows := h.rows("SELECT name, reason, partial, vcpus, memory_mib, pcr0, stop, stop_not_before, stop_not_after FROM enclave_sessions ORDER BY slot")
	if len(rows) != 3 {
		t.Fatalf("%v", rows)
	}
	at := func(row map[string]any, name string) time.Time {
		text, _ := row[name].(string)
		when, _ := time.Parse(time.RFC3339Nano, text)
		return when
	}
	if end := at(rows[0], "stop"); rows[0]["reason"] != "ended" || end.Sub(killed).Abs() > time.Second || !end.Equal(at(rows[0], "stop_not_before")) || !end.Equal(at(rows[0], "stop_not_after")) {
		t.Errorf("killed at %v: %v", killed, rows[0])
	}
	lines := n.lines()
	last, _ := time.Parse(time.RFC3339Nano, lines["heartbeat"][len(lines["heartbeat"])-1]["time"].(string))
	for i, row := range rows[1:] {
		if row["reason"] != "running" || !at(row, "stop_not_before").Equal(last) || row["pcr0"] != strings.Repeat("ab", 48) || row["partial"] != (i == 1) ||
			fmt.Sprintf("%v %v", row["memory_mib"], row["vcpus"]) != "512 2" {
			t.Errorf("the last heartbeat was at %v: %v", last, row)
		}
	}
	if len(lines["stopped"]) != 1 || len(lines["start"]) != 1 {
		t.Errorf("%d starts, %d stops", len(lines["start"]), len(lines["stopped"]))
	}
	// The log itself brings nothing that the agent did not.
	before := h.count("SELECT count(*) FROM enclave_log")
	h.must(0, "import", "enclave-log", "--instance", agentHost, n.log)
	if after := h.count("SELECT count(*) FROM enclave_log"); after != before {
		t.Errorf("%d records with the log, %d without", after, before)
	}
}

// TestAgentLosesNoLine rotates, truncates and grows the log while the agent is stopped and
// started again: each line is carried once.
func TestAgentLosesNoLine(t *testing.T) {
	n, h := newFakeNitro(t), newHouse(t)
	var want []string
	put := func(count int) {
		for range count {
			text := fmt.Sprintf("Received command: Describe %d", len(want))
			want = append(want, text)
			n.put("enc-19a48bae81e5f1c:41", text)
		}
	}
	carried := func() int { return len(n.lines()["log"]) }
	a := n.agent(h) // before there is a log
	wait(t, "a heartbeat", func() bool { return len(n.lines()["heartbeat"]) > 0 })
	put(100)
	wait(t, "the first lines", func() bool { return carried() == 100 })

	old, err := os.OpenFile(n.log, os.O_APPEND|os.O_WRONLY, 0) // as a running enclave holds it
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	put(50)
	if err := os.Rename(n.log, n.log+".1"); err != nil {
		t.Fatal(err)
	}
	put(50)
	fmt.Fprintf(old, "[enc-19a48bae81e5f1c:41][INFO][2025-11-03T08:00:00.000Z][src/x.rs:1] to the old file\n")
	want = append(want, "to the old file")
	wait(t, "lines of both files", func() bool { return carried() == 201 })

	a.stop()
	put(10)
	if err := os.Rename(n.log, n.log+".2"); err != nil {
		t.Fatal(err)
	}
	put(10)
	fmt.Fprintf(old, "[enc-19a48bae81e5f1c:41][INFO][2025-11-03T08:00:01.000Z][src/x.rs:1] to the oldest file\n")
	want = append(want, "to the oldest file")
	a = n.agent(h)
	wait(t, "lines from before the restart", func() bool { return carried() == 222 })
	if err := os.Truncate(n.log, 0); err != nil {
		t.Fatal(err)
	}
	put(5)
	wait(t, "lines behind the truncation", func() bool { return carried() == 227 })
	a.stop()
	seen := map[string]int{}
	for _, l := range n.lines()["log"] {
		_, message, _ := strings.Cut(l["line"].(string), "] ")
		seen[message]++
	}
	for _, message := range want {
		if seen[message] != 1 {
			t.Errorf("%q is there %d times", message, seen[message])
		}
	}
	h.must(0, "import", "enclave-log", filepath.Join(n.dir, "agent"))
	if got := h.count("SELECT count(*) FROM enclave_log WHERE file <> 'agent'"); got != int64(len(want)) {
		t.Errorf("%d records, want %d", got, len(want))
	}
}

// TestAgentBadAnswers lets nitro-cli fail in every way: the agent says so and goes on, and
// no enclave is held to be gone.
func TestAgentBadAnswers(t *testing.T) {
	n, h := newFakeNitro(t), newHouse(t)
	n.start("19a48bae81e5f1c", "acme", true)
	a := n.agent(h)
	wait(t, "a heartbeat", func() bool { return len(n.lines()["heartbeat"]) > 0 })
	for what, script := range map[string]string{
		"exit":    "echo 'no device' >&2; exit 1",
		"garbage": "echo '{\"a\":'",
		"nothing": "true",
		"much":    "head -c 10000000 /dev/zero",
		"hang":    "sleep 60 & wait",
	} {
		failed := len(n.lines()["failed"])
		n.script(script)
		wait(t, what, func() bool { return len(n.lines()["failed"]) > failed+1 })
	}
	n.script(`cat "` + filepath.Join(n.dir, "answer.json") + `"`)
	beats := len(n.lines()["heartbeat"])
	wait(t, "a heartbeat again", func() bool { return len(n.lines()["heartbeat"]) > beats })
	if m := a.metrics(); !strings.Contains(m, `trailhouse_agent_errors_total{kind="nitro_cli"}`) {
		t.Errorf("metrics:\n%s", m)
	}
	a.stop()
	h.must(0, "import", "enclave-log", filepath.Join(n.dir, "agent", "agent.jsonl"))
	if rows := h.rows("SELECT reason FROM enclave_sessions"); len(rows) != 1 || rows[0]["reason"] != "running" {
		t.Errorf("%v", rows)
	}
	if o := h.must(2, "agent", "--listen", "0.0.0.0:9477", "--dir", t.TempDir(), "--instance", agentHost); !strings.Contains(o.err, "loopback") {
		t.Errorf("%s", o.err)
	}
}
