package demo

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse/internal/demo/trail"
)

// small are options that give every kind of host in about a second.
func small(seed uint64) Options {
	o := DefaultOptions()
	o.Seed, o.PollDays, o.PollEvery, o.Events = seed, 4, 5*time.Minute, trail.MinEvents
	return o
}

func generate(t *testing.T, o Options) (string, *Truth) {
	t.Helper()
	dir := t.TempDir()
	truth, err := Generate(t.Context(), dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dir, truth
}

// hashTree returns a hash over the names and bytes of all files.
func hashTree(t *testing.T, dir string) string {
	t.Helper()
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n", strings.TrimPrefix(path, dir), len(text))
		sum.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func TestSameSeedSameBytes(t *testing.T) {
	first, _ := generate(t, small(7))
	again, _ := generate(t, small(7))
	other, _ := generate(t, small(8))
	if hashTree(t, first) != hashTree(t, again) {
		t.Error("one seed gave two different demos")
	}
	if hashTree(t, first) == hashTree(t, other) {
		t.Error("two seeds gave the same demo")
	}
}

func TestTruthIsConsistent(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir, truth := generate(t, small(seed))
			for i := range truth.Sessions {
				checkSession(t, &truth.Sessions[i])
			}
			checkUsage(t, truth)
			checkPools(t, truth)
			checkVariety(t, truth)
			read, err := ReadTruth(dir)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(read, truth) {
				t.Error("the truth changes on its way through JSON")
			}
		})
	}
}

// TestTrailFitsLogs holds every attested call of a logged enclave against the sessions,
// and the launches against the hosts.
func TestTrailFitsLogs(t *testing.T) {
	_, truth := generate(t, small(5))
	sessions := map[string]Session{}
	for _, s := range truth.Sessions {
		sessions[s.EnclaveID] = s
	}
	logged := 0
	for _, a := range truth.Trail.Attested {
		if !a.Logged {
			continue
		}
		logged++
		s, ok := sessions[a.InstanceID+"-enc"+strings.TrimLeft(a.Slot, "0")]
		if at := instantOf(a.Time); !ok || len(a.Slot) != 16 || at < s.Started || at > s.StopNotBefore {
			t.Errorf("no session fits %+v", a)
		}
		if zero := strings.Trim(a.PCR0, "0") == ""; ok && zero != *s.Debug {
			t.Errorf("debug is %t, the image's digest %s", *s.Debug, a.PCR0)
		}
	}
	if logged < 50 {
		t.Errorf("%d calls of enclaves in the logs", logged)
	}
	launched := map[string]trail.Launch{}
	for _, l := range truth.Trail.Launches {
		for _, id := range l.InstanceIDs {
			launched[id] = l
		}
	}
	for _, h := range truth.Hosts {
		if l := launched[h.InstanceID]; l.Account != h.Account || l.InstanceType != h.InstanceType || instantOf(l.Time) >= truth.From {
			t.Errorf("host %+v was launched by %+v", h, l)
		}
	}
}

