package lake

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/trailhouse/trailhouse"
)

// content returns what Content says of events.
func content(t *testing.T, l *Lake) int64 {
	t.Helper()
	id, err := l.Content(context.Background(), "events")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestContent merges files again and again, with changes between and snapshots expired,
// and expects Content to be another one after each change and after nothing else.
func TestContent(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), events(), months())
	if id, err := l.Content(ctx, "nothing"); id != 0 || err != nil {
		t.Errorf("a missing table: %d %v", id, err)
	}
	if id := content(t, l); id != 0 {
		t.Errorf("an empty table: %d", id)
	}
	seen := map[int64]bool{0: true}
	for round := range 3 {
		for i := range 2 {
			add(t, l, events(), day(3), fmt.Sprint("a", round, i), 10)
			id := content(t, l)
			if seen[id] {
				t.Errorf("round %d: a change left the content at %d", round, id)
			}
			seen[id] = true
		}
		before, now := content(t, l), time.Now()
		for i, o := range []CompactOptions{{}, {All: true, SmallBytes: 1 << 30, MinFiles: 1}} {
			if _, err := l.Compact(ctx, events(), o); err != nil {
				t.Fatal(err)
			}
			if id := content(t, l); id != before {
				t.Errorf("round %d: merge %d made %d of content %d", round, i, id, before)
			}
		}
		// A derived table names the content: of the snapshots with these rows Expire keeps
		// the newest, and the files of the others go.
		commit(t, l, trailhouse.Commit{Table: months(), BatchID: fmt.Sprint("derive", round), Summary: map[string]string{SourceKey + "events": strconv.FormatInt(before, 10)}})
		at(l, now.Add(time.Duration(round+1)*48*time.Hour))
		if _, err := l.Expire(ctx, ExpireOptions{}); err != nil {
			t.Fatal(err)
		}
		if files, err := l.listFiles("events"); err != nil || dataFiles(files) != 1 {
			t.Errorf("round %d: %d data files, %v", round, dataFiles(files), err)
		}
		if id := content(t, l); id != before {
			t.Errorf("round %d: expiry made %d of content %d", round, id, before)
		}
		if files, ok, err := l.Added(ctx, "events", before); !ok || len(files) != 0 || err != nil {
			t.Errorf("round %d: added since the content: %v %v %v", round, files, ok, err)
		}
		f := add(t, l, events(), day(4), fmt.Sprint("b", round), 1)
		if files, ok, err := l.Added(ctx, "events", before); !ok || len(files) != 1 || files[0].Path != f.Path || err != nil {
			t.Errorf("round %d: added since the content: %v %v %v", round, files, ok, err)
		}
		commit(t, l, trailhouse.Commit{Table: events(), BatchID: fmt.Sprint("drop", round), Replace: []time.Time{day(4)}})
	}
	clean(t, l)
}

// TestContentOfStrangeMerges asks for the content of merges of other engines, of one that
// was committed upon another state than it was made for, and of one whose parent is gone.
func TestContentOfStrangeMerges(t *testing.T) {
	snapshot := func(id, parent int64, op table.Operation, rows string) table.Snapshot {
		return table.Snapshot{SnapshotID: id, ParentSnapshotID: &parent, SequenceNumber: id,
			Summary: &table.Summary{Operation: op, Properties: iceberg.Properties{rowsKey: rows}}}
	}
	meta := history{
		snapshot(1, 0, table.OpAppend, ""), snapshot(2, 1, table.OpReplace, ""), snapshot(3, 2, table.OpReplace, "2 1"),
		snapshot(4, 3, table.OpAppend, ""), snapshot(5, 4, table.OpReplace, "3 1"), snapshot(6, 5, table.OpReplace, "5"),
		snapshot(8, 7, table.OpReplace, ""), snapshot(9, 8, table.OpOverwrite, "8 1"), snapshot(10, 9, table.OpReplace, "-9 4"),
	}
	for id, want := range map[int64]int64{1: 1, 2: 1, 3: 1, 4: 4, 5: 4, 6: 4, 8: 8, 9: 9, 10: 9} {
		if got := contentOf(meta, *meta.SnapshotByID(id)); got != want {
			t.Errorf("snapshot %d holds the rows of %d, want %d", id, got, want)
		}
	}
}

// history is metadata of nothing but snapshots.
type history []table.Snapshot

func (h history) SnapshotByID(id int64) *table.Snapshot {
	for i := range h {
		if h[i].SnapshotID == id {
			return &h[i]
		}
	}
	return nil
}
