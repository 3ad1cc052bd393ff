package report_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
	"github.com/trailhouse/trailhouse/internal/report"
)

// sampler is a report with a column of each type and texts that hurt.
const sampler = `/*
title: Sampler
question: How is each type written?
parameters:
  - {name: least, type: integer, default: 1, doc: least number}
  - {name: day, type: date, doc: a day}
  - {name: kind, type: string, default: all, choices: [all, none], doc: which rows}
  - {name: exact, type: boolean, default: true, doc: nothing}
columns:
  - {name: name, type: varchar, doc: d}
  - {name: n, type: bigint, doc: d}
  - {name: total, type: bigint, doc: d}
  - {name: hours, type: "decimal(15,3)", unit: h, doc: d}
  - {name: wide, type: "decimal(18,3)", doc: d}
  - {name: ratio, type: double, doc: d}
  - {name: on_day, type: date, doc: d}
  - {name: at_time, type: timestamp, doc: d}
  - {name: debug, type: boolean, doc: d}
  - {name: cpu_ids, type: array(bigint), doc: d}
  - {name: tags, type: array(varchar), doc: d}
coverage: [enclave-log]
*/
SELECT name, n, sum(n) AS total, max(hours) AS hours, max(wide) AS wide, max(ratio) AS ratio,
  max(on_day) AS on_day, max(at_time) AS at_time, bool_or(debug) AS debug, max(cpu_ids) AS cpu_ids, max(tags) AS tags
FROM (VALUES
  (1, 'acme-1', CAST(7 AS bigint), CAST(1.5 AS decimal(15,3)), CAST(1.5 AS decimal(18,3)), CAST(0.1 AS double),
    DATE '2025-11-03', TIMESTAMP '2025-11-03 08:00:02.421999', true, ARRAY[CAST(1 AS bigint), 3], ARRAY['a', '"b"', NULL]),
  (2, '=cmd|''/C calc''!A0', 9007199254740993, -0.001, -0.001, CAST('NaN' AS double), DATE '1969-12-31',
    TIMESTAMP '1969-12-31 23:59:59.999', false, ARRAY[], ARRAY['<&>']),
  (3, 'line' || chr(10) || 'feed, "quote" ' || chr(27) || '[31m' || chr(8238) || ' und ähnlich', -9007199254740992, 0, 0, 1e21, NULL, NULL, NULL, NULL, NULL),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
) AS t (i, name, n, hours, wide, ratio, on_day, at_time, debug, cpu_ids, tags)
WHERE i >= :least AND :kind = 'all' AND (:day IS NULL OR on_day = :day) AND :exact AND (:from IS NULL OR at_time >= :from) AND (:to IS NULL OR at_time < :to)
GROUP BY i, name, n ORDER BY i
`

// coverageRows are what the lake knows about its evidence here.
func coverageRows() map[string][]map[string]any {
	return map[string][]map[string]any{"coverage": {
		{"run_id": "r1", "found_at": "2025-11-03T09:00:00Z", "source": "enclave-log", "scope": "i-1", "object": "/log/a", "result": "read",
			"covered_from": "2025-11-01T00:00:00Z", "covered_through": "2025-11-03T08:59:59.5Z", "detail": ""},
		{"run_id": "r1", "found_at": "2025-11-03T09:00:00Z", "source": "enclave-log", "scope": "i-2", "object": "/log/b", "result": "missing", "detail": "permission denied"},
		{"run_id": "r1", "found_at": "2025-11-03T09:00:00Z", "source": "other", "scope": "i-2", "object": "/log/c", "result": "missing", "detail": "not ours"},
	}}
}

