package objects

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
)

// MaxLine is how much of one line is kept, in bytes.
const MaxLine = 1 << 20

// Line is one line of a text.
type Line struct {
	// Offset is where the line begins, in bytes from the start of the text.
	Offset int64
	// Length is the length of the whole line in bytes, without its line feed.
	Length int64
	// Text is the line without its line feed, at most MaxLine bytes of it. It is
	// valid until the next call of Next.
	Text []byte
	// Terminated says that a line feed follows.
	Terminated bool
	// Zeros says that this is a run of zero bytes that stood at the beginning of a
	// line; the rest of that line follows as a line of its own.
	Zeros bool
	// SHA256 is the hash of the whole line where Text is not the whole, and of a run
	// of zeros; else it is not set.
	SHA256 [32]byte
}

// Cut says that Text holds only the first MaxLine bytes.
func (l *Line) Cut() bool { return l.Length > int64(len(l.Text)) }

// Lines reads a text line by line in bounded memory: a line of usual length is not
// copied, and of a longer one only the beginning, the length and the hash are kept.
type Lines struct {
	r        io.Reader
	buf      []byte
	from, to int   // the part of buf that is not yet given out
	offset   int64 // of buf[from] in the text
	eof      bool
	kept     []byte // the beginning of a long line
}

// NewLines returns a reader of the lines of r.
func NewLines(r io.Reader) *Lines {
	return &Lines{r: r, buf: make([]byte, 256<<10)}
}

// Next returns the next line, io.EOF after the last, or the error of the reader
// below unchanged.
func (l *Lines) Next() (Line, error) {
	searched := 0
	for {
		window := l.buf[l.from:l.to]
		if len(window) > 0 && window[0] == 0 {
			return l.zeros()
		}
		if i := bytes.IndexByte(window[searched:], '\n'); i >= 0 && searched+i <= MaxLine {
			return l.take(searched+i, true), nil
		}
		if searched = len(window); searched > MaxLine {
			return l.long()
		}
		if l.eof {
			if searched == 0 {
				return Line{}, io.EOF
			}
			return l.take(searched, false), nil
		}
		if err := l.fill(); err != nil {
			return Line{}, err
		}
	}
}

// take gives out the next n bytes as a line.
func (l *Lines) take(n int, terminated bool) Line {
	line := Line{Offset: l.offset, Length: int64(n), Text: l.buf[l.from : l.from+n : l.from+n], Terminated: terminated}
	l.skip(n)
	if terminated {
		l.skip(1)
	}
	return line
}

// skip drops n bytes that are in the buffer.
func (l *Lines) skip(n int) {
	l.from += n
	l.offset += int64(n)
}

// fill reads more bytes behind those in the buffer, which grows only until a line
// is known to be a long one.
func (l *Lines) fill() error {
	if l.from > 0 {
		l.to = copy(l.buf, l.buf[l.from:l.to])
		l.from = 0
	}
	if l.to == len(l.buf) {
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	n, err := l.r.Read(l.buf[l.to:])
	l.to += n
	if err == io.EOF {
		l.eof, err = true, nil
	}
	return err
}

// long gives out a line of which only the beginning can be kept.
func (l *Lines) long() (Line, error) {
	line := Line{Offset: l.offset}
	whole := sha256.New()
	l.kept = l.kept[:0]
	for {
		window := l.buf[l.from:l.to]
		end := bytes.IndexByte(window, '\n')
		line.Terminated = end >= 0
		if end < 0 {
			end = len(window)
		}
		l.keep(whole, window[:end])
		line.Length += int64(end)
		if line.Terminated {
			l.skip(1)
		}
		if line.Terminated || l.eof {
			line.Text = l.kept
			whole.Sum(line.SHA256[:0])
			return line, nil
		}
		if err := l.fill(); err != nil {
			return Line{}, err
		}
	}
}

// zeros gives out a run of zero bytes: a machine that lost its power leaves such
// tails, and the next record is then appended to them on the same line.
func (l *Lines) zeros() (Line, error) {
	line := Line{Offset: l.offset, Zeros: true}
	whole := sha256.New()
	l.kept = l.kept[:0]
	for {
		n := 0
		for window := l.buf[l.from:l.to]; n < len(window) && window[n] == 0; {
			n++
		}
		l.keep(whole, l.buf[l.from:l.from+n])
		line.Length += int64(n)
		if l.from < l.to || l.eof {
			line.Text = l.kept
			whole.Sum(line.SHA256[:0])
			return line, nil
		}
		if err := l.fill(); err != nil {
			return Line{}, err
		}
	}
}

// keep moves bytes of a long line from the buffer to its hash and its beginning.
func (l *Lines) keep(whole hash.Hash, part []byte) {
	whole.Write(part)
	l.kept = append(l.kept, part[:min(len(part), MaxLine-len(l.kept))]...)
	l.skip(len(part))
}
