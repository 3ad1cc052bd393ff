package lake

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
)

// TestKnown asks one lake again and again, in several orders, while another handle
// changes its tables: each answer is that of a lake which was just opened.
func TestKnown(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	reader := open(t, dir, events(), plain())
	writer := open(t, dir, events(), plain())
	periods := []trailhouse.Period{
		{From: day(4), To: day(5)}, {From: day(4), To: day(5)}, {From: day(5), To: day(6)}, {}, {From: day(3), To: day(5)}, {To: day(4)}, {From: day(30)},
	}
	agree := func() {
		t.Helper()
		for _, table := range []string{"events", "plain", "none"} {
			want, ids := make([][]trailhouse.DataFile, len(periods)), make([]int64, len(periods))
			for i, p := range periods {
				var err error
				if want[i], ids[i], err = open(t, dir).Files(ctx, table, p); err != nil {
					t.Fatal(err)
				}
			}
			for first := range periods { // each is the first question in its turn
				reader.known.tables = nil
				for n := range 2 * len(periods) {
					i := (first + n) % len(periods)
					got, id, err := reader.Files(ctx, table, periods[i])
					current, currentErr := reader.Current(ctx, table)
					if diff := cmp.Diff(want[i], got); diff != "" || err != nil || currentErr != nil || id != ids[i] || current != id {
						t.Fatalf("%s %v: %v %v, snapshots %d, %d, want %d: %s", table, periods[i], err, currentErr, id, current, ids[i], diff)
					}
					if len(got) > 0 {
						got[0].Path = "mine" // a slice is its caller's
					}
				}
			}
		}
	}
	agree()
	for i, d := range []int{3, 4, 5} {
		if _, _, err := reader.Files(ctx, "events", trailhouse.Period{}); err != nil {
			t.Fatal(err)
		}
		add(t, writer, events(), day(d), string(rune('a'+i)), 10)
		add(t, writer, plain(), day(0), string(rune('a'+i)), 10)
		if files, _, err := reader.Files(ctx, "events", trailhouse.Period{}); err != nil || len(files) != i+1 {
			t.Fatalf("%d files, %v, want %d", len(files), err, i+1)
		}
	}
	agree()
}