// runnerWith returns a runner that knows the texts as reports of the user's.
func runnerWith(t *testing.T, texts map[string]string) *report.Runner {
	t.Helper()
	user := fstest.MapFS{}
	for name, text := range texts {
		user[name+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	library, err := report.NewLibrary(user)
	if err != nil {
		t.Fatal(err)
	}
	return &report.Runner{
		Library: library, Engine: duckdb.New(duckdb.Options{}), Clock: fixedClock(instant(t, "2026-01-01T00:00:00.123456Z")),
		Planner: plannerFor(t, coverageRows(), nil, nil),
	}
}

// written runs a report and returns what its writer wrote.
func written(t *testing.T, r *report.Runner, format string, q report.Request) (string, report.Outcome, error) {
	t.Helper()
	var out bytes.Buffer
	w, err := report.NewWriter(format, &out)
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := r.Run(t.Context(), q, w)
	return out.String(), outcome, err
}

func TestFormats(t *testing.T) {
	r := runnerWith(t, map[string]string{"sampler": sampler})
	for _, format := range []string{"table", "json", "jsonl", "csv"} {
		got, outcome, err := written(t, r, format, report.Request{Name: "sampler"})
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "sampler."+format, got)
		if outcome != (report.Outcome{Rows: 4, Missing: 1}) {
			t.Errorf("%s: outcome %+v", format, outcome)
		}
		empty, _, err := written(t, r, format, report.Request{Name: "sampler", Args: map[string]string{"kind": "none"}})
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "empty."+format, empty)
	}
}

func TestSQLFormats(t *testing.T) {
	r := runnerWith(t, nil)
	for _, format := range []string{"table", "json", "jsonl", "csv"} {
		var out bytes.Buffer
		w, err := report.NewWriter(format, &out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.RunSQL(t.Context(), `SELECT source, count(*) AS n, max(found_at) AS last FROM coverage GROUP BY source ORDER BY source`, w); err != nil {
			t.Fatal(err)
		}
		golden(t, "sql."+format, out.String())
	}
}

func TestSQLErrors(t *testing.T) {
	r := runnerWith(t, nil)
	for text, want := range map[string]string{
		"SELECT 1 AS a, 2 AS a":     "two columns a",
		"SELECT :from":              "no parameter :from",
		"SELECT 1,\n nope":          "line 2: ",
		"COPY (SELECT 1) TO 'x'":    "only a SELECT",
		"SELECT * FROM unthinkable": "no table \"unthinkable\"",
	} {
		var out bytes.Buffer
		w, err := report.NewWriter("jsonl", &out)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.RunSQL(t.Context(), text, w)
		if trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
		if out.Len() > 0 {
			t.Errorf("%s wrote %q", text, out.String())
		}
	}
	if _, err := report.NewWriter("xml", nil); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
		t.Errorf("format xml: %v", err)
	}
}

func TestArguments(t *testing.T) {
	r := runnerWith(t, map[string]string{"sampler": sampler})
	from, to := instant(t, "2025-11-03T00:00:00Z"), instant(t, "2025-11-04T00:00:00Z")
	for _, c := range []struct {
		request report.Request
		rows    int64
		err     string
	}{
		{request: report.Request{}, rows: 4},
		{request: report.Request{Args: map[string]string{"least": "2"}}, rows: 3},
		{request: report.Request{Args: map[string]string{"day": "1969-12-31"}}, rows: 1},
		{request: report.Request{Args: map[string]string{"exact": "false"}}, rows: 0},
		{request: report.Request{Period: trailhouse.Period{From: from}}, rows: 1},
		{request: report.Request{Period: trailhouse.Period{From: from, To: to}}, rows: 1},
		{request: report.Request{Period: trailhouse.Period{To: from}}, rows: 1},
		{request: report.Request{Period: trailhouse.Period{From: instant(t, "2025-11-03T08:00:02.422Z")}}, rows: 0},
		{request: report.Request{Period: trailhouse.Period{From: to, To: from}}, err: "the period ends (2025-11-03T00:00:00.000Z) before"},
		{request: report.Request{Period: trailhouse.Period{From: to, To: to}}, err: "the period ends"},
		{request: report.Request{Args: map[string]string{"least": "x"}}, err: `parameter least: "x" is not an integer`},
		{request: report.Request{Args: map[string]string{"day": "yesterday"}}, err: `parameter day: "yesterday" is not a date`},
		{request: report.Request{Args: map[string]string{"kind": "some"}}, err: `"some" is not one of all, none`},
		{request: report.Request{Args: map[string]string{"exact": "yes"}}, err: `"yes" is not true or false`},
		{request: report.Request{Args: map[string]string{"from": "2025-11-03"}}, err: "has no parameter from"},
		{request: report.Request{Args: map[string]string{"kind": "all'; DROP VIEW coverage; --"}}, err: "is not one of"},
	} {
		c.request.Name = "sampler"
		_, outcome, err := written(t, r, "jsonl", c.request)
		if c.err != "" {
			if trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: %v, want %s", c.request, err, c.err)
			}
			continue
		}
		if err != nil || outcome.Rows != c.rows {
			t.Errorf("%+v: %d rows, %v", c.request, outcome.Rows, err)
		}
	}
	if _, _, err := written(t, r, "json", report.Request{Name: "nothing"}); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
		t.Errorf("unknown report: %v", err)
	}
}

