package trailhouse

import "time"

// IsNull reports whether the value is null.
func (b *Batch) IsNull(col, row int) bool {
	valid := b.cols[col].valid
	return row >= len(valid) || !valid[row]
}

// Text returns the bytes of a TypeString or TypeBinary value, empty for null. They are the
// batch's own: they change when it is reset.
func (b *Batch) Text(col, row int) []byte {
	c := &b.cols[col]
	if row >= len(c.valid) || !c.valid[row] {
		return nil
	}
	return c.texts.at(c.codes[row])
}

// String returns a TypeString value, empty for null.
func (b *Batch) String(col, row int) string { return string(b.Text(col, row)) }

// Int returns a TypeInt64 value, or the microseconds of a TypeTimestamp value; 0
// for null.
func (b *Batch) Int(col, row int) int64 {
	if ints := b.cols[col].ints; row < len(ints) {
		return ints[row]
	}
	return 0
}

// Bool returns a TypeBool value, false for null.
func (b *Batch) Bool(col, row int) bool { return b.Int(col, row) != 0 }

// Time returns a TypeTimestamp value in UTC, the zero time for null.
func (b *Batch) Time(col, row int) time.Time {
	if b.IsNull(col, row) {
		return time.Time{}
	}
	return time.UnixMicro(b.Int(col, row)).UTC()
}

// Key returns a TypeUUID value, zero for null.
func (b *Batch) Key(col, row int) Key {
	if keys := b.cols[col].keys; row < len(keys) {
		return keys[row]
	}
	return Key{}
}

// Ints returns a TypeInt64s value, nil for null. The slice is the batch's own.
func (b *Batch) Ints(col, row int) []int64 {
	if b.IsNull(col, row) {
		return nil
	}
	c := &b.cols[col]
	return c.ints[start(c.ends, row):c.ends[row]]
}

// Strings returns a TypeStrings value, nil for null.
func (b *Batch) Strings(col, row int) []string {
	if b.IsNull(col, row) {
		return nil
	}
	c := &b.cols[col]
	from, to := b.Rows(col, row)
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, string(c.texts.at(c.codes[i])))
	}
	return out
}

// Rows returns the range of rows in Child that a row of a nested column holds: it
// is empty for null, and for an empty list.
func (b *Batch) Rows(col, row int) (from, to int) {
	c := &b.cols[col]
	switch {
	case row >= len(c.ends):
		return 0, 0
	case c.typ != TypeStruct:
		return start(c.ends, row), int(c.ends[row])
	case !c.valid[row]:
		return 0, 0
	}
	return int(c.ends[row]) - 1, int(c.ends[row])
}

// start returns where element i begins, given the ends of all elements.
func start(ends []uint32, i int) int {
	if i == 0 {
		return 0
	}
	return int(ends[i-1])
}

// ColumnData is how a Batch holds a column, for code that reads whole columns. The
// slices are the batch's own and must not be changed. They are empty where all rows
// are null.
type ColumnData struct {
	// Valid says for each row whether it has a value.
	Valid []bool
	// Ints are the values of TypeInt64, TypeBool and TypeTimestamp, by row, and the
	// elements of TypeInt64s.
	Ints []int64
	// Keys are the values of TypeUUID, by row.
	Keys []Key
	// Codes are the numbers of the texts: of TypeString and TypeBinary by row, of the
	// elements of TypeStrings.
	Codes []uint32
	// Text holds the texts, one after the other; TextEnds says where each number's ends.
	Text     []byte
	TextEnds []uint32
	// Loose says that equal texts may have several numbers.
	Loose bool
	// Ends are the ends of each row's list in Ints or Codes, or of its rows in Child;
	// it begins where the row before ends. Of TypeStruct they are the number of its row in
	// Child plus one, which several rows may share.
	Ends []uint32
}

// Data returns how a column is held.
func (b *Batch) Data(col int) ColumnData {
	c := &b.cols[col]
	if len(c.valid) > 0 && len(c.valid) < b.rows {
		c.fill(b, col)
	}
	return ColumnData{
		Valid: c.valid, Ints: c.ints, Keys: c.keys, Ends: c.ends,
		Codes: c.codes, Text: c.texts.bytes, TextEnds: c.texts.ends, Loose: c.texts.loose,
	}
}
