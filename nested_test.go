package trailhouse

import (
	"bytes"
	"testing"
)

func nestedTable() *Table {
	return &Table{Name: "t", Columns: []Column{
		{Name: "n", Type: TypeInt64},
		{Name: "who", Type: TypeStruct, Fields: []Column{
			{Name: "arn", Type: TypeString},
			{Name: "session", Type: TypeStruct, Fields: []Column{{Name: "mfa", Type: TypeString}}},
		}},
		{Name: "resources", Type: TypeStructs, Fields: []Column{{Name: "arn", Type: TypeString}}},
		{Name: "request", Type: TypeMap},
	}}
}

func fillNested(b *Batch, n int) {
	b.SetInt(0, int64(n))
	who := b.Child(1)
	who.SetString(0, "arn")
	if n%2 == 0 {
		who.Child(1).SetString(0, "true")
		who.Child(1).EndRow()
		who.SetRows(1)
	}
	who.EndRow()
	b.SetRows(1)
	for range n {
		b.Child(2).SetString(0, "r")
		b.Child(2).EndRow()
	}
	b.SetRows(2)
	m := b.Child(3)
	m.SetString(0, "key")
	m.SetString(1, "value")
	m.EndRow()
	b.SetRows(3)
}

func TestNestedRowsAreCopiedCutAndCompared(t *testing.T) {
	src := NewBatch(nestedTable())
	for n := range 4 {
		fillNested(src, n)
		src.EndRow()
	}
	src.EndRow()
	dst := NewBatch(nestedTable())
	for i := range src.Len() {
		dst.CopyRow(src, i)
		if a, b := src.AppendRow(nil, i), dst.AppendRow(nil, i); !bytes.Equal(a, b) {
			t.Errorf("row %d: %x, want %x", i, b, a)
		}
	}
	if from, to := src.Rows(2, 3); to-from != 3 {
		t.Errorf("row 3 has %d resources, want 3", to-from)
	}
	if from, to := src.Rows(2, 4); from != to || !src.IsNull(2, 4) {
		t.Error("a null list has rows")
	}
	fillNested(dst, 2) // a row under way
	dst.Truncate(2)
	fillNested(dst, 2)
	dst.EndRow()
	if a, b := src.AppendRow(nil, 2), dst.AppendRow(nil, 2); !bytes.Equal(a, b) {
		t.Errorf("after a cut: %x, want %x", b, a)
	}
}
