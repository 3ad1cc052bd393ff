package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/state"
)

// testLake is a lake whose commits are kept in memory and outlive the "processes"
// of a test; its data files are real.
type testLake struct {
	dir string
	mu  sync.Mutex
	// commits by table, in order.
	commits map[string][]trailhouse.Commit
	// fault, where not nil, is asked at each call; landed says whether a commit that
	// is told to fail lands nevertheless.
	fault func(call string) (landed bool, err error)
}

// tempDir is a folder in memory where the machine has such: a test of hundreds of
// runs must not wait for a disk to sync.
func tempDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "ingest")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func newTestLake(t testing.TB) *testLake {
	return &testLake{dir: tempDir(t), commits: map[string][]trailhouse.Commit{}}
}

func (l *testLake) ask(call string) (bool, error) {
	if l.fault == nil {
		return false, nil
	}
	return l.fault(call)
}

func (l *testLake) Ensure(_ context.Context, t *trailhouse.Table) error {
	_, err := l.ask("ensure " + t.Name)
	return err
}

func (l *testLake) DataPath(t *trailhouse.Table, _ time.Time, name string) (string, error) {
	if _, err := l.ask("path " + t.Name); err != nil {
		return "", err
	}
	dir := filepath.Join(l.dir, t.Name)
	return filepath.Join(dir, name), os.MkdirAll(dir, 0o700)
}

func (l *testLake) Lookup(_ context.Context, table, batchID string) (bool, error) {
	if _, err := l.ask("lookup " + table); err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.has(table, batchID), nil
}

func (l *testLake) has(table, batchID string) bool {
	for _, c := range l.commits[table] {
		if c.BatchID == batchID {
			return true
		}
	}
	return false
}

