package lake

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/trailhouse/trailhouse"
)

func TestCommitAndFiles(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events(), months(), plain())
	a := add(t, l, events(), day(3), "a", 10)
	b := file(t, l, events(), day(4), "b", 20)
	c := file(t, l, events(), day(5), "c", 30)
	commit(t, l, trailhouse.Commit{Table: events(), BatchID: "bc", Add: []trailhouse.DataFile{c, b}, Summary: map[string]string{"trailhouse.run": "r1"}})
	m := add(t, l, months(), time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC), "m", 5)
	p := add(t, l, plain(), time.Time{}, "p", 5)

	tests := []struct {
		name   string
		table  string
		period trailhouse.Period
		want   []trailhouse.DataFile
	}{
		{"all", "events", trailhouse.Period{}, []trailhouse.DataFile{a, b, c}},
		{"one day", "events", trailhouse.Period{From: day(4), To: day(5)}, []trailhouse.DataFile{b}},
		{"parts of days", "events", trailhouse.Period{From: day(3).Add(time.Hour), To: day(4).Add(1)}, []trailhouse.DataFile{a, b}},
		{"open end", "events", trailhouse.Period{From: day(5)}, []trailhouse.DataFile{c}},
		{"open start", "events", trailhouse.Period{To: day(4)}, []trailhouse.DataFile{a}},
		{"before all", "events", trailhouse.Period{To: day(1)}, nil},
		{"month", "months", trailhouse.Period{From: day(30), To: day(31)}, []trailhouse.DataFile{m}},
		{"other month", "months", trailhouse.Period{From: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)}, nil},
		{"no partitions", "plain", trailhouse.Period{From: day(4), To: day(5)}, []trailhouse.DataFile{p}},
	}
	for _, tt := range tests {
		got, snap, err := l.Files(ctx, tt.table, tt.period)
		if err != nil || snap == 0 {
			t.Errorf("%s: snapshot %d, %v", tt.name, snap, err)
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(trailhouse.DataFile{}, "Columns")); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	got, snap, err := l.Files(ctx, "nothing", trailhouse.Period{})
	if got != nil || snap != 0 || err != nil {
		t.Errorf("missing table: %v %d %v", got, snap, err)
	}
	tables, err := l.Tables(ctx)
	if diff := cmp.Diff([]string{"events", "months", "plain"}, tables); diff != "" || err != nil {
		t.Errorf("tables: %s %v", diff, err)
	}
}

func TestCommitTwiceIsOnce(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events())
	f := file(t, l, events(), day(3), "a", 10)
	c := trailhouse.Commit{Table: events(), BatchID: "a", Add: []trailhouse.DataFile{f}}
	for range 3 {
		commit(t, l, c)
	}
	if got := current(t, l, events()); len(got) != 1 {
		t.Errorf("%d files", len(got))
	}
	if ok, err := l.Lookup(ctx, "events", "a"); !ok || err != nil {
		t.Errorf("Lookup = %v, %v", ok, err)
	}
	if ok, err := l.Lookup(ctx, "events", "b"); ok || err != nil {
		t.Errorf("Lookup of another = %v, %v", ok, err)
	}
	// The same file under another batch id, as after expiry of the first snapshot.
	old := l.clock.Now().Add(-MinKeep)
	if err := os.Chtimes(f.Path, old, old); err != nil {
		t.Fatal(err)
	}
	c.BatchID = "again"
	commit(t, l, c)
	if got := current(t, l, events()); len(got) != 1 {
		t.Errorf("%d files after expiry", len(got))
	}
}

