// Package directory delivers files into a directory of this machine.
package directory

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trailhouse/trailhouse"
)

// Sender writes files below a directory. A file is written aside, synced, and given its
// name only where no file has it.
type Sender struct {
	dir string
}

var _ trailhouse.Sender = (*Sender)(nil)

// New returns the sender of a directory, which is made where it is missing.
func New(dir string) *Sender { return &Sender{dir} }

// Send implements trailhouse.Sender. The receipt is the path of the first file.
func (s *Sender) Send(ctx context.Context, d *trailhouse.Delivery) (string, error) {
	receipt := ""
	for _, f := range d.Files {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		path := filepath.Join(s.dir, filepath.FromSlash(f.Key))
		err := s.write(path, f, d.ID)
		if errors.Is(err, errOther) {
			return "", d.Taken(path)
		}
		if err != nil {
			return "", fault(path, err)
		}
		if receipt == "" {
			receipt = path
		}
	}
	return receipt, nil
}

// write makes one file. What a process that died left aside is written over.
func (s *Sender) write(path string, file trailhouse.DeliveryFile, id string) error {
	if done, err := same(path, file); done || err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	aside := filepath.Join(filepath.Dir(path), "."+id+"-"+filepath.Base(path)+".tmp")
	if len(filepath.Base(aside)) > 255 {
		aside = filepath.Join(filepath.Dir(path), "."+id+".tmp")
	}
	f, err := os.OpenFile(aside, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(aside) }() // gone already where it was renamed
	_, err = f.Write(file.Content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := name(aside, path); errors.Is(err, fs.ErrExist) {
		done, err := same(path, file)
		if err == nil && !done {
			err = errOther
		}
		return err
	} else if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// name gives a file a name that no other has: an empty file keeps it, which the rename
// replaces. Hard links would do so in one step, but not every file system has them. An
// empty file is there already where a process died in between.
func name(aside, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err == nil {
		err = f.Close()
	} else if info, gone := os.Lstat(path); gone == nil && info.Mode().IsRegular() && info.Size() == 0 {
		err = nil
	}
	if err != nil {
		return err
	}
	return os.Rename(aside, path)
}

// errOther says that a file is there with other content.
var errOther = errors.New("there is another file")

// same reports whether the file is there with the same content. One with other content is
// errOther; an empty one is a name that is kept for it.
func same(path string, file trailhouse.DeliveryFile) (bool, error) {
	have, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case file.Same(have):
		return true, nil
	case len(have) == 0:
		return false, nil
	}
	return false, errOther
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// fault gives an error of the file system its code.
func fault(path string, err error) error {
	var known *trailhouse.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, fs.ErrPermission):
		return trailhouse.Errorf(trailhouse.CodeDenied, "%s cannot be written: %w", path, err).WithHint("check who owns the directory")
	}
	return trailhouse.Errorf(trailhouse.CodeStorage, "%s cannot be written: %w", path, err).WithHint("check the path and the free space of its disk")
}
