package report_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
	"github.com/trailhouse/trailhouse/internal/report"
)

// valid is a small report; its tests change one thing each.
const valid = `/*
title: T
question: Q
parameters:
  - name: p
    type: string
    doc: d
columns:
  - name: a
    type: bigint
    doc: d
  - name: b
    type: varchar
    doc: d
*/
SELECT
  CAST(1 AS bigint) AS a,
  :p AS b
`

func TestParse(t *testing.T) {
	r, err := report.Parse("small", strings.ReplaceAll(valid, "\n", "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Title != "T" || r.Question != "Q" || len(r.Parameters) != 1 || len(r.Columns) != 2 || r.Columns[1].Format != "plain" {
		t.Errorf("%+v", r)
	}
	if !strings.HasPrefix(r.SQL, strings.Repeat("\n", 15)+"SELECT") {
		t.Errorf("SQL begins %q", r.SQL[:20])
	}
}

// TestBadHeaders wants file and line of each mistake.
func TestBadHeaders(t *testing.T) {
	replace := func(old, new string) string {
		if !strings.Contains(valid, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(valid, old, new, 1)
	}
	for text, want := range map[string]string{
		"":                             "small.sql:1: the file must begin with a header",
		"SELECT 1 /* title: T */":      "small.sql:1: the file must begin with a header",
		"\n\n/* title: T":              "small.sql:3: the header's comment does not end",
		"/* /* */ SELECT 1":            "small.sql:1: the header's comment does not end, or begins twice",
		"/* title: [ */ SELECT 1":      "small.sql:1: ",
		replace("title: T", "name: T"): "small.sql:2: unknown field \"name\"",
		replace("title: T", "title: T\ntitle: U"):                                                      "small.sql:3: ",
		replace("title: T\n", ""):                                                                      "title is missing",
		replace("question: Q\n", ""):                                                                   "question is missing",
		replace("    type: string", "    type: text"):                                                  `small.sql:5: parameter p: type "text" is not one of timestamp`,
		replace("    type: string", "    typ: string"):                                                 "small.sql:6: unknown field \"typ\"",
		replace("- name: p", "- name: P"):                                                              `small.sql:5: the name of a parameter`,
		replace("- name: p", "- name: from"):                                                           "small.sql:5: there are two parameters from",
		replace("type: string", "type: integer\n    default: x"):                                       `small.sql:7: parameter p: "x" is not an integer`,
		replace("type: string", "type: string\n    choices: [a, b]\n    default: c"):                   `small.sql:8: parameter p: "c" is not one of a, b`,
		replace("type: string", "type: date\n    choices:\n      - 2025-11-03\n      - monday"):        `small.sql:9: parameter p: "monday" is not a date`,
		replace("type: string", "type: string\n    default: [1]"):                                      "small.sql:7: ",
		replace("type: bigint", "type: int"):                                                           `small.sql:9: column a: type "int" is not one of varchar`,
		replace("type: bigint", "type: decimal(x,3)"):                                                  "small.sql:9: column a: type",
		replace("- name: b", "- name: a"):                                                              "small.sql:12: there are two columns a",
		replace("type: bigint", "type: bigint\n    format: bold"):                                      `small.sql:11: column a: format "bold"`,
		replace("type: bigint", "type: bigint\n    link: coverage?source={c}"):                         "small.sql:11: column a: the link names a column c",
		replace("columns:", "seed: true\ncolumns:"):                                                    "small.sql:8: seed needs a column enclave_id",
		replace("columns:", "argument: q\ncolumns:"):                                                   "small.sql:8: argument names a parameter q that is not there",
		replace("    doc: d\ncolumns:", "    doc: d\n    default: a\nargument: p\ncolumns:"):           "small.sql:9: argument p has a default",
		replace("    doc: d\ncolumns:", "    doc: d\n    known: {as: thing, sql: SELECT 1}\ncolumns:"): "small.sql:8: parameter p: known needs as, sql and hint",
		replace("columns:", "several_clients: perhaps\ncolumns:"):                                      "small.sql:8: ",
		replace("columns:", "coverage:\n  - cloudtrail\n  - enclave-logs\ncolumns:"):                   `small.sql:10: coverage names a source "enclave-logs"`,
		valid[:strings.Index(valid, "SELECT")]:                                                         "small.sql:16: there is no statement",
	} {
		_, err := report.Parse("small", text)
		if trailhouse.CodeOf(err) != trailhouse.CodeInvalid || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "small.sql:") {
			t.Errorf("%s\n  gave %v\n  want %s", text, err, want)
		}
	}
	if _, err := report.Parse("../x", valid); trailhouse.CodeOf(err) != trailhouse.CodeInvalid {
		t.Errorf("name ../x: %v", err)
	}
}

// TestCheck wants file and line of mistakes that only the engine finds.
func TestCheck(t *testing.T) {
	p := plannerFor(t, nil, nil, nil)
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{":p AS b", ":q AS b", "small.sql:18: there is no parameter :q"},
		{":p AS b", "nope AS b", "small.sql:18: Binder Error: Referenced column \"nope\" was not found"},
		{":p AS b", ":p AS b FROM", "small.sql:19: syntax error"},
		{":p AS b", "abc(:p) AS b", "small.sql:18: "},
		{":p AS b", ":p AS b FROM read_text('/etc/hostname')", "small.sql:18: the table function read_text is not available"},
		{":p AS b", ":p AS b; SELECT 2", "small.sql:18: there are 2 statements"},
		{":p AS b", ":p AS c", "small.sql:12: column 2 is declared as b, and the statement calls it c"},
		{":p AS b", ":p AS b, 3 AS c", "small.sql:1: the statement's column c is not declared"},
		{",\n  :p AS b", "", "small.sql:12: column b is declared, and the statement has only 1 columns"},
		{"CAST(1 AS bigint)", "CAST(1 AS double)", "small.sql:9: column a is declared as bigint, and the statement gives double"},
		{"CAST(1 AS bigint)", "sum(1)", ""},
		{"type: bigint", "type: bigint\n    link: nothing", "small.sql:9: column a links to a report nothing that is not there"},
		{"type: bigint", "type: bigint\n    link: \"coverage?colour={b}\"", "small.sql:9: column a links to report coverage, which has no parameter colour"},
		{"columns:", "within: [coverage, heaven]\ncolumns:", "small.sql:1: within names a table heaven that is not there"},
		{"columns:", "within: [coverage]\nargument: p\ncolumns:", ""},
		{"doc: d\ncolumns:", "doc: d\n    known: {as: a, hint: b, sql: \"SELECT 1 FROM coverage WHERE object = :p\"}\ncolumns:", ""},
		{"doc: d\ncolumns:", "doc: d\n    known:\n      as: a\n      hint: b\n      sql: SELECT 1 FROM heaven\ncolumns:", "small.sql:11: parameter p: known.sql: "},
		{"title: T", "titel: T", "small.sql:2: unknown field \"titel\""},
	} {
		library, err := report.NewLibrary(fstest.MapFS{"small.sql": {Data: []byte(strings.Replace(valid, c.old, c.new, 1))}})
		if err != nil {
			t.Fatal(err)
		}
		errs := library.Check(t.Context(), duckdb.New(duckdb.Options{}), p.views, p.derived)
		switch {
		case c.want == "" && len(errs) > 0:
			t.Errorf("%s: %v", c.new, errs)
		case c.want != "" && (len(errs) != 1 || trailhouse.CodeOf(errs[0]) != trailhouse.CodeInvalid || !strings.HasPrefix(errs[0].Error(), c.want)):
			t.Errorf("%s: %v\n  want %s", c.new, errs, c.want)
		}
	}
}

