package derive

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
)

// BenchmarkHosts derives the sessions of 2,000 hosts that were polled for a month, all of
// them, and of ten.
func BenchmarkHosts(b *testing.B) {
	const many, few, days, polls = 2000, 10, 30, 12
	l, err := lake.Open(b.Context(), filepath.Join(b.TempDir(), "lake"), trailhouse.SystemClock{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for _, t := range append(derived(), ingest.CoverageTable()) {
		if err := l.Ensure(b.Context(), t); err != nil {
			b.Fatal(err)
		}
	}
	host := func(i int) trailhouse.InstanceID { return trailhouse.InstanceID(fmt.Sprintf("i-%017x", i)) }
	rows := trailhouse.NewBatch(sessions.MarkTable())
	for day := range days {
		var marks []sessions.Mark
		for i := range many {
			at := time.Date(2025, 10, 1+day, 0, 0, 0, 0, time.UTC).UnixMicro()
			mark := func(kind sessions.Kind, after int64, slot, detail string) {
				marks = append(marks, sessions.Mark{
					Instance: host(i), Micros: at + after*1e6, Until: at + after*1e6, Kind: kind, PID: after + 1, Slot: slot, Detail: detail, Lines: 1,
					Record: trailhouse.Key{byte(i), byte(i >> 8), byte(day), byte(after), byte(after >> 8), byte(kind)},
				})
			}
			slot := fmt.Sprintf("19a%06x%06x", day, i)
			mark(sessions.KindLog, 0, "", "")
			mark(sessions.KindReady, 10, slot, string(host(i))+"-enc"+slot)
			for poll := range int64(polls) {
				mark(sessions.KindConnected, 3600+poll*3600, slot, "")
				mark(sessions.KindSent, 3601+poll*3600, "", "Describe")
			}
		}
		sessions.EncodeMarks(marks, rows)
	}
	path, err := l.DataPath(rows.Table, time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), "marks.parquet")
	if err != nil {
		b.Fatal(err)
	}
	f, err := columns.Write(path, rows, byHost(rows))
	f.Partition = time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)
	if err == nil {
		err = l.Commit(b.Context(), trailhouse.Commit{Table: rows.Table, BatchID: "marks", Add: []trailhouse.DataFile{f}})
	}
	if err != nil {
		b.Fatal(err)
	}
	job := &Job{Lake: l, Logs: Logs{Enclave: enclavelog.LogTable(), Allocator: enclavelog.AllocatorTable(), Coverage: ingest.CoverageTable()}, Trail: cloudtrail.EventTable()}
	for _, n := range []int{many, few} {
		b.Run(fmt.Sprint(n, " of ", many), func(b *testing.B) {
			b.ReportMetric(float64(rows.Len()), "marks")
			dirty := hosts{}
			for i := range n {
				dirty[host(i*(many/n))] = struct{}{}
			}
			for b.Loop() {
				lives, _, err := job.deriveHosts(b.Context(), dirty)
				if err != nil || lives.Len() != n*days {
					b.Fatalf("%d sessions, %v", lives.Len(), err)
				}
			}
		})
	}
}
