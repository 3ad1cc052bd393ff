package tape

import (
	"hash"
	"io"
)

// The sizes of windows. A record larger than MaxValue is no CloudTrail event (their
// limit is 1 MB, facts/cloudtrail.md 2.1) and is not held in memory whole.
const (
	windowSize = 1 << 20
	MaxValue   = 16 << 20
)

// Window is the part of a text that is in memory: all of it, or a piece that moves.
type Window struct {
	buf  []byte // the text, and behind it Padding zero bytes
	base int64  // of buf in the text
	r    io.Reader
	eof  bool
	hash hash.Hash // of what was read, where it is wanted
}

// Whole returns the window of a text that is in memory with its Padding.
func Whole(buf []byte) *Window { return &Window{buf: buf, eof: true} }

// Moving returns a window that moves over what r gives.
func Moving(r io.Reader, h hash.Hash) *Window {
	return &Window{buf: make([]byte, Padding, windowSize), r: r, hash: h}
}

// len returns how many bytes of text are in the window.
func (w *Window) len() int { return len(w.buf) - Padding }

// more reads on and drops what stands before keep, whose new place is 0. It fills the
// window, so that a value is not scanned once more for each little piece of it. It fails
// with the error of the reader below unchanged.
func (w *Window) more(keep int) error {
	n := copy(w.buf, w.buf[keep:w.len()])
	w.base += int64(keep)
	if n+Padding >= cap(w.buf)/2 {
		w.buf = append(make([]byte, 0, 2*cap(w.buf)), w.buf[:n]...)
	}
	room := w.buf[n : cap(w.buf)-Padding]
	got, err := io.ReadFull(w.r, room)
	if w.hash != nil {
		w.hash.Write(room[:got])
	}
	w.buf = w.buf[:n+got+Padding]
	clear(w.buf[n+got:])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		w.eof, err = true, nil
	}
	return err
}
