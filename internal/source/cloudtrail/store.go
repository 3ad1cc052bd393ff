package cloudtrail

import (
	"context"
	"io"
	"os"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
)

// Store is a place with objects. Its methods may be called by several goroutines.
type Store interface {
	// List calls visit for each object, in any order. A place that cannot be listed, or
	// that holds no objects, is told to miss and does not stop the rest. An error that
	// visit or miss returns ends the listing and is returned unchanged.
	List(ctx context.Context, visit func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error
	// Open returns the stored bytes of an object from their beginning: those that the
	// unit's ID names, or CodeConflict where the object was replaced since it was
	// listed. A unit of which only Object is set is the object as it is now. It fails
	// with CodeNotFound, CodeDenied, and CodeStorage where the store fails, and so does
	// reading.
	Open(ctx context.Context, u trailhouse.Unit) (io.ReadCloser, error)
}

// Files is the Store of files on this machine.
type Files struct {
	// Paths are files and directory trees.
	Paths []string
}

// List implements Store.
func (f Files) List(ctx context.Context, visit func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error {
	return objects.Walk(ctx, f.Paths, func(f objects.File) error {
		return visit(trailhouse.Unit{ID: f.ID(), Object: f.Path, Size: f.Size, Modified: f.Modified, Explicit: f.Explicit})
	}, func(path string, err error) error {
		c := trailhouse.Coverage{Source: Name, Scope: parseName(path).scope(), Object: path, Result: trailhouse.CoverageMissing, Detail: err.Error(), Cause: err}
		if trailhouse.CodeOf(err) == trailhouse.CodeInvalid {
			c.Result = trailhouse.CoverageIgnored
		}
		return miss(c)
	})
}

// Open implements Store.
func (f Files) Open(_ context.Context, u trailhouse.Unit) (io.ReadCloser, error) {
	file, err := os.Open(u.Object)
	if err != nil {
		return nil, objects.Fault(u.Object, err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		err = objects.Fault(u.Object, err)
	case !info.Mode().IsRegular():
		err = trailhouse.Errorf(trailhouse.CodeInvalid, "%s is not a regular file", u.Object)
	case !u.Modified.IsZero() && (info.Size() != u.Size || !info.ModTime().Equal(u.Modified)):
		err = trailhouse.Errorf(trailhouse.CodeConflict, "%s was changed since it was listed", u.Object).
			WithHint("import it again")
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return faultyFile{file, u.Object}, nil
}

// faultyFile names the file in errors of the disk.
type faultyFile struct {
	*os.File
	path string
}

func (f faultyFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if err != nil && err != io.EOF {
		err = objects.Fault(f.path, err)
	}
	return n, err
}

// WriteTo hides the one of os.File, whose errors have no name.
func (f faultyFile) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{f})
}
