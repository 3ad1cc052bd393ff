package enclavelog

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
)

func TestReadSample(t *testing.T) {
	m, err := readFile(t, absolute(t, "testdata/nitro_enclaves.sample.log"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	headers := 0
	for _, l := range strings.Split(sample(t), "\n") {
		if reference.MatchString(l) {
			headers++
		}
	}
	if int(m.records) != headers || m.log.Len() != headers || len(m.ids()) != headers || len(m.rejected) != 0 {
		t.Errorf("%d records, %d rows, %d ids, %d rejected; the file has %d headers", m.records, m.log.Len(), len(m.ids()), len(m.rejected), headers)
	}
	runs := 0
	for i := range m.log.Len() {
		if strings.HasPrefix(m.text("message", i), "Run args = ") {
			runs++
		}
		if m.text("instance_id", i) != "i-0a1b2c3d4e5f60718" {
			t.Fatalf("row %d: instance %s", i, m.text("instance_id", i))
		}
	}
	if want := strings.Count(sample(t), "Run args = "); runs != want {
		t.Errorf("%d Run args, want %d", runs, want)
	}
	want := []trailhouse.Coverage{{
		Source: "enclave-log", Scope: "i-0a1b2c3d4e5f60718", Object: absolute(t, "testdata/nitro_enclaves.sample.log"), Result: "read",
		From: time.Date(2025, 11, 3, 8, 0, 0, 12_000_000, time.UTC), Through: m.log.Time(2, m.log.Len()-1),
	}}
	if diff := cmp.Diff(want, m.covered); diff != "" {
		t.Error(diff)
	}
}

// TestRowsGiveTheFileBack writes the log again from its rows: nothing of it is lost.
func TestRowsGiveTheFileBack(t *testing.T) {
	m, err := readFile(t, absolute(t, "testdata/nitro_enclaves.sample.log"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	at := m.log.Table.MustIndex
	for i := range m.log.Len() {
		if int64(b.Len()) != m.log.Int(at("position"), i) {
			t.Fatalf("row %d: position %d, want %d", i, m.log.Int(at("position"), i), b.Len())
		}
		b.WriteString("[" + m.text("logger", i) + "][" + m.text("level", i) + "][" + m.log.Time(at("time"), i).Format("2006-01-02T15:04:05.000Z") + "][")
		b.WriteString(m.text("file", i) + ":" + strconv.FormatInt(m.log.Int(at("line"), i), 10) + "] " + m.text("message", i) + "\n")
		if !m.log.IsNull(at("continuation"), i) {
			b.WriteString(m.text("continuation", i) + "\n")
		}
	}
	if diff := cmp.Diff(sample(t), b.String()); diff != "" {
		t.Error(diff)
	}
}

func absolute(t testing.TB, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	path := filepath.Join(dir, "nitro_enclaves.log")
	text := sample(b)
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	days := 0
	for size := 0; size < 64<<20; size += len(text) {
		day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, days)
		if _, err := f.WriteString(strings.ReplaceAll(text, "2025-11-03", day.Format("2006-01-02"))); err != nil {
			b.Fatal(err)
		}
		days++
	}
	f.Close()
	s := New(Options{Paths: []string{dir}})
	u := unitOf(b, s, path)
	b.SetBytes(u.Size)
	b.ReportAllocs()
	for b.Loop() {
		m := newMemory(s)
		m.forget = true
		if err := s.Read(context.Background(), u, m); err != nil || len(m.rejected) > 0 {
			b.Fatal(err, len(m.rejected))
		}
	}
}
