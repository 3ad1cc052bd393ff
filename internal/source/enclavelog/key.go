package enclavelog

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/trailhouse/trailhouse"
)

// The first byte of what a row key is hashed from: it changes with the way of
// hashing, and tells the two tables apart.
const (
	keyOfRecord = 1
	keyOfEntry  = 2
)

// keys computes row keys: the first 128 bits of SHA-256 over the version byte, the
// instance, a zero byte, the first line as it stands in the log, a zero byte and the
// ordinal. Lines behind the first are left out, so that a record that was cut, joined
// with another's lines or read from elsewhere is still the same record.
type keys struct{ buf []byte }

// record returns the key of a record of a nitro-cli log.
func (k *keys) record(instance trailhouse.InstanceID, line []byte, ordinal int64) trailhouse.Key {
	k.buf = append(k.buf[:0], keyOfRecord)
	return k.sum(instance, line, ordinal)
}

// entry returns the key of a journal line. Its text has no year, so its time in
// microseconds goes in too.
func (k *keys) entry(instance trailhouse.InstanceID, micros int64, line []byte, ordinal int64) trailhouse.Key {
	k.buf = append(k.buf[:0], keyOfEntry)
	k.buf = binary.BigEndian.AppendUint64(k.buf, uint64(micros))
	return k.sum(instance, line, ordinal)
}

func (k *keys) sum(instance trailhouse.InstanceID, line []byte, ordinal int64) trailhouse.Key {
	k.buf = append(k.buf, instance...)
	k.buf = append(k.buf, 0)
	k.buf = append(k.buf, line...)
	k.buf = append(k.buf, 0)
	k.buf = binary.BigEndian.AppendUint64(k.buf, uint64(ordinal))
	sum := sha256.Sum256(k.buf)
	return trailhouse.Key(sum[:16])
}
