package enclavelog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON values from a stream in bounded memory. The decoder of the
// standard library holds a whole value and puts U+FFFD where text is not UTF-8; here
// an export of 300 MB may be one line, and a record that is not UTF-8 must be told.
type scanner struct {
	r        io.Reader
	buf      []byte
	pos, end int
	base     int64 // where buf[0] stands in the stream
	// oneLine says that a line feed ends a value.
	oneLine bool
	word    []byte // of scalar
}

// syntaxError is what is wrong with a document, and where.
type syntaxError struct {
	offset int64
	what   string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.what, e.offset) }

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, 64<<10)}
}

// offset returns where the next byte stands in the stream.
func (s *scanner) offset() int64 { return s.base + int64(s.pos) }

func (s *scanner) wrong(what string) error { return &syntaxError{offset: s.offset(), what: what} }

// fill reads more where the buffer is used up. It returns io.EOF at the end.
func (s *scanner) fill() error {
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
func (s *scanner) peek() (byte, error) {
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			if err == io.EOF {
				return 0, s.wrong("ends in the middle")
			}
			return 0, err
		}
	}
	return s.buf[s.pos], nil
}

// token skips space within a value and returns the byte behind it.
func (s *scanner) token() (byte, error) {
	for {
		c, err := s.peek()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, nil
		}
		if c == '\n' && s.oneLine {
			return 0, s.wrong("line ends in the middle")
		}
		s.pos++
	}
}

// gap skips space between values, and the mark of UTF-8 before the first. It returns
// io.EOF at the end of the stream.
func (s *scanner) gap() error {
	for {
		if err := s.fill(); err != nil {
			return err
		}
		switch s.buf[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		case 0xef, 0xbb, 0xbf:
			if s.offset() > 2 {
				return nil
			}
			s.pos++
		default:
			return nil
		}
	}
}

// line skips the rest of a line up to its line feed.
func (s *scanner) line() error {
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

// take moves the next bytes up to an offset into text.
func (s *scanner) take(to int64, text *bounded) error {
	for s.offset() < to {
		if err := s.fill(); err != nil {
			return err
		}
		n := int(min(to-s.offset(), int64(s.end-s.pos)))
		text.write(s.buf[s.pos : s.pos+n])
		s.pos += n
	}
	return nil
}

// expect takes one byte that must follow.
func (s *scanner) expect(want byte) error {
	c, err := s.token()
	if err != nil {
		return err
	}
	if c != want {
		return s.wrong(fmt.Sprintf("%q where %q should be", c, want))
	}
	s.pos++
	return nil
}

// list reads what stands between two brackets, calling item at the beginning of each
// item.
func (s *scanner) list(open, shut byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	c, err := s.token()
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
		if c, err = s.token(); err != nil {
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

// object reads an object, calling member behind the colon of each key. The key is
// valid until member reads on.
func (s *scanner) object(key *bounded, member func() error) error {
	return s.list('{', '}', func() error {
		if err := s.text(key); err != nil {
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

// skip reads a value of any kind and drops it.
func (s *scanner) skip(dropped *bounded, depth int) error {
	c, err := s.token()
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return s.wrong("values lie too deep in one another")
	}
	switch c {
	case '{':
		return s.object(dropped, func() error { return s.skip(dropped, depth+1) })
	case '[':
		return s.list('[', ']', func() error { return s.skip(dropped, depth+1) })
	case '"':
		return s.text(dropped)
	}
	_, err = s.scalar()
	return err
}

// scalar reads a number, true, false or null. The bytes are valid until the next.
func (s *scanner) scalar() ([]byte, error) {
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
		return nil, s.wrong("not a JSON value")
	}
	return s.word, nil
}

func isWord(c byte) bool {
	return isAlphanumeric(c) || c == '-' || c == '+' || c == '.'
}

// text reads a string into t, without its escapes. Text that is not UTF-8 is kept as
// it is.
func (s *scanner) text(t *bounded) error {
	t.reset()
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
			t.write(s.buf[s.pos:i])
			s.pos = i
			continue
		}
		if c < ' ' {
			return s.wrong("control character in a string")
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
func (s *scanner) escape(t *bounded) error {
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
		t.write([]byte{to[i]})
		return nil
	}
	return s.wrong("unknown escape in a string")
}

// unicode reads the digits of \uXXXX and, behind half of a pair, the other half. A
// half that stands alone is written as the three bytes that UTF-8 forbids, so that
// the record is told as what it is.
func (s *scanner) unicode(t *bounded) error {
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
			t.write(half(r))
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
		t.write(half(r))
		r = second
	}
	if utf16.IsSurrogate(r) {
		t.write(half(r))
		return nil
	}
	t.write(utf8.AppendRune(nil, r))
	return nil
}

func half(r rune) []byte {
	return []byte{0xe0 | byte(r>>12), 0x80 | byte(r>>6)&0x3f, 0x80 | byte(r)&0x3f}
}

// four reads four hexadecimal digits.
func (s *scanner) four() (rune, error) {
	var r rune
	for range 4 {
		c, err := s.peek()
		if err != nil {
			return 0, err
		}
		if !isHex([]byte{c}) {
			return 0, s.wrong("not four hexadecimal digits in a string")
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

// isSyntax reports whether the error is the document's and not the reader's.
func isSyntax(err error) bool {
	var e *syntaxError
	return errors.As(err, &e)
}
