package trailhouse

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

func everyType() *Table {
	return &Table{Name: "t", Columns: []Column{
		{Name: "s", Type: TypeString},
		{Name: "n", Type: TypeInt64},
		{Name: "b", Type: TypeBool},
		{Name: "t", Type: TypeTimestamp},
		{Name: "u", Type: TypeUUID},
		{Name: "ns", Type: TypeInt64s},
		{Name: "ss", Type: TypeStrings},
		{Name: "raw", Type: TypeBinary},
	}}
}

func fill(b *Batch, at time.Time) {
	b.SetString(0, "text")
	b.SetInt(1, -7)
	b.SetBool(2, true)
	b.SetTime(3, at)
	b.SetKey(4, Key{1, 2, 3})
	b.SetInts(5, []int64{4, 5})
	b.SetStrings(6, []string{"a", "", "c"})
	b.SetText(7, []byte{0xff, 0})
	b.EndRow()
}

func TestBatchKeepsWhatWasSet(t *testing.T) {
	at := time.Date(2025, 11, 3, 8, 0, 0, 12e6, time.UTC)
	b := NewBatch(everyType())
	b.EndRow()
	fill(b, at)
	b.EndRow()
	if b.Len() != 3 {
		t.Fatalf("Len = %d, want 3", b.Len())
	}
	for _, row := range []int{0, 2} {
		for col := range b.Table.Columns {
			if !b.IsNull(col, row) {
				t.Errorf("row %d column %d is not null", row, col)
			}
		}
	}
	if got := b.String(0, 1); got != "text" {
		t.Errorf("text %q", got)
	}
	if b.Int(1, 1) != -7 || !b.Bool(2, 1) || !b.Time(3, 1).Equal(at) || b.Key(4, 1) != (Key{1, 2, 3}) {
		t.Error("a fixed-width value changed")
	}
	if got := b.Ints(5, 1); !slices.Equal(got, []int64{4, 5}) {
		t.Errorf("ints %v", got)
	}
	if got := b.Strings(6, 1); !slices.Equal(got, []string{"a", "", "c"}) {
		t.Errorf("strings %q", got)
	}
	if got := b.Text(7, 1); !bytes.Equal(got, []byte{0xff, 0}) {
		t.Errorf("binary %x", got)
	}
}

func TestCopyRowIsEqual(t *testing.T) {
	src := NewBatch(everyType())
	fill(src, time.Unix(1, 0))
	src.EndRow()
	dst := NewBatch(everyType())
	for i := range src.Len() {
		dst.CopyRow(src, i)
		if a, b := src.AppendRow(nil, i), dst.AppendRow(nil, i); !bytes.Equal(a, b) {
			t.Errorf("row %d: %x, want %x", i, b, a)
		}
	}
	if bytes.Equal(src.AppendRow(nil, 0), src.AppendRow(nil, 1)) {
		t.Error("two different rows have one encoding")
	}
}

func TestSlotKeysAreEqualAcrossSpellings(t *testing.T) {
	for _, c := range []struct {
		a, b  Slot
		equal bool
	}{
		{"19a48bae81e5f1c", "019a48bae81e5f1c", true},
		{"19A48BAE81E5F1C", "19a48bae81e5f1c", true},
		{"9876abcd543210ef12", "9876ABCD543210EF12", true},   // 18 digits: text
		{"9876abcd543210ef12", "09876abcd543210ef12", false}, // text keeps its zero
		{"00000000000000000001", "1", true},
		{"1", "2", false},
	} {
		if got := c.a.Key() == c.b.Key(); got != c.equal {
			t.Errorf("%s and %s equal: %v, want %v", c.a, c.b, got, c.equal)
		}
	}
}

func TestParseEnclaveID(t *testing.T) {
	id, ok := ParseEnclaveID("i-0a1b2c3d4e5f60718-enc19a48bae81e5f1c")
	if !ok || id.Instance != "i-0a1b2c3d4e5f60718" || id.Slot != "19a48bae81e5f1c" {
		t.Errorf("got %+v %v", id, ok)
	}
	for _, bad := range []string{"", "i-1", "i-1-enc", "-enc1", "i-1-tpm0", "i-1-encxyz"} {
		if _, ok := ParseEnclaveID(bad); ok {
			t.Errorf("%q was taken for an enclave id", bad)
		}
	}
}

func TestErrorKeepsCodeHintAndCause(t *testing.T) {
	cause := Errorf(CodeDamaged, "bad CRC")
	err := Errorf(CodePartial, "reading %s: %w", "a.gz", cause).WithHint("copy it again")
	if CodeOf(err) != CodePartial || HintOf(err) != "copy it again" {
		t.Errorf("code %s hint %q", CodeOf(err), HintOf(err))
	}
	if got := err.Error(); got != "reading a.gz: bad CRC" {
		t.Errorf("text %q", got)
	}
	if CodeOf(err.Unwrap()) != CodeDamaged {
		t.Error("the cause lost its code")
	}
}
