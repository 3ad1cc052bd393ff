package duckdb_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
)

const canaryText = "canary-4f1d"

// TestSandbox runs hostile statements: each is refused as usage, none writes a
// file, reaches the network or shows a byte of the files beside the planned one.
func TestSandbox(t *testing.T) {
	view := livesView(t)
	planned := view.Files[0].Path
	dir := filepath.Dir(planned)
	outside := t.TempDir()
	listener := listen(t)
	replace := strings.NewReplacer(
		"{canary}", touch(t, filepath.Join(outside, "canary"), canaryText),
		"{canary.csv}", touch(t, filepath.Join(dir, "canary.csv"), "a\n"+canaryText+"\n"),
		"{canary.json}", touch(t, filepath.Join(dir, "canary.json"), `{"a":"`+canaryText+`"}`),
		"{canary.parquet}", write(t, filepath.Join(dir, "canary.parquet"), "SELECT '"+canaryText+"' AS a").Path,
		"{planned}", planned, "{dir}", dir,
		"{port}", strings.TrimPrefix(listener.Addr().String(), "127.0.0.1:"),
	)
	before := listing(t, dir, outside)
	kept := duckdb.New(duckdb.Options{}) // has a database ready for each statement
	defer kept.Close()
	for _, line := range corpus(t) {
		q := trailhouse.Query{SQL: replace.Replace(line), Views: []trailhouse.View{view}, Parameters: map[string]any{"from": nil}}
		_, rows, err := ask(t, q)
		if trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("%s\n  gave %v, %v", line, rows, err)
		}
		if err != nil && strings.Contains(err.Error(), canaryText) {
			t.Errorf("%s\n  tells the canary: %v", line, err)
		}
		if err := kept.Check(t.Context(), q); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("Check(%s) = %v", line, err)
		}
	}
	if after := listing(t, dir, outside); after != before {
		t.Errorf("files were\n%s\nand are\n%s", before, after)
	}
}

// corpus returns the statements of testdata/hostile.txt.
func corpus(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/hostile.txt")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if len(lines) < 150 {
		t.Fatalf("only %d statements", len(lines))
	}
	return lines
}

// listen fails the test where anything connects.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		if conn, err := l.Accept(); err == nil {
			t.Errorf("a statement connected from %s", conn.RemoteAddr())
		}
	}()
	return l
}

// listing returns the names and sizes of all files.
func listing(t *testing.T, dirs ...string) string {
	t.Helper()
	var out strings.Builder
	for _, dir := range dirs {
		err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() {
				out.WriteString(path + " " + info.ModTime().String() + "\n")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// TestSecondWall shows that the locked session refuses what the gate would let
// through: a derived view is not gated, and reaches no file beside the planned one.
func TestSecondWall(t *testing.T) {
	view := livesView(t)
	other := write(t, filepath.Join(filepath.Dir(view.Files[0].Path), "other.parquet"), "SELECT '"+canaryText+"' AS a").Path
	for _, text := range []string{
		"SELECT * FROM read_parquet('" + other + "')",
		"SELECT * FROM read_text('/etc/hostname')",
		"SELECT * FROM glob('/*')",
		"SELECT * FROM '" + other + "'",
	} {
		q := trailhouse.Query{
			SQL: "SELECT * FROM d", Views: []trailhouse.View{view},
			Derived: []trailhouse.DerivedView{{Name: "d", SQL: text}},
		}
		_, rows, err := ask(t, q)
		if err == nil && len(rows) > 0 {
			t.Errorf("%s gave %v", text, rows)
		}
	}
}

// TestAllowed keeps the gate from refusing what people write.
func TestAllowed(t *testing.T) {
	view := livesView(t)
	for _, text := range []string{
		"SELECT 1", "select 1;", "VALUES (1)", "FROM lives", "TABLE lives", "SELECT * FROM main.lives", "SELECT * FROM LIVES",
		"WITH a AS (SELECT * FROM lives), b AS (SELECT * FROM a) SELECT count(*) FROM b JOIN a USING (n)",
		"WITH lives AS (SELECT 1 AS x) SELECT x FROM lives",
		"WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < 5) SELECT max(x) FROM r",
		"SELECT * FROM lives WHERE n IN (SELECT n FROM lives) ORDER BY n DESC FETCH FIRST 2 ROWS ONLY",
		"SELECT t.x FROM lives CROSS JOIN UNNEST(cpus) AS t(x)",
		"SELECT t.x FROM UNNEST(sequence(1, 3)) WITH ORDINALITY AS t(x, i)",
		"SELECT n, row_number() OVER (PARTITION BY name ORDER BY n) FROM lives",
		"SELECT count(*) FILTER (WHERE n > 1), max_by(name, n), approx_distinct(name) FROM lives",
		"SELECT CASE WHEN regexp_like(name, '[0-4]$') THEN 1 END FROM lives",
		"SELECT n FROM lives UNION ALL (SELECT 1 UNION SELECT 2) EXCEPT SELECT 3",
		"SELECT date_diff('day', \"at\", TIMESTAMP '2025-12-01 00:00:00'), date_trunc('month', \"at\"), lives.at + INTERVAL '1' DAY FROM lives",
		"SELECT cast(:from AS timestamp), 'a'':b', \":c\".n, n::varchar FROM lives AS \":c\" -- :d\n/* :e /* $f */ */",
		"SELECT try_cast('x' AS bigint), coalesce(name, ''), substr(name, 1, 2), name || 'x' FROM lives",
		"SELECT * FROM generate_series(1, 3)",
	} {
		q := trailhouse.Query{SQL: text, Views: []trailhouse.View{view}, Parameters: map[string]any{"from": trailhouse.Null{Type: trailhouse.TypeTimestamp}}}
		if _, _, err := ask(t, q); err != nil {
			t.Errorf("%s\n  %v", text, err)
		}
	}
}

// TestDeep nests beyond the parser's stack: the process lives.
func TestDeep(t *testing.T) {
	for _, text := range []string{
		"SELECT " + strings.Repeat("(", 50000) + "1" + strings.Repeat(")", 50000),
		"SELECT " + strings.Repeat("[", 50000) + strings.Repeat("]", 50000),
		"SELECT " + strings.Repeat("(SELECT ", 20000) + "1" + strings.Repeat(")", 20000),
		"SELECT 1" + strings.Repeat(" + 1", 50000),
		"SELECT " + strings.Repeat("CASE WHEN true THEN ", 5000) + "1" + strings.Repeat(" END", 5000),
		strings.Repeat("/*", 100000),
		strings.Repeat("x", 1<<19),
		"SELECT 1" + strings.Repeat("+", 200000) + "1",
	} {
		if _, rows, err := ask(t, trailhouse.Query{SQL: text}); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("%.40s…: %v, %v", text, rows, err)
		}
	}
}
