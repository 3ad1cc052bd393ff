package columns

import (
	"encoding/binary"
	"math/bits"
)

// The shape of Parquet's DELTA_BINARY_PACKED: blocks of 128 differences, each with
// its least difference, in four miniblocks with a width of bits each.
const (
	deltaBlock = 128
	deltaMini  = 32
)

// appendDelta appends numbers in the encoding DELTA_BINARY_PACKED. Differences wrap
// around like the numbers.
func appendDelta[T int64 | uint32](dst []byte, values []T) []byte {
	dst = binary.AppendUvarint(dst, deltaBlock)
	dst = binary.AppendUvarint(dst, deltaBlock/deltaMini)
	dst = binary.AppendUvarint(dst, uint64(len(values)))
	if len(values) == 0 {
		return binary.AppendVarint(dst, 0)
	}
	last := int64(values[0])
	dst = binary.AppendVarint(dst, last)
	for values = values[1:]; len(values) > 0; {
		var deltas [deltaBlock]uint64
		n := min(deltaBlock, len(values))
		least := int64(values[0]) - last
		for i, v := range values[:n] {
			d := int64(v) - last
			deltas[i], last = uint64(d), int64(v)
			least = min(least, d)
		}
		dst = appendDeltaBlock(dst, deltas[:n], least)
		values = values[n:]
	}
	return dst
}

// appendDeltaBlock appends up to a block of differences.
func appendDeltaBlock(dst []byte, deltas []uint64, least int64) []byte {
	dst = binary.AppendVarint(dst, least)
	widths := len(dst)
	dst = append(dst, make([]byte, deltaBlock/deltaMini)...)
	for m := 0; len(deltas) > 0; m++ {
		var mini [deltaMini]uint64
		n := min(deltaMini, len(deltas))
		var all uint64
		for i, d := range deltas[:n] {
			mini[i] = d - uint64(least)
			all |= mini[i]
		}
		width := bits.Len64(all)
		dst[widths+m] = byte(width)
		dst = appendBits(dst, mini[:], width)
		deltas = deltas[n:]
	}
	return dst
}
