package report_test

import (
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/goccy/go-yaml"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/policy"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
	"github.com/trailhouse/trailhouse/internal/report"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
)

// specFile is one file specs/*.yaml: what a report must answer to given rows.
//
//	report: client-usage                # the report's name
//	specs:
//	  - name: a month boundary          # what this one shows
//	    tables:                         # rows of the lake's tables; absent tables are empty,
//	      enclave_sessions:             # absent columns null, required or not
//	        - {session_id: i-1-enca, started: 2025-11-30T23:00:00Z, vcpus: 2, cpu_ids: [1, 3]}
//	    clients:                        # optional: as in trailhouse.yaml
//	      - {client: acme, name: "acme-*"}
//	    hosts:                          # optional: as in trailhouse.yaml
//	      i-1: {account: "111122223333"}
//	    approved_images: [{pcr0: aa}]   # optional: as in trailhouse.yaml, measurements in lower-case hex
//	    argument: i-1                   # optional: the report's argument
//	    parameters: {client: acme}      # optional
//	    from: 2025-11-01T00:00:00Z      # optional
//	    to: 2025-12-01T00:00:00Z        # optional
//	    as_of: 2026-01-01T00:00:00Z     # optional, this instant where absent
//	    rows:                           # the result, in order; [] where it has no rows. Only the
//	      - {month: 2025-11, hours: 1.000, cpu_ids: [1, 3], stop: null, client: acme}
//	    error: "no parameter"           # instead of rows: a part of the error
//
// A row need not name every column. Values are compared as --format csv writes
// them: times 2025-11-03T08:00:02.421Z, decimals with all digits, lists as [1,3];
// null is null and not the empty text.
type specFile struct {
	Report string `yaml:"report"`
	Specs  []spec `yaml:"specs"`
}

type spec struct {
	Name       string                      `yaml:"name"`
	Tables     map[string][]map[string]any `yaml:"tables"`
	Clients    []config.ClientRule         `yaml:"clients"`
	Hosts      map[string]config.Host      `yaml:"hosts"`
	Images     []config.ApprovedImage      `yaml:"approved_images"`
	Argument   string                      `yaml:"argument"`
	Parameters map[string]string           `yaml:"parameters"`
	From       time.Time                   `yaml:"from"`
	To         time.Time                   `yaml:"to"`
	AsOf       time.Time                   `yaml:"as_of"`
	Rows       []map[string]rawText        `yaml:"rows"`
	Error      string                      `yaml:"error"`
}

// rawText is a value as the file spells it, so that 1.500 keeps its zeros, behind
// "text "; empty for null.
type rawText string

// UnmarshalYAML implements yaml.BytesUnmarshaler.
func (r *rawText) UnmarshalYAML(text []byte) error {
	var s string
	trimmed := strings.TrimSpace(string(text))
	if strings.HasPrefix(trimmed, `"`) || strings.HasPrefix(trimmed, "'") {
		if err := yaml.Unmarshal(text, &s); err != nil {
			return err
		}
		*r = rawText("text " + s)
		return nil
	}
	if strings.HasPrefix(trimmed, "[") {
		trimmed = strings.ReplaceAll(trimmed, ", ", ",")
	}
	*r = rawText("text " + trimmed)
	return nil
}

// lakeTables are all tables that reports read.
func lakeTables() []*trailhouse.Table {
	return []*trailhouse.Table{
		sessions.MarkTable(), sessions.SessionTable(), sessions.AttemptTable(),
		attested.CallTable(), attested.JoinTable(), attested.GroupTable(), attested.HostEndTable(), policy.AcknowledgementTable(),
		ingest.RunTable(), ingest.UnitTable(), ingest.CoverageTable(), ingest.QuarantineTable(),
		cloudtrail.EventTable(), cloudtrail.NetworkTable(), cloudtrail.InsightTable(), cloudtrail.AggregatedTable(),
	}
}

