package columns_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// TestBatchesThatWereReadAreWritten writes what was read without a copy: such a batch
// has no column that is required, the file has.
func TestBatchesThatWereReadAreWritten(t *testing.T) {
	table := &trailhouse.Table{Name: "t", Columns: []trailhouse.Column{
		{Name: "key", Type: trailhouse.TypeUUID, Required: true},
		{Name: "text", Type: trailhouse.TypeString, Required: true},
		{Name: "n", Type: trailhouse.TypeInt64, Required: true},
		{Name: "who", Type: trailhouse.TypeStruct, Required: true, Fields: []trailhouse.Column{{Name: "arn", Type: trailhouse.TypeString, Required: true}}},
		{Name: "maybe", Type: trailhouse.TypeString},
		{Name: "map", Type: trailhouse.TypeMap},
	}}
	b := trailhouse.NewBatch(table)
	for i := range 3 {
		b.SetKey(0, trailhouse.Key{byte(i)})
		b.SetString(1, "x")
		b.SetInt(2, int64(i))
		b.Child(3).SetString(0, "arn")
		b.Child(3).EndRow()
		b.SetRows(3)
		b.Child(5).SetString(0, "k")
		b.Child(5).EndRow()
		b.SetRows(5)
		b.EndRow()
	}
	first, second := filepath.Join(t.TempDir(), "a.parquet"), filepath.Join(t.TempDir(), "b.parquet")
	if _, err := columns.Write(first, b, nil); err != nil {
		t.Fatal(err)
	}
	err := columns.Read(t.Context(), first, table, nil, func(b *trailhouse.Batch) error {
		_, err := columns.Write(second, b, nil)
		return err
	})
	if err == nil {
		err = columns.Read(t.Context(), second, table, nil, func(again *trailhouse.Batch) error {
			for i := range b.Len() {
				if !bytes.Equal(again.AppendRow(nil, i), b.AppendRow(nil, i)) {
					t.Errorf("row %d differs", i)
				}
			}
			return nil
		})
	}
	if err != nil {
		t.Error(err)
	}
	// Nor is a column written that was not read.
	err = columns.Read(t.Context(), first, table, []string{"key", "text"}, func(b *trailhouse.Batch) error {
		_, err := columns.Write(filepath.Join(t.TempDir(), "c.parquet"), b, nil)
		return err
	})
	if trailhouse.CodeOf(err) != trailhouse.CodeInternal {
		t.Errorf("a file without its required columns: %v", err)
	}
}
