package columns

import (
	"bytes"
	"encoding/binary"

	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/trailhouse/trailhouse"
)

// maxBound is the longest text that is kept as a bound. A shorter form of it would
// not be a value of the column, and readers answer min and max from bounds.
const maxBound = 64

// bounds are the least and the greatest value of a chunk, as Parquet holds them.
type bounds struct {
	least, greatest []byte
}

// bounded reports whether the chunks of a column carry bounds. Random ids have none
// that skip anything, and no reader skips by those of lists. What a column has must
// not depend on its values: iceberg-go takes the bounds of the row groups that have
// some for those of the file.
func bounded(c *trailhouse.Column, f *frame) bool {
	return !c.Unique && f.lists == 0 && c.Type != trailhouse.TypeUUID && c.Type != trailhouse.TypeBinary
}

// take widens the bounds to a text.
func (b *bounds) take(v []byte) {
	if b.least == nil {
		b.least, b.greatest = v, v
		return
	}
	if bytes.Compare(v, b.least) < 0 {
		b.least = v
	} else if bytes.Compare(v, b.greatest) > 0 {
		b.greatest = v
	}
}

// numbers are the bounds of numbers.
func numbers(values []int64) bounds {
	if len(values) == 0 {
		return bounds{}
	}
	least, greatest := values[0], values[0]
	for _, v := range values {
		least, greatest = min(least, v), max(greatest, v)
	}
	return bounds{least: binary.LittleEndian.AppendUint64(nil, uint64(least)), greatest: binary.LittleEndian.AppendUint64(nil, uint64(greatest))}
}

// stats gives the chunk its statistics: how many entries are null, and the bounds.
// Where a bound is too long the chunk has no statistics at all, which makes
// iceberg-go drop the bounds of the whole file.
func (p *pager) stats(nulls int, b bounds) {
	if max(len(b.least), len(b.greatest)) > maxBound {
		return
	}
	has := b.least != nil
	p.chunk.meta.SetStats(metadata.EncodedStatistics{
		HasNullCount: true, NullCount: int64(nulls),
		HasMin: has, Min: bytes.Clone(b.least), HasMax: has, Max: bytes.Clone(b.greatest),
	})
}
