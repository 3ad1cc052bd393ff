package duckdb

import (
	"context"
	"database/sql/driver"
	"fmt"
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
	query     trailhouse.Query
	text      string // the statement as DuckDB gets it, parameters as $name
	connector *duck.Connector
	conn      *duck.Conn
}

// open makes the database for the query: its statement has passed the gate, its
// views are there and the configuration is locked.
func open(ctx context.Context, o Options, q trailhouse.Query) (*session, error) {
	text, err := bindNames(q.SQL, q.Parameters)
	if err != nil {
		return nil, err
	}
	s := &session{query: q, text: text}
	if s.connector, err = duck.NewConnector("", nil); err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "the query engine does not start: %w", err)
	}
	if err := s.setUp(ctx, o); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// setUp connects, checks the statement and builds what it may see. The order of
// the settings is that of facts/reliability.md 5: paths before access is shut,
// the lock last.
func (s *session) setUp(ctx context.Context, o Options) error {
	conn, err := s.connector.Connect(ctx)
	if err != nil {
		return s.failed(ctx, err)
	}
	s.conn = conn.(*duck.Conn)
	if err := s.exec(ctx, settings(o, s.query.Limits)); err != nil {
		return err
	}
	used, err := s.gate(ctx)
	if err != nil {
		return err
	}
	views, derived, err := s.needed(ctx, used)
	if err != nil {
		return err
	}
	s.query.Views = views // the others play no part from here on
	if err := s.exec(ctx, shut(views)); err != nil {
		return err
	}
	for _, v := range views {
		if err := s.exec(ctx, viewSQL(v)); err != nil {
			return err
		}
	}
	if err := s.exec(ctx, compatSQL); err != nil {
		return err
	}
	for _, d := range derived {
		if err := s.exec(ctx, "CREATE VIEW "+name(d.Name)+" AS "+d.SQL); err != nil {
			return err
		}
	}
	return s.exec(ctx, "SET lock_configuration = true")
}

// close frees the database.
func (s *session) close() {
	if s.conn != nil {
		_ = s.conn.Close()
	}
	_ = s.connector.Close()
}

// exec runs text of our own.
func (s *session) exec(ctx context.Context, text string) error {
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

// settings are set before anything is read.
func settings(o Options, l trailhouse.Limits) string {
	memory := l.MemoryMiB
	if memory <= 0 {
		memory = defaultMemoryMiB
	}
	lines := []string{
		fmt.Sprintf("SET memory_limit = '%dMiB'", memory),
		"SET temp_directory = " + quote(o.TempDir),
		"SET TimeZone = 'UTC'",
		"SET integer_division = true",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET allow_community_extensions = false",
		"SET allow_persistent_secrets = false",
		"SET enable_progress_bar = false",
	}
	if l.Threads > 0 {
		lines = append(lines, fmt.Sprintf("SET threads = %d", l.Threads))
	}
	return strings.Join(lines, ";\n")
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
		tables, err := s.tablesOf(ctx, d.SQL)
		if err != nil {
			return nil, nil, err
		}
		for t := range tables {
			used[t] = true
		}
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
// where a file was written before the column was there. The typed empty SELECT
// gives the columns that no file has.
func viewSQL(v trailhouse.View) string {
	empty, columns := make([]string, len(v.Table.Columns)), make([]string, len(v.Table.Columns))
	for i, c := range v.Table.Columns {
		stored, seen := columnTypes(c)
		empty[i] = "CAST(NULL AS " + stored + ") AS " + name(c.Name)
		columns[i] = "CAST(" + name(c.Name) + " AS " + seen + ") AS " + name(c.Name)
	}
	from := "SELECT " + strings.Join(empty, ", ") + " WHERE false"
	if len(v.Files) > 0 {
		paths := make([]string, len(v.Files))
		for i, f := range v.Files {
			paths[i] = quote(f.Path)
		}
		from += " UNION ALL BY NAME SELECT * FROM read_parquet([" + strings.Join(paths, ", ") +
			"], hive_partitioning = false, union_by_name = true)"
	}
	return "CREATE VIEW " + name(v.Table.Name) + " AS SELECT " + strings.Join(columns, ", ") + " FROM (" + from + ")"
}

// quote returns a text literal.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// name returns a quoted identifier.
func name(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
