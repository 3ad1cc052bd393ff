package duckdb

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// parsed is what json_serialize_sql says of a text.
type parsed struct {
	Error      bool   `json:"error"`
	Kind       string `json:"error_type"`
	Message    string `json:"error_message"`
	Position   string `json:"position"`
	Statements []any  `json:"statements"`
}

// gate lets the session's statement pass where it is one SELECT over views of the
// query, and returns the names of those it uses, in lower case.
func (s *session) gate(ctx context.Context) (map[string]bool, error) {
	statement, err := s.parse(ctx, s.text)
	if err != nil {
		return nil, err
	}
	w := &walker{known: map[string]bool{}, used: map[string]bool{}, called: s.called, parameters: s.query.Parameters, text: s.text}
	for _, v := range s.query.Views {
		w.known[strings.ToLower(v.Table.Name)] = true
	}
	for _, d := range s.query.Derived {
		w.known[strings.ToLower(d.Name)] = true
	}
	if err := w.visit(statement, nil); err != nil {
		return nil, err
	}
	return w.used, nil
}

// reads is what a derived view stands on.
type reads struct {
	tables, functions map[string]bool // in lower case
}

// sources returns what a SELECT of our own reads. The engine remembers it: the views
// are the same for each statement.
func (s *session) sources(ctx context.Context, text string) (reads, error) {
	if known, ok := s.engine.derived.Load(text); ok {
		return known.(reads), nil
	}
	statement, err := s.parse(ctx, text)
	if err != nil {
		return reads{}, trailhouse.Errorf(trailhouse.CodeInternal, "a derived view is not a SELECT: %w", err)
	}
	w := &walker{used: map[string]bool{}, called: map[string]bool{}, text: text}
	if err := w.visit(statement, nil); err != nil {
		return reads{}, err
	}
	found := reads{tables: w.used, functions: w.called}
	s.engine.derived.Store(text, found)
	return found, nil
}

// parse has DuckDB's parser read the text, which is bound and never spliced, and
// returns the tree of its one SELECT.
func (s *session) parse(ctx context.Context, text string) (any, error) {
	rows, err := s.conn.QueryContext(ctx, "SELECT CAST(json_serialize_sql(CAST($1 AS VARCHAR)) AS VARCHAR)",
		[]driver.NamedValue{{Ordinal: 1, Value: text}})
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	defer rows.Close() //nolint:errcheck // frees memory; it has nothing to say
	value := make([]driver.Value, 1)
	if err := rows.Next(value); err != nil {
		return nil, s.failed(ctx, err)
	}
	var p parsed
	tree, _ := value[0].(string)
	if err := tooLarge(text, tree); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(tree), &p); err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "the statement cannot be taken apart: %w", err)
	}
	switch {
	case p.Error:
		return nil, p.refused(text)
	case len(p.Statements) == 0:
		return nil, refuse("there is no statement")
	case len(p.Statements) > 1:
		return nil, at(text, secondOf(statements(text)), "there are %d statements; run them one by one", len(p.Statements))
	}
	return p.Statements[0], nil
}

// tooLarge finds a number that no double holds: the parser makes it infinite, and
// writes that as no JSON has it. Within a text the quotes would be escaped.
func tooLarge(text, tree string) error {
	before, _, found := strings.Cut(tree, `"value":Infinity`)
	if !found {
		return nil
	}
	const message = "a number is too large: the largest is about 1.8e308"
	const key = `"query_location":`
	digits, _, _ := strings.Cut(before[strings.LastIndex(before, key)+len(key):], ",")
	if position, err := strconv.Atoi(digits); err == nil && position <= len(text) {
		return at(text, position, message)
	}
	return refuse(message)
}

// refused says why the parser did not take the text.
func (p *parsed) refused(text string) error {
	if p.Kind == "not implemented" {
		return at(text, notSelect(text), "only a SELECT can be run here").WithHint("%s", insteadOf(text[notSelect(text):]))
	}
	if position, err := strconv.Atoi(p.Position); err == nil && position <= len(text) {
		return at(text, position, "%s", p.Message)
	}
	return refuse("%s", p.Message)
}

// walker goes through the tree of a statement. It follows every key, so that a
// construct which it does not know is searched too.
type walker struct {
	known map[string]bool // views, in lower case; nil takes any name
	used  map[string]bool
	// called are the functions, in lower case.
	called map[string]bool
	// parameters are the query's, by name.
	parameters map[string]any
	text       string
}

// scope holds the names of WITH that are visible at a place.
type scope map[string]bool

// visit checks a value of the tree and everything below it.
func (w *walker) visit(v any, in scope) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := w.visit(item, in); err != nil {
				return err
			}
		}
	case map[string]any:
		return w.object(v, in)
	}
	return nil
}

// object checks one node. Names of WITH are seen by the node that declares them and
// by the queries that follow them there, not by those before: DuckDB binds such a
// name to the catalog.
func (w *walker) object(o map[string]any, in scope) error {
	if with, ok := o["cte_map"].(map[string]any); ok {
		inner, err := w.with(with, in)
		if err != nil {
			return err
		}
		in = inner
	}
	if err := w.check(o, in); err != nil {
		return err
	}
	w.called[strings.ToLower(text(o, "function_name"))] = true
	for key, value := range o {
		below := in
		switch {
		case key == "cte_map":
			continue
		case key == "right" && o["type"] == "RECURSIVE_CTE_NODE":
			below = in.plus(text(o, "cte_name"))
		case key == "from_table" || (key == "left" || key == "right") && o["type"] == "JOIN" || key == "source" && o["type"] == "PIVOT":
			if err := w.tableRef(value); err != nil {
				return err
			}
		}
		if err := w.visit(value, below); err != nil {
			return err
		}
	}
	return nil
}

