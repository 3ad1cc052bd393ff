package duckdb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/trailhouse/trailhouse"
)

const (
	// defaultMemoryMiB bounds a statement that brings no limit of its own.
	defaultMemoryMiB = 512
	// maxText bounds the statement's text in bytes.
	maxText = 1 << 18
)

// session is one throw-away database with one statement.
type session struct {
	*database
	engine *Engine
	query  trailhouse.Query
	text   string // the statement as DuckDB gets it, parameters as $name
	// called are the functions that the statement and its derived views call.
	called map[string]bool
}

// admit lets the statement pass the gate. From then on the query's views are those
// that it needs.
func (s *session) admit(ctx context.Context) error {
	ctx, cancel := withTimeout(ctx, s.query.Limits.Timeout)
	defer cancel()
	if err := s.exec(ctx, bounds(s.query.Limits)); err != nil {
		return err
	}
	used, err := s.gate(ctx)
	if err != nil {
		return err
	}
	s.query.Views, s.query.Derived, err = s.needed(ctx, used)
	return err
}

// plan gives the views their files as they are now.
func (s *session) plan(ctx context.Context) (err error) {
	if s.query.Plan != nil && len(s.query.Views) > 0 {
		s.query.Views, err = s.query.Plan(ctx, tablesOf(s.query.Views))
	}
	return err
}

// furnish makes the views and locks the database. The order of the settings is that of
// facts/reliability.md 5: paths before access is shut, the lock last.
func (s *session) furnish(ctx context.Context) error {
	if err := s.exec(ctx, shut(s.query.Views)); err != nil {
		return err
	}
	for _, v := range s.query.Views {
		if err := s.exec(ctx, viewSQL(v)); err != nil {
			return err
		}
	}
	if err := s.exec(ctx, compatCalled(s.called)); err != nil {
		return err
	}
	for _, d := range s.query.Derived {
		if err := s.exec(ctx, "CREATE VIEW "+name(d.Name)+" AS "+d.SQL); err != nil {
			return err
		}
	}
	return s.exec(ctx, "SET lock_configuration = true")
}

// tablesOf returns the tables of views.
func tablesOf(views []trailhouse.View) []*trailhouse.Table {
	tables := make([]*trailhouse.Table, len(views))
	for i, v := range views {
		tables[i] = v.Table
	}
	return tables
}

// exec runs text of our own, if there is any.
func (s *session) exec(ctx context.Context, text string) error {
	if text == "" {
		return nil
	}
	if _, err := s.conn.ExecContext(ctx, text, nil); err != nil {
		return s.broken(ctx, err)
	}
	return nil
}

// prepare binds the statement, which has passed the gate: Prepare of this driver
// runs all but the last of several statements, so nothing else may come here.
func (s *session) prepare(ctx context.Context) (*duck.Stmt, error) {
	prepared, err := s.conn.PrepareContext(ctx, s.text)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	stmt := prepared.(*duck.Stmt)
	kind, err := stmt.StatementType()
	if err != nil || kind != duck.STATEMENT_TYPE_SELECT {
		_ = stmt.Close()
		return nil, refuse("only a SELECT can be run here")
	}
	return stmt, nil
}

// arguments returns the values of the statement's parameters.
func (s *session) arguments(stmt *duck.Stmt) ([]driver.NamedValue, error) {
	args := make([]driver.NamedValue, stmt.NumInput())
	for i := range args {
		param, err := stmt.ParamName(i + 1)
		if err != nil {
			return nil, trailhouse.Errorf(trailhouse.CodeInternal, "parameter %d has no name: %w", i+1, err)
		}
		args[i] = driver.NamedValue{Name: param, Ordinal: i + 1, Value: bound(s.query.Parameters[param])}
	}
	return args, nil
}

// bound returns a parameter as the driver takes it. Nulls stand in the text.
func bound(v any) any {
	if t, ok := v.(time.Time); ok {
		return t.UTC()
	}
	return v
}

// settings hold for every statement.
func settings(o Options) string {
	return strings.Join([]string{
		"SET temp_directory = " + quote(o.TempDir),
		"SET TimeZone = 'UTC'",
		"SET integer_division = true",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET allow_community_extensions = false",
		"SET allow_persistent_secrets = false",
		"SET enable_progress_bar = false",
	}, ";\n")
}

