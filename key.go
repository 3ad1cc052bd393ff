package trailhouse

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// Key identifies a row for ever: a GUID of AWS's, or the first 128 bits of a
// SHA-256 over what makes the row itself.
type Key [16]byte

// String returns the key in the 8-4-4-4-12 form of UUIDs.
func (k Key) String() string {
	var b [36]byte
	hex.Encode(b[0:8], k[0:4])
	hex.Encode(b[9:13], k[4:6])
	hex.Encode(b[14:18], k[6:8])
	hex.Encode(b[19:23], k[8:10])
	hex.Encode(b[24:36], k[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// ParseKey returns the 16 bytes that a GUID writes in the form of String, in digits of
// either case. ok is false for all other texts.
func ParseKey(s []byte) (key Key, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return key, false
	}
	two := func(i, k int) uint64 {
		return uint64(binary.LittleEndian.Uint32(s[i:])) | uint64(binary.LittleEndian.Uint32(s[k:]))<<32
	}
	good := true
	for i, digits := range [...]uint64{two(0, 4), two(9, 14), two(19, 24), two(28, 32)} {
		n, ok := hex8(digits)
		good = good && ok
		binary.BigEndian.PutUint32(key[4*i:], n)
	}
	return key, good
}

// hex8 returns the number that eight hexadecimal digits write, the first of which is in
// the lowest byte. All eight are worked on at once: a letter has the bit 0x40, and what
// comes out must write the same digits again.
func hex8(x uint64) (uint32, bool) {
	const ones = 0x0101010101010101
	letters := x >> 6 & ones
	n := x&(0x0f*ones) + 9*letters
	above9 := (n + 0x76*ones) >> 7 & ones
	ok := n&(0xf0*ones) == 0 && n+'0'*ones+('a'-10-'0')*above9 == x|letters<<5
	n = bits.ReverseBytes64(n)
	n = (n | n>>4) & 0x00ff00ff00ff00ff
	n = (n | n>>8) & 0x0000ffff0000ffff
	return uint32(n | n>>16), ok
}
