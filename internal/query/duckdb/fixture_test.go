package duckdb_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
)

// lives is the table of these tests: a column of each type, and one that no file
// has.
func lives() *trailhouse.Table {
	return &trailhouse.Table{Name: "lives", Columns: []trailhouse.Column{
		{Name: "id", Type: trailhouse.TypeUUID},
		{Name: "n", Type: trailhouse.TypeInt64},
		{Name: "name", Type: trailhouse.TypeString},
		{Name: "at", Type: trailhouse.TypeTimestamp},
		{Name: "on", Type: trailhouse.TypeBool},
		{Name: "cpus", Type: trailhouse.TypeInt64s},
		{Name: "tags", Type: trailhouse.TypeStrings},
		{Name: "raw", Type: trailhouse.TypeBinary},
		{Name: "later", Type: trailhouse.TypeInt64s},
	}}
}

// rowsSQL makes rows of lives, but for the column later.
const rowsSQL = `SELECT UUID '00000000-0000-4000-8000-00000000000a' AS id, range AS n, 'name ' || range AS name,
	TIMESTAMP '2025-11-03 08:00:02.421' + INTERVAL (range) DAY AS at, range % 2 = 0 AS "on",
	[range, 7] AS cpus, ['a', NULL] AS tags, '\x01\xFF'::BLOB AS raw FROM range(5)`

// write makes a Parquet file of a SELECT.
func write(t *testing.T, path, query string) trailhouse.DataFile {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("COPY (" + query + ") TO '" + strings.ReplaceAll(path, "'", "''") + "' (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	return trailhouse.DataFile{Path: path}
}

// livesView returns lives with one file.
func livesView(t *testing.T) trailhouse.View {
	file := write(t, filepath.Join(t.TempDir(), "lives.parquet"), rowsSQL)
	return trailhouse.View{Table: lives(), Files: []trailhouse.DataFile{file}}
}

// ask runs a query and returns its columns and rows.
func ask(t *testing.T, q trailhouse.Query) ([]trailhouse.ResultColumn, [][]any, error) {
	t.Helper()
	var columns []trailhouse.ResultColumn
	var rows [][]any
	err := duckdb.New(duckdb.Options{}).Query(t.Context(), q,
		func(c []trailhouse.ResultColumn) error { columns = c; return nil },
		func(row []any) error { rows = append(rows, append([]any(nil), row...)); return nil })
	return columns, rows, err
}

// at returns an instant of the fixtures.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// touch writes a small file.
func touch(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// cancelled returns a context that is over.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
