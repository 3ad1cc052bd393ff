package columns_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// allTypes is a table with every type, optional and required.
func allTypes() *trailhouse.Table {
	t := &trailhouse.Table{Name: "everything"}
	for typ := trailhouse.TypeString; typ <= trailhouse.TypeBinary; typ++ {
		t.Columns = append(t.Columns,
			trailhouse.Column{Name: fmt.Sprintf("optional_%d", typ), Type: typ},
			trailhouse.Column{Name: fmt.Sprintf("required_%d", typ), Type: typ, Required: true})
	}
	return t
}

// fill adds n rows of random values, extremes among them.
func fill(rnd *rand.Rand, b *trailhouse.Batch, n int) {
	for range n {
		for i := range b.Table.Columns {
			if c := &b.Table.Columns[i]; c.Required || rnd.IntN(3) > 0 {
				set(rnd, b, i, c.Type)
			}
		}
		b.EndRow()
	}
}

func set(rnd *rand.Rand, b *trailhouse.Batch, i int, t trailhouse.Type) {
	switch t {
	case trailhouse.TypeString:
		b.SetString(i, text(rnd))
	case trailhouse.TypeBinary:
		b.SetText(i, []byte("\xff\x00"+text(rnd)+"\xc3"))
	case trailhouse.TypeInt64:
		b.SetInt(i, number(rnd))
	case trailhouse.TypeTimestamp:
		b.SetMicros(i, number(rnd))
	case trailhouse.TypeBool:
		b.SetBool(i, rnd.IntN(2) == 0)
	case trailhouse.TypeUUID:
		var k trailhouse.Key
		for j := range k {
			k[j] = byte(rnd.Uint32())
		}
		b.SetKey(i, k)
	case trailhouse.TypeInt64s:
		v := make([]int64, rnd.IntN(4))
		for j := range v {
			v[j] = number(rnd)
		}
		b.SetInts(i, v)
	case trailhouse.TypeStrings:
		v := make([]string, rnd.IntN(4))
		for j := range v {
			v[j] = text(rnd)
		}
		b.SetStrings(i, v)
	default:
		setNested(rnd, b, i, t)
	}
}

func text(rnd *rand.Rand) string {
	return []string{"", "a", "Grüße \U0001F3E0", "\x00", fmt.Sprint(rnd.Uint64())}[rnd.IntN(5)]
}

func number(rnd *rand.Rand) int64 {
	return []int64{0, -1, 1<<63 - 1, -1 << 63, rnd.Int64()}[rnd.IntN(5)]
}

// row is a row as plain values, nil for null.
func row(b *trailhouse.Batch, r int) []any {
	var out []any
	for i, c := range b.Table.Columns {
		if b.IsNull(i, r) {
			out = append(out, nil)
			continue
		}
		switch c.Type {
		case trailhouse.TypeString, trailhouse.TypeBinary:
			out = append(out, b.String(i, r))
		case trailhouse.TypeInt64, trailhouse.TypeTimestamp:
			out = append(out, b.Int(i, r))
		case trailhouse.TypeBool:
			out = append(out, b.Bool(i, r))
		case trailhouse.TypeUUID:
			out = append(out, b.Key(i, r))
		case trailhouse.TypeInt64s:
			out = append(out, fmt.Sprint(b.Ints(i, r)))
		case trailhouse.TypeStrings:
			out = append(out, fmt.Sprintf("%q", b.Strings(i, r)))
		default:
			out = append(out, nestedValue(b, i, r))
		}
	}
	return out
}

