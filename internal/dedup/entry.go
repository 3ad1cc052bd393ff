package dedup

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/trailhouse/trailhouse"
)

// entry is a key as two big-endian numbers, so that comparing it takes two
// instructions, and its place in the caller's list.
type entry struct {
	hi, lo uint64
	at     int32
}

func entryOf(k *trailhouse.Key, at int32) entry {
	return entry{binary.BigEndian.Uint64(k[:8]), binary.BigEndian.Uint64(k[8:]), at}
}

// compare orders entries as their keys are ordered byte by byte.
func (e entry) compare(o entry) int {
	if c := cmp.Compare(e.hi, o.hi); c != 0 {
		return c
	}
	return cmp.Compare(e.lo, o.lo)
}

func (e entry) less(o entry) bool { return e.hi < o.hi || e.hi == o.hi && e.lo < o.lo }

func (e entry) same(o entry) bool { return e.hi == o.hi && e.lo == o.lo }

// sorted returns the keys in order; equal keys in the order of the list.
func sorted(keys []trailhouse.Key) []entry {
	entries := make([]entry, len(keys))
	for i := range keys {
		entries[i] = entryOf(&keys[i], int32(i))
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if c := a.compare(b); c != 0 {
			return c
		}
		return cmp.Compare(a.at, b.at)
	})
	return entries
}
