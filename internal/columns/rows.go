package columns

import (
	"context"
	"slices"

	"github.com/trailhouse/trailhouse"
)

// ReadRows is Read for few rows of many: those with the numbers, which count from the
// beginning of the file and ascend. A row group without any of them is not read, and
// what lies between them is passed over.
func ReadRows(ctx context.Context, path string, t *trailhouse.Table, cols []string, rows []int64, fn func(*trailhouse.Batch) error) error {
	positions, err := positionsOf(t, cols)
	if err != nil || len(rows) == 0 {
		return err
	}
	rdr, err := open(path)
	if err != nil {
		return err
	}
	defer rdr.Close()
	r := newReader(path, t, positions, fn)
	var from int64 // of the row group
	for g := range rdr.NumRowGroups() {
		end := from + rdr.MetaData().RowGroup(g).NumRows()
		n, _ := slices.BinarySearch(rows, end)
		if n > 0 {
			err := r.open(rdr, g, t, positions, func(nodes []*node, _ int64) error { return r.few(ctx, nodes, from, rows[:n]) })
			if err != nil {
				return err
			}
		}
		from, rows = end, rows[n:]
	}
	if len(rows) > 0 {
		return trailhouse.Errorf(trailhouse.CodeInternal, "data file %s has %d rows, no row %d", path, from, rows[0])
	}
	return r.flush()
}

// few reads some rows of a row group that begins with row at, a stretch at a time and
// in each column by column.
func (r *reader) few(ctx context.Context, nodes []*node, at int64, rows []int64) error {
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return interrupted(r.path, err)
		}
		n := min(len(rows), r.stretch, RowGroupRows-r.batch.Len())
		err := guard(r.path, func() error {
			from := r.batch.Len()
			for _, node := range nodes {
				if err := node.some(r.batch, from, at, rows[:n]); err != nil {
					return err
				}
			}
			return r.add(n)
		})
		if err != nil {
			return err
		}
		at, rows = rows[n-1]+1, rows[n:]
		if r.full() {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// some sets the column from row from of a batch on to that of some rows of the row group.
// at is the row that the node stands before.
func (n *node) some(b *trailhouse.Batch, from int, at int64, rows []int64) error {
	for i, row := range rows {
		for _, c := range n.leaves {
			if err := c.skip(row - at); err != nil {
				return err
			}
		}
		b.SetLen(from + i)
		if err := n.next(b); err != nil {
			return err
		}
		at = row + 1
	}
	b.SetLen(from)
	return nil
}

// skip passes over entries until so many rows are behind.
func (c *cursor) skip(rows int64) error {
	for {
		ok, err := c.more()
		if err != nil || !ok {
			return err
		}
		for ; c.level < c.levels; c.level++ {
			if !c.lists || c.rep[c.level] == 0 {
				if rows == 0 {
					return nil
				}
				rows--
			}
			if c.maxDef == 0 || c.def[c.level] == c.maxDef {
				c.value++
			}
		}
	}
}
