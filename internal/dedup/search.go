package dedup

import "sort"

// searchCost is what looking one key up by interpolation costs, in blocks read
// through: 3 µs against 2 µs, measured on runs of 2.5 million keys.
const searchCost = 2

// mark sets old[i] for each entry, in order, that the run has.
func (r *reader) mark(entries []entry, old []bool) error {
	if int64(len(entries))*searchCost < r.blocks() {
		return r.search(entries, old)
	}
	return r.stream(entries, old)
}

// stream reads the whole run beside the entries.
func (r *reader) stream(entries []entry, old []bool) error {
	i := 0
	for b := int64(0); b < r.blocks() && i < len(entries); b++ {
		if b >= r.first+r.loaded {
			if err := r.load(b, streamBlocks); err != nil {
				return err
			}
		}
		keys := r.keys(b)
		for k := 0; k < len(keys)/keySize && i < len(entries); k++ {
			key := r.at(keys, k)
			for i < len(entries) && entries[i].less(key) {
				i++
			}
			for i < len(entries) && entries[i].same(key) {
				old[i] = true
				i++
			}
		}
	}
	return nil
}

// search looks each entry up. The keys of a run are spread evenly, being GUIDs and
// hashes, so a guess by interpolation is a few blocks off; keys that are not are
// found by halving after a few guesses.
func (r *reader) search(entries []entry, old []bool) error {
	s := searcher{r: r}
	for i, e := range entries {
		found, err := s.has(e)
		if err != nil {
			return err
		}
		old[i] = found
	}
	return nil
}

// searcher looks up entries that come in order: what lies before the last one is
// not looked at again.
type searcher struct {
	r     *reader
	block int64  // no earlier block can hold the next entry
	below uint64 // the first half of a key that is not above any in block
}

func (s *searcher) has(e entry) (bool, error) {
	low, high := s.block, s.r.blocks()
	lowKey, highKey := s.below, ^uint64(0)
	for guesses := 0; low < high; guesses++ {
		b := low + (high-low)/2
		if guesses < 6 {
			b = guess(low, high, lowKey, highKey, e.hi)
		}
		if s.r.loaded == 0 || b != s.r.first {
			if err := s.r.load(b, 1); err != nil {
				return false, err
			}
		}
		keys := s.r.keys(b)
		n := len(keys) / keySize
		first, last := s.r.at(keys, 0), s.r.at(keys, n-1)
		switch {
		case e.less(first):
			high, highKey = b, first.hi
		case last.less(e):
			low, lowKey = b+1, last.hi
			s.block, s.below = low, lowKey
		default:
			i := sort.Search(n, func(i int) bool { return !s.r.at(keys, i).less(e) })
			return s.r.at(keys, i).same(e), nil
		}
	}
	return false, nil
}

// guess returns the block in [low, high) where a key would be if keys were spread
// evenly between the bounds.
func guess(low, high int64, lowKey, highKey, key uint64) int64 {
	if highKey <= lowKey || key <= lowKey {
		return low
	}
	share := float64(key-lowKey) / float64(highKey-lowKey)
	return min(high-1, low+int64(share*float64(high-low)))
}
