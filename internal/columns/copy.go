package columns

import "github.com/trailhouse/trailhouse"

// CopyRow appends a row of src to dst. Both have the same table, or dst's has
// further columns at the end.
func CopyRow(dst, src *trailhouse.Batch, row int) { dst.CopyRow(src, row) }
