package trail

import (
	"math/bits"
	"math/rand/v2"
	"strconv"
)

// chance decides what the seed leaves open.
type chance struct{ pcg *rand.PCG }

// The streams of one seed, so that the script stays the same however much noise there
// is.
const (
	streamOrg uint64 = 1<<40 + iota
	streamScript
	streamNoise
)

func newChance(seed, stream uint64) chance { return chance{rand.NewPCG(seed, stream)} }

func (c chance) bits() uint64 { return c.pcg.Uint64() }

// below returns a number in [0, n).
func (c chance) below(n int) int {
	high, _ := bits.Mul64(c.bits(), uint64(n))
	return int(high)
}

// permille is true n times in a thousand.
func (c chance) permille(n int) bool { return c.below(1000) < n }

const (
	hexDigits = "0123456789abcdef"
	upperText = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	mixedText = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

// hex appends n hexadecimal digits.
func (c chance) hex(b []byte, n int) []byte { return c.draw(b, n, hexDigits, 4) }

// upper appends n characters as they stand in ids of principals.
func (c chance) upper(b []byte, n int) []byte { return c.draw(b, n, upperText, 5) }

// base64 appends n characters of base64.
func (c chance) base64(b []byte, n int) []byte { return c.draw(b, n, mixedText, 6) }

// draw appends n of the alphabet's 1<<width characters.
func (c chance) draw(b []byte, n int, alphabet string, width int) []byte {
	var pool uint64
	for left := 0; n > 0; n-- {
		if left < width {
			pool, left = c.bits(), 64
		}
		b = append(b, alphabet[pool&(1<<width-1)])
		pool >>= width
		left -= width
	}
	return b
}

// uuid appends a random UUID.
func (c chance) uuid(b []byte) []byte {
	b = append(c.hex(b, 8), '-')
	b = append(c.hex(b, 4), '-', '4')
	b = append(c.hex(b, 3), '-', "89ab"[c.below(4)])
	b = append(c.hex(b, 3), '-')
	return c.hex(b, 12)
}

func (c chance) uuidText() string { return string(c.uuid(nil)) }

// wheel draws indexes with given weights.
type wheel []uint16

const wheelSize = 1 << 12

// newWheel returns a wheel on which each index has a share as large as its weight.
func newWheel(weights []int) wheel {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	out := make(wheel, 0, wheelSize)
	reached := 0
	for i, w := range weights {
		reached += w
		for len(out) < reached*wheelSize/sum {
			out = append(out, uint16(i))
		}
	}
	return out
}

// zipf returns a wheel of n indexes, the k-th of which has the share of 1/k.
func zipf(n int) wheel {
	weights := make([]int, n)
	for i := range weights {
		weights[i] = 1_000_000 / (i + 1)
	}
	return newWheel(weights)
}

func (w wheel) pick(c chance) int { return int(w[c.bits()&(wheelSize-1)]) }

func decimal(n int) string { return strconv.Itoa(n) }