// TestGenerateTrail sees that the trail by itself is the same as with the logs.
func TestGenerateTrail(t *testing.T) {
	whole, truth := generate(t, small(6))
	alone := t.TempDir()
	var last int64
	got, err := GenerateTrail(t.Context(), alone, small(6), func(done, total int64) {
		if done < last || total != trail.MinEvents {
			t.Errorf("%d of %d events after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if hashTree(t, filepath.Join(whole, trail.Folder)) != hashTree(t, filepath.Join(alone, trail.Folder)) {
		t.Error("the trail by itself is another one")
	}
	if !reflect.DeepEqual(got.Trail, truth.Trail) || len(got.Sessions) > 0 || last != trail.MinEvents {
		t.Errorf("the truth by itself is another one, %d events", last)
	}
	if _, err := os.Stat(filepath.Join(alone, "logs")); err == nil {
		t.Error("there are logs beside the trail")
	}
}

func checkSession(t *testing.T, s *Session) {
	t.Helper()
	if s.Started == 0 || s.StopNotBefore < s.Started || s.Billed < 0 || s.Presumed < 0 || s.Uncertain < 0 || s.Presumed > s.Billed {
		t.Errorf("%s runs backwards: %+v", s.EnclaveID, s)
	}
	if s.Ready != 0 && !s.Partial && !(s.Attempt < s.Reserved && s.Reserved < s.Ready && s.Ready == s.Started) {
		t.Errorf("%s starts out of order: %+v", s.EnclaveID, s)
	}
	// What really happened lies within what the evidence allows.
	if s.ReallyEnded != 0 && s.ReallyEnded < s.StopNotBefore && s.Stop == 0 {
		t.Errorf("%s was alive at %s and ended at %s", s.EnclaveID, s.StopNotBefore, s.ReallyEnded)
	}
	if s.StopNotAfter != 0 && s.Stop == 0 && (s.ReallyEnded == 0 || s.ReallyEnded > s.StopNotAfter) {
		t.Errorf("%s was gone at %s and ended at %s", s.EnclaveID, s.StopNotAfter, s.ReallyEnded)
	}
	switch s.Reason {
	case "running":
		if s.StopNotAfter != 0 || s.PresumedUntil == 0 || s.Uncertain != 0 {
			t.Errorf("%s runs and has an end: %+v", s.EnclaveID, s)
		}
	case "lost":
		if s.Stop != 0 || s.StopNotAfter < s.StopNotBefore || s.Uncertain != Seconds(s.StopNotAfter-s.StopNotBefore) {
			t.Errorf("%s is lost without bounds: %+v", s.EnclaveID, s)
		}
	default:
		if s.Stop == 0 || s.Stop != s.StopNotBefore || s.Stop != s.StopNotAfter || s.Billed != Seconds(s.Stop-s.Started) {
			t.Errorf("%s has no exact end: %+v", s.EnclaveID, s)
		}
	}
}

func checkUsage(t *testing.T, truth *Truth) {
	t.Helper()
	var sum, want Usage
	for _, u := range truth.Usage {
		sum.Billed += u.Billed
		sum.Presumed += u.Presumed
		sum.Uncertain += u.Uncertain
		sum.VCPUMillis += u.VCPUMillis
		sum.MiBMillis += u.MiBMillis
	}
	for _, s := range truth.Sessions {
		want.Billed += s.Billed
		want.Presumed += s.Presumed
		want.Uncertain += s.Uncertain
		want.VCPUMillis += value(s.VCPUs) * int64(s.Billed)
		want.MiBMillis += value(s.MemoryMiB) * int64(s.Billed)
	}
	if sum != want {
		t.Errorf("clients sum to %+v, sessions to %+v", sum, want)
	}
}

func checkPools(t *testing.T, truth *Truth) {
	t.Helper()
	for _, p := range truth.Pools {
		if p.ReservedVCPU <= 0 || p.IdleVCPU < 0 || p.IdleMiB < 0 || p.UsedVCPU <= 0 || p.UnbilledVCPU < 0 {
			t.Errorf("pool of %s: %+v", p.InstanceID, p)
		}
	}
	if len(truth.Pools) != len(truth.Hosts)-1 {
		t.Errorf("%d pools of %d hosts, one of which has no journal", len(truth.Pools), len(truth.Hosts))
	}
}

// checkVariety sees that the demo has what it promises.
func checkVariety(t *testing.T, truth *Truth) {
	t.Helper()
	seen := map[string]int{}
	var presumed Seconds
	for _, s := range truth.Sessions {
		seen[s.Reason]++
		presumed += s.Presumed
		seen["client "+s.Client]++
		if s.Partial {
			seen["partial"]++
		}
		if s.Name == nil && !s.Partial {
			seen["unnamed"]++
		}
		if monthOf(s.Started) != monthOf(s.Started+Instant(s.Billed)) {
			seen["across months"]++
		}
		if s.MemoryMiB != nil && *s.MemoryMiB > *s.MemoryRequestedMiB {
			seen["more memory"]++
		}
	}
	for _, a := range truth.FailedStarts {
		seen[a.ErrorCode]++
	}
	if presumed < Seconds(12*hour) {
		t.Errorf("only %s seconds are presumed", presumed)
	}
	for _, what := range []string{
		"terminated", "crashed", "signal", "socket-deleted", "lost", "running", "partial", "unnamed", "across months", "more memory",
		"client acme", "client globex", "client umbrella", "client initech", "client hooli", "client " + Unattributed,
		"E22", "E26", "E27", "E29", "E36", "E39",
	} {
		if seen[what] == 0 {
			t.Errorf("no %s in the demo: %v", what, seen)
		}
	}
}

var header = regexp.MustCompile(`^\[(nitro-cli|enc-xxxxxxx|enc-[0-9a-f]{15}):\d+\]\[(INFO|WARN|ERROR)\]\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\]\[src/[a-z_/]+\.rs:\d+\] [^\n]+$`)

// TestLines reads every file back and counts its records, as far as a header tells.
func TestLines(t *testing.T) {
	dir, truth := generate(t, small(3))
	for _, f := range truth.Files {
		got := countLines(t, dir, f.Path)
		if got != f {
			t.Errorf("%s holds %+v, the truth says %+v", f.Path, got, f)
		}
		info, err := os.Stat(filepath.Join(dir, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		if y := info.ModTime().UTC().Year(); y != 2025 {
			t.Errorf("%s was last written in %d", f.Path, y)
		}
	}
}

func countLines(t *testing.T, dir, path string) File {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	count := File{Path: path}
	for _, line := range physical(t, path, in) {
		switch {
		case strings.HasSuffix(path, ".journal"):
			count.Journal++
		case header.MatchString(line):
			count.Records++
		case strings.HasPrefix(line, "["):
			if !strings.HasPrefix(line, "[ E") {
				t.Errorf("%s: not a line of nitro-cli's: %q", path, line)
			}
		default:
			count.Continuations++
		}
	}
	return count
}

// physical returns the log's lines without what CloudWatch puts around them.
func physical(t *testing.T, path string, in io.Reader) (lines []string) {
	t.Helper()
	type event struct{ LogStreamName, Message string }
	if strings.HasSuffix(path, ".json") {
		var all struct{ Events []event }
		if err := json.NewDecoder(in).Decode(&all); err != nil {
			t.Fatal(err)
		}
		for _, e := range all.Events {
			lines = append(lines, e.Message)
		}
		return lines
	}
	for scan := bufio.NewScanner(in); scan.Scan(); {
		line := scan.Text()
		if strings.HasSuffix(path, ".jsonl") {
			var e event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			line = e.Message
		}
		if strings.Contains(path, "exportedlogs") {
			_, line, _ = strings.Cut(line, " ")
		}
		lines = append(lines, line)
	}
	return lines
}

func TestHours(t *testing.T) {
	for _, c := range []struct {
		ms        int64
		vcpu, gib string
	}{
		{0, "0.000000", "0.000000"},
		{3_600_000, "1.000000", "0.000977"},
		{3_686_400_000, "1024.000000", "1.000000"},
		{2, "0.000001", "0.000000"},
		{1, "0.000000", "0.000000"},
		{5_398_125 * 2, "2.998958", "0.002929"},
	} {
		if v, g := VCPUHours(c.ms), GiBHours(c.ms); v != c.vcpu || g != c.gib {
			t.Errorf("%d: %s and %s, want %s and %s", c.ms, v, g, c.vcpu, c.gib)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"hosts":   func(o *Options) { o.Hosts = 0 },
		"clients": func(o *Options) { o.Clients = MaxClients + 1 },
		"months":  func(o *Options) { o.Months = 0 },
		"starts":  func(o *Options) { o.StartsPerDay = 0 },
		"poll":    func(o *Options) { o.PollEvery = time.Millisecond },
		"start":   func(o *Options) { o.Start = time.Time{} },
		"events":  func(o *Options) { o.Events = 1 },
	} {
		o := DefaultOptions()
		change(&o)
		if _, err := Generate(t.Context(), t.TempDir(), o, nil); err == nil {
			t.Errorf("a demo with wrong %s was made", name)
		}
	}
}

func TestGenerateStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Generate(ctx, t.TempDir(), small(1), nil); err == nil {
		t.Error("an interrupted demo is no error")
	}
}

func TestPolled(t *testing.T) {
	var log bytes.Buffer
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	got, err := Polled(t.Context(), &log, PolledOptions{Start: start, Every: 10 * time.Second, Enclaves: 2, Days: 1, Life: 5 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if int64(log.Len()) != got.Bytes || got.Records < 50_000 || len(got.Sessions) < 8 {
		t.Errorf("%d bytes, result %d bytes, %d records, %d sessions", log.Len(), got.Bytes, got.Records, len(got.Sessions))
	}
	for i, line := range strings.Split(strings.TrimSpace(log.String()), "\n") {
		if i%97 == 0 && !header.MatchString(line) {
			t.Fatalf("line %d is not a record: %s", i+1, line)
		}
	}
	for i := range got.Sessions {
		checkSession(t, &got.Sessions[i])
	}
}

// TestPolledTakesConstantMemory writes 200 MB and looks at what stays.
func TestPolledTakesConstantMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	got, err := Polled(t.Context(), io.Discard, PolledOptions{
		Start: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Every: 10 * time.Second, Enclaves: 2, Days: 4000, Bytes: 200 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("%d bytes of log left %d bytes in memory", got.Bytes, grown)
	}
	runtime.KeepAlive(got)
}

func BenchmarkPolled(b *testing.B) {
	b.SetBytes(100 << 20)
	for b.Loop() {
		_, err := Polled(b.Context(), io.Discard, PolledOptions{
			Start: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Every: 10 * time.Second, Enclaves: 2, Days: 4000, Bytes: 100 << 20,
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		if _, err := Generate(b.Context(), b.TempDir(), DefaultOptions(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
