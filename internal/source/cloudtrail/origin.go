package cloudtrail

import (
	"crypto/sha256"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
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

// keyOf returns the key of a record: its id, which is a GUID in all that AWS writes; of
// another id the first 128 bits of SHA-256, and of a record without one (version 1.0)
// those of the record without white space between its tokens, so that a copy in
// another layout has the same key.
func (r *row) keyOf(id, record uint32) trailhouse.Key {
	text := r.string(id)
	if text == nil && id != 0 && r.nodes[id].Kind == tape.Number {
		text = r.raw(id)
	}
	if key, ok := trailhouse.ParseKey(text); ok {
		return key
	}
	if text == nil {
		text = r.json(record)
	} else {
		text = append([]byte("eventID\x00"), text...) // no record begins so
	}
	sum := sha256.Sum256(text)
	return trailhouse.Key(sum[:16])
}
