package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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

// primed is how much before the position is read again for the ordinals, in bytes.
const primed = 64 << 10

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
	told  string      // the last error that was news
	dirty bool        // a position changed since save
}

// followed is one file of the log.
type followed struct {
	file   *os.File
	path   string // when it was opened
	info   os.FileInfo
	offset int64
	before int64  // offset before the last read, for back
	head   []byte // its first bytes, by which a truncation is known that grew again
	seen   ordinals
	undo   []uint64
}

func newTail(path string) *tail { return &tail{path: path} }

// news reports whether an error is another one than the last.
func (t *tail) news(err error) bool {
	was := t.told
	t.told = err.Error()
	return was != t.told
}

// next returns the records that came, oldest file first. An empty result is the end for
// now. They are taken as kept unless back is called.
func (t *tail) next() ([]record, error) {
	if err := t.find(); err != nil {
		return nil, err
	}
	for _, f := range t.files {
		out, err := f.read()
		if len(out) > 0 || err != nil {
			t.dirty = t.dirty || len(out) > 0
			return out, err
		}
	}
	return nil, nil
}

// back takes the last records back: they could not be kept.
func (t *tail) back() {
	for _, f := range t.files {
		f.back()
	}
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
	if info.IsDir() {
		return fmt.Errorf("the log %s is a directory", t.path)
	}
	if slices.ContainsFunc(t.files, func(f *followed) bool { return os.SameFile(f.info, info) }) {
		return nil
	}
	f, err := follow(t.path, 0)
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
		_ = t.files[0].file.Close() // it was read only
		t.files = t.files[1:]
	}
}

// follow opens a file at an offset.
func follow(path string, offset int64) (*followed, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	f := &followed{file: file, path: path, info: info, offset: offset, seen: newOrdinals()}
	f.head = f.first(headBytes)
	if offset > 0 {
		f.prime()
	}
	f.before = f.offset
	return f, nil
}

// headBytes is how much of a file tells it from another one of the same inode.
const headBytes = 128

// first returns the first bytes of the file, up to its position.
func (f *followed) first(n int64) []byte {
	head := make([]byte, min(n, f.offset))
	got, _ := f.file.ReadAt(head, 0) // a shorter file is seen as such
	return head[:got]
}

// prime counts the lines just before the position, so that one equal to them that follows
// has its ordinal.
func (f *followed) prime() {
	from := max(0, f.offset-primed)
	text := make([]byte, f.offset-from)
	n, _ := f.file.ReadAt(text, from)
	for line := range bytes.Lines(text[:n]) {
		f.seen.next(bytes.TrimSuffix(line, []byte("\n")))
	}
}

// truncated reports whether the file was cut or written anew in place (copytruncate).
func (f *followed) truncated() (bool, error) {
	info, err := f.file.Stat()
	if err != nil {
		return false, err
	}
	return info.Size() < f.offset || !bytes.Equal(f.first(int64(len(f.head))), f.head), nil
}

// read returns the records up to the last line end.
func (f *followed) read() ([]record, error) {
	f.before, f.undo = f.offset, f.undo[:0]
	cut, err := f.truncated()
	if err != nil {
		return nil, fmt.Errorf("the log cannot be read: %w", err)
	}
	if cut {
		f.offset, f.head, f.seen = 0, nil, newOrdinals()
		f.before = 0
	}
	buffer := make([]byte, maxRead)
	n, err := f.file.ReadAt(buffer, f.offset)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("the log cannot be read: %w", err)
	}
	text := buffer[:n]
	end := bytes.LastIndexByte(text, '\n') + 1
	if end == 0 {
		if n < maxRecord {
			return nil, nil
		}
		return []record{f.tooLong(text)}, nil
	}
	out := f.split(text[:end])
	if len(f.head) < headBytes {
		f.head = f.first(headBytes)
	}
	return out, nil
}

// tooLong takes the beginning of a line that no record can hold.
func (f *followed) tooLong(text []byte) record {
	r := record{text: text[:maxRecord], path: f.path, offset: f.offset, cut: true}
	f.offset += int64(len(text))
	return r
}

// split makes records of whole lines: one begins with a bracket, what follows goes on
// with it (facts/nitro.md 2.2).
func (f *followed) split(text []byte) []record {
	var out []record
	for line := range bytes.Lines(text) {
		at := f.offset
		f.offset += int64(len(line))
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) > maxRecord {
			out = append(out, record{text: bytes.Clone(line[:maxRecord]), path: f.path, offset: at, cut: true})
			continue
		}
		last := len(out) - 1
		if last >= 0 && (len(line) == 0 || line[0] != '[') && !out[last].cut && len(out[last].text)+len(line) < maxRecord {
			out[last].text = append(append(out[last].text, '\n'), line...)
			continue
		}
		ordinal, hash := f.seen.next(line)
		f.undo = append(f.undo, hash)
		out = append(out, record{text: bytes.Clone(line), path: f.path, offset: at, ordinal: ordinal})
	}
	return out
}

// back takes the last read back.
func (f *followed) back() {
	f.offset = f.before
	f.seen.back(f.undo)
	f.undo = f.undo[:0]
}

// ordinals counts equal lines that stand near one another, which is where equal ones
// stand: each has its time to the millisecond.
type ordinals struct {
	seed   maphash.Seed
	count  map[uint64]int64
	recent []uint64
}

// near is how many lines are remembered.
const near = 1024

func newOrdinals() ordinals {
	return ordinals{seed: maphash.MakeSeed(), count: map[uint64]int64{}}
}

// next returns how many equal lines came before, and the line's hash.
func (o *ordinals) next(line []byte) (int64, uint64) {
	h := maphash.Bytes(o.seed, line)
	n := o.count[h]
	o.count[h] = n + 1
	o.recent = append(o.recent, h)
	if len(o.recent) > 2*near {
		for _, old := range o.recent[:near] {
			if !slices.Contains(o.recent[near:], old) {
				delete(o.count, old)
			}
		}
		o.recent = slices.Clone(o.recent[near:])
	}
	return n, h
}

// back forgets lines.
func (o *ordinals) back(hashes []uint64) {
	for _, h := range hashes {
		if o.count[h]--; o.count[h] <= 0 {
			delete(o.count, h)
		}
	}
}

// position is how far one file was copied, as it is kept between runs.
type position struct {
	Path   string `json:"path"`
	ID     string `json:"id"` // device:inode
	Offset int64  `json:"offset"`
}

// save keeps the positions, after their lines were kept.
func (t *tail) save(path string) error {
	if !t.dirty || path == "" {
		return nil
	}
	list := make([]position, len(t.files))
	for i, f := range t.files {
		list[i] = position{Path: f.path, ID: fileID(f.info), Offset: f.offset}
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
// now.
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
	names, _ := filepath.Glob(t.path + "*") // what cannot be listed is not there
	var missing int
	for _, p := range list {
		f := reopen(names, p)
		if f == nil {
			missing++
			continue
		}
		t.add(f)
	}
	if missing > 0 {
		return fmt.Errorf("%d file(s) of the log that were followed are gone or were packed: lines that came to them since are not copied", missing)
	}
	return nil
}

// reopen finds a file by its inode.
func reopen(names []string, p position) *followed {
	for _, name := range append([]string{p.Path}, names...) {
		if info, err := os.Stat(name); err == nil && fileID(info) == p.ID {
			if f, err := follow(name, p.Offset); err == nil {
				return f
			}
		}
	}
	return nil
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
