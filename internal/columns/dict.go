package columns

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"unicode/utf8"
)

// maxDictBytes bounds the dictionary page, which readers hold whole.
const maxDictBytes = 4 << 20

// smallTable is how many slots the table of each chunk begins with.
const smallTable = 1024

// dictionary numbers the different values of a chunk in the order in which they
// come. Its memory is used again for the next chunk.
type dictionary struct {
	page    []byte   // the values as the dictionary page holds them: length, bytes
	starts  []uint32 // where each value's bytes begin in page
	slots   []uint64 // upper half: hash, lower half: number plus one; 0 is free
	spare   []uint64 // memory that grow swaps with slots
	numbers []uint32 // number plus one of each number of the batch, 0 where it has none yet
	seed    maphash.Seed
	indexes []uint32
}

func newDictionary() *dictionary {
	return &dictionary{seed: maphash.MakeSeed(), slots: make([]uint64, smallTable)}
}

func (d *dictionary) reset() {
	d.page, d.starts, d.indexes = d.page[:0], d.starts[:0], d.indexes[:0]
	d.slots = d.slots[:smallTable]
	clear(d.slots)
}

// add numbers a value.
func (d *dictionary) add(v []byte) uint32 {
	hash := uint32(maphash.Bytes(d.seed, v))
	mask := uint32(len(d.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		slot := d.slots[at]
		if slot == 0 {
			n := d.insert(v)
			d.slots[at] = uint64(hash)<<32 | uint64(n+1)
			if 2*len(d.starts) > len(d.slots) {
				d.grow()
			}
			return n
		}
		if uint32(slot>>32) == hash {
			if n := uint32(slot) - 1; bytes.Equal(d.value(int(n)), v) {
				return n
			}
		}
	}
}

// insert adds a value that is not there.
func (d *dictionary) insert(v []byte) uint32 {
	d.page = binary.LittleEndian.AppendUint32(d.page, uint32(len(v)))
	d.starts = append(d.starts, uint32(len(d.page)))
	d.page = append(d.page, v...)
	return uint32(len(d.starts) - 1)
}

// grow doubles the table.
func (d *dictionary) grow() {
	old := d.slots
	if cap(d.spare) < 2*len(old) {
		d.spare = make([]uint64, 4*len(old))
	}
	d.slots, d.spare = d.spare[:2*len(old)], old
	clear(d.slots)
	mask := uint32(len(d.slots) - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		at := uint32(slot>>32) & mask
		for d.slots[at] != 0 {
			at = (at + 1) & mask
		}
		d.slots[at] = slot
	}
}

// value returns the value of a number.
func (d *dictionary) value(n int) []byte {
	from := d.starts[n]
	return d.page[from : from+binary.LittleEndian.Uint32(d.page[from-4:])]
}

// build numbers the texts of a chunk. It reports false, having done part of the
// work, where too many differ for a dictionary to pay.
func (d *dictionary) build(t texts) bool {
	d.reset()
	d.indexes = slices.Grow(d.indexes, len(t.rows))
	number := d.known
	if t.loose {
		number = d.looked
	} else {
		d.numbers = slices.Grow(d.numbers[:0], len(t.ends))[:len(t.ends)]
		clear(d.numbers)
	}
	for from, to := 0, 1024; ; from, to = to, 2*to {
		to = min(to, len(t.rows))
		number(&t, t.rows[from:to])
		if !d.pays(to) {
			return false
		}
		if to == len(t.rows) {
			return true
		}
	}
}

// known numbers texts by the numbers that the batch gave them.
func (d *dictionary) known(t *texts, rows []int32) {
	for _, r := range rows {
		code := t.codes[r]
		n := d.numbers[code]
		if n == 0 {
			n = d.insert(t.of(code)) + 1
			d.numbers[code] = n
		}
		d.indexes = append(d.indexes, n-1)
	}
}

// looked numbers texts by what they hold.
func (d *dictionary) looked(t *texts, rows []int32) {
	var last, n uint32
	for i, r := range rows {
		if code := t.codes[r]; i == 0 || code != last {
			last, n = code, d.add(t.of(code))
		}
		d.indexes = append(d.indexes, n)
	}
}

// pays reports whether a dictionary is worth it after n values. Values repeat less
// at the beginning than they do in the whole.
func (d *dictionary) pays(n int) bool {
	most := n / 2
	switch {
	case n <= 1024:
		most = n * 9 / 10
	case n < RowGroupRows:
		most = n * 3 / 4
	}
	return len(d.starts) <= most && len(d.page) <= maxDictBytes
}

// isText reports whether all values are UTF-8.
func (d *dictionary) isText() bool {
	for n := range d.starts {
		if !utf8.Valid(d.value(n)) {
			return false
		}
	}
	return true
}
