// Package s3 delivers files as objects of a bucket.
package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// Sender writes objects into a bucket, each under a key that no other has.
type Sender struct {
	bucket   *aws.Bucket
	kmsKeyID string
	clock    trailhouse.Clock
}

var _ trailhouse.Sender = (*Sender)(nil)

// New returns the sender of a bucket. kmsKeyID is a key to encrypt with, empty for what
// the bucket does by itself.
func New(bucket *aws.Bucket, kmsKeyID string, clock trailhouse.Clock) *Sender {
	return &Sender{bucket, kmsKeyID, clock}
}

// Send implements trailhouse.Sender. The receipt is the address of the first object.
func (s *Sender) Send(ctx context.Context, d *trailhouse.Delivery) (string, error) {
	receipt := ""
	for _, f := range d.Files {
		sum := sha256.Sum256(f.Content)
		err := s.bucket.Put(ctx, aws.NewObject{
			Key: f.Key, MediaType: f.MediaType, Content: f.Content, Same: f.Same, KMSKeyID: s.kmsKeyID,
			Metadata: map[string]string{"trailhouse-delivery": d.ID, "sha256": hex.EncodeToString(sum[:])},
		})
		if trailhouse.CodeOf(err) == trailhouse.CodeConflict {
			err = d.Taken(s.bucket.Address(f.Key))
		}
		if err != nil {
			return "", err
		}
		if receipt == "" {
			receipt = s.bucket.Address(f.Key)
		}
	}
	return receipt, nil
}

// Link returns an address under which a delivered object can be fetched for a while.
func (s *Sender) Link(ctx context.Context, key string, expires time.Duration) (trailhouse.DeliveryLink, error) {
	address, until, err := s.bucket.Link(ctx, key, s.clock.Now(), expires)
	return trailhouse.DeliveryLink{Key: key, URL: address, Until: until}, err
}
