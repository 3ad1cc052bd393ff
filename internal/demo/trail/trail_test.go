package trail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

func sampleOptions(seed uint64) Options {
	from := time.Date(2025, time.August, 1, 0, 0, 0, 0, time.UTC)
	o := Options{Seed: seed, From: from, To: from.AddDate(0, 1, 0), Events: 6000}
	for i, account := range []string{"111122223333", "444455556666"} {
		h := Host{InstanceID: fmt.Sprintf("i-0%016x", 0xabc0+i), Account: account, InstanceType: "m5.2xlarge"}
		o.Hosts = append(o.Hosts, h)
		for d := range 20 {
			start := from.Add(time.Duration(d)*26*time.Hour + 1234*time.Millisecond)
			o.Sessions = append(o.Sessions, Session{
				InstanceID: h.InstanceID, Slot: fmt.Sprintf("%x", start.UnixMilli()<<16|77), From: start, To: start.Add(5 * time.Hour),
				Image: "/opt/eif/tokenizer.eif", Debug: d%5 == 0,
				Ended: true, Client: []string{"acme", "globex"}[d%2], Always: d == 3, Silent: d == 4,
			})
		}
	}
	return o
}

func generate(t testing.TB, o Options) (string, *Truth) {
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
	first, _ := generate(t, sampleOptions(7))
	again, _ := generate(t, sampleOptions(7))
	other, _ := generate(t, sampleOptions(8))
	if hashTree(t, first) != hashTree(t, again) {
		t.Error("one seed gave two different trails")
	}
	if hashTree(t, first) == hashTree(t, other) {
		t.Error("two seeds gave the same trail")
	}
}

// TestScriptDoesNotDependOnNoise sees that what the truth lists stays while the trail
// grows.
func TestScriptDoesNotDependOnNoise(t *testing.T) {
	o := sampleOptions(3)
	_, few := generate(t, o)
	o.Events *= 3
	_, many := generate(t, o)
	if len(few.Launches) == 0 || fmt.Sprint(few.Launches) != fmt.Sprint(many.Launches) || fmt.Sprint(few.Touched) != fmt.Sprint(many.Touched) {
		t.Error("launches or touched resources changed with the number of events")
	}
	if few.Events["cloudtrail"] != o.Events/3 || many.Events["cloudtrail"] != o.Events {
		t.Errorf("asked for %d and %d events, got %v and %v", o.Events/3, o.Events, few.Events, many.Events)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"events":  func(o *Options) { o.Events = 100 },
		"too":     func(o *Options) { o.Events = MaxEvents + 1 },
		"files":   func(o *Options) { o.EventsPerFile = -1 },
		"days":    func(o *Options) { o.To = o.From.Add(24 * time.Hour) },
		"account": func(o *Options) { o.Hosts[0].Account = "000000000000" },
	} {
		o := sampleOptions(1)
		change(&o)
		if _, err := Generate(t.Context(), t.TempDir(), o, nil); err == nil {
			t.Errorf("a trail with wrong %s was made", name)
		}
	}
}

func TestGenerateStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Generate(ctx, t.TempDir(), sampleOptions(1), nil); err == nil {
		t.Error("an interrupted trail is no error")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(t.Context(), file, sampleOptions(1), nil); err == nil {
		t.Error("a trail in a file is no error")
	}
}

// TestBigObjects sees the files of a large trail: some 2,000 events each, beside some
// hundreds of small ones for the script.
func TestBigObjects(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 60 MB")
	}
	o := sampleOptions(2)
	o.Events = 200_000
	_, truth := generate(t, o)
	if mean := o.Events / truth.Files[KindEvents]; mean < 300 || truth.Events["cloudtrail"] != o.Events {
		t.Errorf("%d events in %d files", truth.Events["cloudtrail"], truth.Files[KindEvents])
	}
}

// TestConstantMemory compares the live heap in the midst of two trails, one of which
// is eight times as long.
func TestConstantMemory(t *testing.T) {
	peak := func(events int64) (highest uint64) {
		o := sampleOptions(4)
		o.Events, o.EventsPerFile = events, 1000
		var stats runtime.MemStats
		calls := 0
		_, err := Generate(t.Context(), t.TempDir(), o, func(done, total int64) {
			if calls++; done > total/2 && calls%8 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&stats)
				highest = max(highest, stats.HeapAlloc)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return highest
	}
	short, long := peak(40_000), peak(320_000)
	t.Logf("live heap: %d bytes at 40,000 events, %d at 320,000", short, long)
	if long > short+8<<20 {
		t.Errorf("live heap grew from %d to %d bytes", short, long)
	}
}

func TestWheel(t *testing.T) {
	w := newWheel([]int{1, 0, 3})
	if len(w) != wheelSize {
		t.Fatalf("%d places", len(w))
	}
	counts := map[uint16]int{}
	for _, i := range w {
		counts[i]++
	}
	if counts[0] != wheelSize/4 || counts[1] != 0 || counts[2] != wheelSize*3/4 {
		t.Errorf("shares %v", counts)
	}
}

func TestStamp(t *testing.T) {
	var s stamp
	for _, at := range []int64{0, 1754006399, 1754006400, 1754092799, 1754006400} {
		if got, want := string(s.append(nil, at)), unix(at).Format(time.RFC3339); got != want {
			t.Errorf("%d: %s, want %s", at, got, want)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	b.ReportAllocs()
	o := sampleOptions(1)
	o.Events = 400_000
	for b.Loop() {
		truth, err := Generate(b.Context(), b.TempDir(), o, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(truth.Inflated)
	}
	b.ReportMetric(float64(o.Events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func inflate(t testing.TB, path string) *gzip.Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}
