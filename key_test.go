package trailhouse_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

func TestParseKey(t *testing.T) {
	for range 1000 {
		var k trailhouse.Key
		for i := range k {
			k[i] = byte(rand.IntN(256))
		}
		for _, s := range []string{k.String(), string(bytes.ToUpper([]byte(k.String())))} {
			if got, ok := trailhouse.ParseKey([]byte(s)); !ok || got != k {
				t.Fatalf("%s: %v %v", s, got, ok)
			}
		}
	}
	good := []byte("01234567-89ab-cdef-ABCD-EF0123456789")
	for i := range good {
		for c := range 256 {
			bad := bytes.Clone(good)
			bad[i] = byte(c)
			hex := strings.IndexByte("0123456789abcdefABCDEF", byte(c)) >= 0
			if good[i] == '-' {
				hex = c == '-'
			}
			if _, ok := trailhouse.ParseKey(bad); ok != hex {
				t.Fatalf("%q: %v", bad, ok)
			}
		}
	}
	for _, s := range []string{"", "0", string(good[:35]), string(good) + "0"} {
		if _, ok := trailhouse.ParseKey([]byte(s)); ok {
			t.Errorf("%q is taken for a GUID", s)
		}
	}
}

// A batch does not take a row without its key, required column or not: it would be
// taken for a copy of the other rows without.
func TestRowNeedsItsKey(t *testing.T) {
	b := trailhouse.NewBatch(&trailhouse.Table{Name: "t", Key: "key", Columns: []trailhouse.Column{{Name: "key", Type: trailhouse.TypeUUID}}})
	defer func() {
		if recover() == nil {
			t.Error("a row without key was taken")
		}
	}()
	b.EndRow()
}
