package aws

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// Unit returns an object as a unit. Its ID ends with the ETag, so that the object can be
// asked for by it: a key alone does not name a content.
func (b *Bucket) Unit(o Object) trailhouse.Unit {
	h := sha256.New()
	for _, part := range []string{b.name, o.Key, strconv.FormatInt(o.Size, 10), o.ETag} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return trailhouse.Unit{
		ID: hex.EncodeToString(h.Sum(nil)[:16]) + "-" + o.ETag, Object: b.Address(o.Key), Size: o.Size, Modified: o.Modified,
	}
}

// ObjectOf is the inverse of Unit.
func (b *Bucket) ObjectOf(u trailhouse.Unit) Object {
	_, etag, _ := strings.Cut(u.ID, "-")
	return Object{Key: strings.TrimPrefix(u.Object, b.Address("")), ETag: etag, Size: u.Size, Modified: u.Modified}
}

// SplitAddress takes s3://bucket/prefix apart. It reports false for what is no such
// address.
func SplitAddress(address string) (bucket, prefix string, ok bool) {
	rest, ok := strings.CutPrefix(address, "s3://")
	if bucket, prefix, _ = strings.Cut(rest, "/"); !ok || bucket == "" {
		return "", "", false
	}
	return bucket, prefix, true
}
