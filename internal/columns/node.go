package columns

import (
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/trailhouse/trailhouse"
)

// node puts one column together again from its leaves, row by row.
type node struct {
	col    int
	kind   trailhouse.Type
	def    int16 // definition level at which the column itself is not null
	list   int16 // repetition level of the column's list, 0 where it is none
	leaf   *cursor
	parts  []*node // fields of a struct, key and value of a map
	first  *cursor // the first leaf, which tells null from empty
	leaves []*cursor
	ints   []int64
	items  []string
}

// opener opens the leaves of one row group.
type opener struct {
	rdr   *file.Reader
	group *file.RowGroupReader
	open  []*cursor
}

// openNodes returns the nodes of the columns that the file has. What was opened is
// returned with an error too.
func openNodes(rdr *file.Reader, group *file.RowGroupReader, t *trailhouse.Table, positions []int) (nodes []*node, open []*cursor, err error) {
	o := &opener{rdr: rdr, group: group}
	for _, p := range positions {
		n, err := o.node(t.Columns, p, "", 0, 0)
		if err != nil {
			return nil, o.open, err
		}
		if n != nil {
			nodes = append(nodes, n)
		} else if name := t.Columns[p].Name; rdr.MetaData().Schema.Root().FieldIndexByName(name) >= 0 {
			return nil, o.open, anotherType(name)
		}
	}
	return nodes, o.open, nil
}

func anotherType(column string) error { return fmt.Errorf("column %s has another type", column) }

func closeCursors(cursors []*cursor) {
	for _, c := range cursors {
		_ = c.close()
	}
}

// node opens a column below a path, nil where the file lacks it. def and rep are the
// levels of the node around it.
func (o *opener) node(columns []trailhouse.Column, col int, path string, def, rep int16) (*node, error) {
	spec := &columns[col]
	optional := !spec.Required && (path != "" || !o.requires(spec.Name))
	path += spec.Name
	if optional {
		def++
	}
	n := &node{col: col, kind: spec.Type, def: def}
	var err error
	switch spec.Type {
	case trailhouse.TypeStruct:
		err = o.parts(n, spec.Fields, path+".", def, rep)
	case trailhouse.TypeStructs:
		n.list = rep + 1
		err = o.parts(n, spec.Fields, path+".list.element.", def+1, rep+1)
	case trailhouse.TypeMap:
		n.list = rep + 1
		err = o.parts(n, mapFields(), path+".key_value.", def+1, rep+1)
	case trailhouse.TypeInt64s, trailhouse.TypeStrings:
		n.list = rep + 1
		err = o.leaf(n, path+".list.element", spec, def+1, rep+1)
	default:
		err = o.leaf(n, path, spec, def, rep)
	}
	if err != nil || n.first == nil {
		return nil, err
	}
	return n, nil
}

// requires reports whether the file was written when the column was still required.
func (o *opener) requires(column string) bool {
	root := o.rdr.MetaData().Schema.Root()
	at := root.FieldIndexByName(column)
	return at >= 0 && root.Field(at).RepetitionType() == parquet.Repetitions.Required
}

// parts opens what a column nests.
func (o *opener) parts(n *node, columns []trailhouse.Column, path string, def, rep int16) error {
	for i := range columns {
		part, err := o.node(columns, i, path, def, rep)
		if err != nil {
			return err
		}
		if part != nil {
			n.parts = append(n.parts, part)
			n.leaves = append(n.leaves, part.leaves...)
		}
	}
	if len(n.leaves) > 0 {
		n.first = n.leaves[0]
	}
	return nil
}

// leaf opens the values of a column.
func (o *opener) leaf(n *node, path string, spec *trailhouse.Column, def, rep int16) error {
	at := o.rdr.MetaData().Schema.ColumnIndexByName(path)
	if at < 0 {
		return nil
	}
	chunk, err := o.group.Column(at)
	if err != nil {
		return err
	}
	c, fits := newCursor(chunk, spec.Type, def, rep)
	o.open = append(o.open, c)
	if !fits {
		return anotherType(spec.Name)
	}
	n.leaf, n.first, n.leaves = c, c, []*cursor{c}
	return nil
}

// rows sets the column of the next n rows.
func (n *node) rows(b *trailhouse.Batch, count int) error {
	if n.leaf != nil && n.list == 0 {
		return n.leaf.rows(b, n.col, n.kind, count)
	}
	for from, i := b.Len(), 0; i < count; i++ {
		b.SetLen(from + i)
		if err := n.next(b); err != nil {
			return err
		}
	}
	return nil
}

// next sets the column of the row under way.
func (n *node) next(b *trailhouse.Batch) error {
	switch n.kind {
	case trailhouse.TypeStruct:
		return n.nextStruct(b)
	case trailhouse.TypeStructs, trailhouse.TypeMap, trailhouse.TypeInt64s, trailhouse.TypeStrings:
		return n.nextList(b)
	}
	i, err := n.leaf.take()
	if err != nil || i < 0 {
		return err
	}
	switch n.kind {
	case trailhouse.TypeString, trailhouse.TypeBinary:
		b.SetText(n.col, n.leaf.texts[i])
	case trailhouse.TypeBool:
		b.SetBool(n.col, n.leaf.bools[i])
	case trailhouse.TypeUUID:
		b.SetKey(n.col, trailhouse.Key(n.leaf.keys[i]))
	default:
		b.SetInt(n.col, n.leaf.ints[i])
	}
	return nil
}

// skip steps over one entry of all leaves: the column is null or empty there.
func (n *node) skip() error {
	for _, c := range n.leaves {
		if _, err := c.take(); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) nextStruct(b *trailhouse.Batch) error {
	def, err := n.first.peek()
	if err != nil {
		return err
	}
	if def < n.def {
		return n.skip()
	}
	if err := n.row(b); err != nil {
		return err
	}
	b.SetRows(n.col)
	return nil
}

// row appends a row to the child that the column nests.
func (n *node) row(b *trailhouse.Batch) error {
	child := b.Child(n.col)
	for _, part := range n.parts {
		if err := part.next(child); err != nil {
			return err
		}
	}
	child.EndRow()
	return nil
}

// nextList sets a list or map. The first entry says whether it is null or empty; an
// element repeats where its repetition level is not below the list's.
func (n *node) nextList(b *trailhouse.Batch) error {
	def, err := n.first.peek()
	if err != nil {
		return err
	}
	if def < n.def {
		return n.skip()
	}
	n.ints, n.items = n.ints[:0], n.items[:0]
	if def == n.def {
		if err := n.skip(); err != nil {
			return err
		}
		return n.setList(b)
	}
	for again := true; again; {
		if err := n.element(b); err != nil {
			return err
		}
		if again, err = n.first.again(n.list); err != nil {
			return err
		}
	}
	return n.setList(b)
}

// element adds the next element to the list under way.
func (n *node) element(b *trailhouse.Batch) error {
	if n.leaf == nil {
		return n.row(b)
	}
	i, err := n.leaf.take()
	switch {
	case err != nil:
	case i < 0:
		err = fmt.Errorf("a list has a null element")
	case n.kind == trailhouse.TypeInt64s:
		n.ints = append(n.ints, n.leaf.ints[i])
	default:
		n.items = append(n.items, string(n.leaf.texts[i]))
	}
	return err
}

func (n *node) setList(b *trailhouse.Batch) error {
	switch n.kind {
	case trailhouse.TypeInt64s:
		b.SetInts(n.col, n.ints)
	case trailhouse.TypeStrings:
		b.SetStrings(n.col, n.items)
	default:
		b.SetRows(n.col)
	}
	return nil
}
