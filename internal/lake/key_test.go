package lake

import (
	"context"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// told is events with a key that the column name tells where it is a GUID.
func told() *trailhouse.Table {
	t := events()
	t.KeyText, t.Columns[0].Required = "name", false
	return t
}

// addKeys adds a file with the keys, and their texts as names.
func addKeys(t *testing.T, l *Lake, table *trailhouse.Table, name string, keys ...trailhouse.Key) {
	t.Helper()
	b := trailhouse.NewBatch(table)
	for i, k := range keys {
		b.SetKey(0, k)
		b.SetTime(1, day(3).Add(time.Duration(i)*time.Second))
		b.SetString(2, k.String())
		b.EndRow()
	}
	path, err := l.DataPath(table, day(3), name+".parquet")
	if err != nil {
		t.Fatal(err)
	}
	f, err := columns.Write(path, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Partition = day(3)
	if err := l.Commit(context.Background(), trailhouse.Commit{Table: table, BatchID: name, Add: []trailhouse.DataFile{f}}); err != nil {
		t.Fatal(err)
	}
}

// A lake from when each file held all keys opens, takes files that do not, is checked
// for keys that are there twice, and is compacted. The program that wrote it refuses
// it from then on.
func TestKeyIsNoLongerRequired(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events())
	addKeys(t, l, events(), "old", trailhouse.Key{1}, trailhouse.Key{2})
	for range 2 {
		if err := l.Ensure(ctx, told()); err != nil {
			t.Fatal(err)
		}
	}
	addKeys(t, l, told(), "new", trailhouse.Key{3}, trailhouse.Key{4})
	if err := l.Ensure(ctx, events()); trailhouse.CodeOf(err) != trailhouse.CodeNewer {
		t.Errorf("the older table: %v", err)
	}
	deep := CheckOptions{Deep: []*trailhouse.Table{told()}}
	if problems, err := l.Check(ctx, deep); err != nil || len(problems) > 0 {
		t.Fatalf("check: %v %v", problems, err)
	}
	done, err := l.Compact(ctx, told(), CompactOptions{All: true})
	if err != nil || done.Rows != 4 {
		t.Fatalf("compaction: %+v %v", done, err)
	}
	addKeys(t, l, told(), "twice", trailhouse.Key{1}, trailhouse.Key{4})
	problems, err := l.Check(ctx, deep)
	if err != nil || len(problems) == 0 || problems[len(problems)-1].Text != "2 rows have a id that an earlier row has" {
		t.Errorf("check: %v %v", problems, err)
	}
}
