package duckdb_test

import (
	"path/filepath"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// Statements see the key of every row, whether its file holds it or the text tells it,
// and files from when the column was required beside those of today.
func TestKeysFromTexts(t *testing.T) {
	table := &trailhouse.Table{Name: "keyed", Key: "key", KeyText: "id", Columns: []trailhouse.Column{
		{Name: "id", Type: trailhouse.TypeString}, {Name: "key", Type: trailhouse.TypeUUID}, {Name: "later", Type: trailhouse.TypeInt64},
	}}
	const a, b, c = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b", "00000000-0000-4000-8000-00000000000c"
	dir := t.TempDir()
	today := write(t, filepath.Join(dir, "1.parquet"), "SELECT * FROM (VALUES ('"+a+"', NULL::UUID, 1), ('00000000-0000-4000-8000-00000000000B', NULL, 1), ('text', UUID '"+c+"', 1)) v (id, key, later)")
	old := write(t, filepath.Join(dir, "2.parquet"), "SELECT '"+a+"' AS id, UUID '"+c+"' AS key, 1::BIGINT AS later")
	for _, files := range [][]trailhouse.DataFile{{today, old}, {whole(today, table), whole(old, table)}} {
		q := trailhouse.Query{SQL: "SELECT key, count(*) AS n FROM keyed GROUP BY key ORDER BY key", Views: []trailhouse.View{{Table: table, Files: files}}}
		_, rows, err := ask(t, q)
		if err != nil {
			t.Fatal(err)
		}
		want := []any{a, int64(1), b, int64(1), c, int64(2)}
		for i, row := range rows {
			if len(rows) != 3 || row[0] != want[2*i] || row[1] != want[2*i+1] {
				t.Fatalf("%v, want %v", rows, want)
			}
		}
	}
}

// whole is a file that has all columns of its table.
func whole(f trailhouse.DataFile, t *trailhouse.Table) trailhouse.DataFile {
	f.Columns = len(t.Columns)
	return f
}
