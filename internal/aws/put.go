package aws

import (
	"bytes"
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/trailhouse/trailhouse"
)

// NewObject is an object to be written.
type NewObject struct {
	Key, MediaType string
	Content        []byte
	// Metadata are names and values of the user's own, in ASCII.
	Metadata map[string]string
	// Same reports whether content that is there already counts as the same; nil stands for
	// bytes.Equal.
	Same func(content []byte) bool
	// KMSKeyID is a key to encrypt with, empty for what the bucket does by itself.
	KMSKeyID string
}

// Put writes an object under a key that no other has: it never replaces one. Where an
// object with the same content has the key, because an earlier answer was lost, that is a
// success. CodeConflict where one with other content, or of another length, has it; CodeDenied, CodeNotFound,
// CodeCredentials and CodeUnavailable as of the request.
func (b *Bucket) Put(ctx context.Context, o NewObject) error {
	in := &s3.PutObjectInput{
		Bucket: aws.String(b.name), Key: aws.String(o.Key), ContentType: aws.String(o.MediaType),
		Metadata: o.Metadata, IfNoneMatch: aws.String("*"),
	}
	if o.KMSKeyID != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, aws.String(o.KMSKeyID)
	}
	at := b.at(ActionPutObject, o.Key)
	var taken bool
	err := b.call(ctx, at, func(options func(*s3.Options)) error {
		in.Body = bytes.NewReader(o.Content) // anew for each attempt of ours
		_, err := b.session.s3.PutObject(ctx, in, options)
		code, _, status := answer(err)
		// 409 is a write of the same key that is under way elsewhere.
		taken = code == "PreconditionFailed" || code == "ConditionalRequestConflict" || status == 412
		if taken {
			return nil
		}
		return err
	})
	if err != nil || !taken {
		return err
	}
	return b.same(ctx, o)
}

// same holds an object that is there against the content that should be.
func (b *Bucket) same(ctx context.Context, o NewObject) error {
	other := trailhouse.Errorf(trailhouse.CodeConflict, "%s is there with other content, and no object is written over", b.Address(o.Key)).
		WithHint("move the object away")
	have, err := b.Stat(ctx, o.Key)
	if trailhouse.CodeOf(err) == trailhouse.CodeNotFound {
		return trailhouse.Errorf(trailhouse.CodeUnavailable, "another write of %s was under way and came to nothing", b.Address(o.Key))
	}
	if err != nil {
		return err
	}
	if have.Size != int64(len(o.Content)) {
		return other
	}
	content, err := b.Bytes(ctx, have)
	if err != nil {
		return err
	}
	if o.Same != nil && o.Same(content) || bytes.Equal(content, o.Content) {
		return nil
	}
	return other
}

// Link returns an address under which anybody can fetch an object for a while, and when
// that ends: after the given time at most, earlier where the credentials that sign it
// expire earlier. now is the time of the caller. The object must be there.
func (b *Bucket) Link(ctx context.Context, key string, now time.Time, expires time.Duration) (string, time.Time, error) {
	if _, err := b.Stat(ctx, key); err != nil { // it also learns the bucket's region
		return "", time.Time{}, err
	}
	until := now.Add(expires)
	var address string
	err := b.session.call(ctx, b.at(ActionGetObject, key), func() error {
		used, err := b.session.cache.Retrieve(ctx)
		if err != nil {
			return err
		}
		if used.CanExpire && used.Expires.Before(until) {
			until = used.Expires
		}
		in := &s3.GetObjectInput{Bucket: aws.String(b.name), Key: aws.String(key)}
		signed, err := s3.NewPresignClient(b.session.s3, s3.WithPresignClientFromClientOptions(b.options)).
			PresignGetObject(ctx, in, s3.WithPresignExpires(expires))
		if err == nil {
			address = signed.URL
		}
		return err
	})
	return address, until.UTC(), err
}
