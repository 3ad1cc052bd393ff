package sessions

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
)

// seeds is how many logs TestMarksAreEnough makes up.
var seeds = flag.Int("seeds", 60, "simulated logs to try")

// simulation writes the log of a host that is polled, with starts and ends of
// every kind at random.
type simulation struct {
	rng  *rand.Rand
	at   time.Time
	log  strings.Builder
	live []simulated
	dead []simulated // their sockets are stale
	pid  int
	pids int // how many there are before they come again
	slot uint64
	// agent says that a host agent watches; boot is how often the host lost power.
	agent bool
	seq   int64
	boot  int
}

type simulated struct {
	slot string
	pid  int
}

func (s *simulation) put(logger, level, message string) {
	s.at = s.at.Add(time.Duration(s.rng.IntN(4)) * time.Millisecond)
	fmt.Fprintf(&s.log, "[%s][%s][%s][src/x.rs:1] %s\n", logger, level, s.at.UTC().Format("2006-01-02T15:04:05.000Z"), message)
}

func (s *simulation) nextPID() int {
	s.pid++
	if s.pid > 300+s.pids {
		s.pid = 300
	}
	return s.pid
}

// ask is what a broadcast does: connect to the living, delete stale sockets.
func (s *simulation) ask(cli, command string) {
	for _, e := range s.live {
		s.put(cli, "INFO", "Connected to: /run/nitro_enclaves/"+e.slot+".sock")
	}
	for _, e := range s.dead {
		s.put(cli, "INFO", "Deleting stale socket: /run/nitro_enclaves/"+e.slot+".sock")
	}
	s.dead = nil
	for _, e := range s.live {
		s.put(fmt.Sprintf("enc-%s:%d", e.slot, e.pid), "INFO", "Received command: "+command)
	}
}

func (s *simulation) poll() {
	cli := fmt.Sprintf("nitro-cli:%d", s.nextPID())
	s.put(cli, "INFO", "Start Nitro CLI")
	s.ask(cli, "Describe")
	s.put(cli, "INFO", "Sent command: Describe")
}

// tell writes a line of the host agent.
func (s *simulation) tell(l trailhouse.AgentLine) {
	s.seq++
	l.Format, l.PID, l.Instance, l.Seq, l.Time = 1, 77, host, s.seq, s.at.UTC().Truncate(time.Millisecond)
	l.BootID, l.Booted = fmt.Sprint("boot-", s.boot), time.Date(2025, 11, 3, 20, 0, 0, 0, time.UTC)
	text, _ := json.Marshal(l) // a struct of ours
	s.put("trailhouse-agent:77", "INFO", string(text))
}

// listed is an enclave as nitro-cli describes it.
func (e simulated) listed() trailhouse.AgentEnclave {
	return trailhouse.AgentEnclave{EnclaveID: string(host) + "-enc" + e.slot, PID: int64(e.pid), VCPUs: 2, MemoryMiB: 64, State: trailhouse.AgentRunning}
}

// heartbeat lists what lives, as the agent does.
func (s *simulation) heartbeat() {
	l := trailhouse.AgentLine{Event: trailhouse.AgentHeartbeat, Complete: s.rng.IntN(9) > 0}
	for _, e := range s.live {
		if l.Complete || s.rng.IntN(2) == 0 {
			l.Enclaves = append(l.Enclaves, e.listed())
		}
	}
	s.tell(l)
}

func (s *simulation) console() {
	cli := fmt.Sprintf("nitro-cli:%d", s.nextPID())
	s.put(cli, "INFO", "Start Nitro CLI")
	if len(s.live) > 0 {
		s.put(cli, "INFO", "Sent command: GetEnclaveCID")
		e := s.live[0]
		s.put(fmt.Sprintf("enc-%s:%d", e.slot, e.pid), "INFO", "Received command: GetEnclaveCID")
	}
}