func (l *testLake) Commit(_ context.Context, c trailhouse.Commit) error {
	landed, err := l.ask("commit " + c.Table.Name)
	if err != nil && !landed {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.has(c.Table.Name, c.BatchID) {
		return err
	}
	for _, f := range c.Add {
		if _, statErr := os.Stat(f.Path); statErr != nil {
			return trailhouse.Errorf(trailhouse.CodeInternal, "commit names a missing file: %w", statErr)
		}
	}
	l.commits[c.Table.Name] = append(l.commits[c.Table.Name], c)
	return err
}

func (l *testLake) Files(_ context.Context, table string, p trailhouse.Period) ([]trailhouse.DataFile, int64, error) {
	if _, err := l.ask("files " + table); err != nil {
		return nil, 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var files []trailhouse.DataFile
	for _, c := range l.commits[table] {
		for _, f := range c.Add {
			if p.Contains(f.Partition) {
				f.Path = filepath.Join(l.dir, table, filepath.Base(f.Path)) // the lake may have been moved
				files = append(files, f)
			}
		}
	}
	return files, int64(len(l.commits[table])), nil
}

func (l *testLake) Current(ctx context.Context, table string) (int64, error) {
	_, id, err := l.Files(ctx, table, trailhouse.Period{})
	return id, err
}

func (l *testLake) Content(ctx context.Context, table string) (int64, error) {
	return l.Current(ctx, table)
}

func (l *testLake) Added(context.Context, string, int64) ([]trailhouse.DataFile, bool, error) {
	return nil, false, nil
}

func (l *testLake) Summary(context.Context, string, string) (map[string]string, error) {
	return nil, nil
}

func (l *testLake) History(_ context.Context, table string) ([]trailhouse.Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []trailhouse.Snapshot
	for i, c := range l.commits[table] {
		out = append(out, trailhouse.Snapshot{ID: int64(i + 1), BatchID: c.BatchID})
	}
	return out, nil
}

// tick is a clock that moves on a millisecond at each look.
type tick struct {
	mu  sync.Mutex
	now time.Time
}

func (c *tick) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

// The tables of the test source: one by day, one without partitions.
func dayTable() *trailhouse.Table {
	return &trailhouse.Table{Name: "t_day", Key: "id", PartitionBy: "at", Transform: trailhouse.ByDay, Columns: []trailhouse.Column{
		{Name: "id", Type: trailhouse.TypeUUID, Required: true}, {Name: "at", Type: trailhouse.TypeTimestamp, Required: true}, {Name: "text", Type: trailhouse.TypeString},
	}}
}

func flatTable() *trailhouse.Table {
	return &trailhouse.Table{Name: "t_flat", Key: "id", Columns: []trailhouse.Column{{Name: "id", Type: trailhouse.TypeUUID, Required: true}}}
}

// record is one record of a test unit. Its number is its identity; its kind decides
// what the source does with it.
type record struct {
	n    int
	kind byte // 0 a row, 'b' rows in both tables, 'r' rejected, 'f' filtered, 'e' no row
}

// file is one unit of the test source.
type file struct {
	name    string
	records []record
	fail    error // after the records
	half    bool  // fails with a row half filled in
	again   bool
	cover   []trailhouse.Coverage
}

// testSource reads files that stand in memory.
type testSource struct {
	files  []file
	misses []trailhouse.Coverage
	stop   error // of Units
	next   func()
}

func (s *testSource) Name() string    { return "test" }
func (s *testSource) Version() string { return "1" }
func (s *testSource) Tables() []*trailhouse.Table {
	return []*trailhouse.Table{dayTable(), flatTable()}
}

func (s *testSource) Units(_ context.Context, yield func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error {
	for _, f := range s.files {
		u := trailhouse.Unit{ID: fmt.Sprintf("%s/%d", f.name, len(f.records)), Object: f.name, Size: int64(len(f.records)), Again: f.again}
		if err := yield(u); err != nil {
			return err
		}
	}
	for _, c := range s.misses {
		if err := miss(c); err != nil {
			return err
		}
	}
	return s.stop
}

func (s *testSource) Read(ctx context.Context, u trailhouse.Unit, sink trailhouse.Sink) error {
	for _, f := range s.files {
		if f.name == u.Object {
			return s.read(ctx, f, sink)
		}
	}
	return trailhouse.Errorf(trailhouse.CodeNotFound, "%s is gone", u.Object)
}

func (s *testSource) read(ctx context.Context, f file, sink trailhouse.Sink) error {
	day, flat := dayTable(), flatTable()
	for i, r := range f.records {
		if s.next != nil {
			s.next()
		}
		switch r.kind {
		case 'r':
			text := []byte(fmt.Sprint("damaged ", r.n))
			sink.Reject(trailhouse.Rejected{Position: int64(i), Length: int64(len(text)), Reason: "is damaged", Content: text, SHA256: sha256.Sum256(text)})
			continue
		case 'f':
			sink.Filter(1)
			continue
		case 'e':
		case 'b':
			b := sink.Batch(flat)
			b.SetKey(0, keyOf(r.n))
			b.EndRow()
			fallthrough
		default:
			b := sink.Batch(day)
			b.SetKey(0, keyOf(r.n))
			b.SetTime(1, dayOf(r.n).Add(time.Duration(r.n)*time.Second))
			b.SetString(2, fmt.Sprint("record ", r.n))
			b.EndRow()
		}
		if err := sink.Next(ctx); err != nil {
			return err
		}
	}
	for _, c := range f.cover {
		sink.Cover(c)
	}
	if f.half {
		sink.Batch(flat).SetKey(0, keyOf(-1))
		sink.Batch(day).SetKey(0, keyOf(-1))
	}
	return f.fail
}

func keyOf(n int) trailhouse.Key {
	h := sha256.Sum256([]byte(fmt.Sprint("key ", n)))
	return trailhouse.Key(h[:16])
}

func dayOf(n int) time.Time {
	return time.Date(2026, 2, 27+n%3, 0, 0, 0, 0, time.UTC)
}

// rows makes plain records of the numbers from (inclusive) to to (exclusive).
func rows(from, to int) []record {
	var out []record
	for n := from; n < to; n++ {
		kind := byte(0)
		if n%5 == 0 {
			kind = 'b'
		}
		out = append(out, record{n, kind})
	}
	return out
}

// world is a lake and a data directory that outlive any number of processes.
type world struct {
	t    testing.TB
	lake trailhouse.Lake
	dir  string
	// files are what the Ingesters of the world use.
	files Files
	clock *tick
}

func newWorld(t testing.TB, lake trailhouse.Lake) *world {
	return &world{t: t, lake: lake, dir: tempDir(t), files: newWorldFiles(),
		clock: &tick{now: time.Date(2026, 3, 1, 4, 5, 6, 0, time.UTC)}}
}

func newWorldFiles() Files { return Files{Write: columns.Write, Read: columns.Read} }

// process opens the state anew, as another process would, and calls fn.
func (w *world) process(fn func(g *Ingester)) {
	w.t.Helper()
	st, err := state.Open(context.Background(), w.dir, w.clock)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	fn(New(w.lake, st, w.files, w.clock, "test"))
}

// run imports in a process of its own and expects no error.
func (w *world) run(src *testSource, opts Options) Result {
	w.t.Helper()
	var result Result
	w.process(func(g *Ingester) {
		var err error
		if result, err = g.Run(context.Background(), src, opts); err != nil {
			w.t.Fatalf("run: %v (hint %q)", err, trailhouse.HintOf(err))
		}
	})
	return result
}

// each reads a table of the lake row by row.
func (w *world) each(t *trailhouse.Table, fn func(b *trailhouse.Batch, row int)) {
	w.t.Helper()
	files, _, err := w.lake.Files(context.Background(), t.Name, trailhouse.Period{})
	if err != nil {
		w.t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range files {
		if seen[f.Path] {
			w.t.Errorf("%s is referenced twice", f.Path)
		}
		seen[f.Path] = true
		err := columns.Read(context.Background(), f.Path, t, nil, func(b *trailhouse.Batch) error {
			for row := range b.Len() {
				fn(b, row)
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// keys counts the rows of a table by key.
func (w *world) keys(t *trailhouse.Table) map[trailhouse.Key]int {
	w.t.Helper()
	keys := map[trailhouse.Key]int{}
	w.each(t, func(b *trailhouse.Batch, row int) { keys[b.Key(t.MustIndex(t.Key), row)]++ })
	return keys
}

// unitRow is a row of the table units.
type unitRow struct {
	id, object, result, run string
	Counts
}

func (w *world) units() []unitRow {
	w.t.Helper()
	var out []unitRow
	t := UnitTable()
	w.each(t, func(b *trailhouse.Batch, row int) {
		text := func(name string) string { return b.String(t.MustIndex(name), row) }
		out = append(out, unitRow{text("unit_id"), text("object"), text("result"), text("run_id"), countsOf(t, b, row)})
	})
	return out
}

func countsOf(t *trailhouse.Table, b *trailhouse.Batch, row int) Counts {
	n := func(name string) int64 { return b.Int(t.MustIndex(name), row) }
	return Counts{n("records"), n("written"), n("duplicate"), n("filtered"), n("quarantined")}
}

// texts returns a text column of a table.
func (w *world) texts(t *trailhouse.Table, column string) []string {
	w.t.Helper()
	var out []string
	w.each(t, func(b *trailhouse.Batch, row int) { out = append(out, b.String(t.MustIndex(column), row)) })
	return out
}

// snapshots counts the snapshots of all tables.
func (w *world) snapshots() int {
	w.t.Helper()
	n := 0
	for _, t := range append(Tables(), dayTable(), flatTable()) {
		h, err := w.lake.History(context.Background(), t.Name)
		if err != nil {
			w.t.Fatal(err)
		}
		n += len(h)
	}
	return n
}

// wantWhole checks that the lake holds exactly the records of the files, each once,
// that every file has one row in units that says done and adds up, one in coverage,
// and that nothing is left open or lying about.
func (w *world) wantWhole(files []file) {
	w.t.Helper()
	day, flat, bad := map[trailhouse.Key]bool{}, map[trailhouse.Key]bool{}, 0
	for _, f := range files {
		for _, r := range f.records {
			switch r.kind {
			case 0:
				day[keyOf(r.n)] = true
			case 'b':
				day[keyOf(r.n)], flat[keyOf(r.n)] = true, true
			case 'r':
				bad++
			}
		}
	}
	w.wantKeys(dayTable(), len(day), day)
	w.wantKeys(flatTable(), len(flat), flat)
	w.wantKeys(QuarantineTable(), bad, nil)
	w.wantUnits(files)
	w.wantClean()
}

func (w *world) wantKeys(t *trailhouse.Table, n int, want map[trailhouse.Key]bool) {
	w.t.Helper()
	got := w.keys(t)
	for k, count := range got {
		if count != 1 || want != nil && !want[k] {
			w.t.Errorf("%s: key %v stands %d times", t.Name, k, count)
		}
	}
	if len(got) != n {
		w.t.Errorf("%s: %d keys, want %d", t.Name, len(got), n)
	}
}

func (w *world) wantUnits(files []file) {
	w.t.Helper()
	rows := map[string]int{}
	for _, u := range w.units() {
		rows[u.object]++
		if u.Records != u.Written+u.Duplicate+u.Filtered+u.Quarantined || u.result != UnitDone {
			w.t.Errorf("unit %+v", u)
		}
		for _, f := range files {
			if f.name == u.object && int64(len(f.records)) != u.Records {
				w.t.Errorf("unit %s counts %d of %d records", u.object, u.Records, len(f.records))
			}
		}
	}
	covers := map[string]int{}
	for _, object := range w.texts(CoverageTable(), "object") {
		covers[object]++
	}
	for _, f := range files {
		if rows[f.name] != 1 || covers[f.name] < 1 || covers[f.name] > 2 {
			w.t.Errorf("%s has %d rows in units and %d in coverage", f.name, rows[f.name], covers[f.name])
		}
	}
}

// wantClean wants no open intent and no file that no table names.
func (w *world) wantClean() {
	w.t.Helper()
	w.process(func(g *Ingester) {
		open, err := g.state.OpenIntents(context.Background())
		if err != nil || len(open) != 0 {
			w.t.Errorf("%d open intents, %v", len(open), err)
		}
	})
	lake, ok := w.lake.(*testLake)
	if !ok {
		return
	}
	named := map[string]bool{}
	for table := range lake.commits {
		files, _, _ := lake.Files(context.Background(), table, trailhouse.Period{})
		for _, f := range files {
			named[f.Path] = true
		}
	}
	found, err := filepath.Glob(filepath.Join(lake.dir, "*", "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, path := range found {
		if !named[path] {
			w.t.Errorf("%s lies about", path)
		}
	}
}

// errCrash is what every step of a dead process answers.
var errCrash = errors.New("the process is dead")
