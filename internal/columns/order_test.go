package columns_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// clusterTable has rows that lie side by side by source, then by name.
func clusterTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "calls", Cluster: []string{"source", "name"},
		Columns: []trailhouse.Column{
			{Name: "n", Type: trailhouse.TypeInt64, Required: true},
			{Name: "source", Type: trailhouse.TypeString},
			{Name: "name", Type: trailhouse.TypeString},
		},
	}
}

// clusterBatch has a row for each "source name", numbered from 0; "-" is null.
func clusterBatch(rows ...string) *trailhouse.Batch {
	b := trailhouse.NewBatch(clusterTable())
	for i, row := range rows {
		var source, name string
		_, _ = fmt.Sscan(row, &source, &name)
		b.SetInt(0, int64(i))
		if source != "-" {
			b.SetString(1, source)
		}
		if name != "-" {
			b.SetString(2, name)
		}
		b.EndRow()
	}
	return b
}

// numbers returns the column n of a file in its order.
func numbers(t *testing.T, path string) []int64 {
	t.Helper()
	var got []int64
	err := columns.Read(t.Context(), path, clusterTable(), nil, func(b *trailhouse.Batch) error {
		for row := range b.Len() {
			got = append(got, b.Int(0, row))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRowsThatAreAlikeLieSideBySide(t *testing.T) {
	tests := map[string]struct {
		rows []string
		take []int32
		want []int64
	}{
		"as they come":        {[]string{"b x", "a x", "b y", "a x", "b x"}, nil, []int64{0, 4, 2, 1, 3}},
		"as they come in all": {[]string{"a y", "b x", "b y", "a x"}, nil, []int64{0, 3, 2, 1}},
		"null comes first":    {[]string{"b x", "- x", "b -", "- -"}, nil, []int64{3, 1, 2, 0}},
		"some rows":           {[]string{"b x", "a x", "b y", "a x", "b x"}, []int32{1, 2, 4}, []int64{1, 4, 2}},
		"in an order given":   {[]string{"b x", "a x", "b x", "a x"}, []int32{3, 2, 1, 0}, []int64{3, 1, 2, 0}},
		"all equal":           {[]string{"a x", "a x", "a x"}, nil, []int64{0, 1, 2}},
		"no value at all":     {[]string{"- -", "- -"}, nil, []int64{0, 1}},
		"values of the rest":  {[]string{"- x", "- y", "- x"}, nil, []int64{0, 2, 1}},
		"one of them is null": {[]string{"a -", "b -", "a -"}, nil, []int64{0, 2, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, path := clusterBatch(tt.rows...), filepath.Join(t.TempDir(), "f.parquet")
			given := slices.Clone(tt.take)
			if _, err := columns.Write(path, b, tt.take); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(given, tt.take) {
				t.Errorf("the caller's rows are now %v, were %v", tt.take, given)
			}
			if got := numbers(t, path); !slices.Equal(got, tt.want) {
				t.Errorf("the file has %v, want %v", got, tt.want)
			}
		})
	}
}

// The numbers of a batch's texts depend on what it held before; the bytes must not.
func TestOrderIsThatOfTheRows(t *testing.T) {
	one, other := filepath.Join(t.TempDir(), "1.parquet"), filepath.Join(t.TempDir(), "2.parquet")
	if _, err := columns.Write(one, clusterBatch("b x", "a x", "b x"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := columns.Write(other, clusterBatch("b x", "a x", "b x", "a z"), []int32{0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	late := clusterBatch("a q", "b x", "a x", "b x")
	path := filepath.Join(t.TempDir(), "3.parquet")
	if _, err := columns.Write(path, late, []int32{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, path); !slices.Equal(got, []int64{1, 3, 2}) {
		t.Errorf("the file has %v, want 1, 3, 2", got)
	}
	a, errA := os.ReadFile(one)
	b, errB := os.ReadFile(other)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("equal rows gave other bytes (%v, %v)", errA, errB)
	}
}

// Each of many values has its rows together, in each row group, and no row is lost.
func TestManyRowsLieSideBySide(t *testing.T) {
	const count = columns.RowGroupRows + 5000
	rows := make([]string, count)
	for i := range rows {
		rows[i] = fmt.Sprintf("s%d n%d", i*7919%13, i*104729%17*(i%11))
	}
	path := filepath.Join(t.TempDir(), "f.parquet")
	if _, err := columns.Write(path, clusterBatch(rows...), nil); err != nil {
		t.Fatal(err)
	}
	got := numbers(t, path)
	for _, group := range [][]int64{got[:columns.RowGroupRows], got[columns.RowGroupRows:]} {
		ended := map[string]bool{}
		for i := 1; i < len(group); i++ {
			before, now := rows[group[i-1]], rows[group[i]]
			if before == now && group[i-1] >= group[i] {
				t.Fatalf("rows %d and %d of %s changed places", group[i-1], group[i], now)
			}
			if before != now {
				ended[before] = true
			}
			if ended[now] {
				t.Fatalf("%s is at two places", now)
			}
		}
	}
	slices.Sort(got)
	for i, n := range got {
		if int64(i) != n {
			t.Fatalf("row %d is missing", i)
		}
	}
}
