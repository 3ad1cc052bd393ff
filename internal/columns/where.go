package columns

import (
	"context"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/trailhouse/trailhouse"
)

// ReadWhere is Read for few rows of many: those that pick wants, which is asked with
// batches that hold the columns first. A row group without any is not read further, and
// what lies between them is passed over.
func ReadWhere(ctx context.Context, path string, t *trailhouse.Table, first []string, pick func(b *trailhouse.Batch, row int) bool,
	cols []string, fn func(*trailhouse.Batch) error,
) error {
	look, err := positionsOf(t, first)
	if err != nil {
		return err
	}
	positions, err := positionsOf(t, cols)
	if err != nil {
		return err
	}
	rdr, err := open(path)
	if err != nil {
		return err
	}
	defer rdr.Close()
	r := newReader(path, t, fn)
	for g := range rdr.NumRowGroups() {
		rows, err := pickRows(ctx, rdr, g, path, t, look, pick)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			continue
		}
		err = r.open(rdr, g, t, positions, func(nodes []*node, _ int64) error { return r.few(ctx, nodes, rows) })
		if err != nil {
			return err
		}
	}
	return r.flush()
}

// pickRows returns the numbers of the rows of a row group that pick wants.
func pickRows(ctx context.Context, rdr *file.Reader, g int, path string, t *trailhouse.Table, look []int,
	pick func(b *trailhouse.Batch, row int) bool,
) (rows []int64, err error) {
	var from int64
	r := newReader(path, t, func(b *trailhouse.Batch) error {
		for i := range b.Len() {
			if pick(b, i) {
				rows = append(rows, from+int64(i))
			}
		}
		from += int64(b.Len())
		return nil
	})
	err = r.open(rdr, g, t, look, func(nodes []*node, rows int64) error { return r.group(ctx, nodes, rows) })
	if err == nil {
		err = r.flush()
	}
	return rows, err
}

// few reads some rows of a row group, a stretch at a time and in each column by column.
func (r *reader) few(ctx context.Context, nodes []*node, rows []int64) error {
	at := int64(0) // the next row of all columns
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
			r.batch.SetLen(from + n)
			return nil
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
// at is where the node stands.
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
