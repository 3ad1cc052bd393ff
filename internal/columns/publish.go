package columns

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trailhouse/trailhouse"
)

// asideSuffix ends the name of a file that is being written.
const asideSuffix = ".tmp"

// publish gives the synced aside file its name and syncs the directory. A hard
// link fails where the name exists, which a rename would replace silently.
func publish(path string) error {
	aside := path + asideSuffix
	err := os.Link(aside, path)
	switch {
	case err == nil:
		err = os.Remove(aside)
	case errors.Is(err, fs.ErrExist):
		err = reuse(path, aside)
	default: // a file system without hard links
		err = rename(path, aside)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// rename is publish for file systems without hard links.
func rename(path, aside string) error {
	if _, err := os.Lstat(path); err == nil {
		return reuse(path, aside)
	}
	if err := os.Rename(aside, path); err != nil {
		return storageError(path, err)
	}
	return nil
}

// reuse accepts an existing file that holds the same bytes: an attempt that was
// killed between naming the file and telling so.
func reuse(path, aside string) error {
	same, err := sameContent(path, aside)
	if err != nil {
		return storageError(path, err)
	}
	if !same {
		return trailhouse.Errorf(trailhouse.CodeConflict, "%s exists with other content", path).
			WithHint("data files are never overwritten; write under a new attempt")
	}
	if err := os.Remove(aside); err != nil {
		return storageError(path, err)
	}
	return nil
}

// sameContent compares two files byte by byte.
func sameContent(a, b string) (bool, error) {
	fa, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	fb, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer fb.Close()
	var bufA, bufB [32 << 10]byte
	for {
		na, errA := io.ReadFull(fa, bufA[:])
		nb, errB := io.ReadFull(fb, bufB[:])
		if !bytes.Equal(bufA[:na], bufB[:nb]) {
			return false, nil
		}
		if errA != nil || errB != nil {
			return atEnd(errA) && atEnd(errB), nil
		}
	}
}

func atEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// syncDir makes the names in a directory survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return storageError(dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return storageError(dir, err)
	}
	return nil
}

// storageError says that the machine failed with a file. An error that has a
// code already keeps it.
func storageError(path string, err error) error {
	var known *trailhouse.Error
	if errors.As(err, &known) {
		return err
	}
	return trailhouse.Errorf(trailhouse.CodeStorage, "write %s: %w", path, err).
		WithHint("check free space and permissions of %s, then run the command again", filepath.Dir(path))
}
