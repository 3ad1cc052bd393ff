package enclavelog

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
)

// agentLine is a line of the host agent of the sample's host.
func agentLine(t testing.TB, l trailhouse.AgentLine) string {
	t.Helper()
	l.Format, l.PID, l.Instance = 1, 77, host
	if l.Time.IsZero() {
		l.Time = time.Date(2025, 11, 3, 20, 0, 0, 0, time.UTC)
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// agentFile carries a log record by record, with a heartbeat behind each.
func agentFile(t testing.TB, log string) string {
	t.Helper()
	var b strings.Builder
	seen := map[string]int64{}
	for i, record := range strings.Split(strings.TrimSuffix(log, "\n"), "\n[") {
		if i > 0 {
			record = "[" + record
		}
		first, _, _ := strings.Cut(record, "\n")
		b.WriteString(agentLine(t, trailhouse.AgentLine{Event: trailhouse.AgentLog, Seq: int64(2 * i), Line: record, Ordinal: seen[first]}))
		seen[first]++
		b.WriteString(agentLine(t, trailhouse.AgentLine{Event: trailhouse.AgentHeartbeat, Seq: int64(2*i + 1), Complete: true}))
	}
	return b.String()
}

// keysWithout are the row keys of a batch but for those of the agent's own lines.
func keysWithout(m *memory) []string {
	ids := map[string]string{}
	for id, message := range m.ids() {
		if !strings.HasPrefix(message, trailhouse.AgentPrefix) {
			ids[id] = message
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// TestAgentCarriesTheLog reads a log by way of the agent, in each of the containers in
// which its lines may come: the records are those of the file itself, and so are the
// lines behind their first.
func TestAgentCarriesTheLog(t *testing.T) {
	log := sample(t) + "[nitro-cli:9][INFO][2025-11-03T19:00:00.000Z][src/main.rs:64] Start Nitro CLI\n[nitro-cli:9][INFO][2025-11-03T19:00:00.000Z][src/main.rs:64] Start Nitro CLI\n"
	direct, err := read(t, string(host)+"/nitro_enclaves.log", log, Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := agentFile(t, log)
	var exported strings.Builder
	for line := range strings.Lines(file) {
		exported.WriteString("2026-01-01T00:00:00.000Z " + line)
	}
	more := func(m *memory) (all []string) {
		at := m.log.Table.MustIndex("continuation")
		for i := range m.log.Len() {
			if !m.log.IsNull(at, i) {
				all = append(all, m.log.String(at, i))
			}
		}
		return all
	}
	for name, content := range map[string]string{
		"lines": file, "twice": file + file, "export task": exported.String(),
		"events": marshal(page(cloudEvents(file, "some-stream")), ""), "headless": file[100:],
	} {
		m, err := read(t, "agent.jsonl", content, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, want := keysWithout(m), slices.Sorted(maps.Keys(direct.ids()))
		if name == "headless" {
			want = slices.DeleteFunc(want, func(id string) bool { return id == direct.log.Key(0, 0).String() })
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if d := cmp.Diff(more(direct), more(m)); d != "" && name != "twice" {
			t.Errorf("%s: %s", name, d)
		}
		for i := range m.log.Len() {
			if m.text("instance_id", i) != string(host) {
				t.Fatalf("%s: row %d is of %s", name, i, m.text("instance_id", i))
			}
		}
	}
}

// TestAgentLines reads what may go wrong with lines of the agent.
func TestAgentLines(t *testing.T) {
	beat := agentLine(t, trailhouse.AgentLine{Event: trailhouse.AgentHeartbeat, Seq: 1})
	other := strings.Replace(beat, string(host), "i-0ffffffffffffffff", 1)
	for _, c := range []struct {
		name, content string
		rows, refused int
	}{
		{"two hosts", beat + other, 2, 0},
		{"half", beat + strings.TrimSuffix(beat, "}\n"), 1, 1},
		{"half of the beginning", beat + beat[:9], 1, 1},
		{"no line end", beat + strings.TrimSuffix(strings.Replace(beat, `"seq":1`, `"seq":2`, 1), "\n"), 2, 0},
		{"a newer format", beat + strings.Replace(beat, `"trailhouse_agent":1,`, `"trailhouse_agent":1,"event":5,`, 1), 1, 1},
		{"raw", agentLine(t, trailhouse.AgentLine{Event: trailhouse.AgentLog, Raw: []byte("[nitro-cli:1][INFO][2025-11-03T19:00:00.000Z][a:1] \xff")}), 0, 1},
		{"cut", beat + agentLine(t, trailhouse.AgentLine{Event: trailhouse.AgentLog, Line: "x", Cut: true}), 1, 1},
		{"in the log", first + beat, 1, 1},
		{"in the log that is carried", agentLine(t, trailhouse.AgentLine{Event: trailhouse.AgentLog, Line: first[:len(first)-1] + "\n" + beat[:len(beat)-1]}), 1, 1},
		{"unknown event", agentLine(t, trailhouse.AgentLine{Event: "later"}), 1, 0},
	} {
		m, err := read(t, "agent.jsonl", c.content, Options{Instance: host})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if m.log.Len() != c.rows || len(m.rejected) != c.refused {
			t.Errorf("%s: %d rows and %d refused, want %d and %d: %+v", c.name, m.log.Len(), len(m.rejected), c.rows, c.refused, m.rejected)
		}
	}
	m, err := read(t, "agent.jsonl", beat+other, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m.text("logger", 0) != "trailhouse-agent:77" || m.text("message", 0)+"\n" != beat || m.text("instance_id", 1) != "i-0ffffffffffffffff" || len(m.covered) != 2 {
		t.Errorf("%s, %s, %s, %v", m.text("logger", 0), m.text("message", 0), m.text("instance_id", 1), m.covered)
	}
}
