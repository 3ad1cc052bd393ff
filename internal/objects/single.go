package objects

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/trailhouse/trailhouse"
)

// errShort says that an object inflates to more than there is room for.
var errShort = errors.New("more than the room that was given")

// IsGzip reports whether the bytes begin as a gzip file does.
func IsGzip(b []byte) bool { return isGzip(b) }

// Inflater inflates gzip files of one member that are in memory, and keeps its own
// memory from file to file. It is used by one goroutine; its zero value is ready.
//
// Where the build tag libdeflate is set, libdeflate inflates: it needs half the time
// (facts/engine.md 3).
type Inflater struct{ member member }

// All inflates a file into the memory of dst where it has the room, and puts pad zero
// bytes behind it. false says that the file inflates, within the limits, to more than
// most bytes: Single reads such a file piece by piece. Errors are those of Single.
func (z *Inflater) All(dst, stored []byte, name string, most int64, pad int, limits Limits) ([]byte, bool, error) {
	room := min(most, limits.inflated(), max(ratioFloor, limits.ratio()*int64(len(stored))))
	want := expected(stored)
	if want > most && room == most {
		return dst[:0], false, nil
	}
	out, used, err := z.member.inflate(grow(dst, min(want, room), pad), stored, room, pad)
	switch {
	case errors.Is(err, errShort) && room == most:
		return out[:0], false, nil
	case err != nil || used < len(stored):
		return out[:0], false, whatIsWrong(stored, name, limits)
	}
	return append(out, make([]byte, pad)...), true, nil
}

// expected is the inflated size that the end of a gzip file tells (RFC 1952 2.3.1),
// which need not be true.
func expected(stored []byte) int64 {
	if len(stored) < 4 {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(stored[len(stored)-4:]))
}

// grow returns an empty slice with room for n bytes, pad and the byte that shows that
// there are more.
func grow(dst []byte, n int64, pad int) []byte {
	if want := int(n) + pad + 1; cap(dst) < want {
		return make([]byte, 0, want+want/8)
	}
	return dst[:0]
}

// whatIsWrong reads a damaged object again, slowly, and returns the error that names
// the place. Where two ways of inflating disagree, the object is damaged.
func whatIsWrong(stored []byte, name string, limits Limits) error {
	_, err := io.Copy(io.Discard, Single(bytes.NewReader(stored), name, limits))
	if err == nil {
		err = trailhouse.Errorf(trailhouse.CodeDamaged, "%s is damaged: its gzip data is wrong", name).
			WithHint("copy the file again from where it came")
	}
	return err
}

// Single returns the bytes of r, inflated where they begin as a gzip file does. It
// differs from Inflate in that an object is one gzip member: where anything stands
// behind it, reading ends with CodeDamaged, since what a trail delivers has no such
// thing and somebody may have appended it (facts/cloudtrail.md 2.3).
func Single(r io.Reader, name string, limits Limits) io.Reader {
	br := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := br.Peek(2); !isGzip(magic) {
		return &faulty{path: name, r: br}
	}
	z := inflate(br, name, limits)
	z.single = true
	return z
}

// trailing returns the error of an object that goes on behind its only member.
func (z *inflater) trailing() error {
	if _, err := z.in.ReadByte(); err == nil {
		return trailhouse.Errorf(trailhouse.CodeDamaged, "%s goes on behind its gzip data, at byte %d: a trail delivers one gzip member, so something was appended", z.name, z.read()-1).
			WithHint("compare it with the object in the bucket and import that")
	}
	if z.src.err != nil {
		return Fault(z.name, z.src.err)
	}
	return io.EOF
}
