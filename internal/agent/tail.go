package agent

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/trailhouse/trailhouse"
)

// Limits of what is read at once and of one record, in bytes: a record must fit one event
// of CloudWatch Logs, and JSON may make six bytes of one.
const (
	maxRead   = 256 << 10
	maxRecord = 32 << 10
)

// maxFollowed is how many files of the log are followed at a time. Each running enclave
// goes on writing to the file that was there when it began, whatever it is called by now
// (facts/nitro.md 2.2).
const maxFollowed = 8

// record is one record of the log, or the rest of one.
type record struct {
	text      []byte
	path      string
	offset    int64
	ordinal   int64
	open, cut bool
}

// line returns the record as a line of the agent.
func (r *record) line() trailhouse.AgentLine {
	l := trailhouse.AgentLine{Event: trailhouse.AgentLog, File: r.path, Offset: r.offset, Ordinal: r.ordinal, Open: r.open, Cut: r.cut}
	if utf8.Valid(r.text) {
		l.Line = string(r.text)
	} else {
		l.Raw = r.text
	}
	return l
}

// tail follows the log by inode.
type tail struct {
	path  string
	files []*followed // oldest first
	read  *followed   // the one whose records next gave last
	dirty bool        // a position changed since save
	notes []string    // what an operator should know, to be taken
}

func newTail(path string) *tail { return &tail{path: path} }

// next returns the records that came, oldest file first. An empty result is the end for
// now. They are taken as kept unless back is called. A file that cannot be read keeps no
// other from being copied: its error is returned where there are no records.
func (t *tail) next() ([]record, error) {
	failed := t.find()
	for _, f := range slices.Clone(t.files) {
		cut, err := f.cut()
		if cut {
			if old := t.recover(f); old != nil {
				f = old
			}
		}
		var out []record
		if err == nil {
			out, err = f.read()
		}
		if len(out) > 0 {
			t.read, t.dirty = f, true
			return out, nil
		}
		if f.copied && err == nil {
			t.drop(f)
		}
		failed = cmp.Or(failed, err)
	}
	return nil, failed
}

// back takes the last records back: they could not be kept.
func (t *tail) back() {
	if t.read != nil {
		t.read.back()
	}
}

// recover begins a file again that was cut, and returns the copy that was made of it
// before, in which the rest is: nil where there is none.
func (t *tail) recover(f *followed) *followed {
	old := t.copyOf(f.now)
	if old == nil {
		t.notes = append(t.notes, fmt.Sprintf("the log %s was cut at byte %d or written anew, and no copy of it is beside it: lines that came to it just before may be missing", f.path, f.now.offset))
	} else {
		old.seen = f.seen
		t.files = slices.Insert(t.files, slices.Index(t.files, f), old)
	}
	f.now, f.seen, f.undo = place{}, newOrdinals(), nil
	f.before, t.dirty = f.now, true
	return old
}

// find opens the file that has the log's name now, where that is another one.
func (t *tail) find() error {
	info, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // not there yet, or just being rotated
	}
	if err != nil {
		return fmt.Errorf("the log cannot be read: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("the log cannot be read: %s is no regular file", t.path)
	}
	if t.follows(info) {
		return nil
	}
	f, err := follow(t.path, place{})
	if err != nil {
		return fmt.Errorf("the log cannot be read: %w", err)
	}
	t.add(f)
	return nil
}

// add follows one file more, and no longer the oldest of too many.
func (t *tail) add(f *followed) {
	t.files = append(t.files, f)
	t.dirty = true
	if len(t.files) > maxFollowed {
		t.notes = append(t.notes, fmt.Sprintf("%s is followed no longer: %d files came after it", t.files[0].path, maxFollowed))
		t.drop(t.files[0])
	}
}

// drop follows a file no longer.
func (t *tail) drop(f *followed) {
	_ = f.file.Close() // it was read only
	t.files = slices.DeleteFunc(t.files, func(o *followed) bool { return o == f })
	t.dirty = true
}
