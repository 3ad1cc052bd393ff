package duckdb

// compatSQL makes the schema of functions that Trino has and DuckDB lacks, or means
// differently without saying so. It stands behind main in the search path and
// before DuckDB's own functions. Only three names there hide one of DuckDB's:
// element_at (which gives a list for maps, facts/engine.md 5), date_diff (which
// counts boundaries; Trino counts whole units, facts/dialect.md) and date_add
// (DuckDB's takes an interval; that form stays).
const compatSQL = `
CREATE SCHEMA compat;
CREATE MACRO compat.sequence(a, b) AS generate_series(a, b), (a, b, step) AS generate_series(a, b, step);
CREATE MACRO compat.element_at(container, key) AS container[key];
CREATE MACRO compat.regexp_like(s, pattern) AS regexp_matches(s, pattern);
CREATE MACRO compat.json_extract_scalar(j, path) AS
	CASE WHEN json_type(j, path) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(j, path) END;
CREATE MACRO compat.from_iso8601_timestamp(s) AS CAST(CAST(s AS TIMESTAMPTZ) AS TIMESTAMP);
CREATE MACRO compat.from_iso8601_date(s) AS CAST(s AS DATE);
CREATE MACRO compat.from_unixtime(seconds) AS make_timestamp(CAST(round(seconds * 1000) AS BIGINT) * 1000);
CREATE MACRO compat.to_unixtime(t) AS epoch(CAST(t AS TIMESTAMP));
CREATE MACRO compat.date_diff(unit, a, b) AS date_sub(unit, CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP));
CREATE MACRO compat.date_add(t, span) AS t + span, (unit, n, t) AS t + n * CAST('1 ' || unit AS INTERVAL);
CREATE MACRO compat.date_format(t, f) AS
	strftime(t, replace(replace(replace(f, '%i', '%M'), '%s', '%S'), '%T', '%H:%M:%S'));
CREATE MACRO compat.approx_distinct(x) AS approx_count_distinct(x);
CREATE MACRO compat.approx_percentile(x, p) AS approx_quantile(x, p);
CREATE MACRO compat.array_join(a, separator) AS array_to_string(a, separator);
SET search_path = 'main,compat'`
