package trailhouse

import (
	"math"
	"time"
)

// Batch holds rows of one table, column by column, as decoders fill it and the
// Parquet writer drains it. A row is appended by calling a setter for each column
// that has a value, then EndRow; columns that were not set are null. A Batch is
// not safe for concurrent use.
type Batch struct {
	Table    *Table
	cols     []column
	required []int // columns that each row must set: those that are Required, and the key
	nested   []int // columns with a child
	rows     int
	era      int  // how often rows were taken back
	bytes    *int // of the whole, also where this is a child
}

// column is one column of a Batch. A null takes its place when a later row is set,
// so that columns which hold hardly anything cost hardly anything: what lies behind
// the end of valid is null. Values hold a place for null rows too, so that a row is
// found by its index; lists are found by their ends.
type column struct {
	valid []bool
	codes []uint32 // number of row i's text, or of each string of the lists
	// last is the text before and lastCode its number: most values of a trail equal the
	// one before them. It is nil where there is none.
	last     []byte
	lastCode uint32
	typ      Type
	ints     []int64
	keys     []Key
	ends     []uint32 // of row i's list in ints, codes or child; of a struct the number of its row plus one
	child    *Batch   // rows of a nested column
	claimed  int      // rows of the child of a struct that belong to a row
	texts    texts
	word     []byte // a string on its way to texts
}

// maxText is how many bytes of text, or elements of lists, a column of a batch can
// hold. Batches are written out long before (the memory of a run is bounded).
const maxText = math.MaxUint32

// NewBatch returns an empty batch for the table.
func NewBatch(t *Table) *Batch {
	return newBatch(t, new(int))
}

func newBatch(t *Table, bytes *int) *Batch {
	b := &Batch{Table: t, cols: make([]column, len(t.Columns)), bytes: bytes}
	for i := range t.Columns {
		spec := &t.Columns[i]
		b.cols[i].typ = spec.Type
		b.cols[i].texts.unique = spec.Unique || spec.Type == TypeBinary
		if spec.Required || spec.Name == t.Key {
			b.required = append(b.required, i)
		}
		if fields := spec.fields(); fields != nil {
			b.cols[i].child = newBatch(&Table{Name: t.Name + "." + spec.Name, Columns: fields}, bytes)
			b.nested = append(b.nested, i)
		}
	}
	return b
}

// Len returns the number of rows.
func (b *Batch) Len() int { return b.rows }

// Bytes returns about how much memory the rows take; of a Child's, those of the batch
// that it belongs to.
func (b *Batch) Bytes() int { return *b.bytes }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	for i := range b.cols {
		c := &b.cols[i]
		c.valid, c.ints, c.keys = c.valid[:0], c.ints[:0], c.keys[:0]
		c.codes, c.ends = c.codes[:0], c.ends[:0]
		c.last, c.lastCode, c.claimed = nil, 0, 0
		c.texts.reset()
		if c.child != nil {
			c.child.Reset()
		}
	}
	b.rows, *b.bytes = 0, 0
	b.era++
}

// Truncate drops the rows from row n on and what was set of the row under way, so
// that a unit that is rejected leaves nothing behind.
func (b *Batch) Truncate(n int) {
	b.rows = min(b.rows, n)
	b.era++
	for i := range b.cols {
		less := b.cols[i].truncate(n) // which changes bytes itself where it is nested
		*b.bytes -= less
	}
}

// truncate drops what a column holds from row n on and returns how many bytes the
// batch counted for it.
func (c *column) truncate(n int) (bytes int) {
	n = min(n, len(c.valid))
	for _, set := range c.valid[n:] {
		if set {
			bytes += setBytes
		}
	}
	c.valid = c.valid[:n]
	switch c.typ {
	case TypeInt64, TypeBool, TypeTimestamp:
		c.ints = c.ints[:n]
		return bytes
	case TypeUUID:
		c.keys = c.keys[:n]
		return bytes
	case TypeString, TypeBinary:
		return bytes + c.cut(n)
	}
	c.ends = c.ends[:n]
	end := start(c.ends, n)
	switch c.typ {
	case TypeInt64s:
		bytes += 8 * (len(c.ints) - end)
		c.ints = c.ints[:end]
	case TypeStrings:
		bytes += codeBytes*(len(c.codes)-end) + c.cut(end)
	case TypeStruct:
		c.claimed = int(greatest(c.ends))
		c.child.Truncate(c.claimed)
	default:
		c.child.Truncate(end)
	}
	return bytes
}

// greatest returns the greatest of numbers, 0 of none.
func greatest(s []uint32) (most uint32) {
	for _, v := range s {
		most = max(most, v)
	}
	return most
}

// setBytes is what a value counts, a text beside what it adds to the texts, a string
// of a list codeBytes.
const (
	setBytes  = 9
	codeBytes = 4
)

// SetText sets a TypeString or TypeBinary column of the row under way. The bytes
// are copied.
func (b *Batch) SetText(col int, v []byte) {
	c := b.at(col)
	*b.bytes += c.addText(v)
}

// Number returns the number of the text that was set last in a TypeString column, for
// SetNumber of the same Era.
func (b *Batch) Number(col int) uint32 { return b.cols[col].lastCode }

// SetNumber sets a TypeString column of the row under way to the text of a number.
func (b *Batch) SetNumber(col int, n uint32) {
	c := b.at(col)
	c.codes = append(c.codes, n)
	c.last, c.lastCode = c.texts.at(n), n
}

// SetString sets a TypeString column of the row under way.
func (b *Batch) SetString(col int, v string) {
	c := b.at(col)
	*b.bytes += c.addString(v)
}

