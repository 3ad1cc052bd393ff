package state

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trailhouse/trailhouse"
)

// deliveryFormat is the first format with deliveries.
const deliveryFormat = 3

// Peek opens the state in dir to ask which deliveries there were, and makes or changes no
// file. Where there is no state, or one from before there were deliveries, it is an empty
// one in memory. Errors are those of Open.
func Peek(ctx context.Context, dir string, clock trailhouse.Clock) (*State, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeStorage, "state directory: %w", err)
	}
	s := &State{dir: dir, clock: clock}
	have, err := s.peek(ctx)
	switch {
	case err == nil && have >= deliveryFormat:
		if err = s.refuseNewer(have); err == nil {
			s, err = s.peekEarly(ctx)
		}
	case err == nil || errors.Is(err, fs.ErrNotExist):
		if err := s.Close(); err != nil {
			return nil, err
		}
		s = &State{dir: dir, clock: clock}
		err = s.openEmpty(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// peek opens the file for reading and returns its format. A file with a log beside it is
// in use, or was when its process died: it is read with the log. Without one SQLite would
// make it, so it is told that nothing changes the file; who begins to just then writes to
// the log first.
func (s *State) peek(ctx context.Context) (format int, err error) {
	if _, err := os.Stat(s.Path()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		return 0, s.fileError(err)
	}
	if s.read, err = sql.Open("sqlite", s.dsn("_pragma=query_only(1)", s.untouched())); err != nil {
		return 0, s.wrap(err)
	}
	return format, s.wrap(s.read.QueryRowContext(ctx, "PRAGMA user_version").Scan(&format))
}

// untouched is the parameter of the database's name with which SQLite changes nothing.
func (s *State) untouched() string {
	if _, err := os.Stat(s.Path() + "-wal"); errors.Is(err, fs.ErrNotExist) {
		return "immutable=1"
	}
	return "mode=ro"
}

// peekEarly returns s, or in its place a copy in memory where an early build wrote its file.
func (s *State) peekEarly(ctx context.Context) (*State, error) {
	lacks, err := early(ctx, s.read)
	if err != nil || !lacks {
		return s, s.wrap(err)
	}
	if err := s.Close(); err != nil {
		return s, err
	}
	c := &State{dir: s.dir, clock: s.clock}
	return c, c.copyEarly(ctx, s.uri()+"?"+s.untouched())
}

// openEmpty opens a state in memory, which is one connection.
func (s *State) openEmpty(ctx context.Context) error {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return s.wrap(err)
	}
	db.SetMaxOpenConns(1)
	s.write, s.read = db, db
	return s.migrate(ctx)
}
