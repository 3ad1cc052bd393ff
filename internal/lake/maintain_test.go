package lake

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// at sets the lake's clock.
func at(l *Lake, now time.Time) { l.clock = fixedClock(now) }

func TestCompact(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events(), months(), plain())
	at(l, day(5).Add(time.Hour))
	for i := range 3 {
		for d := 3; d <= 5; d++ {
			add(t, l, events(), day(d), fmt.Sprintf("d%d-%d", d, i), 50)
		}
		add(t, l, plain(), time.Time{}, fmt.Sprintf("p%d", i), 50)
		add(t, l, months(), time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), fmt.Sprintf("m%d", i), 50)
	}
	single := add(t, l, events(), day(1), "single", 5)
	for _, table := range []*trailhouse.Table{events(), months(), plain()} {
		before := names(t, l, table)
		if _, err := l.Compact(ctx, table, CompactOptions{}); err != nil {
			t.Fatal(err)
		}
		after := names(t, l, table)
		slices.Sort(before)
		slices.Sort(after)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("rows of %s: %s", table.Name, diff)
		}
	}
	counts := map[time.Time]int{}
	for _, f := range current(t, l, events()) {
		counts[f.Partition]++
	}
	if diff := cmp.Diff(map[time.Time]int{day(1): 1, day(3): 1, day(4): 1, day(5): 3}, counts); diff != "" {
		t.Errorf("files by day: %s", diff)
	}
	if got := current(t, l, events())[0]; got != single {
		t.Errorf("a single file was rewritten: %v", got)
	}
	if n, m := len(current(t, l, plain())), len(current(t, l, months())); n != 3 || m != 1 {
		t.Errorf("plain has %d files, months %d", n, m)
	}
	got, err := l.Compact(ctx, events(), CompactOptions{All: true})
	if err != nil || got.Partitions != 1 || got.FilesBefore != 3 || got.FilesAfter != 1 || got.Rows != 150 || got.BytesAfter == 0 {
		t.Errorf("all: %+v %v", got, err)
	}
	if got, err := l.Compact(ctx, plain(), CompactOptions{All: true}); err != nil || got.FilesBefore != 3 {
		t.Errorf("all of plain: %+v %v", got, err)
	}
	if got, err := l.Compact(ctx, events(), CompactOptions{All: true}); err != nil || got != (Compaction{}) {
		t.Errorf("again: %+v %v", got, err)
	}
	inOrder(t, l)
	clean(t, l)
}