func read(t *testing.T, path string, table *trailhouse.Table, cols []string) [][]any {
	t.Helper()
	var rows [][]any
	err := columns.Read(context.Background(), path, table, cols, func(b *trailhouse.Batch) error {
		if b.Len() > columns.RowGroupRows {
			t.Errorf("batch of %d rows", b.Len())
		}
		for r := range b.Len() {
			rows = append(rows, row(b, r))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// same compares rows; a difference of many rows takes cmp long to print, so it
// sees the first one only.
func same(t *testing.T, want, got [][]any) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if !slices.Equal(want[i], got[i]) {
			t.Fatalf("row %d: %s", i, cmp.Diff(want[i], got[i]))
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1023, 1025, 5000, columns.RowGroupRows + 7} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, uint64(n)))
			b := trailhouse.NewBatch(allTypes())
			fill(rnd, b, n)
			path := filepath.Join(t.TempDir(), "x.parquet")
			got, err := columns.Write(path, b, nil)
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if want := (trailhouse.DataFile{Path: path, Rows: int64(n), Bytes: info.Size()}); got != want {
				t.Errorf("Write = %+v, want %+v", got, want)
			}
			var want [][]any
			for r := range n {
				want = append(want, row(b, r))
			}
			same(t, want, read(t, path, b.Table, nil))
		})
	}
}

// TestWriterAcrossBatches writes chosen rows of many batches, so that row groups
// end inside batches and batches inside row groups.
func TestWriterAcrossBatches(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	table := allTypes()
	path := filepath.Join(t.TempDir(), "x.parquet")
	w, err := columns.NewWriter(path, table)
	if err != nil {
		t.Fatal(err)
	}
	var want [][]any
	for _, n := range []int{10, 40000, 1, 40000} {
		b := trailhouse.NewBatch(table)
		fill(rnd, b, n)
		var rows []int32
		for r := n - 1; r >= 0; r -= 2 {
			rows = append(rows, int32(r))
			want = append(want, row(b, r))
		}
		if err := w.Append(b, rows); err != nil {
			t.Fatal(err)
		}
	}
	df, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if df.Rows != int64(len(want)) || w.Rows() != df.Rows {
		t.Errorf("%d rows, want %d", df.Rows, len(want))
	}
	same(t, want, read(t, path, table, nil))
}

func TestReadSomeColumnsAndOldFiles(t *testing.T) {
	table := allTypes()
	b := trailhouse.NewBatch(table)
	fill(rand.New(rand.NewPCG(3, 3)), b, 100)
	path := filepath.Join(t.TempDir(), "x.parquet")
	if _, err := columns.Write(path, b, nil); err != nil {
		t.Fatal(err)
	}
	newer := *table
	newer.Columns = append(newer.Columns[:len(newer.Columns):len(newer.Columns)], trailhouse.Column{Name: "added", Type: trailhouse.TypeString, Required: true})
	got := read(t, path, &newer, []string{"required_1", "added", "optional_7"})
	at := table.MustIndex("required_1")
	for r, values := range got {
		for i, v := range values {
			want := any(nil)
			if i == at || i == table.MustIndex("optional_7") {
				want = row(b, r)[i]
			}
			if v != want {
				t.Fatalf("row %d column %d = %v, want %v", r, i, v, want)
			}
		}
	}
	if len(got) != 100 {
		t.Errorf("%d rows", len(got))
	}
}

func TestNeverOverwrites(t *testing.T) {
	table := allTypes()
	b := trailhouse.NewBatch(table)
	fill(rand.New(rand.NewPCG(3, 3)), b, 10)
	path := filepath.Join(t.TempDir(), "x.parquet")
	first, err := columns.Write(path, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := columns.Write(path, b, nil)
	if err != nil || again != first {
		t.Errorf("same bytes again: %+v, %v", again, err)
	}
	if _, err = columns.Write(path, b, []int32{1, 0}); trailhouse.CodeOf(err) != trailhouse.CodeConflict {
		t.Errorf("other bytes: %v", err)
	}
	onlyFile(t, path)
}

// onlyFile checks that nothing was left aside.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestBadText(t *testing.T) {
	table := &trailhouse.Table{Name: "t", Columns: []trailhouse.Column{{Name: "s", Type: trailhouse.TypeString}, {Name: "l", Type: trailhouse.TypeStrings}}}
	for _, col := range []int{0, 1} {
		b := trailhouse.NewBatch(table)
		if col == 0 {
			b.SetString(0, "\xff")
		} else {
			b.SetStrings(1, []string{"\xff"})
		}
		b.EndRow()
		path := filepath.Join(t.TempDir(), "x.parquet")
		if _, err := columns.Write(path, b, nil); trailhouse.CodeOf(err) != trailhouse.CodeInternal {
			t.Errorf("column %d: %v", col, err)
		}
		onlyFile(t, path)
	}
}