// TestFolderMissing wants a folder that is not there told by Check, and by nothing
// else.
func TestFolderMissing(t *testing.T) {
	p := plannerFor(t, nil, nil, nil)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]int{t.TempDir(): 0, filepath.Join(t.TempDir(), "none"): 1, file: 1} {
		library, err := report.NewLibrary(os.DirFS(folder))
		if err != nil {
			t.Fatal(err)
		}
		errs := library.Check(t.Context(), duckdb.New(duckdb.Options{}), p.views, p.derived)
		if len(errs) != want || want > 0 && trailhouse.CodeOf(errs[0]) != trailhouse.CodeUsage {
			t.Errorf("%s: %v", folder, errs)
		}
	}
}

// TestUserReplaces takes the user's file of the name of ours, valid or not.
func TestUserReplaces(t *testing.T) {
	load := func(user fs.FS) *report.Library {
		library, err := report.NewLibrary(user)
		if err != nil {
			t.Fatal(err)
		}
		return library
	}
	ours, err := load(nil).Report("coverage")
	if err != nil || !ours.Builtin {
		t.Fatalf("%+v, %v", ours, err)
	}
	theirs, err := load(fstest.MapFS{"coverage.sql": {Data: []byte(valid)}, "notes.txt": {Data: []byte("x")}}).Report("coverage")
	if err != nil || theirs.Builtin || theirs.Title != "T" {
		t.Errorf("%+v, %v", theirs, err)
	}
	broken := load(fstest.MapFS{"coverage.sql": {Data: []byte("x")}})
	if _, err := broken.Report("coverage"); trailhouse.CodeOf(err) != trailhouse.CodeInvalid {
		t.Errorf("broken: %v", err)
	}
	if _, err := broken.Report("enclave-usage"); err != nil {
		t.Errorf("beside a broken file: %v", err)
	}
}

// FuzzParse wants a report or an error that names its file, never a panic.
func FuzzParse(f *testing.F) {
	f.Add(valid)
	f.Add("/* */")
	f.Add("/*\ncolumns:\n  - {name: a, type: \"decimal(3,1)\", doc: d, link: \"x?y={a}\"}\n*/ SELECT 1")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := report.Parse("small", text)
		if err == nil && (r.Title == "" || len(r.Columns) == 0 || strings.TrimSpace(r.SQL) == "") {
			t.Errorf("a report without a part: %+v", r)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "small.sql:") {
			t.Errorf("an error without place: %v", err)
		}
	})
}
