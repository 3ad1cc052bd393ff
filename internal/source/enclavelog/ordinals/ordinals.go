// Package ordinals numbers identical lines of one file, however long it is.
package ordinals

import (
	"hash/maphash"
	"math/bits"
)

// Ordinals tells identical lines of one unit apart: the first is 0, the next 1.
//
// It must be exact over the whole file in any order, and a log of 5 GB has 45
// million lines, too many to remember. So the first pass notes each line in a Bloom
// filter of one bit for each 12 bytes of text (about 9 bits a line, 55 MB for 5 GB)
// and remembers only lines that the filter had before: the repeated ones, which a
// host's log has few of, and about one in a hundred by mistake. The second pass
// counts only those. What is left to chance is that two different repeated lines
// share a hash of 64 bits. A file that holds all its lines twice costs about 20
// bytes of memory for each.
type Ordinals struct {
	seed     maphash.Seed
	blocks   uint64
	filter   []uint64          // blocks of 512 bits, so that a line touches one cache line
	repeated map[uint64]uint32 // how often a repeated line was given out
}

// New returns Ordinals for a text of about so many bytes.
func New(bytes int64) *Ordinals {
	blocks := uint64(bytes)/(12*512) + 1
	return &Ordinals{
		seed: maphash.MakeSeed(), blocks: blocks, filter: make([]uint64, blocks*8),
		repeated: map[uint64]uint32{},
	}
}

// Note takes a line of the first pass.
func (o *Ordinals) Note(line []byte) {
	h := maphash.Bytes(o.seed, line)
	at, _ := bits.Mul64(h, o.blocks)
	block := o.filter[at*8 : at*8+8]
	known := true
	for i, g := 0, h*0x9e3779b97f4a7c15; i < 4; i++ {
		word, bit := g>>61, uint64(1)<<(g>>55&63)
		known = known && block[word]&bit != 0
		block[word] |= bit
		g <<= 9
	}
	if known {
		o.repeated[h] = 0
	}
}

// Done ends the first pass and frees the filter.
func (o *Ordinals) Done() { o.filter = nil }

// Next returns the ordinal of a line of the second pass among the identical lines
// of the numbered stream.
func (o *Ordinals) Next(stream int, line []byte) int64 {
	if len(o.repeated) == 0 {
		return 0
	}
	h := maphash.Bytes(o.seed, line)
	if _, ok := o.repeated[h]; !ok {
		return 0
	}
	h ^= uint64(stream) * 0xd6e8feb86659fd93 // another stream counts for itself, as a file does
	n := o.repeated[h]
	o.repeated[h] = n + 1
	return int64(n)
}