// TestSpecs runs every spec of specs/*.yaml.
func TestSpecs(t *testing.T) {
	files, err := filepath.Glob("specs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f specFile
		if err := yaml.UnmarshalWithOptions(data, &f, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, s := range f.Specs {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml")+"/"+s.Name, func(t *testing.T) { s.run(t, f.Report) })
		}
	}
}

func (s *spec) run(t *testing.T, name string) {
	library, err := report.NewLibrary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.AsOf.IsZero() {
		s.AsOf = instant(t, "2026-01-01T00:00:00Z")
	}
	planner := plannerFor(t, s.Tables, s.Clients, s.Hosts, s.Images...)
	runner := &report.Runner{Library: library, Engine: duckdb.New(duckdb.Options{}), Clock: fixedClock(s.AsOf)}
	request := report.Request{Name: name, Argument: s.Argument, Args: s.Parameters, Period: trailhouse.Period{From: s.From, To: s.To}}
	// The rows are the same whether files outside the period are planned or not.
	for _, planner.prune = range []bool{false, true} {
		runner.Planner = planner
		var got collected
		_, err = runner.Run(t.Context(), request, &got)
		if s.Error != "" {
			if err == nil || !strings.Contains(err.Error(), s.Error) {
				t.Fatalf("error %v, want one with %q", err, s.Error)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		s.compare(t, &got)
		if t.Failed() {
			t.Fatalf("planned in part: %v", planner.prune)
		}
	}
}

// compare reports rows that differ.
func (s *spec) compare(t *testing.T, got *collected) {
	t.Helper()
	if len(got.rows) != len(s.Rows) {
		t.Errorf("%d rows, want %d", len(got.rows), len(s.Rows))
	}
	for i, row := range got.rows {
		if i >= len(s.Rows) {
			t.Errorf("row %d: %v is not expected", i+1, row)
			continue
		}
		for column, want := range s.Rows[i] {
			if value, ok := row[column]; !ok || value != string(want) {
				t.Errorf("row %d: %s is %q, want %q", i+1, column, value, want)
			}
		}
	}
}

// collected is a Writer that keeps rows: empty for null, or "text " and the csv form.
type collected struct {
	head report.Head
	rows []map[string]string
}

func (c *collected) Begin(h report.Head) error { c.head = h; return nil }

func (c *collected) Row(row []any) error {
	out := map[string]string{}
	for i, column := range c.head.Columns {
		out[column.Name] = ""
		if row[i] != nil {
			out[column.Name] = "text " + report.FormatText(row[i], column.Type)
		}
	}
	c.rows = append(c.rows, out)
	return nil
}

func (c *collected) End() error { return nil }

// fixedPlanner plans files that were written before.
type fixedPlanner struct {
	views   []trailhouse.View
	derived []trailhouse.DerivedView
	prune   bool
}

// plannerFor writes the rows as Parquet files.
func plannerFor(t *testing.T, rows map[string][]map[string]any, rules []config.ClientRule, hosts map[string]config.Host, images ...config.ApprovedImage) fixedPlanner {
	t.Helper()
	compiled, err := clients.Compile("spec", rules, hosts)
	if err != nil {
		t.Fatal(err)
	}
	p := fixedPlanner{derived: append(compiled.Views(), policy.New(images).Views(compiled)...)}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows = withGroups(t, rows)
	known := 0
	for _, table := range lakeTables() {
		view := trailhouse.View{Table: table}
		if given, ok := rows[table.Name]; ok {
			known++
			view.Files = writeRows(t, db, table, given)
		}
		p.views = append(p.views, view)
	}
	if known != len(rows) {
		t.Fatalf("a table of the spec is not one of the lake's")
	}
	return p
}

// withGroups adds the rows of kms_call_groups that the rows of kms_calls add up to, and
// the group_key of each call, as they are derived.
func withGroups(t *testing.T, rows map[string][]map[string]any) map[string][]map[string]any {
	t.Helper()
	calls := attested.JoinTable()
	if len(rows[calls.Name]) == 0 {
		return rows
	}
	rows = maps.Clone(rows)
	groups := rows[attested.GroupTable().Name]
	for i, call := range rows[calls.Name] {
		b := trailhouse.NewBatch(calls)
		for name, v := range call {
			setText(t, b, calls.MustIndex(name), fmt.Sprint(v))
		}
		b.SetLen(1)
		at := b.Time(calls.MustIndex("eventtime"), 0)
		g := attested.NewGroups(time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC))
		g.Add(b)
		call = maps.Clone(call)
		call["group_key"] = b.String(calls.MustIndex("group_key"), 0)
		rows[calls.Name] = slices.Clone(rows[calls.Name])
		rows[calls.Name][i] = call
		groups = append(groups, rowOf(g.Rows()))
	}
	rows[attested.GroupTable().Name] = groups
	return rows
}

// setText sets a column of the row under way to what a spec says.
func setText(t *testing.T, b *trailhouse.Batch, col int, v string) {
	t.Helper()
	switch c := b.Table.Columns[col]; c.Type {
	case trailhouse.TypeString:
		if v != "<nil>" {
			b.SetString(col, v)
		}
	case trailhouse.TypeBool:
		b.SetBool(col, v == "true")
	case trailhouse.TypeTimestamp:
		b.SetTime(col, instant(t, v))
	}
}

// rowOf returns the only row of a batch as a spec writes it.
func rowOf(b *trailhouse.Batch) map[string]any {
	out := map[string]any{}
	for col, c := range b.Table.Columns {
		switch {
		case b.IsNull(col, 0):
		case c.Type == trailhouse.TypeString:
			out[c.Name] = b.String(col, 0)
		case c.Type == trailhouse.TypeBool:
			out[c.Name] = b.Bool(col, 0)
		case c.Type == trailhouse.TypeTimestamp:
			out[c.Name] = b.Time(col, 0)
		default:
			out[c.Name] = b.Int(col, 0)
		}
	}
	return out
}

// writeRows makes one file of the rows of each day, none where there are none.
func writeRows(t *testing.T, db *sql.DB, table *trailhouse.Table, rows []map[string]any) []trailhouse.DataFile {
	t.Helper()
	days := map[time.Time][]string{}
	for _, row := range rows {
		for name := range row {
			if table.Index(name) < 0 {
				t.Fatalf("table %s has no column %s", table.Name, name)
			}
		}
		cells := make([]string, len(table.Columns))
		for j, c := range table.Columns {
			cells[j] = "CAST(" + literal(c, row[c.Name]) + " AS " + storedType(c) + `) AS "` + c.Name + `"`
		}
		day := dayOf(table, row)
		days[day] = append(days[day], "SELECT "+strings.Join(cells, ", "))
	}
	var files []trailhouse.DataFile
	for day, selects := range days {
		path := filepath.Join(t.TempDir(), table.Name+day.Format("-20060102")+".parquet")
		if _, err := db.Exec("COPY (" + strings.Join(selects, " UNION ALL ") + ") TO '" + path + "' (FORMAT parquet)"); err != nil {
			t.Fatalf("rows of %s: %v", table.Name, err)
		}
		files = append(files, trailhouse.DataFile{Path: path, Rows: int64(len(selects)), Partition: day})
	}
	return files
}

// dayOf returns the partition of a row of a table that is cut by day.
func dayOf(table *trailhouse.Table, row map[string]any) time.Time {
	at, err := time.Parse(time.RFC3339, fmt.Sprint(row[table.PartitionBy]))
	if v, ok := row[table.PartitionBy].(time.Time); ok {
		at, err = v, nil
	}
	if table.Transform != trailhouse.ByDay || err != nil {
		return time.Time{}
	}
	return at.UTC().Truncate(24 * time.Hour)
}

// literal writes a YAML value as SQL.
func literal(c trailhouse.Column, v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = literal(c, item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		return nestedLiteral(c, v)
	case time.Time:
		return literal(c, v.UTC().Format("2006-01-02 15:04:05.999999"))
	}
	return "'" + strings.ReplaceAll(fmt.Sprint(v), "'", "''") + "'"
}

// nestedLiteral writes a map or, with null for the fields that are not given, a
// struct.
func nestedLiteral(c trailhouse.Column, v map[string]any) string {
	var parts []string
	if c.Type == trailhouse.TypeMap {
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, literal(trailhouse.Column{}, key)+": "+literal(trailhouse.Column{}, v[key]))
		}
		return "MAP {" + strings.Join(parts, ", ") + "}"
	}
	for _, f := range c.Fields {
		parts = append(parts, "'"+f.Name+"': CAST("+literal(f, v[f.Name])+" AS "+storedType(f)+")")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// storedType is DuckDB's name of a column's type.
func storedType(c trailhouse.Column) string {
	switch c.Type {
	case trailhouse.TypeMap:
		return "MAP(VARCHAR, VARCHAR)"
	case trailhouse.TypeStruct, trailhouse.TypeStructs:
		fields := make([]string, len(c.Fields))
		for i, f := range c.Fields {
			fields[i] = `"` + f.Name + `" ` + storedType(f)
		}
		list := map[trailhouse.Type]string{trailhouse.TypeStructs: "[]"}
		return "STRUCT(" + strings.Join(fields, ", ") + ")" + list[c.Type]
	}
	return []string{"VARCHAR", "BIGINT", "BOOLEAN", "TIMESTAMP", "UUID", "BIGINT[]", "VARCHAR[]", "BLOB"}[c.Type]
}