func TestReplace(t *testing.T) {
	ctx := context.Background()
	november, december := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)
	l := open(t, t.TempDir(), months(), plain())
	replace := func(table *trailhouse.Table, batch string, parts []time.Time, add ...trailhouse.DataFile) {
		t.Helper()
		commit(t, l, trailhouse.Commit{Table: table, BatchID: batch, Add: add, Replace: parts, Summary: map[string]string{"trailhouse.source.log": batch}})
		s, err := l.Summary(ctx, table.Name, "trailhouse.source.log")
		if err != nil || s["trailhouse.source.log"] != batch || s[BatchKey] != batch {
			t.Fatalf("summary after %s: %v, %v", batch, s, err)
		}
	}
	want := func(table *trailhouse.Table, files ...trailhouse.DataFile) {
		t.Helper()
		if diff := cmp.Diff(files, current(t, l, table)); diff != "" {
			t.Fatal(diff)
		}
	}
	replace(months(), "1", []time.Time{november}) // nothing there, nothing to add
	want(months())
	n1, d1 := file(t, l, months(), november, "n1", 3), file(t, l, months(), december, "d1", 3)
	replace(months(), "2", []time.Time{november, december}, n1, d1) // nothing there
	want(months(), n1, d1)
	n2 := file(t, l, months(), november, "n2", 4)
	replace(months(), "3", []time.Time{november}, n2)
	want(months(), n2, d1)
	replace(months(), "4", []time.Time{}) // only the watermark moves
	want(months(), n2, d1)
	replace(months(), "5", []time.Time{december}) // drop without adding
	want(months(), n2)
	p1, p2 := file(t, l, plain(), time.Time{}, "p1", 3), file(t, l, plain(), time.Time{}, "p2", 3)
	replace(plain(), "6", []time.Time{{}}, p1)
	replace(plain(), "7", []time.Time{{}}, p2)
	want(plain(), p2)
	if h, _ := l.History(ctx, "months"); len(h) != 5 || h[4].Parent != h[3].ID {
		t.Errorf("history %+v", h)
	}
}

func TestAdded(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events())
	if _, ok, err := l.Added(ctx, "events", 0); ok || err != nil {
		t.Errorf("empty table: %v %v", ok, err)
	}
	var want []trailhouse.DataFile
	var snaps []int64
	for _, name := range []string{"a", "b", "c", "d"} {
		want = append(want, add(t, l, events(), day(3), name, 10))
		_, snap, _ := l.Files(ctx, "events", trailhouse.Period{})
		snaps = append(snaps, snap)
	}
	if _, err := l.Compact(ctx, events(), CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := current(t, l, events()); len(got) != 1 {
		t.Fatalf("%d files after compaction", len(got))
	}
	want = append(want, add(t, l, events(), day(4), "e", 10))
	for i, snap := range snaps {
		got, ok, err := l.Added(ctx, "events", snap)
		if !ok || err != nil {
			t.Fatalf("since %d: %v %v", i, ok, err)
		}
		if diff := cmp.Diff(want[i+1:], got); diff != "" {
			t.Errorf("since %d: %s", i, diff)
		}
	}
	_, head, _ := l.Files(ctx, "events", trailhouse.Period{})
	if got, ok, err := l.Added(ctx, "events", head); !ok || err != nil || got != nil {
		t.Errorf("since now: %v %v %v", got, ok, err)
	}
	if _, ok, err := l.Added(ctx, "events", 12345); ok || err != nil {
		t.Errorf("unknown snapshot: %v %v", ok, err)
	}
}

// TestAddedSurvivesMerging commits so often that manifests are merged.
func TestAddedSurvivesMerging(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), plain())
	var since int64
	var want []trailhouse.DataFile
	for i := range 60 {
		f := add(t, l, plain(), time.Time{}, "f"+string(rune('A'+i)), 1)
		if i == 5 {
			_, since, _ = l.Files(ctx, "plain", trailhouse.Period{})
		}
		if i > 5 {
			want = append(want, f)
		}
	}
	got, ok, err := l.Added(ctx, "plain", since)
	if diff := cmp.Diff(want, got); diff != "" || !ok || err != nil {
		t.Errorf("%v %v %s", ok, err, diff)
	}
	if n := len(current(t, l, plain())); n != 60 {
		t.Errorf("%d files", n)
	}
}

