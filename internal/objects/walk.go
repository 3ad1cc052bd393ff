package objects

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/trailhouse/trailhouse"
)

// File is one regular file that Walk found.
type File struct {
	// Path is absolute. A file that was reached by a link keeps the link's path.
	Path string
	// Size is the stored size in bytes.
	Size int64
	// Modified is the time of the last write.
	Modified time.Time
	// Explicit says that the caller named this very file.
	Explicit bool
}

// ID names the file's content: equal for the same path, size and time of the last
// write, 32 hexadecimal digits.
func (f File) ID() string {
	h := sha256.New()
	h.Write([]byte(f.Path))
	h.Write([]byte{0})
	h.Write(strconv.AppendInt(nil, f.Size, 10))
	h.Write([]byte{0})
	h.Write(strconv.AppendInt(nil, f.Modified.UnixNano(), 10))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Walk calls visit for each regular file among paths and in the trees below them:
// paths in the order given, entries of a directory by name. A file is visited once,
// however many paths and links lead to it. Links to files are followed; a link to a
// directory is followed only where it is itself one of the paths, so there are no
// loops and no way out of a tree. What cannot be read, or is no file, is told to
// miss with the reason and does not stop the walk. An error that visit or miss
// returns ends the walk and is returned unchanged.
func Walk(ctx context.Context, paths []string, visit func(File) error, miss func(path string, err error) error) error {
	w := walker{ctx: ctx, visit: visit, miss: miss, seen: map[string]bool{}, named: map[string]bool{}}
	roots := make([]string, len(paths))
	for i, p := range paths {
		roots[i] = p
		if abs, err := filepath.Abs(p); err == nil {
			roots[i] = abs
		}
		if real, err := filepath.EvalSymlinks(roots[i]); err == nil {
			w.named[real] = true
		}
	}
	for _, root := range roots {
		if err := w.root(root); err != nil {
			return err
		}
	}
	return nil
}

// walker is one walk. seen and named hold real paths, free of links.
type walker struct {
	ctx   context.Context
	visit func(File) error
	miss  func(string, error) error
	seen  map[string]bool
	named map[string]bool
}

// root visits one of the paths that the caller named.
func (w *walker) root(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return w.miss(path, Fault(path, err))
	}
	if info.IsDir() {
		return w.directory(path)
	}
	return w.entry(path, info)
}

// directory visits what lies in a directory. A listing that broke off midway still
// gives the entries it had.
func (w *walker) directory(path string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		if err := w.miss(path, Fault(path, err)); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if err := w.child(filepath.Join(path, e.Name()), e); err != nil {
			return err
		}
	}
	return nil
}

// child visits one entry of a directory.
func (w *walker) child(path string, e fs.DirEntry) error {
	if e.IsDir() {
		return w.directory(path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return w.miss(path, Fault(path, err))
	}
	if info.IsDir() {
		return w.miss(path, trailhouse.Errorf(trailhouse.CodeInvalid, "%s is a link to a directory, which is not followed", path).
			WithHint("name the directory itself to read it"))
	}
	return w.entry(path, info)
}

// entry visits what is not a directory. A pipe or a device is never opened: reading
// one might wait for ever.
func (w *walker) entry(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return w.miss(path, trailhouse.Errorf(trailhouse.CodeInvalid, "%s is not a regular file", path).
			WithHint("save what it gives to a file and import that"))
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return w.miss(path, Fault(path, err))
	}
	if w.seen[real] {
		return nil
	}
	w.seen[real] = true
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return w.visit(File{Path: path, Size: info.Size(), Modified: info.ModTime(), Explicit: w.named[real]})
}
