package trailhouse

import "hash/maphash"

// texts holds the different texts of a column, each under a number, in the order in
// which they came. Most values of a trail were there before: held once they take a
// third of the memory, and the writer gets its dictionaries without looking at a
// text again. Where most values differ, as ids do, looking for equal ones is given
// up for the batch.
type texts struct {
	bytes []byte
	ends  []uint32 // of each text in bytes
	first []uint32 // the element that brought it, so that Truncate can take it back
	slots []uint32 // tag of the hash above numberBits of number plus one; 0 is free
	seed  maphash.Seed
	// loose says that equal texts may have several numbers; unique that all values are
	// known to differ.
	loose, unique bool
}

const (
	// smallTexts is how many slots the table of a column begins with.
	smallTexts = 64
	// numberBits bounds how many texts the table can hold. The rest of a slot is a tag.
	// The smaller the table the more of it stays near the processor, and looking up is
	// little else than waiting for it.
	numberBits = 20
	numberMask = 1<<numberBits - 1
	// textBytes is what a text costs beside its bytes: its end, its first and some two
	// slots.
	textBytes = 16
)

// at returns a text.
func (t *texts) at(n uint32) []byte {
	from := uint32(0)
	if n > 0 {
		from = t.ends[n-1]
	}
	return t.bytes[from:t.ends[n]]
}

// slot returns where a text is in the table, or would be.
func (t *texts) slot(hash uint64, v []byte) (at int, found bool) {
	mask := len(t.slots) - 1
	for at = int(hash) & mask; ; at = (at + 1) & mask {
		s := t.slots[at]
		if s == 0 {
			return at, false
		}
		if (s^uint32(hash>>32))>>numberBits == 0 && string(t.at(s&numberMask-1)) == string(v) {
			return at, true
		}
	}
}

// slotOf is what a slot holds. The hash's upper bits are the tag, its lower ones the
// place.
func slotOf(hash uint64, n uint32) uint32 { return uint32(hash>>32)&^numberMask | (n + 1) }

// number returns the number of a text as the given element of the column, and
// whether it is new. Its bytes are copied.
func (t *texts) number(v []byte, element int) (n uint32, added bool) {
	if t.loose || t.unique {
		t.loose = true
		return t.add(v, element), true
	}
	if len(t.slots) == 0 {
		t.slots, t.seed = make([]uint32, smallTexts), maphash.MakeSeed()
	}
	hash := maphash.Bytes(t.seed, v)
	at, found := t.slot(hash, v)
	if found {
		return t.slots[at]&numberMask - 1, false
	}
	n = t.add(v, element)
	t.slots[at] = slotOf(hash, n)
	if 4*len(t.ends) > 3*len(t.slots) {
		if t.loose = !worthwhile(len(t.ends), element+1); !t.loose {
			t.rehash(2 * len(t.slots))
		}
	}
	return n, true
}

// worthwhile reports whether so many different texts among so many values are few.
// Texts repeat less at the beginning than they do in the whole.
func worthwhile(different, values int) bool {
	switch {
	case different < 256:
		return true
	case different <= 1024:
		return different <= values/10*9
	}
	return different <= values/4*3 && different < numberMask/2
}

// add appends a text.
func (t *texts) add(v []byte, element int) uint32 {
	t.bytes = append(t.bytes, v...)
	t.ends = append(t.ends, size(len(t.bytes)))
	t.first = append(t.first, uint32(element))
	return uint32(len(t.ends) - 1)
}

// rehash makes the table anew for the texts that are there.
func (t *texts) rehash(slots int) {
	if cap(t.slots) < slots {
		t.slots = make([]uint32, slots)
	}
	t.slots = t.slots[:slots]
	clear(t.slots)
	for n := range t.ends {
		hash := maphash.Bytes(t.seed, t.at(uint32(n)))
		at := int(hash) & (slots - 1)
		for t.slots[at] != 0 {
			at = (at + 1) & (slots - 1)
		}
		t.slots[at] = slotOf(hash, uint32(n))
	}
}

// reset forgets all texts and keeps the memory.
func (t *texts) reset() {
	t.bytes, t.ends, t.first, t.loose = t.bytes[:0], t.ends[:0], t.first[:0], t.unique
	t.slots = t.slots[:min(len(t.slots), smallTexts)]
	clear(t.slots)
}

// truncate takes back the texts that elements from n on brought, and returns how
// many bytes the batch counted for them.
func (t *texts) truncate(n int) (bytes int) {
	keep := len(t.ends)
	for keep > 0 && int(t.first[keep-1]) >= n {
		keep--
	}
	if keep == len(t.ends) {
		return 0
	}
	end := start(t.ends, keep)
	bytes = len(t.bytes) - end + textBytes*(len(t.ends)-keep)
	t.bytes, t.ends, t.first = t.bytes[:end], t.ends[:keep], t.first[:keep]
	if !t.loose {
		t.rehash(len(t.slots))
	}
	return bytes
}
