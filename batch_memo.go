package trailhouse

import "hash/maphash"

// memoSize is how many rows are remembered: those who call come again and again, and what
// a trail says of them is the same to the byte while a session lasts.
const memoSize = 1024

// maxRemembered is the most bytes that are remembered of one row.
const maxRemembered = 2048

// Memo remembers which row of a batch some bytes became, so that the same bytes become the
// same row again (SetRow), without a look at them. The zero value is ready.
type Memo[T any] struct {
	batch   *Batch // whose rows are meant, as long as it is in the era
	era     int
	seed    maphash.Seed
	entries []Remembered[T] // by hash
}

// Remembered is what a Memo knows of some bytes.
type Remembered[T any] struct {
	// Row is the number of the row, and More whatever else they became.
	Row  int
	More T
	raw  []byte // none where the place is free
	hash uint64
}

// Find returns the place of some bytes, valid until the next call, and whether they are
// known.
func (m *Memo[T]) Find(b *Batch, raw []byte) (*Remembered[T], bool) {
	if m.entries == nil {
		m.entries, m.seed = make([]Remembered[T], memoSize), maphash.MakeSeed()
	}
	if m.batch != b || m.era != b.era {
		for i := range m.entries {
			m.entries[i].Drop()
		}
		m.batch, m.era = b, b.era
	}
	hash := maphash.Bytes(m.seed, raw)
	e := &m.entries[hash%memoSize]
	if len(e.raw) > 0 && e.hash == hash && string(e.raw) == string(raw) {
		return e, true
	}
	e.hash = hash
	return e, false
}

// Keep remembers the bytes that Find looked for, where they are not too many, and reports
// whether it does.
func (e *Remembered[T]) Keep(raw []byte, row int, more T) bool {
	e.Drop()
	if len(raw) > maxRemembered {
		return false
	}
	e.raw, e.Row, e.More = append(e.raw, raw...), row, more
	return true
}

// Drop forgets what is in the place.
func (e *Remembered[T]) Drop() { e.raw = e.raw[:0] }
