package dedup

import (
	"cmp"
	"encoding/binary"
	"math/bits"
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

// sorted returns the keys in order; equal keys in the order of the list. Most keys are
// random, so that their first bits leave a few of them to be sorted together.
func sorted(keys []trailhouse.Key) []entry {
	shift := 64 - max(0, min(bits.Len(uint(len(keys)))-2, 20))
	ends := make([]int32, 1<<(64-shift)+1)
	for i := range keys {
		ends[entryOf(&keys[i], 0).hi>>shift+1]++
	}
	for i := range ends[1:] {
		ends[i+1] += ends[i]
	}
	entries := make([]entry, len(keys))
	for i := range keys {
		e := entryOf(&keys[i], int32(i))
		entries[ends[e.hi>>shift]] = e
		ends[e.hi>>shift]++
	}
	from := int32(0)
	for _, end := range ends[:len(ends)-1] {
		if end-from > 1 {
			slices.SortFunc(entries[from:end], func(a, b entry) int {
				if c := a.compare(b); c != 0 {
					return c
				}
				return cmp.Compare(a.at, b.at)
			})
		}
		from = end
	}
	return entries
}
