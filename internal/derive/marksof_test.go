package derive

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/lake"
)

// TestMarksOfHosts reads the marks of some hosts out of files in which they lie among
// those of others, all at once, in groups and each host alone, and wants the same.
func TestMarksOfHosts(t *testing.T) {
	l, err := lake.Open(t.Context(), filepath.Join(t.TempDir(), "lake"), trailhouse.SystemClock{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	table := sessions.MarkTable()
	if err := l.Ensure(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	job := &Job{Lake: l}
	names := []trailhouse.InstanceID{"i-a", "i-b", "i-c", "i-d", "i-e"}
	want := map[trailhouse.InstanceID][]int64{} // times
	for n := range 4 {
		rows := trailhouse.NewBatch(table)
		first := time.Date(2025, time.Month(9+n/2), 1+n, 0, 0, 0, 0, time.UTC)
		for i := range 60 {
			host := names[(i*i+n)%len(names)]
			at := first.Add(time.Duration(i) * time.Minute).UnixMicro()
			sessions.EncodeMarks([]sessions.Mark{{Instance: host, Micros: at, Until: at, Kind: sessions.KindLog, Lines: 1}}, rows)
			if host != "i-d" {
				want[host] = append(want[host], at)
			}
		}
		var index []int32
		if n%2 == 0 {
			index = byHost(rows)
		}
		path, err := l.DataPath(table, month(first), time.Now().Format("150405.000000000")+".parquet")
		if err != nil {
			t.Fatal(err)
		}
		f, err := columns.Write(path, rows, index)
		if err != nil {
			t.Fatal(err)
		}
		f.Partition = month(first)
		if err := l.Commit(t.Context(), trailhouse.Commit{Table: table, BatchID: path, Add: []trailhouse.DataFile{f}}); err != nil {
			t.Fatal(err)
		}
	}
	where, err := job.findMarks(t.Context(), hosts{"i-a": {}, "i-b": {}, "i-c": {}, "i-e": {}, "i-nothing": {}})
	if err != nil {
		t.Fatal(err)
	}
	for most, groups := range map[int64]int{1: 5, 100: 3, 1_000_000: 1} {
		got := map[trailhouse.InstanceID][]int64{}
		all := where.groups(most)
		if len(all) != groups {
			t.Errorf("%d groups of at most %d marks, want %d: %v", len(all), most, groups, all)
		}
		for _, group := range all {
			marks, err := where.read(t.Context(), group)
			if err != nil {
				t.Fatal(err)
			}
			for host, list := range marks {
				for _, m := range list {
					if m.Instance != host {
						t.Errorf("%s has a mark of %s", host, m.Instance)
					}
					got[host] = append(got[host], m.Micros)
				}
				slices.Sort(got[host])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("at most %d: %s", most, diff)
		}
	}
}
