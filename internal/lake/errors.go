package lake

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"

	"github.com/trailhouse/trailhouse"
	"modernc.org/sqlite"
)

// maxBusy is how often a busy catalog is asked again, about 20 s in all.
const maxBusy = 60

// pause waits before attempt number n+1: from about 5 ms to half a second, spread
// so that writers that met once do not meet again.
func pause(ctx context.Context, n int) error {
	longest := min(10*time.Millisecond<<min(n, 6), 500*time.Millisecond)
	wait := longest/2 + rand.N(longest/2)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// The primary result codes of SQLite that matter here (sqlite.org/rescode.html).
const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadonly = 8
	sqliteIO       = 10
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteNotADB   = 26
)

// sqliteCode returns SQLite's primary result code, 0 for other errors.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func isBusy(err error) bool {
	code := sqliteCode(err)
	return code == sqliteBusy || code == sqliteLocked
}

// isStorage reports a fault of the machine, which repeating does not heal.
func isStorage(err error) bool {
	switch sqliteCode(err) {
	case sqliteReadonly, sqliteIO, sqliteCorrupt, sqliteFull, sqliteCantOpen, sqliteNotADB:
		return true
	}
	for _, known := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, fs.ErrPermission} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// interrupted reports that the caller gave up.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// storageError says that the machine failed while doing something. An error that
// has a code already, or that the caller asked for, keeps it.
func storageError(doing string, err error) error {
	var known *trailhouse.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case interrupted(err):
		return trailhouse.Errorf(trailhouse.CodeInterrupted, "%s: %w", doing, err)
	}
	return trailhouse.Errorf(trailhouse.CodeStorage, "cannot %s: %w", doing, err).
		WithHint("check free space and permissions of the data directory, then run the command again")
}

// loadError says that a table's metadata cannot be read.
func loadError(name string, err error) error {
	if interrupted(err) || isStorage(err) || isBusy(err) {
		return storageError("read the metadata of table "+name, err)
	}
	return trailhouse.Errorf(trailhouse.CodeDamaged, "the metadata of table %s cannot be read: %w", name, err).
		WithHint("run 'trailhouse lake check'; restore the lake's directory from a copy where files are missing")
}

// buildError says that a change could not be prepared: it did not land, and
// trying again would not help.
func buildError(name string, err error) error {
	var known *trailhouse.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case interrupted(err) || isStorage(err):
		return storageError("commit to table "+name, err)
	case strings.Contains(err.Error(), "invalid snapshot timestamp"):
		return trailhouse.Errorf(trailhouse.CodeStorage, "table %s was changed at a later time than this machine's clock shows: %w", name, err).
			WithHint("set the machine's clock right; it is more than a minute behind the lake's newest change")
	}
	return trailhouse.Errorf(trailhouse.CodeInternal, "table %s could not be changed: %w", name, err)
}
