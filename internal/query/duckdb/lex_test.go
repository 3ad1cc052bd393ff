package duckdb

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

func TestBindNames(t *testing.T) {
	values := map[string]any{
		"a": "1'", "n": int64(-7), "least": int64(math.MinInt64), "yes": true, "t": time.Date(2025, 1, 2, 4, 4, 5, 6_789_999, time.FixedZone("", 3600)),
		"late": time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), "from": trailhouse.Null{Type: trailhouse.TypeTimestamp}, "x_1": nil,
	}
	for text, want := range map[string]string{
		"SELECT :a":               "SELECT  CAST($a AS VARCHAR)",
		":from":                   " CAST(NULL AS TIMESTAMP)",
		":FROM<:a":                " CAST(NULL AS TIMESTAMP)< CAST($a AS VARCHAR)",
		"(:x_1,:a)":               "( NULL, CAST($a AS VARCHAR))",
		"':a' || :a":              "':a' ||  CAST($a AS VARCHAR)",
		"'it''s :a'":              "'it''s :a'",
		`":a""" :a`:               `":a"""  CAST($a AS VARCHAR)`,
		"-- :a\n:a":               " \n CAST($a AS VARCHAR)",
		"/* :a\n/* :a */ :a */:a": " \n CAST($a AS VARCHAR)",
		"/*'*/:a/*'*/":            "  CAST($a AS VARCHAR) ",
		"a::bigint":               "a::bigint",
		":a::bigint":              " CAST($a AS VARCHAR)::bigint",
		"1-:n":                    "1- CAST(-7 AS BIGINT)",
		":least":                  " CAST($least AS BIGINT)",
		":yes":                    " CAST(true AS BOOLEAN)",
		":t":                      " CAST('2025-01-02 03:04:05.006789' AS TIMESTAMP)",
		":late":                   " CAST($late AS TIMESTAMP)",
		"x[1:2]":                  "x[1:2]",
		"{'k': 1}":                "{'k': 1}",
		"f(k := 1)":               "f(k := 1)",
		`E'\':a' :a`:              `E'\':a'  CAST($a AS VARCHAR)`,
		`the'\':a`:                `the'\' CAST($a AS VARCHAR)`,
		"ä:a":                     "ä CAST($a AS VARCHAR)",
		"1-:a--x":                 "1- CAST($a AS VARCHAR) ",
	} {
		got, err := bindNames(text, values)
		if err != nil || got != want {
			t.Errorf("%s\n  gave %s, %v\n  want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		":b": "line 1: there is no parameter :b", "\n\n x[1:b]": "line 3: ", "$a": "line 1: $", "a$b$": "line 1: $", "a\x00": "NUL",
		"1" + strings.Repeat("+", 65) + "1": "more than 64 operators",
		"\n'open :a":                        "line 2: what begins here", "/* /* */ open :a": "line 1: what begins here", `"open''`: "does not end",
		strings.Repeat("x", maxText+1): "longer than",
	} {
		if _, err := bindNames(text, values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// FuzzBindNames wants the same number of lines, and a text that is read again.
func FuzzBindNames(f *testing.F) {
	f.Add("SELECT :a, ':a', \":a\" -- :a\n/* :a */ ::a")
	f.Add("E'\\' :a")
	f.Add("'")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := bindNames(text, map[string]any{"a": int64(1)})
		if err != nil {
			return
		}
		if strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Errorf("lines changed: %q", got)
		}
		if _, err := bindNames(strings.ReplaceAll(got, "$a", ":a"), map[string]any{"a": int64(1)}); err != nil {
			t.Errorf("%q became %q, which is refused: %v", text, got, err)
		}
	})
}
