package sessions

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// fact is one line, or a span of equal lines, in the form that folding and
// deriving share. Texts are held by their place in the store's tables.
type fact struct {
	micros, until int64
	pid           int32
	slot, text    int32 // none is -1
	lines         int32
	kind          Kind
	id            trailhouse.Key
}

const none = -1

// slotText is one spelling of a slot. All spellings of one slot have the same key.
type slotText struct {
	text string
	key  int32
}

// store holds facts with their texts.
type store struct {
	facts []fact

	slots    []slotText
	slotIDs  map[string]int32
	keys     []string // slot keys, by key
	keyIDs   map[string]int32
	texts    []string
	textIDs  map[string]int32
	lastSlot int32 // the slot met last, since lines of one come together
}

func newStore() store {
	return store{
		slotIDs:  make(map[string]int32),
		keyIDs:   make(map[string]int32),
		textIDs:  make(map[string]int32),
		lastSlot: none,
	}
}

// reset empties the store and keeps the memory of its facts.
func (s *store) reset() {
	facts := s.facts[:0]
	*s = newStore()
	s.facts = facts
}

// put adds a fact. Doubling, where append would grow by a quarter, copies a long
// day once instead of five times.
func (s *store) put(f fact) {
	if len(s.facts) == cap(s.facts) {
		s.facts = slices.Grow(s.facts, max(64, len(s.facts)))
	}
	s.facts = append(s.facts, f)
}

// slot returns the place of a slot's spelling.
func (s *store) slot(b []byte) int32 {
	if len(b) == 0 {
		return none
	}
	if s.lastSlot != none && s.slots[s.lastSlot].text == string(b) {
		return s.lastSlot
	}
	id, ok := s.slotIDs[string(b)]
	if !ok {
		text := string(b)
		key := trailhouse.Slot(text).Key()
		keyID, known := s.keyIDs[key]
		if !known {
			keyID = int32(len(s.keys))
			s.keys = append(s.keys, key)
			s.keyIDs[key] = keyID
		}
		id = int32(len(s.slots))
		s.slots = append(s.slots, slotText{text: text, key: keyID})
		s.slotIDs[text] = id
	}
	s.lastSlot = id
	return id
}

// maxDetail bounds the text that a mark keeps of one line.
const maxDetail = 64 << 10

// text returns the place of a text, none for the empty one.
func (s *store) text(b []byte) int32 {
	if len(b) == 0 {
		return none
	}
	b = b[:min(len(b), maxDetail)]
	id, ok := s.textIDs[string(b)]
	if !ok {
		text := strings.ToValidUTF8(string(b), "\uFFFD")
		id = int32(len(s.texts))
		s.texts = append(s.texts, text)
		s.textIDs[string(b)] = id
	}
	return id
}

func (s *store) slotOf(f *fact) string {
	if f.slot == none {
		return ""
	}
	return s.slots[f.slot].text
}

// key returns the place of the slot's key, none where the fact has no slot.
func (s *store) key(f *fact) int32 {
	if f.slot == none {
		return none
	}
	return s.slots[f.slot].key
}

func (s *store) textOf(f *fact) string {
	if f.text == none {
		return ""
	}
	return s.texts[f.text]
}

// compare orders facts by time, then by the order of lines in a start, then by
// content, so that the order in which they were added leaves no trace.
func (s *store) compare(a, b *fact) int {
	switch {
	case a.micros != b.micros:
		return cmp.Compare(a.micros, b.micros)
	case a.kind != b.kind:
		return cmp.Compare(a.kind, b.kind)
	case a.pid != b.pid:
		return cmp.Compare(a.pid, b.pid)
	}
	if a.slot != b.slot {
		if c := strings.Compare(s.slotOf(a), s.slotOf(b)); c != 0 {
			return c
		}
	}
	if a.text != b.text {
		if c := strings.Compare(s.textOf(a), s.textOf(b)); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.until, b.until)
}

// sort orders the facts and merges equal ones: the same line is one fact, whatever
// its ids; the smallest id stands for it.
func (s *store) sort() {
	if !s.insertionSort() {
		slices.SortFunc(s.facts, func(a, b fact) int { return s.compare(&a, &b) })
	}
	out := s.facts[:0]
	for i := range s.facts {
		f := &s.facts[i]
		if n := len(out); n > 0 && s.compare(&out[n-1], f) == 0 {
			last := &out[n-1]
			last.lines = max(last.lines, f.lines)
			if slices.Compare(f.id[:], last.id[:]) < 0 {
				last.id = f.id
			}
			continue
		}
		out = append(out, *f)
	}
	s.facts = out
}

// insertionSort orders facts that are nearly in order, as a log's lines are: those
// of different processes swap places by some milliseconds. It gives up, with every
// fact still there, where that takes too many moves.
func (s *store) insertionSort() bool {
	budget := 4 * len(s.facts)
	for i := 1; i < len(s.facts); i++ {
		if s.compare(&s.facts[i-1], &s.facts[i]) <= 0 {
			continue
		}
		f := s.facts[i]
		j := i
		for ; j > 0 && s.compare(&s.facts[j-1], &f) > 0; j-- {
			s.facts[j] = s.facts[j-1]
			budget--
		}
		s.facts[j] = f
		if budget < 0 {
			return false
		}
	}
	return true
}
