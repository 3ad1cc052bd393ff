package derive

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

const benchCalls = 1_000_000

// BenchmarkJoin joins a million calls of a year to a hundred thousand sessions, with
// all columns read and written.
func BenchmarkJoin(b *testing.B) {
	if testing.Short() {
		b.Skip("takes long")
	}
	l, err := lake.Open(b.Context(), filepath.Join(b.TempDir(), "lake"), trailhouse.SystemClock{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	job := &Job{Lake: l, Logs: Logs{Enclave: enclavelog.LogTable(), Allocator: enclavelog.AllocatorTable(), Coverage: ingest.CoverageTable()}, Trail: cloudtrail.EventTable()}
	benchFill(b, l, benchCalls)
	for b.Loop() {
		b.StopTimer()
		p := &pass{Job: job}
		b.StartTimer()
		if err := p.joinCalls(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		files, _, err := l.Files(b.Context(), attested.JoinTable().Name, trailhouse.Period{})
		if err != nil || benchWithin(b, files) != benchCalls {
			b.Fatalf("%d calls within a session, %v", benchWithin(b, files), err)
		}
		// All of them again the next time.
		c := trailhouse.Commit{Table: attested.JoinTable(), BatchID: fmt.Sprint(time.Now().UnixNano()), Summary: map[string]string{versionKey: "none"}}
		if err := l.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchCalls, "ns/call")
}

// benchWithin reads all columns and counts the calls within a session.
func benchWithin(b *testing.B, files []trailhouse.DataFile) (n int) {
	t := attested.JoinTable()
	for _, f := range files {
		err := columns.Read(b.Context(), f.Path, t, nil, func(rows *trailhouse.Batch) error {
			for i := range rows.Len() {
				if rows.String(t.MustIndex("session_match"), i) == attested.Within && rows.String(t.MustIndex("object"), i) != "" {
					n++
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return n
}

// benchFill writes the year.
func benchFill(b testing.TB, l *lake.Lake, calls int) {
	for _, t := range derived() {
		if err := l.Ensure(b.Context(), t); err != nil {
			b.Fatal(err)
		}
	}
	year := testkit.AttestedYear{Hosts: 1000, Sessions: calls / 10, Calls: calls}
	err := year.Write(func(rows *trailhouse.Batch) error {
		benchWrite(b, l, rows)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// benchWrite commits rows, cut by month.
func benchWrite(b testing.TB, l *lake.Lake, rows *trailhouse.Batch) {
	c := trailhouse.Commit{Table: rows.Table, BatchID: fmt.Sprint(rows.Table.Name, time.Now().UnixNano())}
	at := rows.Table.MustIndex(rows.Table.PartitionBy)
	months := map[time.Time][]int32{}
	for i := range rows.Len() {
		m := month(rows.Time(at, i))
		months[m] = append(months[m], int32(i))
	}
	for m, index := range months {
		path, err := l.DataPath(rows.Table, m, fmt.Sprint(time.Now().UnixNano(), ".parquet"))
		if err != nil {
			b.Fatal(err)
		}
		f, err := columns.Write(path, rows, index)
		if err != nil {
			b.Fatal(err)
		}
		f.Partition = m
		c.Add = append(c.Add, f)
	}
	if err := l.Commit(context.Background(), c); err != nil {
		b.Fatal(err)
	}
}
