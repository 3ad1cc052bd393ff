package cloudtrail

import (
	"crypto/sha256"

	"github.com/trailhouse/trailhouse"
)

// origin is where the columns are that every table has.
type origin struct {
	eventTime, account, unknown, key, object, index, position, length, hash, unit int
}

func newOrigin(t *trailhouse.Table) origin {
	return origin{
		t.MustIndex("eventtime"), t.MustIndex("account_id"), t.MustIndex("unknownfields"), t.MustIndex("event_key"), t.MustIndex("object"),
		t.MustIndex("record_index"), t.MustIndex("position"), t.MustIndex("length"), t.MustIndex("object_sha256"), t.MustIndex("unit_id"),
	}
}

// keyOf returns the key of a record: its GUID, else the first 128 bits of SHA-256 over
// the record without white space between its tokens, so that a copy in another layout
// has the same key.
func (r *row) keyOf(id []byte, record uint32) trailhouse.Key {
	if key, ok := parseGUID(id); ok {
		return key
	}
	sum := sha256.Sum256(r.json(record))
	return trailhouse.Key(sum[:16])
}
