package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// numbered is a line of an agent.
func numbered(t *testing.T, seq int, text string) Line {
	t.Helper()
	return at(t, seq, time.Now(), text)
}

// at is a line of an agent of a time.
func at(t *testing.T, seq int, when time.Time, text string) Line {
	t.Helper()
	l := trailhouse.AgentLine{Format: 1, Event: trailhouse.AgentHeartbeat, Time: when.UTC().Truncate(time.Millisecond), PID: 7, Seq: int64(seq), Instance: "i-0a1b2c3d4e5f60718", Text: text}
	b, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	return Line{Time: l.Time, Text: b}
}

// said keeps what a sink says.
type said struct {
	mu   sync.Mutex
	text []string
}

func (s *said) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, text)
}

// cloudRun is a sink to a log group of a test.
func cloudRun(t *testing.T, endpoint, group, dir string, words *said, m *Metrics) *CloudSink {
	t.Helper()
	session, err := aws.Open(t.Context(), aws.Options{Endpoint: endpoint, Region: "us-east-1", Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewCloudSink(t.Context(), CloudOptions{
		Clock: trailhouse.SystemClock{}, Logs: session.Logs("us-east-1"), Group: group, Stream: "i-0a1b2c3d4e5f60718", Dir: dir, Most: 4 << 20,
		Metrics: m, Say: words.add, Backoff: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// events returns the events of the group's stream.
func events(t *testing.T, endpoint, group string) (all []aws.LogEvent) {
	t.Helper()
	session, err := aws.Open(t.Context(), aws.Options{Endpoint: endpoint, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	err = session.Logs("us-east-1").Events(t.Context(), group, "i-0a1b2c3d4e5f60718", 0, func(page []aws.LogEvent) error {
		all = append(all, page...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// stored returns their messages.
func stored(t *testing.T, endpoint, group string) (all []string) {
	t.Helper()
	for _, e := range events(t, endpoint, group) {
		all = append(all, e.Message)
	}
	return all
}

// TestCloudSink sends lines to a group that has no stream yet, through failures and over a
// restart: each comes once, in order.
func TestCloudSink(t *testing.T) {
	server := testkit.Moto(t)
	proxy, dir, words := testkit.NewProxy(t, server), filepath.Join(t.TempDir(), "spool"), &said{}
	group := testkit.LogGroup(t, server, "/trailhouse/")
	m := newMetrics()
	s := cloudRun(t, proxy.URL, group, dir, words, m)
	for i := range 50 {
		if err := s.Write([]Line{numbered(t, i, "")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	proxy.Fail(func(int, *http.Request) testkit.Fault {
		return testkit.LogsError(503, "ServiceUnavailableException", "later")
	})
	s = cloudRun(t, proxy.URL, group, dir, words, m)
	for i := 50; i < 100; i++ {
		if err := s.Write([]Line{numbered(t, i, "")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(stored(t, server, group)); n != 50 || len(words.text) == 0 {
		t.Fatalf("%d events while nothing is taken, said %q", n, words.text)
	}
	proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	s = cloudRun(t, proxy.URL, group, dir, words, m)
	if err := s.Write([]Line{numbered(t, 100, strings.Repeat("ä", 30_000))}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := stored(t, server, group)
	if len(got) != 101 || m.dropped() != 0 {
		t.Fatalf("%d events, %d lost, said %q", len(got), m.dropped(), words.text)
	}
	for i, text := range got {
		if !strings.Contains(text, fmt.Sprintf(`"seq":%d,`, i)) {
			t.Fatalf("event %d: %.200s", i, text)
		}
	}
}

// TestCloudSinkOldAndNew puts lines of a wrong clock and of a long outage under the
// service's own time, rather than lose them.
func TestCloudSinkOldAndNew(t *testing.T) {
	server := testkit.Moto(t)
	words, m := &said{}, newMetrics()
	group := testkit.LogGroup(t, server, "/trailhouse/")
	s := cloudRun(t, server, group, filepath.Join(t.TempDir(), "spool"), words, m)
	for i, off := range []time.Duration{-20 * 24 * time.Hour, -19 * 24 * time.Hour, -72 * time.Hour, 0, 26 * time.Hour} {
		if err := s.Write([]Line{at(t, i, time.Now().Add(off), "")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range events(t, server, group) {
		l, ok := trailhouse.ParseAgentLine([]byte(e.Message))
		if !ok {
			t.Fatalf("%s", e.Message)
		}
		seen[strconv.FormatInt(l.Seq, 10)]++
		if off := time.Since(time.UnixMilli(e.Time)).Abs(); off > maxLag {
			t.Errorf("line %d stands %v off: an import that read a newer one does not meet it again", l.Seq, off)
		}
	}
	if len(seen) != 5 || m.dropped() != 0 {
		t.Errorf("%v, %d lost, said %q", seen, m.dropped(), words.text)
	}
}

// TestPutRefused puts events again that the service finds too old or too new, under its own
// time.
func TestPutRefused(t *testing.T) {
	server := testkit.Moto(t)
	words, m := &said{}, newMetrics()
	group := testkit.LogGroup(t, server, "/trailhouse/")
	s := cloudRun(t, server, group, filepath.Join(t.TempDir(), "spool"), words, m)
	if err := s.Close(); err != nil { // its goroutine would use the same stream
		t.Fatal(err)
	}
	var all []aws.LogEvent
	for _, off := range []time.Duration{-20 * 24 * time.Hour, -19 * 24 * time.Hour} {
		all = append(all, aws.LogEvent{Time: time.Now().Add(off).UnixMilli(), Message: "old"})
	}
	if err := s.put(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := s.put(t.Context(), []aws.LogEvent{{Time: time.Now().UnixMilli(), Message: "now"}, {Time: time.Now().Add(5 * time.Hour).UnixMilli(), Message: "new"}}); err != nil {
		t.Fatal(err)
	}
	if n := len(stored(t, server, group)); n != 4 || m.dropped() != 0 || !strings.Contains(strings.Join(words.text, "\n"), "too old") {
		t.Errorf("%d of 4 events, %d lost, said %q", n, m.dropped(), words.text)
	}
}

// TestLogWaitsForTheSpool copies a log that is many times the spool while nothing is taken:
// the rest waits in the log, and nothing falls off.
func TestLogWaitsForTheSpool(t *testing.T) {
	server := testkit.Moto(t)
	proxy, words := testkit.NewProxy(t, server), &said{}
	group := testkit.LogGroup(t, server, "/trailhouse/")
	proxy.Fail(func(int, *http.Request) testkit.Fault {
		return testkit.LogsError(503, "ServiceUnavailableException", "later")
	})
	l := newLog(t)
	l.put(l.path, 60_000) // 5 MB and three times that in the spool, which holds 4 MiB
	a := New(Options{Clock: trailhouse.SystemClock{}, Host: Host{Instance: "i-0a1b2c3d4e5f60718"}, LogPath: l.path, PositionPath: l.position, Say: words.add}, 7)
	s := cloudRun(t, proxy.URL, group, filepath.Join(t.TempDir(), "spool"), words, a.Metrics())
	a.SetSink(s)
	for range 10 {
		a.copyLog()
	}
	waiting := a.tail.files[0].now.offset
	if waiting == 0 || waiting > 2<<20 {
		t.Fatalf("%d bytes were copied into a spool of 4 MiB", waiting)
	}
	proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	for end := time.Now().Add(time.Minute); a.tail.files[0].now.offset < l.size() && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		a.copyLog()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(stored(t, server, group)); got != l.wrote || a.Metrics().dropped() != 0 {
		t.Errorf("%d of %d lines, %d lost", got, l.wrote, a.Metrics().dropped())
	}
}

// TestCloudSinkWrongClock sends from a machine whose clock is hours behind that of the
// service, which takes no signature from then.
func TestCloudSinkWrongClock(t *testing.T) {
	server := testkit.Moto(t)
	proxy := testkit.NewProxy(t, server)
	group := testkit.LogGroup(t, server, "/trailhouse/")
	now := func() time.Time { return time.Now().UTC().Add(18 * time.Hour) }
	proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			t.Errorf("signed at %q: %v", r.Header.Get("X-Amz-Date"), err)
		}
		if now().Sub(signed).Abs() > 5*time.Minute {
			return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				w.Header().Set("Date", now().Format(http.TimeFormat))
				testkit.LogsError(400, "InvalidSignatureException", "Signature expired: "+signed.Format(time.RFC3339)+" is now earlier than the service allows")(w, r, next)
			}
		}
		return testkit.Change(func(a *testkit.Recorded) { a.Header.Set("Date", now().Format(http.TimeFormat)) })
	})
	words := &said{}
	s := cloudRun(t, proxy.URL, group, filepath.Join(t.TempDir(), "spool"), words, newMetrics())
	for i := range 3 {
		if err := s.Write([]Line{numbered(t, i, "")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(stored(t, server, group)); n != 3 {
		t.Errorf("%d of 3 lines, said %q", n, words.text)
	}
}

// TestCloudSinkNamesThePermission says which permission the role of the host lacks.
func TestCloudSinkNamesThePermission(t *testing.T) {
	server := testkit.Moto(t)
	proxy := testkit.NewProxy(t, server)
	for _, action := range []string{"PutLogEvents", "CreateLogStream"} {
		words, group := &said{}, testkit.LogGroup(t, server, "/trailhouse/")
		proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
			if !testkit.IsLogs(r, action) {
				return nil
			}
			return testkit.LogsError(400, "AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/EnclaveHost/i-0a1b2c3d4e5f60718 is not authorized to perform: logs:"+action+" on resource: arn:aws:logs:us-east-1:123456789012:log-group:"+group+":log-stream:x")
		})
		s := cloudRun(t, proxy.URL, group, filepath.Join(t.TempDir(), "spool"), words, newMetrics())
		if err := errors.Join(s.Write([]Line{numbered(t, 1, "")}), s.Close()); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(words.text, "\n"); !strings.Contains(text, "permission logs:"+action+" on arn:aws:logs:") {
			t.Errorf("%s: said %q", action, text)
		}
	}
}

// TestSpoolIsBounded writes more than a spool may hold: the oldest lines fall off and are
// counted.
func TestSpoolIsBounded(t *testing.T) {
	var lost int64
	s, err := openSpool(t.TempDir(), 1<<20, func(n int64) { lost += n })
	if err != nil {
		t.Fatal(err)
	}
	const all = 3000
	for i := range all {
		if err := s.add([]Line{numbered(t, i, strings.Repeat("x", 1000))}); err != nil {
			t.Fatal(err)
		}
	}
	s.shut()
	again, err := openSpool(s.dir, 1<<20, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	var size int64
	for {
		lines, through, err := again.take(1)
		if err != nil {
			t.Fatal(err)
		}
		if through == 0 {
			break
		}
		for _, l := range lines {
			size += int64(len(l))
		}
		kept += len(lines)
		if err := again.sent(through); err != nil {
			t.Fatal(err)
		}
	}
	if lost == 0 || int64(kept)+lost != all || size > 1<<20 {
		t.Errorf("%d kept and %d lost of %d, %d bytes", kept, lost, all, size)
	}
}

// TestBatch holds calls to the service's limits.
func TestBatch(t *testing.T) {
	day := int64(24 * time.Hour / time.Millisecond)
	for _, c := range []struct {
		name   string
		events []aws.LogEvent
		want   int
	}{
		{"all", make([]aws.LogEvent, 3), 3},
		{"number", make([]aws.LogEvent, 10_001), 10_000},
		{"span", []aws.LogEvent{{Time: 5}, {Time: 4 + day}, {Time: 5 + day}}, 2},
		{"size", []aws.LogEvent{{Message: strings.Repeat("x", 1<<19)}, {Message: strings.Repeat("x", 1<<19-60)}, {Message: ""}}, 2},
		{"one too large", []aws.LogEvent{{Message: strings.Repeat("x", 1<<21)}, {}}, 1},
	} {
		if got := batch(c.events); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
