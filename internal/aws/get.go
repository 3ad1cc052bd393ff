package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/trailhouse/trailhouse"
)

// resumeEvery allows one more resumption for so many bytes of an object.
const resumeEvery = 16 << 20

// errIdle is why a body was given up that did not move.
var errIdle = errors.New("the server sent nothing for too long")

// errChanged is an answer with the content of another object than the one asked for.
var errChanged = errors.New("another ETag")

// errChecksum is a body that is not what the server holds.
var errChecksum = errors.New("the body does not have the checksum that the server states")

// Get writes the object's bytes to w, each to its own place, and returns once all of
// them are there: exactly as many as the listing said, all of the content that its ETag
// names. A body that is cut, stalls or ends early is resumed where it broke off; after
// an error w holds nothing that may be used.
//
// CodeConflict where the object was replaced; CodeDenied, CodeNotFound,
// CodeCredentials and CodeUnavailable as of the request; CodeStorage of w.
func (b *Bucket) Get(ctx context.Context, o Object, w io.WriterAt) error {
	d := &download{bucket: b, object: o, to: w}
	most := b.session.options.Attempts + int(o.Size/resumeEvery)
	for try := 1; ; try++ {
		err := d.attempt(ctx)
		var known *trailhouse.Error
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errChanged):
			return replaced(b.Address(o.Key))
		case errors.As(err, &known):
			return err
		case ctx.Err() != nil || try >= most:
			return b.session.fault(ctx, b.at(ActionGetObject, o.Key), err)
		case errors.Is(err, errChecksum):
			d.have = 0
		}
		if err := b.session.pause(ctx, try); err != nil {
			return b.session.fault(ctx, b.at(ActionGetObject, o.Key), err)
		}
	}
}

// Stat returns the object of that key as it is now, with the errors of Get.
func (b *Bucket) Stat(ctx context.Context, key string) (Object, error) {
	var out *s3.HeadObjectOutput
	err := b.call(ctx, b.at(ActionGetObject, key), func(options func(*s3.Options)) error {
		var err error
		out, err = b.session.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(b.name), Key: aws.String(key)}, options)
		return err
	})
	if err != nil {
		return Object{}, err
	}
	return Object{
		Key: key, ETag: strings.Trim(aws.ToString(out.ETag), `"`),
		Size: aws.ToInt64(out.ContentLength), Modified: aws.ToTime(out.LastModified).UTC(),
	}, nil
}

// Bytes returns the object's bytes, with the errors of Get. The caller looks at the
// size first.
func (b *Bucket) Bytes(ctx context.Context, o Object) ([]byte, error) {
	m := make(memory, o.Size)
	if err := b.Get(ctx, o, m); err != nil {
		return nil, err
	}
	return m, nil
}

// memory is an io.WriterAt of a fixed size.
type memory []byte

func (m memory) WriteAt(p []byte, at int64) (int, error) {
	if at < 0 || at > int64(len(m)) {
		return 0, io.ErrShortWrite
	}
	n := copy(m[at:], p)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// download is one object on its way.
type download struct {
	bucket *Bucket
	object Object
	to     io.WriterAt
	have   int64 // bytes that are written
}

// attempt asks for what is missing and writes as much of it as comes.
func (d *download) attempt(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	wait := d.bucket.session.options.IdleTimeout
	timer := time.AfterFunc(wait, func() { cancel(errIdle) })
	defer timer.Stop()
	buf := make([]byte, min(256<<10, max(d.object.Size, 1)))
	for {
		n, err := body.Read(buf)
		timer.Reset(wait)
		if d.have+int64(n) > d.object.Size {
			return fmt.Errorf("the body is longer than the %d bytes of the listing", d.object.Size)
		}
		if _, failed := d.to.WriteAt(buf[:n], d.have); failed != nil {
			return trailhouse.Errorf(trailhouse.CodeStorage, "%s cannot be stored: %w", d.bucket.Address(d.object.Key), failed).
				WithHint("free space on the disk of the data directory and import again")
		}
		d.have += int64(n)
		if err != nil {
			return d.ended(ctx, err)
		}
	}
}

// ended says what the end of a body means.
func (d *download) ended(ctx context.Context, err error) error {
	switch {
	case errors.Is(context.Cause(ctx), errIdle):
		return errIdle
	case strings.Contains(err.Error(), "checksum did not match"): // the SDK's error has no type that is exported
		return errChecksum
	case !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case d.have < d.object.Size:
		return fmt.Errorf("the body ended after %d of %d bytes", d.have, d.object.Size)
	}
	return nil
}

// open makes the request for what is missing and holds the answer against what was
// asked for, because not every server and proxy minds If-Match and Range.
func (d *download) open(ctx context.Context) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: aws.String(d.bucket.name), Key: aws.String(d.object.Key), ChecksumMode: types.ChecksumModeEnabled}
	if d.object.ETag != "" {
		in.IfMatch = aws.String(`"` + d.object.ETag + `"`)
	}
	if d.have > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", d.have))
		in.ChecksumMode = "" // checksums are those of whole objects
	}
	var out *s3.GetObjectOutput
	err := d.bucket.call(ctx, d.bucket.at(ActionGetObject, d.object.Key), func(options func(*s3.Options)) error {
		var err error
		out, err = d.bucket.session.s3.GetObject(ctx, in, options, func(o *s3.Options) {
			if d.have > 0 {
				o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
			}
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := d.fits(out); err != nil {
		return nil, errors.Join(err, out.Body.Close())
	}
	return out.Body, nil
}

// fits reports what is wrong with an answer before its body is read.
func (d *download) fits(out *s3.GetObjectOutput) error {
	if have := strings.Trim(aws.ToString(out.ETag), `"`); d.object.ETag != "" && have != "" && have != d.object.ETag {
		return errChanged
	}
	if span := aws.ToString(out.ContentRange); d.have > 0 && !strings.HasPrefix(span, fmt.Sprintf("bytes %d-", d.have)) {
		d.have = 0 // the whole object comes: begin again
	}
	if length := out.ContentLength; length != nil && *length != d.object.Size-d.have {
		return fmt.Errorf("the server announces %d bytes, %d are missing", *length, d.object.Size-d.have)
	}
	return nil
}

// pause waits before the next attempt, at random and longer each time, so that many
// do not come back at once.
func (s *Session) pause(ctx context.Context, try int) error {
	longest := min(s.options.MaxBackoff, time.Second<<min(try, 10))
	timer := time.NewTimer(time.Duration(rand.Int64N(int64(longest) + 1)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
