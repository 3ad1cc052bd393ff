package columns

import (
	"encoding/binary"
	"math/bits"
)

// appendHybrid appends values of width bits in Parquet's hybrid of runs and packed
// bits, which levels and dictionary indexes are stored in.
func appendHybrid[T uint8 | uint32](dst []byte, values []T, width int) []byte {
	least := max(8, 64/max(1, width)&^7) // a run that is shorter takes no fewer bytes
	written, i := 0, 0
	for i < len(values) {
		run := runLength(values[i:])
		if run < least && (i > written || i+run < len(values)) {
			i += max(8, run&^7)
			continue
		}
		dst = appendPacked(dst, values[written:i], width)
		dst = binary.AppendUvarint(dst, uint64(run)<<1)
		for b := 0; b < width; b += 8 {
			dst = append(dst, byte(values[i]>>b))
		}
		i += run
		written = i
	}
	return appendPacked(dst, values[written:], width)
}

// runLength returns how many values at the front are equal.
func runLength[T uint8 | uint32](values []T) int {
	first := values[0]
	for i, v := range values {
		if v != first {
			return i
		}
	}
	return len(values)
}

// appendPacked appends values bit by bit, in groups of eight.
func appendPacked[T uint8 | uint32](dst []byte, values []T, width int) []byte {
	if len(values) == 0 {
		return dst
	}
	groups := (len(values) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	end := len(dst) + groups*width
	dst = appendBits(dst, values, width)
	for len(dst) < end {
		dst = append(dst, 0)
	}
	return dst
}

// appendBits appends values of width bits, lowest bits first.
func appendBits[T uint8 | uint32 | uint64](dst []byte, values []T, width int) []byte {
	var word uint64
	have := 0
	for _, v := range values {
		word |= uint64(v) << have
		have += width
		if have < 64 {
			continue
		}
		dst = binary.LittleEndian.AppendUint64(dst, word)
		have -= 64
		word = uint64(v) >> (width - have) // 0 where all of v went out
	}
	for ; have > 0; have -= 8 {
		dst = append(dst, byte(word))
		word >>= 8
	}
	return dst
}

// appendLevels appends the levels of a page of the first version: their length and
// the hybrid.
func appendLevels(dst []byte, levels []uint8, highest uint8) []byte {
	at := len(dst)
	dst = appendHybrid(append(dst, 0, 0, 0, 0), levels, bits.Len8(highest))
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}