// with checks the queries of a WITH and returns the scope behind it.
func (w *walker) with(cteMap map[string]any, in scope) (scope, error) {
	entries, _ := cteMap["map"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		if err := w.visit(entry["value"], in); err != nil {
			return nil, err
		}
		in = in.plus(text(entry, "key"))
	}
	return in, nil
}

// plus returns the scope with one more name.
func (s scope) plus(cte string) scope {
	more := maps.Clone(s)
	if more == nil {
		more = scope{}
	}
	more[strings.ToLower(cte)] = true
	return more
}

// tableRef refuses what can stand in FROM and is not known to be harmless, SHOW and
// DESCRIBE for example, which the parser turns into a SELECT.
func (w *walker) tableRef(v any) error {
	ref, _ := v.(map[string]any)
	switch text(ref, "type") {
	case "", "BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT":
		return nil
	}
	return refuse("only a SELECT can be run here").WithHint(columnsHint)
}

// columnsHint is the way to what SHOW and DESCRIBE tell elsewhere.
const columnsHint = "`trailhouse tables` lists the tables, `trailhouse tables NAME` the columns of one"

// insteadOf says how to come by what a statement wanted that is no SELECT.
func insteadOf(text string) string {
	switch strings.ToUpper(text[:wordLength(text)]) {
	case "SHOW", "DESCRIBE", "DESC", "SUMMARIZE", "PRAGMA", "EXPLAIN":
		return columnsHint
	}
	return "tables change only by import"
}

// check refuses tables and functions that a statement must not reach.
func (w *walker) check(o map[string]any, in scope) error {
	switch {
	case o["type"] == "BASE_TABLE":
		return w.table(o, in)
	case o["type"] == "SHOW_REF":
		return w.tableRef(o)
	case o["type"] == "TABLE_FUNCTION":
		f, _ := o["function"].(map[string]any)
		if called := text(f, "function_name"); !allowedTableFunction(called) {
			return w.at(f, "the table function %s is not available: a statement reads only the tables of the lake", called)
		}
		f[streams] = true
	case o["class"] == "FUNCTION":
		return w.function(o)
	case o["class"] == "PARAMETER":
		if _, known := w.parameters[text(o, "identifier")]; !known {
			return refuse("write parameters as :name")
		}
	}
	return nil
}

// streams marks the call of a table function: its rows never stand in memory all at
// once. DuckDB's tree has no such key.
const streams = "trailhouse: streams"

// table checks a name in FROM.
func (w *walker) table(o map[string]any, in scope) error {
	table := text(o, "table_name")
	lower := strings.ToLower(table)
	schema, catalog := text(o, "schema_name"), text(o, "catalog_name")
	plain := catalog == "" && (schema == "" || strings.EqualFold(schema, "main"))
	switch {
	case plain && schema == "" && in[lower]:
		return nil
	case !plain:
		return w.at(o, "there is no schema %s: the tables of the lake have names without a schema", name(strings.Trim(catalog+"."+schema, "."))).WithHint(columnsHint)
	case w.known != nil && !w.known[lower]:
		return w.at(o, "there is no table %s; there are %s", name(table), w.names()).WithHint(columnsHint)
	}
	w.used[lower] = true
	return nil
}

// names lists the tables for an error.
func (w *walker) names() string {
	if len(w.known) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(w.known)), ", ")
}

// function checks a call. Functions of the parser's own making carry the schema
// main.
func (w *walker) function(o map[string]any) error {
	called := text(o, "function_name")
	schema := text(o, "schema")
	if text(o, "catalog") != "" || schema != "" && !strings.EqualFold(schema, "main") {
		return w.at(o, "the function %s cannot be called with a schema", called)
	}
	if deniedFunction(called) {
		return w.at(o, "the function %s is not available: it looks at the engine, not at the lake", called)
	}
	return w.growth(o)
}

// at returns a refusal that names the node's line.
func (w *walker) at(o map[string]any, format string, args ...any) *trailhouse.Error {
	position, ok := o["query_location"].(float64)
	if !ok || position > float64(len(w.text)) {
		return refuse(format, args...)
	}
	return at(w.text, int(position), format, args...)
}

// allowedTableFunction reports whether a function may stand in FROM: those that
// make rows from their arguments alone.
func allowedTableFunction(f string) bool {
	switch strings.ToLower(f) {
	case "unnest", "range", "generate_series", "generate_subscripts", "repeat", "repeat_row", "json_each", "json_tree":
		return true
	}
	return false
}

// deniedFunction reports whether a scalar function tells of the engine or the
// machine, acts on it, or runs text. What slips through meets the locked session.
func deniedFunction(f string) bool {
	f = strings.ToLower(f)
	switch f {
	case "getenv", "current_setting", "set_config", "getvariable", "current_query", "current_connection_id", "write_log",
		"parse_duckdb_log_message", "nextval", "currval", "sleep_ms", "stats", "setseed", "finalize", "combine",
		"json_serialize_sql", "json_serialize_plan", "json_deserialize_sql", "json_execute_serialized_sql",
		"query", "query_table", "glob", "sniff_csv", "which_secret", "in_search_path", "get_block_size",
		"current_schemas", "current_database", "current_catalog", "txid_current", "vector_type", "create_sort_key":
		return true
	}
	for _, prefix := range []string{"read_", "parquet_", "duckdb_", "pragma_", "pg_", "inet_", "has_"} {
		if strings.HasPrefix(f, prefix) {
			return true
		}
	}
	return strings.HasSuffix(f, "_scan")
}

// text returns a text of a node, empty where there is none.
func text(o map[string]any, key string) string {
	s, _ := o[key].(string)
	return s
}