func (s *simulation) start() {
	cli := fmt.Sprintf("nitro-cli:%d", s.nextPID())
	s.put(cli, "INFO", "Start Nitro CLI")
	pid := s.nextPID()
	enc := fmt.Sprintf("enc-%s:%d", starter, pid)
	s.put(enc, "INFO", fmt.Sprintf("Enclave process PID: %d", pid))
	s.ask(cli, "GetEnclaveName")
	s.put(cli, "INFO", "Sent command: Run")
	s.put(enc, "INFO", "Received command: Run")
	s.put(enc, "INFO", `Run args = RunEnclavesArgs { eif_path: "a.eif", enclave_cid: None, memory_mib: 64, cpu_ids: Some([2]), debug_mode: false, attach_console: false, cpu_count: None, enclave_name: Some("a") }`)
	switch s.rng.IntN(4) {
	case 0:
		s.put(enc, "ERROR", "[ E27 ] Insufficient memory available.")
		s.put(cli, "ERROR", "[ E39 ] Enclave process connection failure.")
		return
	case 1: // killed while it boots
		s.put(cli, "ERROR", "[ E39 ] Enclave process connection failure.")
		return
	}
	s.put(enc, "INFO", "Allocating memory regions to hold 67108864 bytes.")
	s.put(enc, "INFO", "Allocated 32 region(s): 32 page(s) of 2 MB")
	s.put(enc, "INFO", "Finished initializing memory.")
	s.at = s.at.Add(2 * time.Second)
	s.slot += 0x1000
	e := simulated{slot: fmt.Sprintf("%x", s.slot), pid: pid}
	s.put(enc, "INFO", "Enclave ID = "+string(host)+"-enc"+e.slot)
	s.live = append(s.live, e)
}

func (s *simulation) end() {
	if len(s.live) == 0 {
		return
	}
	i := s.rng.IntN(len(s.live))
	e := s.live[i]
	s.live = slices.Delete(s.live, i, i+1)
	enc := fmt.Sprintf("enc-%s:%d", e.slot, e.pid)
	switch s.rng.IntN(4) {
	case 0:
		s.put(enc, "INFO", "Enclave has completed termination.")
	case 1:
		s.put(enc, "WARN", "Received hang-up event from the enclave. Enclave process will shut down.")
		s.put(enc, "INFO", "Enclave terminated.")
	case 2:
		s.dead = append(s.dead, e)
		if listed := e.listed(); s.agent && s.rng.IntN(2) == 0 {
			s.tell(trailhouse.AgentLine{Event: trailhouse.AgentEnded, Enclave: &listed, AliveAt: s.at.Add(-time.Second), Exact: s.rng.IntN(2) == 0})
		}
	case 3: // power loss: sockets vanish
		s.live, s.dead = nil, nil
		if s.rng.IntN(2) == 0 {
			fmt.Fprintf(&s.log, "allocator %s nitro-enclaves-allocator: Successfully allocated Nitro Enclaves resources: 4096 MiB, 6 CPUs\n", s.at.UTC().Truncate(time.Second).Format(time.RFC3339))
		}
	}
}

// simulate writes n steps around midnights.
func simulate(seed uint64, n, pids int, agent bool) string {
	s := &simulation{agent: agent, rng: rand.New(rand.NewPCG(seed, 3)), at: time.Date(2025, 11, 3, 23, 55, 0, 0, time.UTC), pid: 300, pids: pids, slot: 0x19a48bae81e5f1c}
	for range n {
		switch k := s.rng.IntN(30); {
		case k == 0:
			s.start()
		case k == 1:
			s.end()
		case k < 4:
			s.console()
		case k == 4 && s.rng.IntN(5) == 0:
			s.at = s.at.Add(23*time.Hour + 40*time.Minute)
		case k == 5 && s.rng.IntN(5) == 0:
			s.at = s.at.Add(-time.Duration(s.rng.IntN(7)) * time.Second) // a clock step
		default:
			s.poll()
			if s.agent {
				s.heartbeat()
			}
			s.at = s.at.Add(time.Duration(s.rng.IntN(12)) * time.Second)
		}
	}
	return s.log.String()
}

