package columns_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// randomTable is a table of random columns, nested as deeply as they can be.
func randomTable(rnd *rand.Rand) *trailhouse.Table {
	return &trailhouse.Table{Name: "random", Columns: randomColumns(rnd, 1+rnd.IntN(6), 4)}
}

// randomColumns are columns with at most so many steps below them: an element is
// one, and so is a field.
func randomColumns(rnd *rand.Rand, n, steps int) []trailhouse.Column {
	out := make([]trailhouse.Column, n)
	for i := range out {
		t := trailhouse.Type(rnd.IntN(int(trailhouse.TypeMap) + 1))
		switch t {
		case trailhouse.TypeInt64s, trailhouse.TypeStrings, trailhouse.TypeStruct, trailhouse.TypeMap:
			if steps < 1 {
				t = trailhouse.TypeString
			}
		case trailhouse.TypeStructs:
			if steps < 2 {
				t = trailhouse.TypeBool
			}
		}
		c := trailhouse.Column{Name: fmt.Sprint("c", i), Type: t, Required: rnd.IntN(4) == 0, Unique: rnd.IntN(4) == 0}
		switch t {
		case trailhouse.TypeStruct:
			c.Fields = randomColumns(rnd, 1+rnd.IntN(3), steps-1)
		case trailhouse.TypeStructs:
			c.Fields = randomColumns(rnd, 1+rnd.IntN(3), steps-2)
		}
		out[i] = c
	}
	return out
}

// setNested fills the child of a nested column.
func setNested(rnd *rand.Rand, b *trailhouse.Batch, i int, t trailhouse.Type) {
	n := 1
	if t != trailhouse.TypeStruct {
		n = []int{0, 1, 2, rnd.IntN(7)}[rnd.IntN(4)]
	}
	fill(rnd, b.Child(i), n)
	b.SetRows(i)
}

// nestedValue is a nested value as plain values.
func nestedValue(b *trailhouse.Batch, i, r int) any {
	from, to := b.Rows(i, r)
	out := [][]any{}
	for ; from < to; from++ {
		out = append(out, row(b.Child(i), from))
	}
	return out
}

// TestNestedRoundTrip writes batches of random tables, nulls and empty lists at
// every level, in a random order of rows and across row groups.
func TestNestedRoundTrip(t *testing.T) {
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(9, seed))
		table := randomTable(rnd)
		path := filepath.Join(t.TempDir(), "x.parquet")
		w, err := columns.NewWriter(path, table)
		if err != nil {
			t.Fatal(err)
		}
		var want [][]any
		for range 1 + rnd.IntN(2) {
			b := trailhouse.NewBatch(table)
			fill(rnd, b, 1+rnd.IntN(200))
			var rows []int32
			for _, r := range rnd.Perm(b.Len())[:1+rnd.IntN(b.Len())] {
				rows = append(rows, int32(r))
				want = append(want, row(b, r))
			}
			if err := w.Append(b, rows); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, read(t, path, table, nil)); diff != "" {
			t.Fatalf("seed %d, %+v: %s", seed, table.Columns, diff)
		}
		some := want[:0:0]
		share := rnd.IntN(4)
		var wanted []int64
		for i, r := range want {
			if rnd.IntN(3) < share {
				wanted, some = append(wanted, int64(i)), append(some, r)
			}
		}
		got := some[:0:0]
		err = columns.ReadRows(t.Context(), path, table, nil, wanted, func(b *trailhouse.Batch) error {
			for r := range b.Len() {
				got = append(got, row(b, r))
			}
			return nil
		})
		if diff := cmp.Diff(some, got); diff != "" || err != nil {
			t.Fatalf("seed %d, some rows of %+v: %v %s", seed, table.Columns, err, diff)
		}
	}
}

// TestTrailRoundTrip writes and reads the shape of a trail, in pages and row groups
// of full size: its rows are stored several times over.
func TestTrailRoundTrip(t *testing.T) {
	b := trail(t, 4000)
	var rows []int32
	for i := range columns.RowGroupRows + 1000 {
		rows = append(rows, int32(i*7%b.Len()))
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	if _, err := columns.Write(path, b, rows); err != nil {
		t.Fatal(err)
	}
	at := 0
	err := columns.Read(t.Context(), path, b.Table, nil, func(got *trailhouse.Batch) error {
		var x, y []byte
		for r := range got.Len() {
			x, y = got.AppendRow(x[:0], r), b.AppendRow(y[:0], int(rows[at]))
			if string(x) != string(y) {
				return fmt.Errorf("row %d differs: %q, want %q", at, x, y)
			}
			at++
		}
		return nil
	})
	if err != nil || at != len(rows) {
		t.Errorf("%d rows of %d, %v", at, len(rows), err)
	}
	var some []int64
	for i := int64(0); i < 40_000; i += 997 {
		some = append(some, i)
	}
	some, at = append(some, int64(len(rows)-1)), 0
	err = columns.ReadRows(t.Context(), path, b.Table, nil, some, func(got *trailhouse.Batch) error {
		for r := range got.Len() {
			if x, y := got.AppendRow(nil, r), b.AppendRow(nil, int(rows[some[at]])); string(x) != string(y) {
				return fmt.Errorf("row %d differs: %q, want %q", some[at], x, y)
			}
			at++
		}
		return nil
	})
	if err != nil || at != len(some) {
		t.Errorf("%d rows of %d, %v", at, len(some), err)
	}
	err = columns.ReadRows(t.Context(), path, b.Table, nil, []int64{int64(len(rows))}, func(*trailhouse.Batch) error { return nil })
	if trailhouse.CodeOf(err) != trailhouse.CodeInternal {
		t.Errorf("a row that is not there: %v", err)
	}
}

// TestFieldIDs checks that ids are unique, and that columns and fields that are
// added at the end move none.
func TestFieldIDs(t *testing.T) {
	seen := map[int]string{}
	var walk func(name string, at columns.Path, depth int)
	walk = func(name string, at columns.Path, depth int) {
		if other, ok := seen[at.ID()]; ok {
			t.Fatalf("%s and %s have id %d", other, name, at.ID())
		}
		if at.ID() < 1 || at.ID() >= 1<<31-200 {
			t.Fatalf("%s has id %d", name, at.ID())
		}
		seen[at.ID()] = name
		if depth == 0 {
			return
		}
		for _, n := range []int{0, 1, 2, 61, 62} {
			if n == 0 && depth == 4 {
				continue // the element of a list takes this place
			}
			walk(fmt.Sprint(name, ".", n), at.Child(n), depth-1)
		}
	}
	for _, i := range []int{0, 1, 2, 100, 125} {
		walk(fmt.Sprint(i), columns.ColumnPath(i), 4)
		walk(fmt.Sprint(i, ".element"), columns.ColumnPath(i).Element(), 0)
	}
}
