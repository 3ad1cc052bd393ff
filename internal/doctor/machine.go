package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/trailhouse/trailhouse"
)

// Bounds on the free space of the data directory, in bytes: below the first an import of
// some size fails, below the second it soon may.
const (
	spaceFail = 256 << 20
	spaceWarn = 2 << 30
)

// dataDir checks that data can be written, that there is room for it, and that nobody else
// holds it.
func (e *examination) dataDir(ctx context.Context) {
	const name = "data directory"
	dir := e.Config.DataDir
	at, err := existing(dir)
	if err != nil {
		e.fail(name, "", err)
		return
	}
	if err := writable(at); err != nil {
		e.fail(name, "", err)
		return
	}
	e.space(at)
	if at != dir {
		e.ok(name, "", "%s is not there yet; the first import makes it", dir)
		return
	}
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		e.warn(name, "", "chmod 700 "+dir, "%s can be read by others (mode %04o)", dir, info.Mode().Perm())
	}
	if e.unfit {
		return
	}
	if err := e.Open(ctx); err != nil {
		e.fail(name, "", err)
		return
	}
	e.ok(name, "", "%s can be written and opened", dir)
}

// existing returns the directory itself or the nearest one above it that is there.
func existing(dir string) (string, error) {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case err == nil && info.IsDir():
			return at, nil
		case err == nil || errors.Is(err, syscall.ENOTDIR):
			return "", trailhouse.Errorf(trailhouse.CodeUsage, "%s is a file, and %s must be a directory", at, dir).WithHint("name another, or move the file away")
		case !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at):
			return "", trailhouse.Errorf(trailhouse.CodeStorage, "%s cannot be looked at: %w", dir, err).WithHint("run as the user that owns it, or name another")
		}
	}
}

// writable writes a small file and removes it.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".trailhouse-doctor-")
	if err == nil {
		_, err = f.WriteString("trailhouse doctor\n")
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return trailhouse.Errorf(trailhouse.CodeStorage, "nothing can be written to %s: %w", dir, err).
			WithHint("run as the user that owns it, free space on its disk, or name another directory")
	}
	return nil
}

// space looks at what is free.
func (e *examination) space(dir string) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		e.warn("disk", "", "", "the free space of %s cannot be asked: %v", dir, err)
		return
	}
	free := fs.Bavail * uint64(max(fs.Bsize, 0))
	gib := float64(free) / (1 << 30)
	const hint = "free some, or move the data directory (it moves as a whole)"
	switch {
	case free < spaceFail:
		e.fail("disk", "", trailhouse.Errorf(trailhouse.CodeStorage, "%.2f GiB are free at %s", gib, dir).WithHint(hint))
	case free < spaceWarn:
		e.warn("disk", "", hint, "%.2f GiB are free at %s", gib, dir)
	default:
		e.ok("disk", "", "%.1f GiB are free at %s", gib, dir)
	}
}
