package objects

import (
	"io"
	"os"

	"github.com/trailhouse/trailhouse"
)

// Object is an open file. It has the size that the file had when it was opened:
// what is appended later is not seen, so that two passes read the same bytes.
type Object struct {
	path   string
	file   *os.File
	info   os.FileInfo
	limits Limits
	gz     bool
}

// Open opens a regular file. Errors are CodeNotFound, CodeDenied, CodeInvalid for
// what is no regular file, and CodeStorage.
func Open(path string, limits Limits) (*Object, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, Fault(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, trailhouse.Errorf(trailhouse.CodeInvalid, "%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, Fault(path, err)
	}
	o := &Object{path: path, file: f, limits: limits}
	if o.info, err = f.Stat(); err != nil {
		_ = f.Close() // it was only read
		return nil, Fault(path, err)
	}
	var magic [2]byte
	if n, err := f.ReadAt(magic[:], 0); err != nil && err != io.EOF {
		_ = f.Close() // it was only read
		return nil, Fault(path, err)
	} else if n == 2 {
		o.gz = isGzip(magic[:])
	}
	return o, nil
}

// File returns the file's path, size and time as they were when it was opened.
func (o *Object) File() File {
	return File{Path: o.path, Size: o.info.Size(), Modified: o.info.ModTime()}
}

// Compressed reports whether the file is a gzip file, by its first bytes.
func (o *Object) Compressed() bool { return o.gz }

// Most returns the most bytes that Reader can give.
func (o *Object) Most() int64 {
	if !o.gz {
		return o.info.Size()
	}
	return min(o.limits.inflated(), max(ratioFloor, o.info.Size()*o.limits.ratio()))
}

// Reader returns the inflated bytes from the start. Each call gives a reader of its
// own. It fails as Inflate does, and with CodeStorage where the disk fails.
func (o *Object) Reader() io.Reader {
	section := io.NewSectionReader(o.file, 0, o.info.Size())
	if !o.gz {
		return &faulty{path: o.path, r: section}
	}
	return inflate(section, o.path, o.limits)
}

// Close closes the file.
func (o *Object) Close() error { return o.file.Close() }

// faulty names the file in errors of the file system.
type faulty struct {
	path string
	r    io.Reader
}

func (f *faulty) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		err = Fault(f.path, err)
	}
	return n, err
}
