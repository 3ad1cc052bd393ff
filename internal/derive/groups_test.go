package derive

import (
	"path/filepath"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
)

// TestManyGroupsAreWrittenInParts writes groups file by file and wants the rows to add up
// to those of who holds all of a month.
func TestManyGroupsAreWrittenInParts(t *testing.T) {
	const calls = 400
	type total struct{ calls, first, last int64 }
	var sums [2]map[string]total
	for i, most := range []int{0, 1} {
		l, err := lake.Open(t.Context(), filepath.Join(t.TempDir(), "lake"), trailhouse.SystemClock{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		job := &Job{
			Lake: l, Logs: Logs{Enclave: enclavelog.LogTable(), Allocator: enclavelog.AllocatorTable(), Coverage: ingest.CoverageTable()},
			Trail: cloudtrail.EventTable(), maxGroups: most,
		}
		benchFill(t, l, calls)
		benchFill(t, l, calls) // a second file of each month
		p := &pass{Job: job}
		if err := p.joinCalls(t.Context()); err != nil {
			t.Fatal(err)
		}
		sums[i] = map[string]total{}
		table := attested.GroupTable()
		rows := 0
		read(t, l, table, func(b *trailhouse.Batch) {
			rows += b.Len()
			at := table.MustIndex("calls")
			for row := range b.Len() {
				key := b.String(0, row)
				s, ok := sums[i][key]
				if !ok || b.Int(at+1, row) < s.first {
					s.first = b.Int(at+1, row)
				}
				s.calls, s.last = s.calls+b.Int(at, row), max(s.last, b.Int(at+2, row))
				sums[i][key] = s
			}
		})
		if (most > 0) != (rows > len(sums[i])) {
			t.Errorf("%d rows of %d groups", rows, len(sums[i]))
		}
	}
	if len(sums[0]) < calls/10 || len(sums[0]) != len(sums[1]) {
		t.Fatalf("%d and %d groups", len(sums[0]), len(sums[1]))
	}
	for key, want := range sums[0] {
		if sums[1][key] != want {
			t.Errorf("%s: %v, want %v", key, sums[1][key], want)
		}
	}
}

// read reads all rows of a table.
func read(t *testing.T, l *lake.Lake, table *trailhouse.Table, use func(*trailhouse.Batch)) {
	t.Helper()
	files, _, err := l.Files(t.Context(), table.Name, trailhouse.Period{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := columns.Read(t.Context(), f.Path, table, nil, func(b *trailhouse.Batch) error { use(b); return nil }); err != nil {
			t.Fatal(err)
		}
	}
}
