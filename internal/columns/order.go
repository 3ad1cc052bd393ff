package columns

import (
	"slices"

	"github.com/trailhouse/trailhouse"
)

// clustering puts the rows of a row group in the order in which they are stored. Its
// memory is used again for the next row group.
type clustering struct {
	rows, spare []int32
	ranks       []uint32 // of each number of a column's texts, 0 where no row has it yet
	of          []uint32 // rank of each row
	counts      []int32
}

// order returns the rows such that those lie side by side which are equal in the columns
// that the table names (Table.Cluster). Values stand in the order in which the rows bring
// them and not in that of the batch's numbers, and rows that are equal in all of the
// columns keep theirs: equal rows give equal bytes. A column most of whose values differ
// (ColumnData.Loose) is passed over. The result is valid until the next call.
func (c *clustering) order(t *trailhouse.Table, b *trailhouse.Batch, rows []int32) []int32 {
	c.rows = append(c.rows[:0], rows...)
	for _, name := range slices.Backward(t.Cluster) {
		d := b.Data(t.MustIndex(name))
		if len(d.Valid) > 0 && !d.Loose {
			c.by(&d)
		}
	}
	return c.rows
}

// by sorts the rows by the values of one column, those without value first, by counting.
func (c *clustering) by(d *trailhouse.ColumnData) {
	c.ranks = slices.Grow(c.ranks[:0], len(d.TextEnds))[:len(d.TextEnds)]
	clear(c.ranks)
	c.of, c.counts = c.of[:0], append(c.counts[:0], 0)
	for _, row := range c.rows {
		rank := uint32(0)
		if d.Valid[row] {
			code := d.Codes[row]
			if c.ranks[code] == 0 {
				c.ranks[code] = uint32(len(c.counts))
				c.counts = append(c.counts, 0)
			}
			rank = c.ranks[code]
		}
		c.of = append(c.of, rank)
		c.counts[rank]++
	}
	at := int32(0)
	for i, n := range c.counts {
		c.counts[i], at = at, at+n
	}
	c.spare = slices.Grow(c.spare[:0], len(c.rows))[:len(c.rows)]
	for i, row := range c.rows {
		rank := c.of[i]
		c.spare[c.counts[rank]] = row
		c.counts[rank]++
	}
	c.rows, c.spare = c.spare, c.rows
}
