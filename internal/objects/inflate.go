package objects

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/trailhouse/trailhouse"
)

// The limits that stand where Limits holds zero.
const (
	DefaultInflatedBytes = 1 << 30
	DefaultRatio         = 250
)

// ratioFloor is how much may be inflated before the ratio is looked at: a few
// kilobytes of one repeated line pass any ratio and harm nobody.
const ratioFloor = 1 << 20

// Limits bound what a compressed object may inflate to. An object that is not
// compressed has no limit: it can only be as large as it is.
type Limits struct {
	// InflatedBytes is the most bytes that one object may inflate to; zero stands for
	// DefaultInflatedBytes.
	InflatedBytes int64
	// Ratio is the most inflated bytes for each compressed byte, looked at once more
	// than 1 MiB was inflated; zero stands for DefaultRatio.
	Ratio int64
}

func (l Limits) inflated() int64 {
	if l.InflatedBytes > 0 {
		return l.InflatedBytes
	}
	return DefaultInflatedBytes
}

func (l Limits) ratio() int64 {
	if l.Ratio > 0 {
		return l.Ratio
	}
	return DefaultRatio
}

// isGzip reports whether the bytes begin as a gzip member does (RFC 1952).
func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// Inflate returns the bytes of r, inflated where they begin as a gzip file does,
// whatever its name. Several members in a row are one object. Reading fails with
// CodeDamaged where the compressed data is cut or changed, and with CodeLimit where
// it inflates to more than the limits allow; both name the object and the offset.
func Inflate(r io.Reader, name string, limits Limits) io.Reader {
	br := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := br.Peek(2); !isGzip(magic) {
		return &faulty{path: name, r: br}
	}
	return inflate(br, name, limits)
}

// inflate reads a gzip file.
func inflate(r io.Reader, name string, limits Limits) *inflater {
	z := &inflater{name: name, limits: limits, src: &counter{r: r}}
	z.in = bufio.NewReaderSize(z.src, 64<<10)
	return z
}

// inflater reads a gzip file within limits. It stays at its first error.
type inflater struct {
	name   string
	limits Limits
	src    *counter
	in     *bufio.Reader
	gz     *gzip.Reader
	single bool // only one member is allowed
	out    int64
	err    error
}

func (z *inflater) Read(p []byte) (int, error) {
	if z.err != nil {
		return 0, z.err
	}
	if z.gz == nil {
		gz, err := gzip.NewReader(z.in)
		if err != nil {
			z.err = z.fail(err)
			return 0, z.err
		}
		z.gz = gz
		z.gz.Multistream(!z.single)
	}
	n, err := z.gz.Read(p)
	z.out += int64(n)
	if z.err = z.over(); z.err != nil {
		return 0, z.err
	}
	if z.err = z.fail(err); z.err == io.EOF && z.single {
		z.err = z.trailing()
	}
	return n, z.err
}

// read returns how many compressed bytes were used.
func (z *inflater) read() int64 { return z.src.n - int64(z.in.Buffered()) }

// over returns the error of an object that inflates beyond its limits.
func (z *inflater) over() error {
	if most := z.limits.inflated(); z.out > most {
		return trailhouse.Errorf(trailhouse.CodeLimit, "%s inflates to more than %d bytes", z.name, most).
			WithHint("raise the limit on inflated bytes if the file is to be trusted, or import it unpacked")
	}
	if most := z.limits.ratio(); z.out > ratioFloor && z.out/most > z.read() {
		return trailhouse.Errorf(trailhouse.CodeLimit, "%s inflates to more than %d times its size (%d bytes from %d)", z.name, most, z.out, z.read()).
			WithHint("raise the limit on the ratio if the file is to be trusted, or import it unpacked")
	}
	return nil
}

// fail says what is wrong with the compressed data. A fault of the disk below it is
// not damage.
func (z *inflater) fail(err error) error {
	switch {
	case err == nil || err == io.EOF && z.gz != nil:
		return err
	case z.src.err != nil:
		return Fault(z.name, z.src.err)
	case errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF:
		return trailhouse.Errorf(trailhouse.CodeDamaged, "%s is cut: its gzip data ends at byte %d in the middle (%d bytes inflated)", z.name, z.read(), z.out).
			WithHint("copy the file again from where it came")
	}
	return trailhouse.Errorf(trailhouse.CodeDamaged, "%s is damaged: its gzip data is wrong near byte %d (%d bytes inflated): %w", z.name, z.read(), z.out, err).
		WithHint("copy the file again from where it came")
}

// counter counts the bytes read from below and remembers the fault that ended them.
type counter struct {
	r   io.Reader
	n   int64
	err error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
