package cloudtrail

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"slices"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
)

// Span is where the bytes of a record are in its inflated object: the columns position
// and length.
type Span = objects.Span

// Originals returns the bytes of records of one object as they stood in it, in the order
// of the spans, in one pass over the object. sha256 is the column object_sha256. It
// fails with CodeNotFound where the object is gone, with CodeConflict where it is not
// what it was when it was imported, with CodeDenied, and with CodeStorage where the
// store fails.
func Originals(ctx context.Context, store Store, limits objects.Limits, object, sha256 string, spans []Span) ([][]byte, error) {
	const hint = "the record as it was imported can be rebuilt from the lake; its original bytes cannot"
	in, err := store.Open(ctx, trailhouse.Unit{Object: object, Size: -1})
	if trailhouse.CodeOf(err) == trailhouse.CodeNotFound {
		return nil, trailhouse.Errorf(trailhouse.CodeNotFound, "%s, from which the record was imported, is gone: %w", object, err).WithHint(hint)
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	order := make([]int, len(spans))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(spans[a].Position, spans[b].Position) })
	sorted := make([]Span, len(spans))
	for k, i := range order {
		sorted[k] = spans[i]
	}
	out := make([][]byte, len(spans))
	sum, err := objects.Extract(objects.Single(in, object, limits), object, sorted, func(k int, b []byte) error {
		out[order[k]] = bytes.Clone(b)
		return ctx.Err()
	})
	code := trailhouse.CodeOf(err)
	if code == trailhouse.CodeDamaged || code == trailhouse.CodeLimit || err == nil && hex.EncodeToString(sum[:]) != sha256 {
		return nil, trailhouse.Errorf(trailhouse.CodeConflict, "%s is not what it was when it was imported: its inflated bytes do not have the SHA-256 %s", object, sha256).WithHint(hint)
	}
	return out, err
}

// WhereIs returns where the original bytes of a row are, of any of the source's tables.
func WhereIs(b *trailhouse.Batch, row int) (object, sha256 string, span Span) {
	t := b.Table
	return b.String(t.MustIndex("object"), row), b.String(t.MustIndex("object_sha256"), row),
		Span{Position: b.Int(t.MustIndex("position"), row), Length: b.Int(t.MustIndex("length"), row)}
}
