package ordinals

import (
	"strconv"
	"strings"
	"testing"
)

// TestOrdinals counts repeated lines in any order.
func TestOrdinals(t *testing.T) {
	const lines = 200_000
	o := New(lines * 100)
	text := func(i int) []byte { return []byte(strings.Repeat("k", 40) + string(rune('a'+i%7)) + strconv.Itoa(i/2)) }
	for i := range lines {
		o.Note(text(i))
		if i%1000 == 0 {
			o.Note(text(lines - i))
		}
	}
	o.Done()
	if n := len(o.repeated); n > 4000 {
		t.Errorf("%d lines held to be repeated, a few hundred are", n)
	}
	want := map[string]int64{}
	for i := range lines {
		for _, line := range [][]byte{text(i), text(lines - i)} {
			if string(line) == string(text(lines-i)) && i%1000 != 0 {
				continue
			}
			if got := o.Next(0, line); got != want[string(line)] {
				t.Fatalf("%s: %d, want %d", line, got, want[string(line)])
			}
			want[string(line)]++
		}
	}
	if o.Next(1, text(0)) != 0 {
		t.Error("another stream does not begin at 0")
	}
}
