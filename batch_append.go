package trailhouse

// The functions of this file fill a batch column by column, as files are read: values
// are appended for the rows to come, and SetLen makes them rows. present says for each
// row whether it has a value, nil that all have one; values holds those that are there.

// SetLen sets the number of rows, which is the row that setters set next. Where it
// grows, columns that hold fewer values are null in the rows between.
func (b *Batch) SetLen(n int) { b.rows = n }

// AppendInts appends values of a TypeInt64, TypeBool or TypeTimestamp column.
func (b *Batch) AppendInts(col int, present []bool, values []int64) {
	c := b.tail(col, present, len(values))
	if present == nil {
		c.ints = append(c.ints, values...)
		return
	}
	for _, has := range present {
		var v int64
		if has {
			v, values = values[0], values[1:]
		}
		c.ints = append(c.ints, v)
	}
}

// AppendKeys appends values of a TypeUUID column. Each is 16 bytes long.
func AppendKeys[T ~[]byte](b *Batch, col int, present []bool, values []T) {
	c := b.tail(col, present, len(values))
	if present == nil {
		for _, v := range values {
			c.keys = append(c.keys, Key(v))
		}
		return
	}
	for _, has := range present {
		var k Key
		if has {
			k, values = Key(values[0]), values[1:]
		}
		c.keys = append(c.keys, k)
	}
}

// AppendTexts appends values of a TypeString or TypeBinary column. The bytes are
// copied.
func AppendTexts[T ~[]byte](b *Batch, col int, present []bool, values []T) {
	c := b.tail(col, present, len(values))
	if present == nil {
		for _, v := range values {
			*b.bytes += c.addText(v)
		}
		return
	}
	for _, has := range present {
		if !has {
			c.codes = append(c.codes, c.lastCode)
			continue
		}
		*b.bytes += c.addText(values[0])
		values = values[1:]
	}
}

// tail makes a column ready for values from the row under way on and marks which rows
// have one.
func (b *Batch) tail(col int, present []bool, values int) *column {
	c := &b.cols[col]
	if len(c.valid) != b.rows {
		c.fill(b, col)
	}
	*b.bytes += setBytes * values
	if present != nil {
		c.valid = append(c.valid, present...)
		return c
	}
	for range values {
		c.valid = append(c.valid, true)
	}
	return c
}

// DeriveKeys gives those of the rows from one to another that have no key in a TypeUUID
// column the GUID that a TypeString column writes (Table.KeyText). It reports false
// where a row is left without.
func (b *Batch) DeriveKeys(key, text, from, to int) bool {
	c := &b.cols[key]
	if n := to - len(c.valid); n > 0 {
		c.valid, c.keys = append(c.valid, make([]bool, n)...), append(c.keys, make([]Key, n)...)
	}
	for row := from; row < to; row++ {
		if c.valid[row] {
			continue
		}
		k, ok := ParseKey(b.Text(text, row))
		if !ok {
			return false
		}
		c.valid[row], c.keys[row] = true, k
		*b.bytes += setBytes
	}
	return true
}
