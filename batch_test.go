package trailhouse

import (
	"fmt"
	"testing"
)

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

// TestTexts fills columns whose texts repeat, differ all and differ mostly, so that
// equal ones are looked for throughout, never and for a while, cuts rows off in
// between, and expects each row to hold what was set.
func TestTexts(t *testing.T) {
	table := &Table{Name: "t", Columns: []Column{
		{Name: "few", Type: TypeString}, {Name: "unique", Type: TypeString, Unique: true},
		{Name: "most", Type: TypeString}, {Name: "list", Type: TypeStrings},
	}}
	value := func(col, row int) string {
		switch col {
		case 0:
			return fmt.Sprint("few", row*row%37)
		case 1:
			return fmt.Sprint(row)
		}
		return fmt.Sprint("most", row%4000)
	}
	b := NewBatch(table)
	fill := func(from, to int) {
		for row := from; row < to; row++ {
			if row%5 != 0 {
				b.SetString(0, value(0, row))
			}
			b.SetText(1, []byte(value(1, row)))
			b.SetString(2, value(2, row))
			b.SetStrings(3, []string{value(0, row), "", value(1, row)})
			b.EndRow()
		}
	}
	fill(0, 3000)
	full := b.Bytes()
	fill(3000, 6000)
	b.SetString(0, "half a row")
	b.Truncate(3000)
	if b.Bytes() != full {
		t.Errorf("%d bytes after Truncate, %d before what it took back", b.Bytes(), full)
	}
	fill(3000, 5000)
	for row := range b.Len() {
		few := value(0, row)
		if row%5 == 0 {
			few = ""
		}
		list := b.Strings(3, row)
		if b.String(0, row) != few || b.String(1, row) != value(1, row) || b.String(2, row) != value(2, row) ||
			list[0] != value(0, row) || list[1] != "" || list[2] != value(1, row) {
			t.Fatalf("row %d holds %q, %q, %q, %q", row, b.String(0, row), b.String(1, row), b.String(2, row), list)
		}
	}
	if few, most := b.Data(0), b.Data(2); few.Loose || len(few.TextEnds) > 37 || !most.Loose {
		t.Errorf("37 different texts are held as %d, loose %t; texts that hardly repeat are looked for: %t", len(few.TextEnds), few.Loose, !most.Loose)
	}
	b.Reset()
	if b.Bytes() != 0 || b.Len() != 0 {
		t.Errorf("%d bytes, %d rows after Reset", b.Bytes(), b.Len())
	}
	fill(0, 10)
	if got := b.String(2, 9); got != value(2, 9) {
		t.Errorf("after Reset row 9 holds %q", got)
	}
}

// TestShared fills rows that share a row of a struct and texts by their numbers, with nulls
// among them and where rows were taken back, and expects what is read, and what CopyRow
// makes of it, to be as if each row had its own.
func TestShared(t *testing.T) {
	inner := []Column{{Name: "x", Type: TypeString}, {Name: "deep", Type: TypeStruct, Fields: []Column{{Name: "y", Type: TypeInt64}}}}
	table := &Table{Name: "t", Columns: []Column{
		{Name: "who", Type: TypeStruct, Fields: inner}, {Name: "word", Type: TypeString}, {Name: "list", Type: TypeStrings}, {Name: "other", Type: TypeStrings},
	}}
	own, shared, copied := NewBatch(table), NewBatch(table), NewBatch(table)
	rows, numbers := map[int]int{}, map[string][2]uint32{}
	fill := func(b *Batch, n int) {
		sharing, who, text := b == shared, n*n%5, fmt.Sprint("text", n%3)
		number, known := numbers[text]
		if row, ok := rows[who]; sharing && ok {
			b.SetRow(0, row)
		} else if who > 0 {
			child := b.Child(0)
			child.SetString(0, fmt.Sprint("who", who))
			child.Child(1).SetInt(0, int64(who))
			child.Child(1).EndRow()
			child.SetRows(1)
			child.EndRow()
			b.SetRows(0)
			rows[who] = child.Len() - 1
		}
		if n%4 == 0 {
			b.EndRow()
			return
		}
		b.SetStrings(3, []string{"a", text})
		if !sharing || !known {
			b.SetString(1, text)
			number = [2]uint32{b.Number(1), b.AddText(2, []byte(text))}
		} else {
			b.SetNumber(1, number[0])
			b.AddNumber(2, number[1])
		}
		if sharing {
			numbers[text] = number
		}
		b.AddText(2, []byte("end"))
		b.SetList(2)
		b.EndRow()
	}
	for n := range 40 {
		fill(own, n)
	}
	clear(rows)
	for n := range 25 {
		fill(shared, n)
	}
	era := shared.Era()
	shared.Child(0).EndRow()
	shared.AddText(2, []byte("half a row"))
	shared.Truncate(7)
	if shared.Era() == era {
		t.Error("Truncate left the era")
	}
	clear(rows)
	clear(numbers)
	for n := 7; n < 40; n++ {
		fill(shared, n)
	}
	if shared.Child(0).Len() >= own.Child(0).Len()/2 || shared.Bytes() >= own.Bytes() || len(numbers) == 0 {
		t.Errorf("%d rows of the struct, %d where none is shared; %d bytes, %d", shared.Child(0).Len(), own.Child(0).Len(), shared.Bytes(), own.Bytes())
	}
	for n := range own.Len() {
		copied.CopyRow(shared, n)
		want := own.AppendRow(nil, n)
		for _, b := range []*Batch{shared, copied} {
			if got := b.AppendRow(nil, n); string(got) != string(want) {
				t.Errorf("row %d: %q, want %q", n, got, want)
			}
		}
	}
	copied.Truncate(0)
	shared.Truncate(0)
	if copied.Bytes() != 0 || shared.Bytes() != 0 || shared.Child(0).Len() != 0 {
		t.Errorf("emptied batches have %d and %d bytes", copied.Bytes(), shared.Bytes())
	}
}