// bounds are the settings of one statement's limits.
func bounds(l trailhouse.Limits) string {
	memory := l.MemoryMiB
	if memory <= 0 {
		memory = defaultMemoryMiB
	}
	text := fmt.Sprintf("SET memory_limit = '%dMiB'", memory)
	if l.Threads > 0 {
		text += fmt.Sprintf(";\nSET threads = %d", l.Threads)
	}
	return text
}

// shut names the files that stay readable and closes everything else.
func shut(views []trailhouse.View) string {
	var paths []string
	for _, v := range views {
		for _, f := range v.Files {
			paths = append(paths, quote(f.Path))
		}
	}
	return "SET allowed_paths = [" + strings.Join(paths, ", ") + "];\nSET enable_external_access = false"
}

// needed returns the views and derived views that the named tables stand on: the
// files of other tables are neither opened nor readable.
func (s *session) needed(ctx context.Context, used map[string]bool) ([]trailhouse.View, []trailhouse.DerivedView, error) {
	var derived []trailhouse.DerivedView
	for _, d := range slices.Backward(s.query.Derived) {
		if !used[strings.ToLower(d.Name)] {
			continue
		}
		derived = append(derived, d)
		under, err := s.sources(ctx, d.SQL)
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(used, under.tables)
		maps.Copy(s.called, under.functions)
	}
	slices.Reverse(derived)
	var views []trailhouse.View
	for _, v := range s.query.Views {
		if used[strings.ToLower(v.Table.Name)] {
			views = append(views, v)
		}
	}
	return views, derived, nil
}

// viewSQL makes a table's view: its columns by name and with their types, null
// where a file was written before the column was there.
func viewSQL(v trailhouse.View) string {
	columns := make([]string, len(v.Table.Columns))
	whole := allColumns(v)
	for i, c := range v.Table.Columns {
		stored, seen := columnTypes(c)
		if columns[i] = name(c.Name); !whole || stored != seen {
			columns[i] = "CAST(" + name(c.Name) + " AS " + seen + ") AS " + name(c.Name)
		}
		if t := v.Table; t.KeyText != "" && c.Name == t.Key { // files have those keys only that the text does not tell
			columns[i] = "coalesce(CAST(" + name(c.Name) + " AS " + seen + "), lower(" + name(t.KeyText) + ")) AS " + name(c.Name)
		}
	}
	from := readSQL(v)
	if !whole {
		from = "(" + emptySQL(v.Table) + from + ")"
	}
	return "CREATE VIEW " + name(v.Table.Name) + " AS SELECT " + strings.Join(columns, ", ") + " FROM " + from
}

// allColumns reports whether every file is known to have all columns. Then the first
// file tells the types, and no other is opened before it is read; to bind the form
// that needs no such knowledge takes four times as long for a table of 80 columns.
func allColumns(v trailhouse.View) bool {
	return len(v.Files) > 0 && !slices.ContainsFunc(v.Files, func(f trailhouse.DataFile) bool { return f.Columns != len(v.Table.Columns) })
}

// readSQL reads the files, nothing where there are none.
func readSQL(v trailhouse.View) string {
	if len(v.Files) == 0 {
		return ""
	}
	paths := make([]string, len(v.Files))
	for i, f := range v.Files {
		paths[i] = quote(f.Path)
	}
	read := "read_parquet([" + strings.Join(paths, ", ") + "], hive_partitioning = false"
	if allColumns(v) {
		return read + ")"
	}
	return " UNION ALL BY NAME SELECT * FROM " + read + ", union_by_name = true)"
}

// emptySQL is a typed SELECT without rows: it gives the columns that no file has.
func emptySQL(t *trailhouse.Table) string {
	empty := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		stored, _ := columnTypes(c)
		empty[i] = "CAST(NULL AS " + stored + ") AS " + name(c.Name)
	}
	return "SELECT " + strings.Join(empty, ", ") + " WHERE false"
}

// quote returns a text literal.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// name returns a quoted identifier.
func name(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
