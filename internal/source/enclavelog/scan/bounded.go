package scan

import (
	"crypto/sha256"
	"hash"

	"github.com/trailhouse/trailhouse"
)

// Bounded keeps the first MaxRejected bytes of a text, its length and its hash.
type Bounded struct {
	// Kept is the beginning, or all of it.
	Kept []byte
	// Length is that of the whole text, in bytes.
	Length int64
	sum    hash.Hash // nil while all of it is kept
}

// Reset empties the text and keeps its memory.
func (b *Bounded) Reset() { b.Kept, b.Length, b.sum = b.Kept[:0], 0, nil }

// Write adds bytes to the text.
func (b *Bounded) Write(p []byte) {
	b.Length += int64(len(p))
	if b.sum == nil && len(b.Kept)+len(p) <= trailhouse.MaxRejected {
		b.Kept = append(b.Kept, p...)
		return
	}
	if b.sum == nil {
		b.sum = sha256.New()
		b.sum.Write(b.Kept)
	}
	b.sum.Write(p)
	b.Kept = append(b.Kept, p[:min(len(p), trailhouse.MaxRejected-len(b.Kept))]...)
}

// Cut reports whether not all of the text is kept.
func (b *Bounded) Cut() bool { return b.sum != nil }

// Hash returns the SHA-256 of the whole text.
func (b *Bounded) Hash() (h [32]byte) {
	if b.sum == nil {
		return sha256.Sum256(b.Kept)
	}
	b.sum.Sum(h[:0])
	return h
}
