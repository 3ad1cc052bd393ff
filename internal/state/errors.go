package state

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/trailhouse/trailhouse"
)

// wrap gives an error of the database its code and its remedy.
func (s *State) wrap(err error) error {
	var known *trailhouse.Error
	var e *sqlite.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted while using the state: %w", err)
	case !errors.As(err, &e):
		return trailhouse.Errorf(trailhouse.CodeStorage, "state %s: %w", s.Path(), err)
	}
	switch e.Code() & 0xff { // the low byte is the class of an extended code
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return trailhouse.Errorf(trailhouse.CodeDamaged, "The state file %s is damaged: %w", s.Path(), err).
			WithHint("Move it and its -wal and -shm files aside and run the command again. It holds no evidence: files are read once more and rows that the lake has are not written twice.")
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		return trailhouse.Errorf(trailhouse.CodeStorage, "The state file %s cannot be written: %w", s.Path(), err).
			WithHint("Free space on this disk or check it, then run the command again: it resumes.")
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return trailhouse.Errorf(trailhouse.CodeLocked, "The state file %s is held by another process: %w", s.Path(), err).
			WithHint("Wait for the other command to end, then run this one again.")
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return trailhouse.Errorf(trailhouse.CodeDenied, "The state file %s cannot be opened for writing: %w", s.Path(), err).
			WithHint("Check who owns the data directory, or use another one.")
	}
	return trailhouse.Errorf(trailhouse.CodeInternal, "state %s: %w", s.Path(), err)
}

// fileError gives an error of a directory or lock file its code and its remedy.
func (s *State) fileError(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return trailhouse.Errorf(trailhouse.CodeDenied, "The data directory cannot be written: %w", err).
			WithHint("Check who owns it, or use another data directory.")
	}
	return trailhouse.Errorf(trailhouse.CodeStorage, "The data directory cannot be used: %w", err).
		WithHint("Check the path and the free space of its disk.")
}
