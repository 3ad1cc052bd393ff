package agent

import (
	"hash/maphash"
	"slices"
)

// ordinals counts equal lines that stand near one another, which is where equal ones
// stand: each has its time to the millisecond.
type ordinals struct {
	seed   maphash.Seed
	count  map[uint64]int64
	recent []uint64
}

// near is how many lines are remembered.
const near = 1024

func newOrdinals() ordinals {
	return ordinals{seed: maphash.MakeSeed(), count: map[uint64]int64{}}
}

// next returns how many equal lines came before, and the line's hash.
func (o *ordinals) next(line []byte) (int64, uint64) {
	h := maphash.Bytes(o.seed, line)
	n := o.count[h]
	o.count[h] = n + 1
	o.recent = append(o.recent, h)
	if len(o.recent) > 2*near {
		for _, old := range o.recent[:near] {
			if !slices.Contains(o.recent[near:], old) {
				delete(o.count, old)
			}
		}
		o.recent = slices.Clone(o.recent[near:])
	}
	return n, h
}

// back forgets lines.
func (o *ordinals) back(hashes []uint64) {
	for _, h := range hashes {
		if o.count[h]--; o.count[h] <= 0 {
			delete(o.count, h)
		}
	}
}
