package lake

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// nested is a table by day with columns that nest as a trail's do.
func nested() *trailhouse.Table {
	text := func(name string) trailhouse.Column {
		return trailhouse.Column{Name: name, Type: trailhouse.TypeString}
	}
	session := trailhouse.Column{Name: "session", Type: trailhouse.TypeStruct, Fields: []trailhouse.Column{
		text("mfa"), {Name: "attributes", Type: trailhouse.TypeMap},
	}}
	return &trailhouse.Table{
		Name: "nested",
		Columns: []trailhouse.Column{
			{Name: "id", Type: trailhouse.TypeUUID, Required: true},
			{Name: "time", Type: trailhouse.TypeTimestamp, Required: true},
			{Name: "who", Type: trailhouse.TypeStruct, Fields: []trailhouse.Column{text("arn"), session}},
			{Name: "request", Type: trailhouse.TypeMap},
			{Name: "resources", Type: trailhouse.TypeStructs, Fields: []trailhouse.Column{text("arn"), text("type")}},
			{Name: "name", Type: trailhouse.TypeString},
		},
		PartitionBy: "time", Transform: trailhouse.ByDay, Key: "id",
	}
}

func nestedFile(t *testing.T, l *Lake, table *trailhouse.Table, name string, n int) trailhouse.DataFile {
	t.Helper()
	b := trailhouse.NewBatch(table)
	for i := range n {
		b.SetKey(0, trailhouse.Key{byte(i), name[0]})
		b.SetTime(1, day(3).Add(time.Duration(i)*time.Second))
		who := b.Child(2)
		who.SetString(0, fmt.Sprint("arn:", name, i%3))
		if i%2 == 0 {
			session := who.Child(1)
			session.SetString(0, "true")
			entry(session, 1, "k", fmt.Sprint(i))
			session.EndRow()
			who.SetRows(1)
		}
		who.EndRow()
		b.SetRows(2)
		entry(b, 3, "bucket", "b")
		if i%3 > 0 {
			for range i % 3 {
				b.Child(4).SetString(0, "r")
				b.Child(4).EndRow()
			}
			b.SetRows(4)
		}
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
	return f
}

func entry(b *trailhouse.Batch, col int, key, value string) {
	b.Child(col).SetString(0, key)
	b.Child(col).SetString(1, value)
	b.Child(col).EndRow()
	b.SetRows(col)
}

// TestNestedTable commits and merges files with nested columns and has iceberg-go
// read them by the ids of its own schema.
func TestNestedTable(t *testing.T) {
	ctx := context.Background()
	l := open(t, t.TempDir(), nested())
	for _, name := range []string{"a", "b", "c"} {
		f := nestedFile(t, l, nested(), name, 5)
		commit(t, l, trailhouse.Commit{Table: nested(), BatchID: name, Add: []trailhouse.DataFile{f}})
	}
	before := scanned(t, l, "nested")
	if len(before) != 15 {
		t.Fatalf("%d rows", len(before))
	}
	want := `{"id":"00610000-0000-0000-0000-000000000000","name":null,"request":[{"key":"bucket","value":"b"}],"resources":null,"time":"2025-11-03T00:00:00","who":{"arn":"arn:a0","session":{"attributes":[{"key":"k","value":"0"}],"mfa":"true"}}}`
	if !before[want] {
		t.Errorf("no row %s in %v", want, before)
	}
	if _, err := l.Compact(ctx, nested(), CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	if files := current(t, l, nested()); len(files) != 1 || filepath.Ext(files[0].Path) != ".parquet" {
		t.Errorf("after the merge: %v", files)
	}
	if diff := cmp.Diff(before, scanned(t, l, "nested")); diff != "" {
		t.Error(diff)
	}
}

// scanned returns the rows of a table as iceberg-go reads them, as JSON.
func scanned(t *testing.T, l *Lake, name string) map[string]bool {
	t.Helper()
	tbl, err := l.load(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	_, records, err := tbl.Scan().ToArrowRecords(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for record, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		text, err := record.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var rows []map[string]any
		if err := json.Unmarshal(text, &rows); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			line, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			out[string(line)] = true
		}
	}
	return out
}