// inOrder checks that the rows of each file of more than 50 rows lie in order of
// time.
func inOrder(t *testing.T, l *Lake) {
	t.Helper()
	for _, f := range current(t, l, events()) {
		if f.Rows <= 50 {
			continue
		}
		var last int64
		err := columns.Read(context.Background(), f.Path, events(), []string{"time"}, func(b *trailhouse.Batch) error {
			for r := range b.Len() {
				if b.Int(1, r) < last {
					return fmt.Errorf("row %d of %s is out of order", r, f.Path)
				}
				last = b.Int(1, r)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestCompactLosesPartition replaces a partition between the plan of a compaction
// and its commit.
func TestCompactLosesPartition(t *testing.T) {
	l := open(t, t.TempDir(), events())
	for _, name := range []string{"a", "b"} {
		add(t, l, events(), day(3), name, 10)
		add(t, l, events(), day(4), name+"4", 10)
	}
	other := open(t, l.files.dir)
	c := file(t, other, events(), day(3), "c", 1)
	l.cat = &beforeCommit{scripted{CatalogIO: l.cat}, func() {
		commit(t, other, trailhouse.Commit{Table: events(), BatchID: "c", Add: []trailhouse.DataFile{c}, Replace: []time.Time{day(3)}})
	}}
	l.known.tables = nil // which goes past the seam
	got, err := l.Compact(context.Background(), events(), CompactOptions{})
	if err != nil || got.Partitions != 1 || got.FilesBefore != 2 {
		t.Errorf("%+v %v", got, err)
	}
	files := current(t, l, events())
	if len(files) != 2 || files[0] != c || files[1].Rows != 20 {
		t.Errorf("files %v", files)
	}
	clean(t, l)
}

func TestExpire(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events(), months())
	for i := range 5 {
		add(t, l, events(), day(3), fmt.Sprintf("a%d", i), 10)
	}
	if _, err := l.Compact(ctx, events(), CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Expire(ctx, ExpireOptions{}); err != nil || got != (Expiry{}) {
		t.Errorf("nothing is old: %+v %v", got, err)
	}
	at(l, time.Now().Add(25*time.Hour))
	got, err := l.Expire(ctx, ExpireOptions{Keep: time.Minute})
	if err != nil || got.Snapshots != 5 || got.Files < 5+5 || got.Orphans != 0 || got.Bytes == 0 {
		t.Errorf("%+v %v", got, err)
	}
	if n := len(names(t, l, events())); n != 50 {
		t.Errorf("%d rows", n)
	}
	if files, err := l.listFiles("events"); err != nil || dataFiles(files) != 1 {
		t.Errorf("%d data files on disk, %v", dataFiles(files), err)
	}
	clean(t, l)
	add(t, l, events(), day(3), "later", 1)
}

// dataFiles counts Parquet files.
func dataFiles(files []diskFile) int {
	n := 0
	for _, f := range files {
		if strings.HasSuffix(f.path, ".parquet") {
			n++
		}
	}
	return n
}

// TestExpireKeeps checks what keeps a snapshot: a derived table that names it, the
// caller, and being the watermark of a derived table.
func TestExpireKeeps(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events(), months(), plain())
	var snaps []int64
	for i := range 6 {
		add(t, l, events(), day(3), fmt.Sprintf("a%d", i), 10)
		add(t, l, plain(), time.Time{}, fmt.Sprintf("p%d", i), 10)
		_, snap, _ := l.Files(ctx, "events", trailhouse.Period{})
		snaps = append(snaps, snap)
	}
	november := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)
	for i, source := range []int64{snaps[0], snaps[3]} {
		commit(t, l, trailhouse.Commit{Table: months(), BatchID: fmt.Sprint("derive", i), Replace: []time.Time{november},
			Add:     []trailhouse.DataFile{file(t, l, months(), november, fmt.Sprint("m", i), 5)},
			Summary: map[string]string{SourceKey + "events": strconv.FormatInt(source, 10)}})
	}
	add(t, l, months(), november, "behind the watermark", 5)
	at(l, time.Now().Add(48*time.Hour))
	history, _ := l.History(ctx, "plain")
	if _, err := l.Expire(ctx, ExpireOptions{KeepSnapshots: map[string][]int64{"plain": {history[4].ID}}}); err != nil {
		t.Fatal(err)
	}
	if h, _ := l.History(ctx, "events"); len(h) != 3 || h[0].ID != snaps[3] {
		t.Errorf("events: %d snapshots", len(h))
	}
	if files, ok, err := l.Added(ctx, "events", snaps[3]); !ok || err != nil || len(files) != 2 {
		t.Errorf("Added since the watermark: %v %v %v", files, ok, err)
	}
	if _, ok, err := l.Added(ctx, "events", snaps[0]); ok || err != nil {
		t.Errorf("Added since an expired snapshot: %v %v", ok, err)
	}
	if s, err := l.Summary(ctx, "months", SourceKey+"events"); err != nil || s[SourceKey+"events"] != strconv.FormatInt(snaps[3], 10) {
		t.Errorf("watermark: %v %v", s, err)
	}
	if h, _ := l.History(ctx, "plain"); len(h) != 2 {
		t.Errorf("plain: %d snapshots", len(h))
	}
	clean(t, l)
}

func TestOrphans(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events())
	add(t, l, events(), day(3), "a", 10)
	orphan := file(t, l, events(), day(3), "orphan", 10)
	aside := orphan.Path + ".tmp"
	if err := os.WriteFile(aside, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	problems, err := l.Check(ctx, CheckOptions{})
	if err != nil || len(problems) != 1 || !problems[0].Note || !strings.HasPrefix(problems[0].Text, "2 files") {
		t.Errorf("%+v %v", problems, err)
	}
	at(l, time.Now().Add(OrphanAge-time.Hour))
	if got, err := l.Expire(ctx, ExpireOptions{}); err != nil || got.Orphans != 0 {
		t.Errorf("young: %+v %v", got, err)
	}
	at(l, time.Now().Add(OrphanAge+time.Hour))
	if got, err := l.Expire(ctx, ExpireOptions{}); err != nil || got.Orphans != 2 || got.Snapshots != 0 {
		t.Errorf("old: %+v %v", got, err)
	}
	if n := len(names(t, l, events())); n != 10 {
		t.Errorf("%d rows", n)
	}
	clean(t, l)
}

func TestCheckFinds(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, l *Lake, f trailhouse.DataFile)
		want   string
	}{
		{"missing file", func(t *testing.T, _ *Lake, f trailhouse.DataFile) { must(t, os.Remove(f.Path)) }, "missing"},
		{"cut file", func(t *testing.T, _ *Lake, f trailhouse.DataFile) { must(t, os.Truncate(f.Path, 100)) }, "100 bytes"},
		{"damaged footer", func(t *testing.T, _ *Lake, f trailhouse.DataFile) {
			content, err := os.ReadFile(f.Path)
			must(t, err)
			copy(content[len(content)-60:], make([]byte, 50))
			must(t, os.WriteFile(f.Path, content, 0o600))
		}, "cannot be read"},
		{"missing manifests", func(t *testing.T, l *Lake, _ trailhouse.DataFile) { removeMetadata(t, l, ".avro") }, "cannot be listed"},
		{"missing metadata", func(t *testing.T, l *Lake, _ trailhouse.DataFile) { removeMetadata(t, l, metadataSuffix) }, "cannot be read"},
		{"other rows", func(t *testing.T, l *Lake, f trailhouse.DataFile) {
			must(t, os.Remove(f.Path))
			g := file(t, l, events(), day(3), "a", 11)
			must(t, os.Rename(g.Path, f.Path))
		}, "bytes, not"},
		{"a key twice", func(t *testing.T, l *Lake, _ trailhouse.DataFile) {
			c, err := writeRows(l, events(), day(3), "x", 10)
			must(t, err)
			content, err := os.ReadFile(c.Path)
			must(t, err)
			copied := c
			copied.Path += ".copy.parquet"
			must(t, os.WriteFile(copied.Path, content, 0o600))
			commit(t, l, trailhouse.Commit{Table: events(), BatchID: "x", Add: []trailhouse.DataFile{c, copied}})
		}, "10 rows have a id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := open(t, t.TempDir(), events())
			f := add(t, l, events(), day(3), "a", 10)
			tt.damage(t, l, f)
			problems, err := l.Check(context.Background(), CheckOptions{})
			if tt.name == "a key twice" {
				problems, err = l.Check(context.Background(), CheckOptions{Deep: []*trailhouse.Table{events()}})
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(problems, func(p Problem) bool { return !p.Note && strings.Contains(p.Text, tt.want) }) {
				t.Errorf("problems %+v, want %q", problems, tt.want)
			}
		})
	}
}

// TestKeyOnTwoDays wants records that say two times of one key to be told, and not as
// a fault of the lake.
func TestKeyOnTwoDays(t *testing.T) {
	l := open(t, t.TempDir(), events())
	for i, d := range []int{3, 4, 9} { // the names, and with them the keys, are equal
		f := file(t, l, events(), day(d), "a", 10+i)
		commit(t, l, trailhouse.Commit{Table: events(), BatchID: f.Path, Add: []trailhouse.DataFile{f}})
	}
	problems, err := l.Check(context.Background(), CheckOptions{Deep: []*trailhouse.Table{events()}})
	if err != nil || len(problems) != 1 || !problems[0].Evidence || problems[0].Note {
		t.Fatalf("%+v, %v", problems, err)
	}
	const want = "21 records have the id of a record of another day: " // 10 and 11 of them
	if text := problems[0].Text; !strings.HasPrefix(text, want) || !strings.Contains(text, " on 2025-11-03 and 2025-11-04") {
		t.Errorf("%s", text)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// removeMetadata removes the metadata files of events with a suffix.
func removeMetadata(t *testing.T, l *Lake, suffix string) {
	files, err := l.listFiles("events")
	must(t, err)
	for _, f := range files {
		if strings.HasSuffix(f.path, suffix) {
			must(t, os.Remove(f.path))
		}
	}
}
