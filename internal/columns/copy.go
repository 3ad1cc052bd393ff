package columns

import "github.com/trailhouse/trailhouse"

// CopyRow appends a row of src to dst. Both have the same table, or dst's has
// further columns at the end.
func CopyRow(dst, src *trailhouse.Batch, row int) {
	for i := range src.Table.Columns {
		if src.IsNull(i, row) {
			continue
		}
		switch src.Table.Columns[i].Type {
		case trailhouse.TypeString, trailhouse.TypeBinary:
			dst.SetText(i, src.Text(i, row))
		case trailhouse.TypeUUID:
			dst.SetKey(i, src.Key(i, row))
		case trailhouse.TypeInt64s:
			dst.SetInts(i, src.Ints(i, row))
		case trailhouse.TypeStrings:
			dst.SetStrings(i, src.Strings(i, row))
		default:
			dst.SetInt(i, src.Int(i, row))
		}
	}
	dst.EndRow()
}