// TestTimestampParameter binds a null and a value alike.
func TestTimestampParameter(t *testing.T) {
	r := runnerWith(t, map[string]string{"times": `/*
title: T
question: Q
parameters:
  - {name: t, type: timestamp, doc: d}
columns:
  - {name: a, type: timestamp, doc: d}
  - {name: b, type: timestamp, doc: d}
*/
SELECT date_trunc('day', :t) AS a, coalesce(:t, :as_of) AS b`})
	for text, want := range map[string]string{
		"":                          `{"a":null,"b":"2026-01-01T00:00:00.123Z"}`,
		"2025-11-03":                `{"a":"2025-11-03T00:00:00.000Z","b":"2025-11-03T00:00:00.000Z"}`,
		"2025-11-03T01:00:00+02:00": `{"a":"2025-11-02T00:00:00.000Z","b":"2025-11-02T23:00:00.000Z"}`,
		"2025-11-03 01:00:00":       `{"a":"2025-11-03T00:00:00.000Z","b":"2025-11-03T01:00:00.000Z"}`,
	} {
		args := map[string]string{"t": text}
		if text == "" {
			args = nil
		}
		got, _, err := written(t, r, "jsonl", report.Request{Name: "times", Args: args})
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}

// TestLongTable prints more rows than are held back for the widths.
func TestLongTable(t *testing.T) {
	r := runnerWith(t, nil)
	var out bytes.Buffer
	w, err := report.NewWriter("table", &out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.RunSQL(t.Context(), "SELECT i, 'x' AS x FROM generate_series(1, 2500) AS t (i) ORDER BY i", w); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 2501 || lines[0] != "   i  x" || lines[1] != "   1  x" || lines[2500] != "2500  x" {
		t.Errorf("%d lines: %q … %q", len(lines), lines[0], lines[len(lines)-1])
	}
}

var _ trailhouse.Clock = fixedClock(time.Time{})

// bounded is a report whose rows are records, with a limit.
const bounded = `/*
title: Bounded
question: Where are records?
parameters:
  - {name: limit, type: integer, default: 2, doc: most rows}
columns:
  - {name: n, type: bigint, doc: d}
  - {name: object, type: varchar, format: origin, doc: d}
  - {name: name, type: varchar, doc: d}
*/
SELECT n, 'o' || CAST(n AS varchar) AS object, 'a' AS name FROM (VALUES (1), (2), (3)) AS t (n) ORDER BY n LIMIT :limit
`

func TestOriginIsNotForTables(t *testing.T) {
	r := runnerWith(t, map[string]string{"bounded": bounded})
	table, _, err := written(t, r, "table", report.Request{Name: "bounded"})
	if want := "n  name\n1  a\n2  a\n"; table != want || err != nil {
		t.Errorf("%v\n%swant\n%s", err, table, want)
	}
	lines, _, err := written(t, r, "jsonl", report.Request{Name: "bounded", Args: map[string]string{"limit": "1"}})
	if want := `{"n":1,"object":"o1","name":"a"}` + "\n"; lines != want || err != nil {
		t.Errorf("%v\n%swant\n%s", err, lines, want)
	}
}

// TestLimitIsTold wants to hear of a limit that was reached, and only then.
func TestLimitIsTold(t *testing.T) {
	r := runnerWith(t, map[string]string{"bounded": bounded})
	for limit, want := range map[string]int64{"": 2, "1": 1, "3": 3, "4": 0, "4611686018427387904": 0} {
		q := report.Request{Name: "bounded", Args: map[string]string{"limit": limit}}
		if limit == "" {
			q.Args = nil
		}
		if _, outcome, err := written(t, r, "jsonl", q); outcome.Limit != want || err != nil {
			t.Errorf("limit %q: %+v, %v, want %d", limit, outcome, err, want)
		}
	}
}
