package aws

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/trailhouse/trailhouse"
)

// Object is one object of a bucket as a listing names it.
type Object struct {
	Key string
	// ETag is the server's name of the content, without quotes.
	ETag string
	// Size is in bytes.
	Size int64
	// Modified is when the object was written, in UTC.
	Modified time.Time
}

// Bucket is one bucket as a session sees it. It may be used by several goroutines.
type Bucket struct {
	session *Session
	name    string
	// region, where not nil, is where the server said that the bucket is.
	region atomic.Pointer[string]
}

// Bucket returns the bucket of that name. No request is made.
func (s *Session) Bucket(name string) *Bucket { return &Bucket{session: s, name: name} }

// Name returns the bucket's name.
func (b *Bucket) Name() string { return b.name }

// Endpoint returns the URL of the server, empty for AWS.
func (b *Bucket) Endpoint() string { return b.session.options.Endpoint }

// Address returns a key's address, such as s3://bucket/key.
func (b *Bucket) Address(key string) string { return "s3://" + b.name + "/" + key }

// at returns what a request for a key is about.
func (b *Bucket) at(action, key string) target {
	arn := "arn:" + partition(b.session.config.Region) + ":s3:::" + b.name
	if action == ActionGetObject || action == ActionPutObject {
		arn += "/" + key
	}
	return target{what: b.Address(key), action: action, resource: arn}
}

// partition returns the part of AWS that a region is in, as ARNs name it.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// call makes a request, in the bucket's own region once the server has named it.
func (b *Bucket) call(ctx context.Context, at target, request func(in func(*s3.Options)) error) error {
	return b.session.call(ctx, at, func() error {
		err := request(b.options)
		if b.learn(err) {
			err = request(b.options)
		}
		return err
	})
}

func (b *Bucket) options(o *s3.Options) {
	if region := b.region.Load(); region != nil {
		o.Region = *region
	}
}

// learn takes the bucket's region from the answer of a server that sends us there.
// It reports whether the request is worth making again.
func (b *Bucket) learn(err error) bool {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil {
		return false
	}
	region := response.Response.Header.Get("X-Amz-Bucket-Region")
	code, _, status := answer(err)
	moved := status == 301 || status == 307 || code == "AuthorizationHeaderMalformed" || code == "IllegalLocationConstraintException"
	if !moved || region == "" {
		return false
	}
	old := b.region.Swap(&region)
	return old == nil || *old != region
}

// endless is the error of a listing that goes in circles.
func (b *Bucket) endless(prefix, why string) error {
	return trailhouse.Errorf(trailhouse.CodeInvalid, "the listing of %s does not come to an end: %s", b.Address(prefix), why).
		WithHint("this is a fault of the server at the endpoint, or of a proxy before it")
}
