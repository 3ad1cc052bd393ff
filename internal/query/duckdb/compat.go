package duckdb

import "strings"

// compatSQL makes the schema of functions that Trino has and DuckDB lacks, or means
// differently without saying so. It stands behind main in the search path and
// before DuckDB's own functions. Only three names there hide one of DuckDB's:
// element_at (which gives a list for maps, facts/engine.md 5), date_diff (which
// counts boundaries; Trino counts whole units, facts/dialect.md) and date_add
// (DuckDB's takes an interval; that form stays).
const compatSQL = "CREATE SCHEMA compat; SET search_path = 'main,compat'"

// compatFunctions are the functions of the schema, one a line, each by itself: none is
// made of another. A statement gets those that it calls, since to make one takes DuckDB
// 0.2 ms.
const compatFunctions = `
sequence(a, b) AS generate_series(a, b), (a, b, step) AS generate_series(a, b, step)
element_at(container, key) AS container[key]
regexp_like(s, pattern) AS regexp_matches(s, pattern)
json_extract_scalar(j, path) AS CASE WHEN json_type(j, path) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(j, path) END
from_iso8601_timestamp(s) AS CAST(CAST(s AS TIMESTAMPTZ) AS TIMESTAMP)
from_iso8601_date(s) AS CAST(s AS DATE)
from_unixtime(seconds) AS make_timestamp(CAST(round(seconds * 1000) AS BIGINT) * 1000)
to_unixtime(t) AS epoch(CAST(t AS TIMESTAMP))
date_diff(unit, a, b) AS date_sub(unit, CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP))
date_add(t, span) AS t + span, (unit, n, t) AS t + n * CAST('1 ' || unit AS INTERVAL)
date_format(t, f) AS strftime(t, replace(replace(replace(f, '%i', '%M'), '%s', '%S'), '%T', '%H:%M:%S'))
approx_distinct(x) AS approx_count_distinct(x)
approx_percentile(x, p) AS approx_quantile(x, p)
array_join(a, separator) AS array_to_string(a, separator)
`

// compatCalled makes the functions that are among the called, which are in lower case.
func compatCalled(called map[string]bool) string {
	var out strings.Builder
	for line := range strings.Lines(compatFunctions) {
		if function, _, ok := strings.Cut(line, "("); ok && called[function] {
			out.WriteString("CREATE MACRO compat." + strings.TrimSuffix(line, "\n") + ";\n")
		}
	}
	return out.String()
}
