package objects

import (
	"crypto/sha256"
	"io"

	"github.com/trailhouse/trailhouse"
)

// Span is a piece of an object's inflated bytes.
type Span struct {
	Position, Length int64
}

// Extract reads the inflated bytes of an object to their end, calls fn with the bytes
// of each span and returns the SHA-256 of the whole, by which the caller knows
// whether the object is still the one that the spans were found in. The spans are
// ordered by their position and do not overlap; the bytes are valid until fn returns.
// It fails with CodeDamaged where the object ends before a span does, with r's errors
// and with those of fn.
func Extract(r io.Reader, name string, spans []Span, fn func(i int, b []byte) error) ([32]byte, error) {
	var sum [32]byte
	hash := sha256.New()
	in := io.TeeReader(r, hash)
	at := int64(0)
	var piece []byte
	for i, s := range spans {
		if s.Position < at || s.Length < 0 {
			return sum, trailhouse.Errorf(trailhouse.CodeInternal, "span %d of %s is out of order", i, name)
		}
		if err := skip(in, s.Position-at); err != nil {
			return sum, short(name, s, err)
		}
		if int64(cap(piece)) < s.Length {
			piece = nil
		}
		var err error
		if piece, err = readExactly(piece[:0], in, s.Length); err != nil {
			return sum, short(name, s, err)
		}
		if err := fn(i, piece); err != nil {
			return sum, err
		}
		at = s.Position + s.Length
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return sum, err
	}
	hash.Sum(sum[:0])
	return sum, nil
}

// skip reads n bytes and forgets them.
func skip(r io.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, r, n)
	return err
}

// readExactly appends n bytes to b. It takes memory as they come: a length that is
// wrong costs none.
func readExactly(b []byte, r io.Reader, n int64) ([]byte, error) {
	const step = 1 << 20
	for n > 0 {
		part := int(min(n, step))
		from := len(b)
		b = append(b, make([]byte, part)...)
		if _, err := io.ReadFull(r, b[from:]); err != nil {
			return b, err
		}
		n -= int64(part)
	}
	return b, nil
}

// short says that an object has not the bytes of a span.
func short(name string, s Span, err error) error {
	if err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	return trailhouse.Errorf(trailhouse.CodeDamaged, "%s has no %d bytes at position %d any more", name, s.Length, s.Position)
}
