package aws

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/trailhouse/trailhouse"
)

// MaxPage is the most keys that S3 gives in one answer.
const MaxPage = 1000

// maxIdlePages is how many pages may follow each other without anything new. S3 gives
// some where many versions or deletions lie between two keys.
const maxIdlePages = 50

// Listing gives the objects below a prefix page by page, in the order of their keys'
// bytes, each once. It is used by one goroutine.
type Listing struct {
	bucket            *Bucket
	prefix, delimiter string
	size              int
	after             string // where the first request starts
	token             string // where the next request goes on
	last              string // the greatest key that was given
	idle              int
	ended             bool
}

// Listing returns a listing of the keys that begin with the prefix and come behind the
// key after, which may be empty, in pages of at most size keys.
func (b *Bucket) Listing(prefix, after string, size int) *Listing {
	return &Listing{bucket: b, prefix: prefix, after: after, last: after, size: min(max(size, 1), MaxPage)}
}

// Next returns the next page, which is never empty, or io.EOF behind the last one.
// Errors are those of fault, with s3:ListBucket as the permission that may be missing,
// and CodeInvalid where the server goes in circles.
func (l *Listing) Next(ctx context.Context) ([]Object, error) {
	for !l.ended {
		out, err := l.page(ctx)
		if err != nil {
			return nil, err
		}
		fresh, err := l.objects(out)
		if err != nil {
			return nil, err
		}
		if err := l.advance(out, len(fresh)); err != nil {
			return nil, err
		}
		if len(fresh) > 0 {
			return fresh, nil
		}
	}
	return nil, io.EOF
}

// List calls yield for each object below the prefix whose key comes behind after, and
// ends with yield's first error.
func (b *Bucket) List(ctx context.Context, prefix, after string, yield func(Object) error) error {
	l := b.Listing(prefix, after, MaxPage)
	for {
		page, err := l.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, o := range page {
			if err := yield(o); err != nil {
				return err
			}
		}
	}
}

// ListFolder returns what lies directly below a prefix that ends with a slash or is
// empty: the folders, each with its slash and without the prefix before it, and the
// objects, both in order.
func (b *Bucket) ListFolder(ctx context.Context, prefix string) (folders []string, files []Object, err error) {
	l := &Listing{bucket: b, prefix: prefix, delimiter: "/", size: MaxPage}
	last := ""
	for !l.ended {
		page, err := l.page(ctx)
		if err != nil {
			return nil, nil, err
		}
		fresh, err := l.objects(page)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, fresh...)
		more := len(fresh)
		for _, p := range page.CommonPrefixes {
			name, err := l.decoded(page, aws.ToString(p.Prefix))
			if err != nil {
				return nil, nil, err
			}
			if name > last && strings.HasPrefix(name, prefix) && len(name) > len(prefix) {
				folders = append(folders, name[len(prefix):])
				last = name
				more++
			}
		}
		if err := l.advance(page, more); err != nil {
			return nil, nil, err
		}
	}
	return folders, files, nil
}

// page makes the next request.
func (l *Listing) page(ctx context.Context) (*s3.ListObjectsV2Output, error) {
	// Keys may hold what XML cannot, so they are asked for in the form of URLs.
	in := &s3.ListObjectsV2Input{
		Bucket: aws.String(l.bucket.name), Prefix: aws.String(l.prefix),
		MaxKeys: aws.Int32(int32(l.size)), EncodingType: types.EncodingTypeUrl,
	}
	if l.delimiter != "" {
		in.Delimiter = aws.String(l.delimiter)
	}
	switch {
	case l.token != "":
		in.ContinuationToken = aws.String(l.token)
	case l.after != "":
		in.StartAfter = aws.String(l.after)
	}
	var out *s3.ListObjectsV2Output
	at := l.bucket.at(ActionListBucket, l.prefix)
	for try := 1; ; try++ {
		err := l.bucket.call(ctx, at, func(options func(*s3.Options)) error {
			var err error
			out, err = l.bucket.session.s3.ListObjectsV2(ctx, in, options)
			return err
		})
		if err != nil || !blank(out) {
			return out, err
		}
		if try >= l.bucket.session.options.Attempts || l.bucket.session.pause(ctx, try) != nil {
			return nil, l.bucket.session.fault(ctx, at, errBlank)
		}
	}
}

// errBlank is the cause where the server says that all is well and then nothing.
var errBlank = errors.New("the server answered without a listing")

// blank reports whether an answer has none of what every listing says: the SDK takes an
// empty body for an empty listing, and so would whatever lies there be passed over.
func blank(out *s3.ListObjectsV2Output) bool {
	return out.IsTruncated == nil && out.Name == nil && out.KeyCount == nil && len(out.Contents) == 0 && len(out.CommonPrefixes) == 0
}

// objects returns those of a page that were not given yet.
func (l *Listing) objects(out *s3.ListObjectsV2Output) ([]Object, error) {
	fresh := make([]Object, 0, len(out.Contents))
	for i := range out.Contents {
		o := &out.Contents[i]
		key, err := l.decoded(out, aws.ToString(o.Key))
		if err != nil {
			return nil, err
		}
		if key <= l.last || !strings.HasPrefix(key, l.prefix) {
			continue
		}
		l.last = key
		fresh = append(fresh, Object{
			Key: key, ETag: strings.Trim(aws.ToString(o.ETag), `"`),
			Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified).UTC(),
		})
	}
	return fresh, nil
}

// decoded returns a key or prefix as it is in the bucket.
func (l *Listing) decoded(out *s3.ListObjectsV2Output, text string) (string, error) {
	if out.EncodingType != types.EncodingTypeUrl {
		return text, nil
	}
	key, err := url.QueryUnescape(text)
	if err != nil {
		return "", trailhouse.Errorf(trailhouse.CodeInvalid, "the listing of %s holds a key that cannot be read: %w", l.bucket.Address(l.prefix), err)
	}
	return key, nil
}

// advance notes where the next request goes on. A server that gives the same token
// again, or page after page without a new key, would keep us for ever.
func (l *Listing) advance(out *s3.ListObjectsV2Output, fresh int) error {
	next := aws.ToString(out.NextContinuationToken)
	if !aws.ToBool(out.IsTruncated) {
		l.ended = true
		return nil
	}
	l.idle++
	if fresh > 0 {
		l.idle = 0
	}
	switch {
	case next == "":
		return l.bucket.endless(l.prefix, "the server says that there is more and not where")
	case next == l.token:
		return l.bucket.endless(l.prefix, "the server gave the same page token twice")
	case l.idle > maxIdlePages:
		return l.bucket.endless(l.prefix, "the server gave page after page with nothing new")
	}
	l.token = next
	return nil
}
