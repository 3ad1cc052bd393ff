package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	iceio "github.com/apache/iceberg-go/io"
)

// The scheme of every location, and the catalog property that says which
// directory it stands for. Iceberg-go hands the property to the file system of
// each table, so lakes in several directories can be open in one process.
const (
	scheme       = "local"
	locationRoot = scheme + ":///"
	dirProperty  = "trailhouse.dir"
)

// register makes iceberg-go find our file system under the scheme. It may be called
// any number of times, but iceberg-go panics at the second registration
// (facts/engine.md 2, bug 4), so one that loses a race recovers from that.
func register() {
	if slices.Contains(iceio.GetRegisteredSchemes(), scheme) {
		return
	}
	defer func() {
		if p := recover(); p != nil && !slices.Contains(iceio.GetRegisteredSchemes(), scheme) {
			panic("BUG: the scheme of locations cannot be registered")
		}
	}()
	iceio.Register(scheme, fileSystem)
}

// fileSystem makes the file system of a location, from the properties of the
// catalog or table that it belongs to.
func fileSystem(_ context.Context, _ *url.URL, props map[string]string) (iceio.IO, error) {
	dir := props[dirProperty]
	if dir == "" {
		return nil, fmt.Errorf("no %s for a %s location", dirProperty, scheme)
	}
	return localIO{dir: dir}, nil
}

// localIO is the file system below one directory. Unlike iceberg-go's own it
// syncs what it writes: the catalog's row is durable, so what it points to must
// be too (facts/engine.md 2, bug 4). It creates files and never replaces one.
type localIO struct {
	dir string
}

var (
	_ iceio.ReadFileIO  = localIO{}
	_ iceio.WriteFileIO = localIO{}
	_ iceio.StatIO      = localIO{}
)

// path returns the file that a location stands for. A location of another scheme,
// or one that leads out of the directory, is an error.
func (l localIO) path(location string) (string, error) {
	rel, ok := strings.CutPrefix(location, locationRoot)
	rel = filepath.FromSlash(rel)
	if !ok || !filepath.IsLocal(rel) {
		return "", &fs.PathError{Op: "resolve", Path: location, Err: errors.New("not a location of this lake")}
	}
	return filepath.Join(l.dir, rel), nil
}

// location returns the location of a file below the directory.
func (l localIO) location(path string) (string, error) {
	rel, err := filepath.Rel(l.dir, path)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s is not below %s", path, l.dir)
	}
	return locationRoot + filepath.ToSlash(rel), nil
}

// Open opens a file for reading.
func (l localIO) Open(name string) (iceio.File, error) {
	path, err := l.path(name)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// ReadFile returns a file's content.
func (l localIO) ReadFile(name string) ([]byte, error) {
	path, err := l.path(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Stat describes a file.
func (l localIO) Stat(name string) (fs.FileInfo, error) {
	path, err := l.path(name)
	if err != nil {
		return nil, err
	}
	return os.Stat(path)
}

// Remove removes a file.
func (l localIO) Remove(name string) error {
	path, err := l.path(name)
	if err != nil {
		return err
	}
	return os.Remove(path)
}

// Create creates a file, which is durable once its Close returned nil.
func (l localIO) Create(name string) (iceio.FileWriter, error) {
	path, err := l.path(name)
	if err != nil {
		return nil, err
	}
	if err := makeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return syncedFile{f}, nil
}

// WriteFile creates a durable file with the content.
func (l localIO) WriteFile(name string, content []byte) error {
	f, err := l.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// syncedFile is a file whose content and name are durable once it is closed.
type syncedFile struct {
	file *os.File
}

func (s syncedFile) Write(p []byte) (int, error) { return s.file.Write(p) }

func (s syncedFile) ReadFrom(r io.Reader) (int64, error) { return s.file.ReadFrom(r) }

func (s syncedFile) Close() error {
	if err := s.file.Sync(); err != nil {
		return errors.Join(err, s.file.Close())
	}
	if err := s.file.Close(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.file.Name()))
}

// makeDir makes a directory with its parents, each of them durable.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
