package agent

import (
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

// sample is one line of a series: name, labels, value. Escapes in a label are those of the
// format, no others.
var sample = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"\})? (\S+)$`)

// checkExposition holds text to the rules of Prometheus' text format 0.0.4 and returns the
// series.
func checkExposition(t *testing.T, text string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	kinds := map[string]string{}
	family, helped := "", ""
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Error("no line feed at the end")
	}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		words := strings.SplitN(line, " ", 4)
		switch {
		case strings.HasPrefix(line, "# HELP ") && len(words) == 4:
			if kinds[words[2]] != "" {
				t.Errorf("line %d: family %s twice", i, words[2])
			}
			helped = words[2]
		case strings.HasPrefix(line, "# TYPE ") && len(words) == 4:
			if helped != words[2] || words[3] != "gauge" && words[3] != "counter" || words[3] == "counter" != strings.HasSuffix(words[2], "_total") {
				t.Errorf("line %d: %s", i, line)
			}
			family = words[2]
			kinds[family] = words[3]
		default:
			m := sample.FindStringSubmatch(line)
			if m == nil || m[1] != family {
				t.Errorf("line %d in family %s: %q", i, family, line)
				continue
			}
			v, err := strconv.ParseFloat(m[3], 64)
			if _, there := out[m[1]+m[2]]; err != nil || there || v < 0 {
				t.Errorf("line %d: %q: %v", i, line, err)
			}
			out[m[1]+m[2]] = v
		}
	}
	return out
}

// TestMetrics writes all series.
func TestMetrics(t *testing.T) {
	m := newMetrics()
	now := time.Date(2025, 11, 3, 8, 0, 0, 0, time.UTC)
	var b strings.Builder
	if err := m.write(&b, now); err != nil || strings.Contains(b.String(), "enclaves_running") {
		t.Errorf("before the first list: %v\n%s", err, b.String())
	}
	checkExposition(t, b.String())
	m.beat(now, []trailhouse.AgentEnclave{{State: "RUNNING", VCPUs: 2, MemoryMiB: 512}, {State: "TERMINATING", VCPUs: 4}}, pool{6, 4096, 1024})
	m.ended("a \"b\" \\ c\nd\x01\xffü", now)
	m.errorOf("nitro_cli")
	m.Drop(3)
	b.Reset()
	if err := m.write(&b, now.Add(90*time.Second)); err != nil {
		t.Fatal(err)
	}
	got := checkExposition(t, b.String())
	for name, want := range map[string]float64{
		"enclaves_running": 1, "vcpus": 2, "memory_mib": 512, "pool_vcpus": 6, "pool_memory_mib": 4096, "pool_free_memory_mib": 1024,
		"heartbeat_age_seconds": 90, `last_stop_reason{reason="a \"b\" \\ c\nd` + "\x01\uFFFDü" + `"}`: 1, "last_stop_timestamp_seconds": float64(now.Unix()),
		"ends_total": 1, "lost_lines_total": 3, "log_records_total": 0, `errors_total{kind="nitro_cli"}`: 1,
	} {
		if v, ok := got["trailhouse_agent_"+name]; !ok || v != want {
			t.Errorf("%s is %v, want %v in\n%s", name, v, want, b.String())
		}
	}
	if len(got) != 13 {
		t.Errorf("%d series: %v", len(got), got)
	}
}

// TestServe gives metrics on the loopback and nowhere else, and where the address is taken,
// as soon as it is free.
func TestServe(t *testing.T) {
	m, clock := newMetrics(), trailhouse.SystemClock{}
	for _, bad := range []string{"0.0.0.0:9477", ":9477", "127.0.0.1", "10.0.0.1:1", "example.com:80"} {
		if _, err := m.Serve(t.Context(), bad, clock, func(string) {}, func(string) {}); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("%s: %v", bad, err)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	var mu sync.Mutex
	var said []string
	wait, err := m.Serve(t.Context(), taken.Addr().String(), clock, func(at string) { heard <- at }, func(text string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, text)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wait)
	time.Sleep(200 * time.Millisecond)
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	at := "http://" + <-heard
	for path, want := range map[string]int{"/metrics": 200, "/": 404} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != want {
			t.Errorf("%s: %s %v", path, res.Status, err)
		}
		if want == 200 {
			checkExposition(t, string(text))
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(said) != 1 || !strings.Contains(said[0], "in use") {
		t.Errorf("said %q", said)
	}
}
