package trailhouse

import "time"

// Batch holds rows of one table, column by column, as decoders fill it and the
// Parquet writer drains it. A row is appended by calling a setter for each column
// that has a value, then EndRow; columns that were not set are null. A Batch is
// not safe for concurrent use.
type Batch struct {
	Table  *Table
	cols   []column
	nested []*Batch // the Children
	rows   int
	bytes  int
}

// column is one column of a Batch. Fixed-width values hold a place for null rows
// too, so that a row is found by its index; texts and lists by their offsets.
type column struct {
	valid   []bool
	ints    []int64
	keys    []Key
	text    []byte
	offsets []int  // end of row i's text, or of its list in ints or items
	items   []int  // end of each string of a list in text
	child   *Batch // rows of a nested column; offsets are their ends
}

// NewBatch returns an empty batch for the table.
func NewBatch(t *Table) *Batch {
	b := &Batch{Table: t, cols: make([]column, len(t.Columns))}
	for i := range t.Columns {
		if fields := t.Columns[i].fields(); fields != nil {
			b.cols[i].child = NewBatch(&Table{Name: t.Name + "." + t.Columns[i].Name, Columns: fields})
			b.nested = append(b.nested, b.cols[i].child)
		}
	}
	return b
}

// Len returns the number of rows.
func (b *Batch) Len() int { return b.rows }

// Bytes returns about how much memory the rows take.
func (b *Batch) Bytes() int {
	n := b.bytes
	for _, child := range b.nested {
		n += child.Bytes()
	}
	return n
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	for i := range b.cols {
		c := &b.cols[i]
		c.valid, c.ints, c.keys = c.valid[:0], c.ints[:0], c.keys[:0]
		c.text, c.offsets, c.items = c.text[:0], c.offsets[:0], c.items[:0]
		if c.child != nil {
			c.child.Reset()
		}
	}
	b.rows, b.bytes = 0, 0
}

// Truncate drops the rows from row n on and what was set of the row under way, so
// that a unit that is rejected leaves nothing behind.
func (b *Batch) Truncate(n int) {
	for i := range b.cols {
		b.cols[i].truncate(b, b.Table.Columns[i].Type, n)
	}
	b.rows = min(b.rows, n)
}

// truncate drops what a column holds from row n on and takes it off b's bytes.
func (c *column) truncate(b *Batch, t Type, n int) {
	for _, set := range c.valid[min(n, len(c.valid)):] {
		if set {
			b.bytes -= 9
		}
	}
	c.valid = c.valid[:min(n, len(c.valid))]
	text := len(c.text)
	switch t {
	case TypeInt64, TypeBool, TypeTimestamp:
		c.ints = c.ints[:min(n, len(c.ints))]
	case TypeUUID:
		c.keys = c.keys[:min(n, len(c.keys))]
	case TypeString, TypeBinary:
		c.offsets = c.offsets[:min(n, len(c.offsets))]
		c.text = c.text[:start(c.offsets, len(c.offsets))]
	case TypeInt64s:
		ints := len(c.ints)
		c.offsets = c.offsets[:min(n, len(c.offsets))]
		c.ints = c.ints[:start(c.offsets, len(c.offsets))]
		b.bytes -= 8 * (ints - len(c.ints))
	case TypeStrings:
		items := len(c.items)
		c.offsets = c.offsets[:min(n, len(c.offsets))]
		c.items = c.items[:start(c.offsets, len(c.offsets))]
		c.text = c.text[:start(c.items, len(c.items))]
		b.bytes -= 8 * (items - len(c.items))
	case TypeStruct, TypeStructs, TypeMap:
		c.offsets = c.offsets[:min(n, len(c.offsets))]
		c.child.Truncate(start(c.offsets, len(c.offsets)))
	}
	b.bytes -= text - len(c.text)
}

// SetText sets a TypeString or TypeBinary column of the row under way. The bytes
// are copied.
func (b *Batch) SetText(col int, v []byte) {
	c := b.at(col)
	c.text = append(c.text, v...)
	b.bytes += len(v)
}

// SetString sets a TypeString column of the row under way.
func (b *Batch) SetString(col int, v string) {
	c := b.at(col)
	c.text = append(c.text, v...)
	b.bytes += len(v)
}

// SetInt sets a TypeInt64 column of the row under way.
func (b *Batch) SetInt(col int, v int64) {
	c := b.at(col)
	c.ints = append(c.ints, v)
}

// SetBool sets a TypeBool column of the row under way.
func (b *Batch) SetBool(col int, v bool) {
	var n int64
	if v {
		n = 1
	}
	b.SetInt(col, n)
}

// SetMicros sets a TypeTimestamp column to microseconds since 1970 UTC.
func (b *Batch) SetMicros(col int, us int64) { b.SetInt(col, us) }

// SetTime sets a TypeTimestamp column; a zero time leaves it null.
func (b *Batch) SetTime(col int, t time.Time) {
	if !t.IsZero() {
		b.SetInt(col, t.UnixMicro())
	}
}

// SetKey sets a TypeUUID column of the row under way.
func (b *Batch) SetKey(col int, k Key) {
	c := b.at(col)
	c.keys = append(c.keys, k)
}

