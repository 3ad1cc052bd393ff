//go:build !libdeflate

package objects

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// member inflates with Go.
type member struct{ gz *gzip.Reader }

// inflate appends the first gzip member of stored to dst and returns how many
// bytes of stored it took. It fails with errShort where the member inflates to more
// than most bytes; there is always room for pad bytes more in what it returns.
func (m *member) inflate(dst, stored []byte, most int64, pad int) ([]byte, int, error) {
	in := bytes.NewReader(stored)
	if m.gz == nil {
		m.gz = new(gzip.Reader)
	}
	z := m.gz
	if err := z.Reset(in); err != nil {
		return dst, 0, err
	}
	z.Multistream(false)
	for {
		if len(dst)+pad >= cap(dst) {
			dst = append(make([]byte, 0, 2*cap(dst)+pad), dst...)
		}
		n, err := z.Read(dst[len(dst) : cap(dst)-pad])
		dst = dst[:len(dst)+n]
		switch {
		case int64(len(dst)) > most:
			return dst, 0, errShort
		case errors.Is(err, io.EOF):
			return dst, len(stored) - in.Len(), nil
		case err != nil:
			return dst, 0, err
		}
	}
}
