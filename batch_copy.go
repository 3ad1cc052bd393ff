package trailhouse

import "encoding/binary"

// CopyRow appends row i of src as a whole row. src is a batch of the same table, or
// of one that lacks columns at the end.
func (b *Batch) CopyRow(src *Batch, i int) {
	for col := range src.cols {
		from := &src.cols[col]
		if i >= len(from.valid) || !from.valid[i] {
			continue
		}
		switch from.typ {
		case TypeString, TypeBinary:
			b.SetText(col, src.Text(col, i))
		case TypeUUID:
			b.SetKey(col, from.keys[i])
		case TypeInt64s:
			b.SetInts(col, src.Ints(col, i))
		case TypeStrings:
			b.copyStrings(col, from, i)
		case TypeStruct, TypeStructs, TypeMap:
			first, end := src.Rows(col, i)
			for row := first; row < end; row++ {
				b.cols[col].child.CopyRow(from.child, row)
			}
			b.SetRows(col)
		default:
			b.SetInt(col, from.ints[i])
		}
	}
	b.EndRow()
}

// Era changes whenever Reset or Truncate take rows back: the number of a row means the
// same row for as long as it stays.
func (b *Batch) Era() int { return b.era }

// copyStrings sets a TypeStrings column to that of another batch's row.
func (b *Batch) copyStrings(col int, from *column, row int) {
	c := b.at(col)
	for i := start(from.ends, row); i < int(from.ends[row]); i++ {
		*b.bytes += c.addText(from.texts.at(from.codes[i])) + codeBytes
	}
	c.ends = append(c.ends, size(len(c.codes)))
}

// AppendRow appends the values of row i to dst in a form in which two rows of one
// table are equal exactly where their bytes are.
func (b *Batch) AppendRow(dst []byte, i int) []byte {
	for col := range b.cols {
		if b.IsNull(col, i) {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, 1)
		switch b.Table.Columns[col].Type {
		case TypeString, TypeBinary:
			dst = appendText(dst, b.Text(col, i))
		case TypeUUID:
			k := b.Key(col, i)
			dst = append(dst, k[:]...)
		case TypeInt64s:
			list := b.Ints(col, i)
			dst = binary.AppendUvarint(dst, uint64(len(list)))
			for _, n := range list {
				dst = binary.AppendVarint(dst, n)
			}
		case TypeStrings:
			list := b.Strings(col, i)
			dst = binary.AppendUvarint(dst, uint64(len(list)))
			for _, s := range list {
				dst = appendText(dst, []byte(s))
			}
		case TypeStruct, TypeStructs, TypeMap:
			from, to := b.Rows(col, i)
			dst = binary.AppendUvarint(dst, uint64(to-from))
			for row := from; row < to; row++ {
				dst = b.Child(col).AppendRow(dst, row)
			}
		default:
			dst = binary.AppendVarint(dst, b.Int(col, i))
		}
	}
	return dst
}

func appendText(dst, text []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}
