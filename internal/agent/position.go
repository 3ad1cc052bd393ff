package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// position is how far one file was copied, as it is kept between runs.
type position struct {
	Path   string `json:"path"`
	ID     string `json:"id"` // device:inode
	Offset int64  `json:"offset"`
	// Head and Last are what stood at the beginning and before the offset: an inode comes
	// again once its file is removed, and a file that was cut may have grown beyond the
	// offset since.
	Head []byte `json:"head,omitempty"`
	Last []byte `json:"last,omitempty"`
	// Skip says that the offset is within a line of which the beginning was copied.
	Skip bool `json:"skip,omitempty"`
}

// save keeps the positions, after their lines were kept.
func (t *tail) save(path string) error {
	if !t.dirty || path == "" {
		return nil
	}
	list := make([]position, len(t.files))
	for i, f := range t.files {
		list[i] = position{Path: f.path, ID: fileID(f.info), Offset: f.now.offset, Head: f.now.head, Last: f.now.last, Skip: f.now.skip}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("positions cannot be kept: %w", err)
	}
	if err := writeFile(path, text); err != nil {
		return fmt.Errorf("positions cannot be kept, so that a restart copies lines again: %w", err)
	}
	t.dirty = false
	return nil
}

// load goes on where the run before ended: in the same files, whatever they are called
// now, and where one was cut meanwhile, in the copy that was made of it before.
func (t *tail) load(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || path == "" || t.path == "" {
		return nil
	}
	var list []position
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		return fmt.Errorf("positions cannot be read, so that the log is copied from its beginning: %w", err)
	}
	t.dirty = true
	var missing int
	for i := range list {
		f := t.reopen(&list[i])
		if f == nil {
			missing++
			continue
		}
		t.add(f)
	}
	if info, err := os.Stat(path); err == nil {
		t.since(info.ModTime())
	}
	if missing > 0 {
		return fmt.Errorf("%d file(s) of the log that were followed are gone, were cut or were packed: lines that came to them since are not copied", missing)
	}
	return nil
}

// since follows what else came beside the log after the positions were kept: of several
// rotations meanwhile only the first renamed or copied a file that was followed.
func (t *tail) since(kept time.Time) {
	type found struct {
		name string
		info os.FileInfo
	}
	var all []found
	for _, name := range t.names() {
		info, err := os.Stat(name)
		if err == nil && name != t.path && info.ModTime().After(kept) && !t.follows(info) {
			all = append(all, found{name, info})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return a.info.ModTime().Compare(b.info.ModTime()) })
	for _, one := range all {
		f, err := follow(one.name, place{})
		if err == nil && !holds(f.file, 0, []byte("[")) {
			err = errors.Join(errors.New("it is no log, or was packed"), f.file.Close())
		}
		if err != nil {
			t.notes = append(t.notes, fmt.Sprintf("%s came since the agent last ran and is not copied: %v", one.name, err))
			continue
		}
		t.add(f)
	}
}

// follows reports whether a file is followed.
func (t *tail) follows(info os.FileInfo) bool {
	return slices.ContainsFunc(t.files, func(f *followed) bool { return os.SameFile(f.info, info) })
}

// reopen finds a file by its inode and what it held, or else a copy of it.
func (t *tail) reopen(p *position) *followed {
	at := place{offset: p.Offset, head: p.Head, last: p.Last, skip: p.Skip}
	if p.Offset < 0 {
		return nil
	}
	for _, name := range append([]string{p.Path}, t.names()...) {
		info, err := os.Stat(name)
		if err != nil || fileID(info) != p.ID {
			continue
		}
		if f, err := follow(name, at); err == nil {
			return f
		}
	}
	return t.copyOf(at)
}

// copyOf finds a file beside the log that holds what stood before a place, nil where
// there is none: what copytruncate of logrotate made before it cut the log.
func (t *tail) copyOf(at place) *followed {
	if len(at.last) == 0 {
		return nil
	}
	for _, name := range t.names() {
		if name == t.path {
			continue
		}
		if f, err := follow(name, at); err == nil {
			f.copied = true
			return f
		}
	}
	return nil
}

// names lists the files beside the log whose names begin with its own. What cannot be
// listed is not there.
func (t *tail) names() (names []string) {
	entries, _ := os.ReadDir(filepath.Dir(t.path))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(t.path)) && e.Type().IsRegular() {
			names = append(names, filepath.Join(filepath.Dir(t.path), e.Name()))
		}
	}
	return names
}

// writeFile replaces a small file for good.
func writeFile(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // of no use
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