// TestMarksAreEnough holds marks to give what all facts give, and to be the same
// in whatever order and however often the lines come.
func TestMarksAreEnough(t *testing.T) {
	for seed := range uint64(*seeds) {
		rng := rand.New(rand.NewPCG(seed, 4))
		events := parseEvents(t, simulate(seed, 400, 100, seed%2 == 0))
		if seed%3 == 1 { // a log with holes; a pid that came again within minutes without its start line could not be told apart
			events = parseEvents(t, simulate(seed, 400, 30000, seed%2 == 0))
			events = slices.DeleteFunc(events, func(event) bool { return rng.IntN(6) == 0 })
		}
		want := Derive(Input{Instance: host, Marks: fold(events, (*Folder).all)})
		got := Derive(Input{Instance: host, Marks: fold(events, (*Folder).Marks)})
		if d := cmp.Diff(render(want), render(got)); d != "" {
			t.Fatalf("seed %d (-all +marks):\n%s", seed, d)
		}
		checkSane(t, got)
		again := Derive(Input{Instance: host, Marks: fold(disturb(rng, events), (*Folder).Marks)})
		if d := cmp.Diff(got, again); d != "" {
			t.Fatalf("seed %d, disturbed (-want +got):\n%s", seed, d)
		}
	}
}

// checkSane asserts what holds for every result.
func checkSane(t *testing.T, r Result) {
	t.Helper()
	seen := make(map[string]bool)
	for _, s := range r.Sessions {
		if seen[s.SessionID] {
			t.Errorf("%s twice", s.SessionID)
		}
		seen[s.SessionID] = true
		inOrder(t, s.SessionID, s.Attempt, s.Started, s.StopNotBefore, s.StopNotAfter)
		inOrder(t, s.SessionID, s.Reserved, s.Started)
		inOrder(t, s.SessionID, s.StopNotBefore, s.PresumedUntil)
		known := !s.Stop.IsZero()
		told := known || s.Reason == ReasonEnded || s.Reason == ReasonLost || s.Reason == ReasonRunning
		if !told || known && s.Reason == ReasonRunning || (s.Reason == ReasonRunning) == s.PresumedUntil.IsZero() {
			t.Errorf("%s: reason %s, stop %v, presumed until %v", s.SessionID, s.Reason, s.Stop, s.PresumedUntil)
		}
		if known && (!s.Stop.Equal(s.StopNotBefore) || !s.Stop.Equal(s.StopNotAfter)) {
			t.Errorf("%s: a known stop has other bounds", s.SessionID)
		}
		if s.Started.IsZero() || s.StopNotBefore.IsZero() || s.Evidence == "" {
			t.Errorf("%s: incomplete", s.SessionID)
		}
	}
	for _, a := range r.Attempts {
		inOrder(t, "attempt", a.Attempt, a.Time)
		inOrder(t, "attempt", a.Reserved, a.Time)
	}
}

func inOrder(t *testing.T, what string, times ...time.Time) {
	t.Helper()
	var last time.Time
	for _, at := range times {
		if at.IsZero() {
			continue
		}
		if at.Before(last) {
			t.Errorf("%s: negative span in %v", what, times)
		}
		last = at
	}
}

// TestRandomSubsets takes random lines of the sample log: nothing panics, nothing
// is negative.
func TestRandomSubsets(t *testing.T) {
	sample := readFile(t, "testdata/sample.log") + readFile(t, "testdata/journal.log")
	events := parseEvents(t, sample)
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 5))
		keep := 1 + rng.IntN(10)
		some := slices.DeleteFunc(slices.Clone(events), func(event) bool { return rng.IntN(10) >= keep })
		if seed%4 == 0 { // clocks gone mad
			for i := range some {
				some[i].line.Micros += int64(rng.IntN(7200)-3600) * second
			}
		}
		got := Derive(Input{Instance: host, Marks: fold(some, (*Folder).Marks)})
		checkSane(t, got)
		want := Derive(Input{Instance: host, Marks: fold(some, (*Folder).all)})
		if d := cmp.Diff(render(want), render(got)); d != "" {
			t.Fatalf("seed %d (-all +marks):\n%s", seed, d)
		}
	}
}

// TestPolledDay holds the marks of a polled day to be few.
func TestPolledDay(t *testing.T) {
	folder := NewFolder(host)
	lines := 0
	for l := range polledDay(time.Date(2025, 11, 3, 0, 0, 0, 0, time.UTC)) {
		folder.Add(l)
		lines++
	}
	marks := folder.Marks()
	if lines < 50000 || len(marks) > 70 {
		t.Errorf("%d lines give %d marks", lines, len(marks))
	}
	t.Logf("%d lines, %d marks", lines, len(marks))
	r := Derive(Input{Instance: host, Marks: marks})
	if len(r.Sessions) != 2 || r.Sessions[0].Reason != ReasonRunning {
		t.Errorf("%+v", r)
	}
}
