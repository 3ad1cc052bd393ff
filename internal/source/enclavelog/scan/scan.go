// Package scan reads JSON values from a stream in bounded memory, and keeps the beginning,
// the length and the hash of texts of any length. It knows nothing of what the values mean.
package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Scanner reads JSON values from a stream in bounded memory. The decoder of the
// standard library holds a whole value and puts U+FFFD where text is not UTF-8; here
// an export of 300 MB may be one line, and a record that is not UTF-8 must be told.
type Scanner struct {
	r        io.Reader
	buf      []byte
	pos, end int
	base     int64 // where buf[0] stands in the stream
	// OneLine says that a line feed ends a value.
	OneLine bool
	word    []byte // of scalar
}

// SyntaxError is what is wrong with a document, and where.
type SyntaxError struct {
	Offset int64
	What   string
}

// Error says what is wrong and at which byte.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.What, e.Offset) }

// New returns a scanner of a stream. Its methods fail with *SyntaxError where the document is
// wrong, and with the errors of the stream.
func New(r io.Reader) *Scanner {
	return &Scanner{r: r, buf: make([]byte, 64<<10)}
}

// Offset returns where the next byte stands in the stream.
func (s *Scanner) Offset() int64 { return s.base + int64(s.pos) }

// Wrong returns the error of a document that is wrong at the next byte.
func (s *Scanner) Wrong(what string) error { return &SyntaxError{Offset: s.Offset(), What: what} }

// fill reads more where the buffer is used up. It returns io.EOF at the end.
func (s *Scanner) fill() error {
	for s.pos == s.end {
		s.base += int64(s.end)
		s.pos, s.end = 0, 0
		n, err := s.r.Read(s.buf)
		s.end = n
		if n == 0 && err != nil {
			return err
		}
	}
	return nil
}

// peek returns the next byte; at the end of the stream the value is cut.
func (s *Scanner) peek() (byte, error) {
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			if err == io.EOF {
				return 0, s.Wrong("ends in the middle")
			}
			return 0, err
		}
	}
	return s.buf[s.pos], nil
}

// Token skips space within a value and returns the byte behind it.
func (s *Scanner) Token() (byte, error) {
	for {
		c, err := s.peek()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, nil
		}
		if c == '\n' && s.OneLine {
			return 0, s.Wrong("line ends in the middle")
		}
		s.pos++
	}
}

// Gap skips space between values, and the mark of UTF-8 before the first. It returns
// io.EOF at the end of the stream.
func (s *Scanner) Gap() error {
	for {
		if err := s.fill(); err != nil {
			return err
		}
		switch s.buf[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		case 0xef, 0xbb, 0xbf:
			if s.Offset() > 2 {
				return nil
			}
			s.pos++
		default:
			return nil
		}
	}
}

// Line skips the rest of a line up to its line feed.
func (s *Scanner) Line() error {
	for {
		if err := s.fill(); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		for ; s.pos < s.end; s.pos++ {
			if s.buf[s.pos] == '\n' {
				return nil
			}
		}
	}
}

// Take moves the next bytes up to an offset into text.
func (s *Scanner) Take(to int64, text *Bounded) error {
	for s.Offset() < to {
		if err := s.fill(); err != nil {
			return err
		}
		n := int(min(to-s.Offset(), int64(s.end-s.pos)))
		text.Write(s.buf[s.pos : s.pos+n])
		s.pos += n
	}
	return nil
}

// expect takes one byte that must follow.
func (s *Scanner) expect(want byte) error {
	c, err := s.Token()
	if err != nil {
		return err
	}
	if c != want {
		return s.Wrong(fmt.Sprintf("%q where %q should be", c, want))
	}
	s.pos++
	return nil
}

