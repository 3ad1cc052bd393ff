// Package state keeps what a lake cannot hold about itself: the journal of
// intents, the ledger of units that are done, and the locks of tables. It is one
// SQLite database and a folder of lock files in the data directory.
//
// The state holds no evidence. Where it is lost, the next import reads everything
// again and finds by the rows' keys that the lake has it.
package state

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite": newest that builds, no C (facts/engine.md, SQLite driver for state)

	"github.com/trailhouse/trailhouse"
)

// Format is the newest format of the state that this program reads and writes. It
// is the number of the last migration.
const Format = 3

//go:embed migrations/*.sql
var migrations embed.FS

// State is the open state of one data directory. Its methods may be called from
// several goroutines, and several processes may have the same state open.
type State struct {
	turns sync.Map // by name of a lock: a channel that its holder fills
	dir   string
	clock trailhouse.Clock
	// write has one connection: contended writers are the driver's weak spot, and
	// readers have their own pool (facts/engine.md, SQLite driver for state).
	write, read *sql.DB
}

// Open opens the state in dir and creates dir (mode 0700) and state.db (0600) where
// they are missing. State of a newer format is refused with CodeNewer, a file that
// is not a sound database with CodeDamaged and what to do about it, a folder that
// may not be written with CodeDenied.
func Open(ctx context.Context, dir string, clock trailhouse.Clock) (*State, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeStorage, "state directory: %w", err)
	}
	s := &State{dir: dir, clock: clock}
	if err := s.createFiles(); err != nil {
		return nil, err
	}
	// One process at a time creates, migrates and switches to WAL: SQLite answers
	// busy at once when two do so.
	unlock, err := s.Lock(ctx, "state")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// createFiles creates the directories and an empty database file with their modes.
// SQLite gives its side files the mode of the database.
func (s *State) createFiles() error {
	for _, dir := range []string{s.dir, filepath.Join(s.dir, "locks")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return s.fileError(err)
		}
	}
	f, err := os.OpenFile(s.Path(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return s.fileError(err)
	}
	return f.Close()
}

// open connects, refuses what it cannot use and migrates what is old.
func (s *State) open(ctx context.Context) error {
	var err error
	if s.write, err = sql.Open("sqlite", s.dsn("_pragma=journal_mode(WAL)", "_txlock=immediate")); err != nil {
		return s.wrap(err)
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", s.dsn("_pragma=query_only(1)")); err != nil {
		return s.wrap(err)
	}
	s.read.SetMaxOpenConns(4)
	return s.migrate(ctx)
}

// uri is SQLite's name for the database.
func (s *State) uri() string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: s.Path()}
	return u.String()
}

// dsn is the driver's name for the database, with the pragmas of every connection.
func (s *State) dsn(extra ...string) string {
	dsn := s.uri() + "?_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	for _, e := range extra {
		dsn += "&" + e
	}
	return dsn
}

// migrate brings the state to Format, each step in a transaction of its own with
// the number of its format.
func (s *State) migrate(ctx context.Context) error {
	var have int
	if err := s.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return s.wrap(err)
	}
	if err := s.refuseNewer(have); err != nil {
		return err
	}
	for n := have + 1; n <= Format; n++ {
		text, err := fs.ReadFile(migrations, fmt.Sprintf("migrations/%04d.sql", n))
		if err != nil {
			return trailhouse.Errorf(trailhouse.CodeInternal, "migration %d: %w", n, err)
		}
		err = s.update(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", n))
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.complete(ctx)
}

// refuseNewer is an error where the state's format is newer than this program's.
func (s *State) refuseNewer(have int) error {
	if have <= Format {
		return nil
	}
	return trailhouse.Errorf(trailhouse.CodeNewer,
		"The state in %s was written by a newer Trailhouse (format %d; this one knows %d).", s.dir, have, Format).
		WithHint("Install the newer Trailhouse, or use another data directory.")
}

// update runs fn in one write transaction.
func (s *State) update(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.wrap(err)
	}
	if err := fn(tx); err != nil {
		return s.wrap(errors.Join(err, ignoreDone(tx.Rollback())))
	}
	return s.wrap(tx.Commit())
}

// ignoreDone drops the answer of a rollback of a transaction that SQLite has
// rolled back itself.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// Dir returns the absolute path of the state's directory.
func (s *State) Dir() string { return s.dir }

// Path returns the path of the database file.
func (s *State) Path() string { return filepath.Join(s.dir, "state.db") }

// Close closes the database. Locks that are held stay held until they are
// unlocked.
func (s *State) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return s.wrap(errors.Join(errs...))
}