// addText appends a text to the codes of the column and returns how many bytes that
// is to count.
func (c *column) addText(v []byte) (bytes int) {
	if string(c.last) == string(v) && c.last != nil {
		c.codes = append(c.codes, c.lastCode)
		return 0
	}
	code, added := c.texts.number(v, len(c.codes))
	c.codes = append(c.codes, code)
	c.last, c.lastCode = c.texts.at(code), code
	if added {
		bytes = len(v) + textBytes
	}
	return bytes
}

// addString is addText for a string.
func (c *column) addString(v string) (bytes int) {
	if string(c.last) == v && c.last != nil {
		c.codes = append(c.codes, c.lastCode)
		return 0
	}
	c.word = append(c.word[:0], v...)
	return c.addText(c.word)
}

// cut drops the codes from element n on and what they brought, and returns how many
// bytes the batch counted for that.
func (c *column) cut(n int) (bytes int) {
	c.codes = c.codes[:n]
	bytes = c.texts.truncate(n)
	c.last, c.lastCode = nil, 0
	if n > 0 && len(c.texts.ends) > 0 {
		c.lastCode = c.codes[n-1]
		c.last = c.texts.at(c.lastCode)
	}
	return bytes
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
	c.ends = append(c.ends, size(len(c.ints)))
	*b.bytes += 8 * len(v)
}

// SetStrings sets a TypeStrings column of the row under way.
func (b *Batch) SetStrings(col int, v []string) {
	c := b.at(col)
	for _, s := range v {
		*b.bytes += c.addString(s) + codeBytes
	}
	c.ends = append(c.ends, size(len(c.codes)))
}

// AddText appends a text to the list under way in a TypeStrings column, which SetList ends.
// The bytes are copied. It returns the number of the text, for AddNumber of the same Era.
func (b *Batch) AddText(col int, v []byte) uint32 {
	c := &b.cols[col]
	*b.bytes += c.addText(v) + codeBytes
	return c.lastCode
}

// AddNumber appends the text of a number to the list under way.
func (b *Batch) AddNumber(col int, n uint32) {
	c := &b.cols[col]
	c.codes = append(c.codes, n)
	*b.bytes += codeBytes
}

// SetList sets a TypeStrings column of the row under way to what was appended since the
// row before.
func (b *Batch) SetList(col int) {
	c := b.at(col)
	c.ends = append(c.ends, size(len(c.codes)))
}

// Child returns the rows of a nested column: of TypeStruct one for each row that is
// not null and has one of its own, of TypeStructs and TypeMap (columns key and value) any
// number. Rows are
// appended to it with its own setters and EndRow, and then claimed by SetRows.
func (b *Batch) Child(col int) *Batch { return b.cols[col].child }

// SetRows sets a nested column of the row under way to the rows that were appended
// to its Child since the row before.
func (b *Batch) SetRows(col int) {
	c := b.at(col)
	if c.typ == TypeStruct && c.unclaimed() != 1 {
		panic("BUG: column " + b.Table.Columns[col].Name + " has rows of its own that do not fit the row")
	}
	c.claimed = c.child.rows
	c.ends = append(c.ends, size(c.child.rows))
}

// SetRow sets a TypeStruct column of the row under way to a row of its Child that another
// row has claimed.
func (b *Batch) SetRow(col, row int) {
	c := b.at(col)
	if c.typ != TypeStruct || row >= c.claimed {
		panic("BUG: column " + b.Table.Columns[col].Name + " has no such row")
	}
	c.ends = append(c.ends, size(row+1))
}

// unclaimed returns how many rows of the child belong to no row yet.
func (c *column) unclaimed() int {
	if c.typ == TypeStruct {
		return c.child.rows - c.claimed
	}
	return c.child.rows - start(c.ends, len(c.ends))
}

// at marks the column as set in the row under way.
func (b *Batch) at(col int) *column {
	c := &b.cols[col]
	if len(c.valid) != b.rows {
		c.fill(b, col)
	}
	c.valid = append(c.valid, true)
	*b.bytes += setBytes
	return c
}

// fill gives the nulls before the row under way their place.
func (c *column) fill(b *Batch, col int) {
	n := b.rows - len(c.valid)
	if n < 0 {
		panic("BUG: column " + b.Table.Columns[col].Name + " of " + b.Table.Name + " set twice in one row")
	}
	c.valid = append(c.valid, make([]bool, n)...)
	switch c.typ {
	case TypeInt64, TypeBool, TypeTimestamp:
		c.ints = append(c.ints, make([]int64, n)...)
	case TypeUUID:
		c.keys = append(c.keys, make([]Key, n)...)
	case TypeString, TypeBinary:
		// A null has the number of the value before, so that the next can be equal to it.
		c.codes = repeat(c.codes, c.lastCode, n)
	default:
		c.ends = repeat(c.ends, uint32(start(c.ends, len(c.ends))), n)
	}
}

// repeat appends a value n times.
func repeat(s []uint32, v uint32, n int) []uint32 {
	for range n {
		s = append(s, v)
	}
	return s
}

// EndRow ends the row under way. A required column that was not set, and rows of a
// Child that no column claimed, are mistakes of ours.
func (b *Batch) EndRow() {
	b.rows++
	for _, i := range b.required {
		if len(b.cols[i].valid) != b.rows {
			panic("BUG: required column " + b.Table.Columns[i].Name + " of " + b.Table.Name + " not set")
		}
	}
	for _, i := range b.nested {
		if b.cols[i].unclaimed() != 0 {
			panic("BUG: column " + b.Table.Columns[i].Name + " has rows of its own that do not fit the row")
		}
	}
}

// size is a position in a column's text, elements or rows.
func size(n int) uint32 {
	if n > maxText {
		panic("BUG: a column of a batch holds more than 4 GiB")
	}
	return uint32(n)
}
