// Package duckdb runs statements over planned Parquet files with DuckDB. It is the
// only importer of duckdb-go.
//
// Each statement gets a database of its own, in memory, that is thrown away: views
// over exactly the planned files, no other access to the file system, no
// extensions, a locked configuration (facts/engine.md 1, facts/reliability.md 5).
// Before that the statement passes a gate: DuckDB's own parser must find exactly
// one SELECT in it, whose tables are views of the query or names of WITH, and whose
// functions do not look at the engine or the machine.
//
// Results are of the types that trailhouse.Engine names. Integers of more than 64
// bits are decimals of scale 0, uuids text, binary values text of lower-case hex
// digits. Maps and rows are text too, as compact JSON in the order of their keys and
// fields. Other types (json, time, interval, maps by other keys than text) have no
// exact form there; a statement casts them to varchar itself.
package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"sync"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/trailhouse/trailhouse"
)

// Options are the settings of an Engine that all its statements share.
type Options struct {
	// TempDir is a directory in which large sorts and joins may spill to disk. Empty
	// keeps every statement within its memory limit.
	TempDir string
}

// Engine implements trailhouse.Engine. It may be used from several goroutines.
type Engine struct {
	options Options
	spares  spares
	// derived is what each derived view reads, by its text. There are as many as a
	// configuration has.
	derived sync.Map
}

// New returns an Engine.
func New(o Options) *Engine { return &Engine{options: o} }

var _ trailhouse.Engine = (*Engine)(nil)

// Query implements trailhouse.Engine.
func (e *Engine) Query(ctx context.Context, q trailhouse.Query, columns func([]trailhouse.ResultColumn) error, row func([]any) error) error {
	return e.with(ctx, q, func(run context.Context, s *session, stmt *duck.Stmt) error {
		if err := run.Err(); err != nil {
			return s.failed(run, err)
		}
		result, err := resultOf(stmt)
		if err != nil {
			return err
		}
		args, err := s.arguments(stmt)
		if err != nil {
			return err
		}
		rows, err := stmt.QueryContext(run, args)
		if err != nil {
			return s.failed(run, err)
		}
		defer rows.Close() //nolint:errcheck // frees memory; it has nothing to say
		if err := noJSON(rows, result.columns); err != nil {
			return err
		}
		if err := columns(result.columns); err != nil {
			return err
		}
		return s.drain(run, rows, result, row)
	})
}

// Check implements trailhouse.Engine.
func (e *Engine) Check(ctx context.Context, q trailhouse.Query) error {
	return e.with(ctx, q, func(_ context.Context, _ *session, stmt *duck.Stmt) error {
		_, err := resultOf(stmt)
		return err
	})
}

// with prepares the statement in a session of its own and hands it to use, with a
// context that ends at the statement's time limit.
func (e *Engine) with(ctx context.Context, q trailhouse.Query, use func(context.Context, *session, *duck.Stmt) error) error {
	text, err := bindNames(q.SQL, q.Parameters)
	if err != nil {
		return err
	}
	b, err := e.take(ctx)
	if err != nil {
		return err
	}
	s := &session{database: b, engine: e, query: q, text: text, called: map[string]bool{}}
	// What the statement held in memory is free by then; the rest takes 2 ms that
	// nobody needs to wait for.
	defer func() { go s.close() }()
	if err := s.admit(ctx); err != nil {
		return err
	}
	if err := s.plan(ctx); err != nil {
		return err
	}
	run, cancel := withTimeout(ctx, q.Limits.Timeout)
	defer cancel()
	if err := s.furnish(run); err != nil {
		return err
	}
	stmt, err := s.prepare(run)
	if err != nil {
		return err
	}
	defer stmt.Close() //nolint:errcheck // frees memory; it has nothing to say
	return use(run, s, stmt)
}

// drain hands the rows to row and counts them against the limits.
func (s *session) drain(ctx context.Context, rows driver.Rows, result *result, row func([]any) error) error {
	limits := s.query.Limits
	raw := make([]driver.Value, len(result.columns))
	out := make([]any, len(raw))
	var count, size int64
	for {
		err := rows.Next(raw)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return s.failed(ctx, err)
		}
		if count++; limits.Rows > 0 && count > limits.Rows {
			return trailhouse.Errorf(trailhouse.CodeLimit, "the result has more than %d rows", limits.Rows).
				WithHint("narrow the period, group the rows or add a LIMIT")
		}
		n, err := result.convert(raw, out)
		if err != nil {
			return err
		}
		if size += n; limits.Bytes > 0 && size > limits.Bytes {
			return trailhouse.Errorf(trailhouse.CodeLimit, "the result is larger than %d bytes", limits.Bytes).
				WithHint("select fewer columns, narrow the period or add a LIMIT")
		}
		if err := row(out); err != nil {
			return err
		}
	}
}

// withTimeout bounds the context; zero leaves it as it is.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, d, errTimeout)
}

// errTimeout tells our own limit from a deadline of the caller's.
var errTimeout = errors.New("statement timeout")
