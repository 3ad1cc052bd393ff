package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// primed is how much before the position is read again for the ordinals, in bytes.
const primed = 64 << 10

// headBytes is how much at the beginning of a file, and as much before a place in it,
// tells it from another one. Each line has its time to the millisecond there.
const headBytes = 128

// place is how far a file was copied, and what stood at its beginning and before.
type place struct {
	offset     int64
	head, last []byte
	skip       bool // within a line of which the beginning was copied
}

// past returns the place behind more text.
func (p place) past(text []byte) place {
	if len(p.head) < headBytes && int64(len(p.head)) == p.offset {
		p.head = append(bytes.Clone(p.head), text[:min(len(text), headBytes-len(p.head))]...)
	}
	p.last = append(bytes.Clone(p.last), text[max(0, len(text)-headBytes):]...)
	p.last = p.last[max(0, len(p.last)-headBytes):]
	p.offset += int64(len(text))
	return p
}

// in reports whether the file holds what stood before the place.
func (p place) in(file io.ReaderAt) bool {
	return holds(file, 0, p.head) && holds(file, p.offset-int64(len(p.last)), p.last)
}

func holds(file io.ReaderAt, at int64, want []byte) bool {
	got := make([]byte, len(want))
	n, _ := file.ReadAt(got, at) // a shorter file holds less
	return bytes.Equal(got[:n], want)
}

// followed is one file of the log.
type followed struct {
	file        *os.File
	path        string // when it was opened
	info        os.FileInfo
	now, before place // before the last read, for back
	seen        ordinals
	undo        []uint64
	copied      bool // a copy of a file that was cut, to which nobody writes
}

// errOther is the error of a file that is not the one that was followed.
var errOther = errors.New("it holds something else")

// follow opens a file at a place in it.
func follow(path string, at place) (*followed, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && (info.Size() < at.offset || !at.in(file)) {
		err = errOther
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	f := &followed{file: file, path: path, info: info, now: at, before: at, seen: newOrdinals()}
	f.prime()
	return f, nil
}

// prime counts the lines just before the position, so that one equal to them that follows
// has its ordinal.
func (f *followed) prime() {
	from := max(0, f.now.offset-primed)
	text := make([]byte, f.now.offset-from)
	n, _ := f.file.ReadAt(text, from)
	for line := range bytes.Lines(text[:n]) {
		f.seen.next(bytes.TrimSuffix(line, []byte("\n")))
	}
}

// cut reports whether the file was cut or written anew in place (copytruncate).
func (f *followed) cut() (bool, error) {
	info, err := f.file.Stat()
	if err != nil {
		return false, fmt.Errorf("the log cannot be read: %w", err)
	}
	return info.Size() < f.now.offset || !f.now.in(f.file), nil
}

// read returns the records up to the last line end.
func (f *followed) read() ([]record, error) {
	f.before, f.undo = f.now, f.undo[:0]
	buffer := make([]byte, maxRead)
	text, err := f.more(buffer)
	for err == nil && f.now.skip && len(text) > 0 {
		f.skip(text)
		text, err = f.more(buffer)
	}
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	if last := bytes.LastIndex(text, []byte("\n[")) + 1; last > 0 && len(text) == maxRead {
		end = last // the rest of the record is in the next read
	}
	switch {
	case end > 0:
		return f.split(text[:end]), nil
	case len(text) == maxRead:
		return []record{f.tooLong(text)}, nil
	case len(text) > 0 && f.copied:
		r := f.split(text) // nothing more will come
		r[len(r)-1].open = true
		return r, nil
	}
	return nil, nil
}

// more reads what follows.
func (f *followed) more(buffer []byte) ([]byte, error) {
	n, err := f.file.ReadAt(buffer, f.now.offset)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("the log cannot be read: %w", err)
	}
	return buffer[:n], nil
}

// skip passes over the rest of a line that is too long.
func (f *followed) skip(text []byte) {
	rest := bytes.IndexByte(text, '\n') + 1
	skip := rest == 0
	if skip {
		rest = len(text)
	}
	f.now = f.now.past(text[:rest])
	f.now.skip = skip
}

// tooLong takes the beginning of a line that no record can hold.
func (f *followed) tooLong(text []byte) record {
	r := record{text: bytes.Clone(text[:maxRecord]), path: f.path, offset: f.now.offset, cut: true}
	f.now = f.now.past(text)
	f.now.skip = true
	return r
}

// split makes records of whole lines: one begins with a bracket, what follows goes on
// with it (facts/nitro.md 2.2).
func (f *followed) split(text []byte) []record {
	var out []record
	at := f.now.offset
	for line := range bytes.Lines(text) {
		begin := at
		at += int64(len(line))
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) > maxRecord {
			out = append(out, record{text: bytes.Clone(line[:maxRecord]), path: f.path, offset: begin, cut: true})
			continue
		}
		last := len(out) - 1
		if last >= 0 && (len(line) == 0 || line[0] != '[') && !out[last].cut && len(out[last].text)+len(line) < maxRecord {
			out[last].text = append(append(out[last].text, '\n'), line...)
			continue
		}
		ordinal, hash := f.seen.next(line)
		f.undo = append(f.undo, hash)
		out = append(out, record{text: bytes.Clone(line), path: f.path, offset: begin, ordinal: ordinal})
	}
	f.now = f.now.past(text)
	return out
}

// back takes the last read back.
func (f *followed) back() {
	f.now = f.before
	f.seen.back(f.undo)
	f.undo = f.undo[:0]
}
