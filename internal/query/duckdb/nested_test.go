package duckdb_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
)

// nested is a table with the shapes of CloudTrail Lake's columns. The field later
// is in no file.
func nested() *trailhouse.Table {
	text := func(name string) trailhouse.Column {
		return trailhouse.Column{Name: name, Type: trailhouse.TypeString}
	}
	return &trailhouse.Table{Name: "events", Columns: []trailhouse.Column{
		{Name: "who", Type: trailhouse.TypeStruct, Fields: []trailhouse.Column{
			text("arn"), {Name: "session", Type: trailhouse.TypeStruct, Fields: []trailhouse.Column{text("mfa"), text("later")}},
		}},
		{Name: "resources", Type: trailhouse.TypeStructs, Fields: []trailhouse.Column{text("arn"), text("type")}},
		{Name: "payload", Type: trailhouse.TypeMap},
		{Name: "names", Type: trailhouse.TypeStrings},
	}}
}

func TestNestedColumns(t *testing.T) {
	const rows = `SELECT * FROM (VALUES
		({'arn': 'a1', 'session': {'mfa': 'true'}}, [{'arn': 'r1', 'type': 't'}, {'arn': 'r2', 'type': NULL}], MAP {'id': '7', 'set': '{"items":[1]}'}, ['x', 'y']),
		(NULL, NULL, NULL, NULL)) AS t (who, resources, payload, names)`
	file := write(t, filepath.Join(t.TempDir(), "events.parquet"), rows)
	views := []trailhouse.View{{Table: nested(), Files: []trailhouse.DataFile{file}}}
	tests := []struct{ sql, want string }{
		{"SELECT who.arn AS v FROM events ORDER BY 1 NULLS LAST", "a1"},
		{"SELECT who.session.mfa AS v FROM events ORDER BY 1 NULLS LAST", "true"},
		{"SELECT coalesce(who.session.later, 'none') AS v FROM events", "none"},
		{"SELECT element_at(resources, 2).arn AS v FROM events ORDER BY 1 NULLS LAST", "r2"},
		{"SELECT element_at(payload, 'id') AS v FROM events ORDER BY 1 NULLS LAST", "7"},
		{"SELECT json_extract_scalar(element_at(payload, 'set'), '$.items[0]') AS v FROM events ORDER BY 1 NULLS LAST", "1"},
		{"SELECT element_at(CAST(payload AS map(varchar, varchar)), 'id') AS v FROM events ORDER BY 1 NULLS LAST", "7"},
		{"SELECT n AS v FROM events CROSS JOIN UNNEST(names) AS t(n) ORDER BY 1", "x"},
		{"SELECT max(n) AS v FROM events CROSS JOIN UNNEST(names) AS t(n) WHERE contains(names, 'y')", "y"},
	}
	for _, tt := range tests {
		_, got, err := ask(t, trailhouse.Query{SQL: tt.sql, Views: views})
		if err != nil || len(got) == 0 || got[0][0] != tt.want {
			t.Errorf("%s: %v, %v, want %s first", tt.sql, got, err, tt.want)
		}
		if _, got, err = ask(t, trailhouse.Query{SQL: tt.sql, Views: []trailhouse.View{{Table: nested()}}}); err != nil || len(got) > 1 {
			t.Errorf("%s without files: %v, %v", tt.sql, got, err)
		}
	}
	columns, _, err := ask(t, trailhouse.Query{SQL: "SELECT CAST(payload AS varchar) AS payload, names FROM events", Views: views})
	if diff := cmp.Diff([]trailhouse.ResultColumn{{Name: "payload", Type: "varchar"}, {Name: "names", Type: "array(varchar)"}}, columns); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}
