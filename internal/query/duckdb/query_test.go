package duckdb_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
)

func TestTypes(t *testing.T) {
	type v = []any
	dec := func(text string, scale int) trailhouse.Decimal { return trailhouse.Decimal{Text: text, Scale: scale} }
	for text, want := range map[string]struct {
		kind  string
		value any
	}{
		"CAST(1 AS tinyint)":                    {"tinyint", int64(1)},
		"1":                                     {"integer", int64(1)},
		"9223372036854775807":                   {"bigint", int64(9223372036854775807)},
		"5 / 2":                                 {"integer", int64(2)},
		"sum(9223372036854775807)":              {"decimal(38,0)", dec("9223372036854775807", 0)},
		"CAST(18446744073709551615 AS UBIGINT)": {"decimal(20,0)", dec("18446744073709551615", 0)},
		"CAST(-170141183460469231731687303715884105727 AS HUGEINT)": {"decimal(38,0)", dec("-170141183460469231731687303715884105727", 0)},
		"CAST('12.50' AS decimal(15,2))":                            {"decimal(15,2)", dec("12.50", 2)},
		"CAST('-0.05' AS decimal(15,2))":                            {"decimal(15,2)", dec("-0.05", 2)},
		"CAST(0 AS decimal(38,10))":                                 {"decimal(38,10)", dec("0.0000000000", 10)},
		"CAST('0.1' AS decimal(3,1)) + CAST('0.2' AS decimal(3,1))": {"decimal(4,1)", dec("0.3", 1)},
		"CAST('12345678901234567890.12345' AS decimal(38,5))":       {"decimal(38,5)", dec("12345678901234567890.12345", 5)},
		"CAST(0.1 AS double)":                                       {"double", 0.1},
		"CAST(0.5 AS real)":                                         {"real", 0.5},
		"'a'":                                                       {"varchar", "a"},
		"NULL":                                                      {"integer", nil},
		"CAST(NULL AS timestamp)":                                   {"timestamp", nil},
		"TRUE":                                                      {"boolean", true},
		"DATE '2025-11-03'":                                         {"date", at(t, "2025-11-03T00:00:00Z")},
		"TIMESTAMP '2025-11-03 08:00:02.421999'":                    {"timestamp", at(t, "2025-11-03T08:00:02.421999Z")},
		"TIMESTAMPTZ '2025-11-03 08:00:02+02:00'":                   {"timestamp", at(t, "2025-11-03T06:00:02Z")},
		"from_iso8601_timestamp('2025-11-03T08:00:02Z')":            {"timestamp", at(t, "2025-11-03T08:00:02Z")},
		"UUID '00000000-0000-4000-8000-00000000000a'":               {"varchar", "00000000-0000-4000-8000-00000000000a"},
		"ARRAY[UUID '00000000-0000-4000-8000-00000000000a']":        {"array(varchar)", v{"00000000-0000-4000-8000-00000000000a"}},
		"CAST('\\x01\\xFF' AS blob)":                                {"varbinary", "01ff"},
		"ARRAY[CAST(1 AS bigint), NULL]":                            {"array(bigint)", v{int64(1), nil}},
		"ARRAY['a', 'b']":                                           {"array(varchar)", v{"a", "b"}},
		"ARRAY[ARRAY[CAST('1.5' AS decimal(3,1))]]":                 {"array(array(decimal(3,1)))", v{v{dec("1.5", 1)}}},
		"element_at(MAP {'a': 7}, 'a')":                             {"integer", int64(7)},
		"element_at(ARRAY[1, 2], -1)":                               {"integer", int64(2)},
		"element_at(ARRAY[1, 2], 3)":                                {"integer", nil},
		"json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a')":         {"varchar", nil},
		"json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a.b')":       {"varchar", "1"},
		"regexp_like('acme-1', '^acme-[0-9]+$')":                    {"boolean", true},
		"date_diff('day', TIMESTAMP '2025-01-31 23:00:00', TIMESTAMP '2025-02-01 22:59:59')":           {"bigint", int64(0)},
		"date_diff('millisecond', TIMESTAMP '2025-01-01 00:00:00', TIMESTAMP '2025-01-01 00:00:01.5')": {"bigint", int64(1500)},
		"date_add('hour', 2, TIMESTAMP '2025-01-01 00:00:00')":                                         {"timestamp", at(t, "2025-01-01T02:00:00Z")},
		"from_unixtime(1.5)": {"timestamp", at(t, "1970-01-01T00:00:01.5Z")},
		"date_format(TIMESTAMP '2025-01-02 03:04:05', '%Y-%m %H:%i:%s')": {"varchar", "2025-01 03:04:05"},
		"array_join(sequence(1, 3), ',')":                                {"varchar", "1,2,3"},
	} {
		columns, rows, err := ask(t, trailhouse.Query{SQL: "SELECT " + text + " AS x"})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if columns[0] != (trailhouse.ResultColumn{Name: "x", Type: want.kind}) {
			t.Errorf("%s is %+v, want %s", text, columns[0], want.kind)
		}
		if diff := cmp.Diff([][]any{{want.value}}, rows); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// TestInexactTypes refuses what a result cannot hold, with a way out.
func TestInexactTypes(t *testing.T) {
	for _, text := range []string{
		"MAP {1: 1}", "{'a': TIME '08:00:00'}", "INTERVAL '1' DAY", "TIME '08:00:00'", "json_extract('{\"a\": 1}', '$.a')",
		"ARRAY[json_extract('{\"a\": 1}', '$.a')]", "ARRAY[{'a': json_extract('{\"a\": 1}', '$.a')}]",
	} {
		_, rows, err := ask(t, trailhouse.Query{SQL: "SELECT " + strings.ReplaceAll(text, ":", " : ") + " AS x"})
		if trailhouse.CodeOf(err) != trailhouse.CodeUsage || trailhouse.HintOf(err) == "" {
			t.Errorf("%s: %v, %v", text, rows, err)
		}
	}
}

func TestViews(t *testing.T) {
	view := livesView(t)
	want := [][]any{{
		"00000000-0000-4000-8000-00000000000a", int64(1), "name 1", at(t, "2025-11-04T08:00:02.421Z"), false,
		[]any{int64(1), int64(7)}, []any{"a", nil}, "01ff", nil,
	}}
	_, rows, err := ask(t, trailhouse.Query{SQL: "SELECT * FROM lives WHERE n = 1 AND id = '00000000-0000-4000-8000-00000000000a'", Views: []trailhouse.View{view}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	empty, none, err := ask(t, trailhouse.Query{SQL: "SELECT * FROM lives", Views: []trailhouse.View{{Table: lives()}}})
	if err != nil || len(none) != 0 {
		t.Fatalf("empty: %v, %v", none, err)
	}
	full, _, err := ask(t, trailhouse.Query{SQL: "SELECT * FROM lives", Views: []trailhouse.View{view}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full, empty); diff != "" {
		t.Errorf("columns of a full and an empty table differ:\n%s", diff)
	}
}

// TestOlderFiles reads files that were written before a column was there, files
// with columns in another order, and a table whose name and path need quotes.
func TestOlderFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's a [dir]*")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	files := []trailhouse.DataFile{
		write(t, filepath.Join(dir, "a.parquet"), "SELECT 1::BIGINT AS n"),
		write(t, filepath.Join(dir, "b.parquet"), "SELECT 'two' AS name, 2::BIGINT AS n, 'x' AS unknown"),
	}
	_, rows, err := ask(t, trailhouse.Query{
		SQL: "SELECT n, name, later FROM lives ORDER BY n", Views: []trailhouse.View{{Table: lives(), Files: files}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]any{{int64(1), nil, nil}, {int64(2), "two", nil}}, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestManyFiles reads thousands of files.
func TestManyFiles(t *testing.T) {
	const n = 3000
	dir := t.TempDir()
	data, err := os.ReadFile(write(t, filepath.Join(dir, "x.parquet"), "SELECT 1::BIGINT AS n").Path)
	if err != nil {
		t.Fatal(err)
	}
	files := make([]trailhouse.DataFile, n)
	for i := range files {
		files[i].Path = filepath.Join(dir, fmt.Sprintf("part-%06d.parquet", i))
		touch(t, files[i].Path, string(data))
	}
	_, rows, err := ask(t, trailhouse.Query{SQL: "SELECT count(*), sum(n) FROM lives", Views: []trailhouse.View{{Table: lives(), Files: files}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]any{{int64(n), trailhouse.Decimal{Text: fmt.Sprint(n)}}}, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDerived builds views on one another, and opens no file of a table that the
// statement does not need.
func TestDerived(t *testing.T) {
	missing := trailhouse.View{Table: &trailhouse.Table{Name: "gone", Columns: lives().Columns}, Files: []trailhouse.DataFile{{Path: "/nowhere/x.parquet"}}}
	q := trailhouse.Query{
		SQL:   "SELECT * FROM c",
		Views: []trailhouse.View{livesView(t), missing},
		Derived: []trailhouse.DerivedView{
			{Name: "a", SQL: "SELECT n FROM lives WHERE n > 2"}, {Name: "unused", SQL: "SELECT * FROM gone"},
			{Name: "b", SQL: "WITH x AS (SELECT max(n) AS n FROM a) SELECT n FROM x"}, {Name: "c", SQL: "SELECT n + 1 AS n FROM b"},
		},
	}
	_, rows, err := ask(t, q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]any{{int64(5)}}, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	q.SQL = "SELECT * FROM gone"
	if _, _, err := ask(t, q); trailhouse.CodeOf(err) != trailhouse.CodeStorage {
		t.Errorf("a missing file: %v", err)
	}
}

func TestParameters(t *testing.T) {
	instant := at(t, "2025-11-03T08:00:02.421Z")
	q := trailhouse.Query{
		SQL: `SELECT :text, :number, :yes, :when, :nothing, :never, ':text' AS "a:text", CAST(:number AS varchar)::varchar -- :nobody`,
		Parameters: map[string]any{
			"text": "it's; DROP VIEW lives; --", "number": int64(-7), "yes": true, "when": instant,
			"nothing": nil, "never": trailhouse.Null{Type: trailhouse.TypeTimestamp}, "unused": int64(1),
		},
	}
	columns, rows, err := ask(t, q)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]any{{"it's; DROP VIEW lives; --", int64(-7), true, instant, nil, nil, ":text", "-7"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var types []string
	for _, c := range columns {
		types = append(types, c.Type)
	}
	if got := strings.Join(types, " "); got != "varchar bigint boolean timestamp integer timestamp varchar varchar" {
		t.Errorf("types %s", got)
	}
}

func TestLimits(t *testing.T) {
	for name, q := range map[string]trailhouse.Query{
		"rows":   {SQL: "SELECT * FROM range(100)", Limits: trailhouse.Limits{Rows: 99}},
		"bytes":  {SQL: "SELECT repeat('x', 100) FROM range(100)", Limits: trailhouse.Limits{Bytes: 9999}},
		"time":   {SQL: "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range + b.range = -1", Limits: trailhouse.Limits{Timeout: 100 * time.Millisecond}},
		"memory": {SQL: "SELECT list(range) FROM range(100000000)", Limits: trailhouse.Limits{MemoryMiB: 64}},
	} {
		begin := time.Now()
		_, _, err := ask(t, q)
		if trailhouse.CodeOf(err) != trailhouse.CodeLimit || trailhouse.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
	exact := trailhouse.Query{SQL: "SELECT * FROM range(100)", Limits: trailhouse.Limits{Rows: 100, Bytes: 800, Timeout: time.Minute, MemoryMiB: 64, Threads: 1}}
	if _, rows, err := ask(t, exact); err != nil || len(rows) != 100 {
		t.Errorf("within the limits: %d rows, %v", len(rows), err)
	}
}

// TestStopped tells a caller that stops from a limit.
func TestStopped(t *testing.T) {
	err := duckdb.New(duckdb.Options{}).Check(cancelled(t), trailhouse.Query{SQL: "SELECT 1"})
	if trailhouse.CodeOf(err) != trailhouse.CodeInterrupted {
		t.Errorf("%v", err)
	}
	own := errors.New("enough")
	err = duckdb.New(duckdb.Options{}).Query(t.Context(), trailhouse.Query{SQL: "SELECT * FROM range(10)"},
		func([]trailhouse.ResultColumn) error { return nil }, func([]any) error { return own })
	if !errors.Is(err, own) {
		t.Errorf("the caller's error became %v", err)
	}
}

// TestErrors wants the line, DuckDB's words and no path.
func TestErrors(t *testing.T) {
	view := livesView(t)
	for text, want := range map[string]string{
		"SELECT\n  nope\nFROM lives":                                                    "line 2: Binder Error: Referenced column \"nope\" not found",
		"SELECT n,\nFROM WHERE":                                                         "line 2: syntax error at or near \"WHERE\"",
		"SELECT\n\n nofunction(n) FROM lives":                                           "line 3: Catalog Error: Scalar Function with name nofunction",
		"SELECT * FROM lives\nJOIN others ON true":                                      "line 2: there is no table \"others\"; there are lives",
		"SELECT * FROM other.lives":                                                     "there is no schema \"other\"",
		"SELECT CAST(name AS bigint)\nFROM lives":                                       "Could not convert string 'name 0' to INT64",
		"SELECT\n :who FROM lives":                                                      "line 2: there is no parameter :who",
		"SELECT 1\n\nFROM read_parquet('x')":                                            "line 3: the table function read_parquet is not available",
		"SELECT sum(name) FROM lives":                                                   "No function matches",
		"SELECT n FROM lives WHERE \"at\" > 'gestern'":                                  "invalid timestamp",
		"SELECT ';' -- ;\n;\n;\nSELECT 2":                                               "line 4: there are 2 statements",
		"\nSELECT 1;\n  DROP TABLE lives":                                               "line 3: only a SELECT can be run here",
		"\n\nCREATE TABLE x AS SELECT 1":                                                "line 3: only a SELECT can be run here",
		"SELECT n,\n 1e400 FROM lives":                                                  "line 2: a number is too large: the largest is about 1.8e308",
		"SELECT n,\n repeat('x', 1000000000) FROM lives":                                "line 2: repeat would make a value of 1000000000 bytes or items; at most 1000000",
		"SELECT repeat(repeat('ab', 1000), '1000')":                                     "repeat would make a value of 2000000 ",
		"SELECT rpad(name, 2000000::bigint, ' ') FROM lives":                            "rpad would make a value of 2000000 ",
		"SELECT len(unnested) FROM (SELECT unnest(range(0, -9000000, -3)) AS unnested)": "range would make a value of 3000000 ",
		"SELECT * FROM unnest(generate_series(5000000))":                                "generate_series would make a value of 5000000 ",
		"SELECT list_resize([1], 1000001)":                                              "list_resize would make a value of 1000001 ",
		"SELECT error('Failed to read file \"x.parquet\": ZSTD') FROM lives":            "Invalid Input Error: Failed to read",
	} {
		_, _, err := ask(t, trailhouse.Query{SQL: text, Views: []trailhouse.View{view}})
		if trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n  gave %v\n  want %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), filepath.Dir(view.Files[0].Path)) {
			t.Errorf("%s\n  tells a path: %v", text, err)
		}
	}
}

// BenchmarkStatement is what a statement costs before it reads anything.
func BenchmarkStatement(b *testing.B) {
	engine := duckdb.New(duckdb.Options{})
	for b.Loop() {
		err := engine.Query(b.Context(), trailhouse.Query{SQL: "SELECT 1"},
			func([]trailhouse.ResultColumn) error { return nil }, func([]any) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}

// TestGrowthPasses holds that what stays small or streams is not refused.
func TestGrowthPasses(t *testing.T) {
	for _, text := range []string{
		"SELECT repeat('x', 1000000)", "SELECT repeat('x', -5)", "SELECT lpad(name, 30, ' ') FROM lives",
		"SELECT range(1700000000, 1700000010)", "SELECT count(*) FROM range(3000000)", "SELECT count(*) FROM repeat('x', 2000000)",
		"SELECT '\"value\":Infinity', 1e308",
	} {
		if _, _, err := ask(t, trailhouse.Query{SQL: text, Views: []trailhouse.View{livesView(t)}}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestDamagedFile breaks a byte of a data file in several places: what DuckDB then
// says is told as damage, wherever it is noticed.
func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lives.parquet")
	write(t, path, strings.Replace(rowsSQL, "range(5)", "range(3000)", 1))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := 4; i < len(good); i += len(good) / 40 {
		bad := slices.Clone(good)
		for j := i; j < min(i+8, len(bad)); j++ {
			bad[j] ^= 0xff
		}
		touch(t, path, string(bad))
		_, _, err := ask(t, trailhouse.Query{
			SQL:   "SELECT * FROM lives",
			Views: []trailhouse.View{{Table: lives(), Files: []trailhouse.DataFile{{Path: path}}}},
		})
		if err == nil {
			continue // values that read as others: lake check knows the file's digest
		}
		if found++; trailhouse.CodeOf(err) != trailhouse.CodeDamaged || trailhouse.HintOf(err) != "run `trailhouse lake check`" || strings.Contains(err.Error(), filepath.Dir(path)) {
			t.Errorf("byte %d: %s %v", i, trailhouse.CodeOf(err), err)
		}
	}
	if found < 5 {
		t.Errorf("only %d of the damages were noticed", found)
	}
}
