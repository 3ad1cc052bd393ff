package lake

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// fixedClock stands still.
type fixedClock time.Time

func (c fixedClock) Now() time.Time { return time.Time(c) }

// events is a table by day with every kind of column that tables of ours have.
func events() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "events",
		Doc:  "Events of a test.",
		Columns: []trailhouse.Column{
			{Name: "id", Type: trailhouse.TypeUUID, Required: true, Doc: "key"},
			{Name: "time", Type: trailhouse.TypeTimestamp, Required: true, Doc: "UTC"},
			{Name: "name", Type: trailhouse.TypeString},
			{Name: "cpus", Type: trailhouse.TypeInt64s},
			{Name: "debug", Type: trailhouse.TypeBool},
			{Name: "content", Type: trailhouse.TypeBinary},
			{Name: "tags", Type: trailhouse.TypeStrings},
		},
		PartitionBy: "time",
		Transform:   trailhouse.ByDay,
		Key:         "id",
	}
}

// months is a table by month, as derived tables are.
func months() *trailhouse.Table {
	t := events()
	t.Name, t.Transform, t.Key = "months", trailhouse.ByMonth, ""
	return t
}

// plain is a table without partitions.
func plain() *trailhouse.Table {
	t := events()
	t.Name, t.PartitionBy, t.Transform = "plain", "", trailhouse.Unpartitioned
	return t
}

// open opens a lake with the tables in a directory.
func open(t testing.TB, dir string, tables ...*trailhouse.Table) *Lake {
	t.Helper()
	l, err := Open(context.Background(), dir, trailhouse.SystemClock{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for _, table := range tables {
		if err := l.Ensure(context.Background(), table); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// day returns an instant of a day in November 2025.
func day(d int) time.Time { return time.Date(2025, 11, d, 0, 0, 0, 0, time.UTC) }

// file writes a data file with n rows of one partition, whose keys and texts
// depend on name. The rows' times fall from the end of the day to its start.
func file(t testing.TB, l *Lake, table *trailhouse.Table, partition time.Time, name string, n int) trailhouse.DataFile {
	t.Helper()
	f, err := writeRows(l, table, partition, name, n)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func writeRows(l *Lake, table *trailhouse.Table, partition time.Time, name string, n int) (trailhouse.DataFile, error) {
	b := trailhouse.NewBatch(table)
	for i := range n {
		sum := sha256.Sum256(fmt.Append(nil, name, i))
		b.SetKey(0, trailhouse.Key(sum[:16]))
		b.SetTime(1, partition.Add(24*time.Hour-time.Duration(i+1)*time.Second))
		b.SetString(2, fmt.Sprint(name, "-", i))
		if i%2 == 0 {
			b.SetInts(3, []int64{int64(i), 7})
		}
		b.SetBool(4, i%3 == 0)
		b.SetText(5, sum[:])
		b.EndRow()
	}
	path, err := l.DataPath(table, partition, name+".parquet")
	if err != nil {
		return trailhouse.DataFile{}, err
	}
	f, err := columns.Write(path, b, nil)
	if table.Transform != trailhouse.Unpartitioned {
		f.Partition = partition
	}
	return f, err
}

// commit makes a commit that must succeed.
func commit(t testing.TB, l *Lake, c trailhouse.Commit) {
	t.Helper()
	if err := l.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

// add commits one file of n rows under its name as batch id.
func add(t testing.TB, l *Lake, table *trailhouse.Table, partition time.Time, name string, n int) trailhouse.DataFile {
	t.Helper()
	f := file(t, l, table, partition, name, n)
	commit(t, l, trailhouse.Commit{Table: table, BatchID: name, Add: []trailhouse.DataFile{f}})
	return f
}

// current returns the current files of a table.
func current(t testing.TB, l *Lake, table *trailhouse.Table) []trailhouse.DataFile {
	t.Helper()
	files, _, err := l.Files(context.Background(), table.Name, trailhouse.Period{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i].Columns = 0 // as it was written
	}
	return files
}

// names returns the texts of all rows of a table, in the order of files and rows.
func names(t testing.TB, l *Lake, table *trailhouse.Table) []string {
	t.Helper()
	var out []string
	for _, f := range current(t, l, table) {
		err := columns.Read(context.Background(), f.Path, table, []string{"name"}, func(b *trailhouse.Batch) error {
			for r := range b.Len() {
				out = append(out, b.String(2, r))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}
