package dedup

import (
	"errors"
	"os"
)

// merge makes one run of the newest ones. How many it takes grows as long as the
// next older one is not much larger than those together, so that a key is copied
// a number of times that grows with the logarithm of the partition's size.
func (p *Part) merge() error {
	from := len(p.runs) - 2
	sum := p.runs[from].count + p.runs[from+1].count
	for from > 0 && p.runs[from-1].count <= 2*sum {
		from--
		sum += p.runs[from].count
	}
	old := p.runs[from:]
	merged := run{dir: p.dir, first: old[0].first, last: old[len(old)-1].last, count: sum}
	if err := mergeInto(merged, old); err != nil {
		return err
	}
	p.runs = append(p.runs[:from:from], merged)
	var errs []error
	for _, r := range old {
		errs = append(errs, os.Remove(r.path()))
	}
	return errors.Join(errs...)
}

// mergeInto writes the merged run.
func mergeInto(merged run, old []run) (err error) {
	var cursors []*cursor
	defer func() {
		for _, c := range cursors {
			err = errors.Join(err, c.r.close())
		}
	}()
	for _, r := range old {
		rd, err := r.open()
		if err != nil {
			return err
		}
		c := &cursor{r: rd, block: -1}
		cursors = append(cursors, c)
		if err := c.next(); err != nil {
			return err
		}
	}
	return merged.create(func() (entry, error) { return smallest(cursors) })
}

// cursor walks through the keys of a run.
type cursor struct {
	r     *reader
	block int64
	keys  []byte
	i     int
	key   entry
	ended bool
}

// next steps to the next key.
func (c *cursor) next() error {
	c.i++
	if c.block < 0 || c.i >= len(c.keys)/keySize {
		c.block++
		c.i = 0
		if c.block >= c.r.blocks() {
			c.ended = true
			return nil
		}
		if c.block >= c.r.first+c.r.loaded {
			if err := c.r.load(c.block, streamBlocks); err != nil {
				return err
			}
		}
		c.keys = c.r.keys(c.block)
	}
	c.key = c.r.at(c.keys, c.i)
	return nil
}

// smallest takes the smallest key of all cursors.
func smallest(cursors []*cursor) (entry, error) {
	var best *cursor
	for _, c := range cursors {
		if !c.ended && (best == nil || c.key.less(best.key)) {
			best = c
		}
	}
	if best == nil {
		return entry{}, errDamaged
	}
	e := best.key
	return e, best.next()
}
