package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/state"
)

// openLake opens a lake of the real kind.
func openLake(t testing.TB, dir string) *lake.Lake {
	t.Helper()
	l, err := lake.Open(context.Background(), dir, trailhouse.SystemClock{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// wantNoOrphan wants every data file of the lake to be named by a table.
func (w *world) wantNoOrphan(dir string) {
	w.t.Helper()
	named := map[string]bool{}
	for _, t := range append(Tables(), dayTable(), flatTable()) {
		files, _, err := w.lake.Files(context.Background(), t.Name, trailhouse.Period{})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, f := range files {
			named[f.Path] = true
		}
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && (filepath.Ext(path) == ".parquet" || filepath.Ext(path) == asideSuffix) && !named[path] {
			w.t.Errorf("%s lies about", path)
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
}

// TestCrashOnTheRealLake is TestCrashAtEveryStep with Iceberg tables.
func TestCrashOnTheRealLake(t *testing.T) {
	src := &testSource{files: crashFiles()}
	for n := 0; ; n += 2 {
		dir := tempDir(t)
		w := newWorld(t, openLake(t, dir))
		survived := w.crashing(n, src)
		w.run(src, crashOptions)
		w.wantWhole(src.files)
		w.wantNoOrphan(dir)
		before := w.snapshots()
		w.run(src, crashOptions)
		if w.snapshots() != before {
			t.Error("the replay made snapshots")
		}
		if t.Failed() {
			t.Fatalf("after a crash at step %d", n)
		}
		if survived {
			return
		}
	}
}

// TestEightOnTheRealLake imports overlapping parts with eight handles on one lake
// and one state.
func TestEightOnTheRealLake(t *testing.T) {
	dir := tempDir(t)
	w := newWorld(t, openLake(t, dir))
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			var files []file
			for i := range 6 {
				from := (p + i) * 10
				files = append(files, file{name: fmt.Sprint("/f", p+i), records: append(rows(from, from+25), record{from, 'r'})})
			}
			st, err := state.Open(context.Background(), w.dir, w.clock)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = st.Close() }()
			l, err := lake.Open(context.Background(), dir, w.clock)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = l.Close() }()
			result, err := New(l, st, w.files, w.clock, "test").Run(context.Background(), &testSource{files: files}, Options{BatchRecords: 50})
			if err != nil || result.Units.Done+result.Units.Known != 6 {
				t.Errorf("process %d: %+v, %v", p, result, err)
			}
		})
	}
	wg.Wait()
	w.wantKeys(dayTable(), 12*10+25, nil)
	w.wantKeys(flatTable(), (12*10+25)/5, nil)
	w.wantKeys(QuarantineTable(), 13, nil)
	w.wantClean()
	w.wantNoOrphan(dir)
}

// BenchmarkImport imports records of one table in default batches and reports the
// time for each.
func BenchmarkImport(b *testing.B) {
	const n = 500_000
	records := make([]record, n)
	for i := range records {
		records[i] = record{n: i}
	}
	for b.Loop() {
		w := newWorld(b, openLake(b, b.TempDir()))
		w.run(&testSource{files: []file{{name: "/a", records: records}}}, Options{})
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/record")
}
