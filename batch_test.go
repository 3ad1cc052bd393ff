package trailhouse

import "testing"

// TestTruncate cuts rows and a half set row of every type off a batch and expects
// the batch to be as if they had never been appended.
func TestTruncate(t *testing.T) {
	table := &Table{Name: "t"}
	for typ := TypeString; typ <= TypeBinary; typ++ {
		table.Columns = append(table.Columns, Column{Name: string(rune('a' + typ)), Type: typ})
	}
	fill := func(b *Batch, n int) {
		s := string(rune('A' + n))
		b.SetString(0, s+"text")
		b.SetInt(1, int64(n))
		b.SetBool(2, n%2 == 0)
		b.SetMicros(3, int64(n)*7)
		b.SetKey(4, Key{byte(n)})
		b.SetInts(5, []int64{int64(n), 2})
		b.SetStrings(6, []string{s, "", s + s})
		b.SetText(7, []byte{0, byte(n)})
	}
	want := NewBatch(table)
	got := NewBatch(table)
	for n := range 3 {
		fill(want, n)
		want.EndRow()
		fill(got, n)
		got.EndRow()
	}
	got.EndRow() // all null
	fill(got, 9)
	got.EndRow()
	fill(got, 10) // row under way
	got.Truncate(3)
	for _, b := range []*Batch{want, got} {
		fill(b, 5)
		b.EndRow()
	}
	if got.Len() != want.Len() || got.Bytes() != want.Bytes() {
		t.Fatalf("len %d bytes %d, want %d and %d", got.Len(), got.Bytes(), want.Len(), want.Bytes())
	}
	for row := range want.Len() {
		if got.String(0, row) != want.String(0, row) || got.Int(1, row) != want.Int(1, row) ||
			got.Bool(2, row) != want.Bool(2, row) || got.Int(3, row) != want.Int(3, row) || got.Key(4, row) != want.Key(4, row) ||
			len(got.Ints(5, row)) != 2 || got.Ints(5, row)[0] != want.Ints(5, row)[0] ||
			len(got.Strings(6, row)) != 3 || got.Strings(6, row)[2] != want.Strings(6, row)[2] || string(got.Text(7, row)) != string(want.Text(7, row)) {
			t.Errorf("row %d differs", row)
		}
	}
	got.Truncate(0)
	if got.Len() != 0 || got.Bytes() != 0 {
		t.Errorf("emptied batch has %d rows, %d bytes", got.Len(), got.Bytes())
	}
}