func TestEnsure(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events(), events())
	f := add(t, l, events(), day(3), "a", 10)
	wider := events()
	if files, _, _ := l.Files(ctx, "events", trailhouse.Period{}); files[0].Columns != len(events().Columns) {
		t.Errorf("the only schema has %d columns, want %d", files[0].Columns, len(events().Columns))
	}
	wider.Columns = append(wider.Columns, trailhouse.Column{Name: "more", Type: trailhouse.TypeInt64s}, trailhouse.Column{Name: "last", Type: trailhouse.TypeString})
	for range 2 {
		if err := l.Ensure(ctx, wider); err != nil {
			t.Fatal(err)
		}
	}
	g := add(t, l, wider, day(3), "b", 10)
	if diff := cmp.Diff([]trailhouse.DataFile{f, g}, current(t, l, wider)); diff != "" {
		t.Error(diff)
	}
	if files, _, _ := l.Files(ctx, "events", trailhouse.Period{}); files[0].Columns+files[1].Columns != 0 {
		t.Errorf("files of two schemas are told to have all columns: %v", files)
	}
	if len(names(t, l, wider)) != 20 {
		t.Error("rows of the old file are missing")
	}
	renamed, retyped, cut, required := events(), events(), events(), events()
	renamed.Columns[2].Name = "title"
	retyped.Columns[2].Type = trailhouse.TypeInt64
	cut.Transform = trailhouse.ByMonth
	required.Columns = append(wider.Columns[:len(wider.Columns):len(wider.Columns)], trailhouse.Column{Name: "x", Type: trailhouse.TypeString, Required: true})
	for _, tt := range []struct {
		name  string
		table *trailhouse.Table
		code  trailhouse.Code
	}{
		{"older", events(), trailhouse.CodeNewer}, {"renamed", renamed, trailhouse.CodeNewer}, {"retyped", retyped, trailhouse.CodeNewer},
		{"partitioned otherwise", cut, trailhouse.CodeNewer}, {"required", required, trailhouse.CodeInternal},
	} {
		if err := l.Ensure(ctx, tt.table); trailhouse.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestWrongFiles(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events())
	good := file(t, l, events(), day(3), "a", 10)
	wrongDay, wrongRows, gone, outside := good, good, good, good
	wrongDay.Partition = day(4)
	wrongRows.Rows = 11
	gone.Path += "x"
	outside.Path = filepath.Join(t.TempDir(), "x.parquet")
	content, err := os.ReadFile(good.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(outside.Path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		file trailhouse.DataFile
		code trailhouse.Code
	}{
		{"another day", wrongDay, trailhouse.CodeInternal}, {"other rows", wrongRows, trailhouse.CodeDamaged},
		{"missing", gone, trailhouse.CodeNotFound}, {"outside", outside, trailhouse.CodeInternal},
	} {
		err := l.Commit(ctx, trailhouse.Commit{Table: events(), BatchID: tt.name, Add: []trailhouse.DataFile{tt.file}})
		if trailhouse.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if files := current(t, l, events()); files != nil {
		t.Errorf("committed %v", files)
	}
}

// TestMoved copies a lake to another place and removes the first.
func TestMoved(t *testing.T) {
	ctx := context.Background()
	from, to := filepath.Join(t.TempDir(), "first lake"), filepath.Join(t.TempDir(), "second #1 100%", "lake")
	l := open(t, from, events(), months())
	add(t, l, events(), day(3), "a", 10)
	add(t, l, months(), time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC), "m", 10)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(from); err != nil {
		t.Fatal(err)
	}
	l = open(t, to, events(), months())
	add(t, l, events(), day(3), "b", 10)
	if got := names(t, l, events()); len(got) != 20 {
		t.Errorf("%d rows", len(got))
	}
	if _, err := l.Compact(ctx, events(), CompactOptions{}); err != nil {
		t.Error(err)
	}
	clean(t, l)
	if _, err := os.Stat(from); !os.IsNotExist(err) {
		t.Errorf("something wrote to the old place: %v", err)
	}
}

// clean checks that Check finds no problem.
func clean(t testing.TB, l *Lake) {
	t.Helper()
	problems, err := l.Check(context.Background(), CheckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if !p.Note {
			t.Errorf("problem: %+v", p)
		}
	}
}

// TestPrivate checks that nobody else can read the lake.
func TestPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lake")
	l := open(t, dir, events())
	add(t, l, events(), day(3), "a", 10)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRegister makes the scheme known from many goroutines at once.
func TestRegister(t *testing.T) {
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(register)
	}
	wg.Wait()
}

func TestLocations(t *testing.T) {
	l := localIO{dir: t.TempDir()}
	for _, bad := range []string{"", "file:///x", "local://x/y", "local:///../x", "local:///a/../../x", "/etc/passwd", "local:////etc/passwd"} {
		if path, err := l.path(bad); err == nil {
			t.Errorf("%q leads to %s", bad, path)
		}
	}
	want := filepath.Join(l.dir, "t", "data", "day=2025-11-03", "x.parquet")
	location, err := l.location(want)
	if err != nil || location != "local:///t/data/day=2025-11-03/x.parquet" {
		t.Errorf("location %q, %v", location, err)
	}
	if got, err := l.path(location); err != nil || got != want {
		t.Errorf("path %q, %v", got, err)
	}
	if _, err := l.location(filepath.Dir(l.dir)); err == nil {
		t.Error("a path outside has a location")
	}
}