// SetInts sets a TypeInt64s column of the row under way.
func (b *Batch) SetInts(col int, v []int64) {
	c := b.at(col)
	c.ints = append(c.ints, v...)
	b.bytes += 8 * len(v)
}

// SetStrings sets a TypeStrings column of the row under way.
func (b *Batch) SetStrings(col int, v []string) {
	c := b.at(col)
	for _, s := range v {
		c.text = append(c.text, s...)
		c.items = append(c.items, len(c.text))
		b.bytes += len(s) + 8
	}
}

// Child returns the rows of a nested column: of TypeStruct one for each row that is
// not null, of TypeStructs and TypeMap (columns key and value) any number. Rows are
// appended to it with its own setters and EndRow, and then claimed by SetRows.
func (b *Batch) Child(col int) *Batch { return b.cols[col].child }

// SetRows sets a nested column of the row under way to the rows that were appended
// to its Child since the row before.
func (b *Batch) SetRows(col int) { b.at(col) }

// at marks the column as set in the row under way.
func (b *Batch) at(col int) *column {
	c := &b.cols[col]
	if len(c.valid) != b.rows {
		panic("BUG: column " + b.Table.Columns[col].Name + " of " + b.Table.Name + " set twice in one row")
	}
	c.valid = append(c.valid, true)
	b.bytes += 9
	return c
}

// EndRow ends the row under way. A required column that was not set is a mistake
// of ours.
func (b *Batch) EndRow() {
	b.rows++
	for i := range b.cols {
		c, spec := &b.cols[i], &b.Table.Columns[i]
		if len(c.valid) < b.rows {
			if spec.Required {
				panic("BUG: required column " + spec.Name + " of " + b.Table.Name + " not set")
			}
			c.valid = append(c.valid, false)
			c.pad(spec.Type)
		}
		switch spec.Type {
		case TypeString, TypeBinary:
			c.offsets = append(c.offsets, len(c.text))
		case TypeInt64s:
			c.offsets = append(c.offsets, len(c.ints))
		case TypeStrings:
			c.offsets = append(c.offsets, len(c.items))
		case TypeStruct, TypeStructs, TypeMap:
			c.claim(spec, b.rows-1)
		}
	}
}

// claim ends the rows that a nested column holds for a row.
func (c *column) claim(spec *Column, row int) {
	n := c.child.Len() - start(c.offsets, row)
	if !c.valid[row] && n != 0 || c.valid[row] && spec.Type == TypeStruct && n != 1 {
		panic("BUG: column " + spec.Name + " has rows of its own that do not fit the row")
	}
	c.offsets = append(c.offsets, c.child.Len())
}

// pad holds the place of a null in columns of fixed width.
func (c *column) pad(t Type) {
	switch t {
	case TypeInt64, TypeBool, TypeTimestamp:
		c.ints = append(c.ints, 0)
	case TypeUUID:
		c.keys = append(c.keys, Key{})
	}
}

// IsNull reports whether the value is null.
func (b *Batch) IsNull(col, row int) bool { return !b.cols[col].valid[row] }

// Text returns the bytes of a TypeString or TypeBinary value, empty for null. They are the
// batch's own: they change when it is reset.
func (b *Batch) Text(col, row int) []byte {
	c := &b.cols[col]
	return c.text[start(c.offsets, row):c.offsets[row]]
}

// String returns a TypeString value, empty for null.
func (b *Batch) String(col, row int) string { return string(b.Text(col, row)) }

// Int returns a TypeInt64 value, or the microseconds of a TypeTimestamp value; 0
// for null.
func (b *Batch) Int(col, row int) int64 { return b.cols[col].ints[row] }

// Bool returns a TypeBool value, false for null.
func (b *Batch) Bool(col, row int) bool { return b.cols[col].ints[row] != 0 }

// Time returns a TypeTimestamp value in UTC, the zero time for null.
func (b *Batch) Time(col, row int) time.Time {
	if b.IsNull(col, row) {
		return time.Time{}
	}
	return time.UnixMicro(b.Int(col, row)).UTC()
}

// Key returns a TypeUUID value, zero for null.
func (b *Batch) Key(col, row int) Key { return b.cols[col].keys[row] }

// Ints returns a TypeInt64s value, nil for null. The slice is the batch's own.
func (b *Batch) Ints(col, row int) []int64 {
	c := &b.cols[col]
	if !c.valid[row] {
		return nil
	}
	return c.ints[start(c.offsets, row):c.offsets[row]]
}

// Strings returns a TypeStrings value, nil for null.
func (b *Batch) Strings(col, row int) []string {
	c := &b.cols[col]
	if !c.valid[row] {
		return nil
	}
	from, to := start(c.offsets, row), c.offsets[row]
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, string(c.text[start(c.items, i):c.items[i]]))
	}
	return out
}

// Rows returns the range of rows in Child that a row of a nested column holds: it
// is empty for null, and for an empty list.
func (b *Batch) Rows(col, row int) (from, to int) {
	c := &b.cols[col]
	return start(c.offsets, row), c.offsets[row]
}

// start returns where element i begins, given the ends of all elements.
func start(ends []int, i int) int {
	if i == 0 {
		return 0
	}
	return ends[i-1]
}
