package objects_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
)

func TestExtract(t *testing.T) {
	const text = "0123456789abcdef"
	tests := []struct {
		spans []objects.Span
		want  []string
		code  trailhouse.Code
	}{
		{nil, nil, ""},
		{[]objects.Span{{0, 16}}, []string{text}, ""},
		{[]objects.Span{{0, 1}, {1, 2}, {10, 0}, {15, 1}}, []string{"0", "12", "", "f"}, ""},
		{[]objects.Span{{14, 3}}, nil, trailhouse.CodeDamaged},
		{[]objects.Span{{0, 1}, {17, 1}}, []string{"0"}, trailhouse.CodeDamaged},
		{[]objects.Span{{0, 1 << 50}}, nil, trailhouse.CodeDamaged},
		{[]objects.Span{{4, 4}, {6, 1}}, []string{"4567"}, trailhouse.CodeInternal},
	}
	for _, tt := range tests {
		var got []string
		sum, err := objects.Extract(iotest.OneByteReader(strings.NewReader(text)), "o", tt.spans, func(i int, b []byte) error {
			if i != len(got) {
				t.Errorf("span %d comes as %d", len(got), i)
			}
			got = append(got, string(b))
			return nil
		})
		if trailhouse.CodeOf(err) != tt.code || !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, %v, want %q, %s", tt.spans, got, err, tt.want, tt.code)
		}
		if want := sha256.Sum256([]byte(text)); err == nil && sum != want {
			t.Errorf("%v: hash %x", tt.spans, sum)
		}
	}
}

// TestExtractStops wants the errors of both sides as they are.
func TestExtractStops(t *testing.T) {
	boom := errors.New("boom")
	one := []objects.Span{{1, 1}}
	if _, err := objects.Extract(strings.NewReader("ab"), "o", one, func(int, []byte) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("of fn: %v", err)
	}
	for _, n := range []int{0, 1, 2, 3} {
		r := io.MultiReader(strings.NewReader("abc"[:n]), iotest.ErrReader(boom))
		if _, err := objects.Extract(r, "o", one, func(int, []byte) error { return nil }); !errors.Is(err, boom) {
			t.Errorf("behind %d bytes: %v", n, err)
		}
	}
}
