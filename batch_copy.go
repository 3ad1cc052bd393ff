package trailhouse

import "encoding/binary"

// CopyRow appends row i of src, a batch of the same table, as a whole row.
func (b *Batch) CopyRow(src *Batch, i int) {
	for col := range b.cols {
		if src.IsNull(col, i) {
			continue
		}
		switch b.Table.Columns[col].Type {
		case TypeString, TypeBinary:
			b.SetText(col, src.Text(col, i))
		case TypeUUID:
			b.SetKey(col, src.Key(col, i))
		case TypeInt64s:
			b.SetInts(col, src.Ints(col, i))
		case TypeStrings:
			b.SetStrings(col, src.Strings(col, i))
		case TypeStruct, TypeStructs, TypeMap:
			from, to := src.Rows(col, i)
			for row := from; row < to; row++ {
				b.Child(col).CopyRow(src.Child(col), row)
			}
			b.SetRows(col)
		default:
			b.SetInt(col, src.Int(col, i))
		}
	}
	b.EndRow()
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
