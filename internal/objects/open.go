package objects

import (
	"io"
	"os"

	"github.com/trailhouse/trailhouse"
)

// Object is an open file, or what was fetched of one that lies elsewhere. It has the size
// that the file had when it was opened: what is appended later is not seen, so that two
// passes read the same bytes.
type Object struct {
	file   File
	bytes  io.ReaderAt
	close  func() error
	limits Limits
	gz     bool
}

// New returns an object whose bytes are elsewhere than in a file of that path, as many as
// its size says. Close calls the last argument.
func New(f File, bytes io.ReaderAt, limits Limits, close func() error) (*Object, error) {
	o := &Object{file: f, bytes: bytes, close: close, limits: limits}
	var magic [2]byte
	n, err := bytes.ReadAt(magic[:], 0)
	if err != nil && err != io.EOF {
		_ = close() // it was only read
		return nil, Fault(f.Path, err)
	}
	o.gz = n == 2 && isGzip(magic[:])
	return o, nil
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
	if info, err = f.Stat(); err != nil {
		_ = f.Close() // it was only read
		return nil, Fault(path, err)
	}
	return New(File{Path: path, Size: info.Size(), Modified: info.ModTime()}, f, limits, f.Close)
}

// File returns the file's path, size and time as they were when it was opened.
func (o *Object) File() File { return o.file }

// Compressed reports whether the file is a gzip file, by its first bytes.
func (o *Object) Compressed() bool { return o.gz }

// Most returns the most bytes that Reader can give.
func (o *Object) Most() int64 {
	if !o.gz {
		return o.file.Size
	}
	return min(o.limits.inflated(), max(ratioFloor, o.file.Size*o.limits.ratio()))
}

// Reader returns the inflated bytes from the start. Each call gives a reader of its
// own. It fails as Inflate does, and with CodeStorage where the disk fails.
func (o *Object) Reader() io.Reader {
	section := io.NewSectionReader(o.bytes, 0, o.file.Size)
	if !o.gz {
		return &faulty{path: o.file.Path, r: section}
	}
	return inflate(section, o.file.Path, o.limits)
}

// Close closes the file.
func (o *Object) Close() error { return o.close() }

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