func TestReadErrors(t *testing.T) {
	table := allTypes()
	dir := t.TempDir()
	good := filepath.Join(dir, "good.parquet")
	b := trailhouse.NewBatch(table)
	fill(rand.New(rand.NewPCG(3, 3)), b, 3000)
	if _, err := columns.Write(good, b, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	other := &trailhouse.Table{Name: "t", Columns: []trailhouse.Column{{Name: "required_1", Type: trailhouse.TypeStrings}}}
	tests := []struct {
		name    string
		content []byte
		table   *trailhouse.Table
		code    trailhouse.Code
	}{
		{"missing", nil, table, trailhouse.CodeNotFound},
		{"empty", []byte{}, table, trailhouse.CodeDamaged},
		{"cut", whole[:len(whole)/2], table, trailhouse.CodeDamaged},
		{"other type", whole, other, trailhouse.CodeDamaged},
	}
	for _, tt := range tests {
		path := filepath.Join(dir, tt.name)
		if tt.content != nil {
			if err := os.WriteFile(path, tt.content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := columns.Read(context.Background(), path, tt.table, nil, func(*trailhouse.Batch) error { return nil })
		if trailhouse.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	stop := errors.New("stop")
	if err := columns.Read(context.Background(), good, table, nil, func(*trailhouse.Batch) error { return stop }); err != stop {
		t.Errorf("error of fn: %v", err)
	}
}

// TestReadFlippedBits reads files with one byte changed: an error or rows, never
// a panic.
func TestReadFlippedBits(t *testing.T) {
	t.Run("flat", func(t *testing.T) { flipBits(t, allTypes()) })
	t.Run("nested", func(t *testing.T) { flipBits(t, trailTable()) })
}

func flipBits(t *testing.T, table *trailhouse.Table) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.parquet")
	rnd := rand.New(rand.NewPCG(5, 5))
	b := trailhouse.NewBatch(table)
	fill(rnd, b, 200)
	if _, err := columns.Write(path, b, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 400 {
		damaged := append([]byte(nil), whole...)
		damaged[rnd.IntN(len(damaged))] ^= 1 << rnd.IntN(8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = columns.Read(context.Background(), path, table, nil, func(*trailhouse.Batch) error { return nil })
		_, _ = columns.ReadFooter(path)
	}
}

// TestFlippedBitsOfTextsAreErrors flips bits within compressed pages: none of them may
// give another value.
func TestFlippedBitsOfTextsAreErrors(t *testing.T) {
	table := &trailhouse.Table{Name: "t", Columns: []trailhouse.Column{{Name: "s", Type: trailhouse.TypeString}}}
	b := trailhouse.NewBatch(table)
	rnd := rand.New(rand.NewPCG(7, 7))
	var want []string
	for range 500 {
		text := fmt.Sprintf("%x", rnd.Uint64())
		want = append(want, text)
		b.SetString(0, text)
		b.EndRow()
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	if _, err := columns.Write(path, b, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		damaged := append([]byte(nil), whole...)
		damaged[100+rnd.IntN(len(damaged)/2)] ^= 1 << rnd.IntN(8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		var got []string
		err := columns.Read(context.Background(), path, table, nil, func(b *trailhouse.Batch) error {
			for i := range b.Len() {
				got = append(got, b.String(0, i))
			}
			return nil
		})
		if err == nil && !slices.Equal(got, want) {
			t.Fatal("a flipped bit gave other values and no error")
		}
	}
}

func TestStorageErrors(t *testing.T) {
	b := trailhouse.NewBatch(allTypes())
	fill(rand.New(rand.NewPCG(3, 3)), b, 10)
	_, err := columns.Write(filepath.Join(t.TempDir(), "no", "x.parquet"), b, nil)
	if trailhouse.CodeOf(err) != trailhouse.CodeStorage || trailhouse.HintOf(err) == "" {
		t.Errorf("directory missing: %v", err)
	}
}