// List reads what stands between two brackets, calling item at the beginning of each
// item.
func (s *Scanner) List(open, shut byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	c, err := s.Token()
	if err != nil {
		return err
	}
	if c == shut {
		s.pos++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if c, err = s.Token(); err != nil {
			return err
		}
		if c == shut {
			s.pos++
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// Object reads an object, calling member behind the colon of each key. The key is
// valid until member reads on.
func (s *Scanner) Object(key *Bounded, member func() error) error {
	return s.List('{', '}', func() error {
		if err := s.Text(key); err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member()
	})
}

// maxDepth is how deep values may lie in one another.
const maxDepth = 200

// Skip reads a value of any kind and drops it.
func (s *Scanner) Skip(dropped *Bounded, depth int) error {
	c, err := s.Token()
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return s.Wrong("values lie too deep in one another")
	}
	switch c {
	case '{':
		return s.Object(dropped, func() error { return s.Skip(dropped, depth+1) })
	case '[':
		return s.List('[', ']', func() error { return s.Skip(dropped, depth+1) })
	case '"':
		return s.Text(dropped)
	}
	_, err = s.Scalar()
	return err
}

// Scalar reads a number, true, false or null. The bytes are valid until the next.
func (s *Scanner) Scalar() ([]byte, error) {
	s.word = s.word[:0]
	for {
		if err := s.fill(); err != nil && err != io.EOF {
			return nil, err
		} else if err == io.EOF || !isWord(s.buf[s.pos]) || len(s.word) > 400 {
			break
		}
		s.word = append(s.word, s.buf[s.pos])
		s.pos++
	}
	if !json.Valid(s.word) {
		return nil, s.Wrong("not a JSON value")
	}
	return s.word, nil
}

func isWord(c byte) bool {
	return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '+' || c == '.'
}

// Text reads a string into t, without its escapes. Text that is not UTF-8 is kept as
// it is.
func (s *Scanner) Text(t *Bounded) error {
	t.Reset()
	if err := s.expect('"'); err != nil {
		return err
	}
	for {
		c, err := s.peek()
		if err != nil {
			return err
		}
		i := s.pos
		for i < s.end && s.buf[i] != '"' && s.buf[i] != '\\' && s.buf[i] >= ' ' {
			i++
		}
		if i > s.pos {
			t.Write(s.buf[s.pos:i])
			s.pos = i
			continue
		}
		if c < ' ' {
			return s.Wrong("control character in a string")
		}
		s.pos++
		if c == '"' {
			return nil
		}
		if err := s.escape(t); err != nil {
			return err
		}
	}
}

// escape reads what follows a backslash.
func (s *Scanner) escape(t *Bounded) error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	const from, to = `"\/bfnrtu`, "\"\\/\b\f\n\r\t"
	for i := range len(from) {
		if from[i] != c {
			continue
		}
		s.pos++
		if c == 'u' {
			return s.unicode(t)
		}
		t.Write([]byte{to[i]})
		return nil
	}
	return s.Wrong("unknown escape in a string")
}

// unicode reads the digits of \uXXXX and, behind half of a pair, the other half. A
// half that stands alone is written as the three bytes that UTF-8 forbids, so that
// the record is told as what it is.
func (s *Scanner) unicode(t *Bounded) error {
	r, err := s.four()
	if err != nil {
		return err
	}
	for utf16.IsSurrogate(r) {
		c, err := s.peek()
		if err != nil {
			return err
		}
		if c != '\\' {
			break
		}
		s.pos++
		if c, err = s.peek(); err != nil {
			return err
		}
		if c != 'u' {
			t.Write(half(r))
			return s.escape(t)
		}
		s.pos++
		second, err := s.four()
		if err != nil {
			return err
		}
		if pair := utf16.DecodeRune(r, second); pair != utf8.RuneError {
			r = pair
			break
		}
		t.Write(half(r))
		r = second
	}
	if utf16.IsSurrogate(r) {
		t.Write(half(r))
		return nil
	}
	t.Write(utf8.AppendRune(nil, r))
	return nil
}

func half(r rune) []byte {
	return []byte{0xe0 | byte(r>>12), 0x80 | byte(r>>6)&0x3f, 0x80 | byte(r)&0x3f}
}

// four reads four hexadecimal digits.
func (s *Scanner) four() (rune, error) {
	var r rune
	for range 4 {
		c, err := s.peek()
		if err != nil {
			return 0, err
		}
		if c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'f') {
			return 0, s.Wrong("not four hexadecimal digits in a string")
		}
		digit := rune(c & 0xf)
		if c > '9' {
			digit += 9
		}
		r = r<<4 | digit
		s.pos++
	}
	return r, nil
}

// IsSyntax reports whether the error is the document's and not the reader's.
func IsSyntax(err error) bool {
	var e *SyntaxError
	return errors.As(err, &e)
}
