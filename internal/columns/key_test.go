package columns_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// keyTable is a table whose key the column id writes in most rows; bare is the same to
// one who does not know that, strict as it was when each file held all keys.
func keyTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "keyed", Key: "key", KeyText: "id",
		Columns: []trailhouse.Column{
			{Name: "n", Type: trailhouse.TypeInt64},
			{Name: "id", Type: trailhouse.TypeString, Unique: true},
			{Name: "key", Type: trailhouse.TypeUUID, Unique: true},
		},
	}
}

func bare() *trailhouse.Table {
	t := keyTable()
	t.Key, t.KeyText = "", ""
	return t
}

func strict() *trailhouse.Table {
	t := keyTable()
	t.KeyText, t.Columns[2].Required = "", true
	return t
}

const guid = "01234567-89ab-4def-8123-456789abcdef"

// keyRows are texts, the keys of their rows, and whether a file must hold the key.
func keyRows() (ids []string, keys []trailhouse.Key, held []bool) {
	own, _ := trailhouse.ParseKey([]byte(guid))
	for _, row := range []struct {
		id   string
		key  trailhouse.Key
		held bool
	}{
		{guid, own, false},
		{strings.ToUpper(guid), own, false},
		{guid, trailhouse.Key{1}, true},
		{guid, trailhouse.Key{}, true},
		{"{" + guid + "}", own, true},
		{strings.ReplaceAll(guid, "-", ""), own, true},
		{"", trailhouse.Key{2}, true},
		{"00000000-0000-0000-0000-000000000000", trailhouse.Key{}, false},
	} {
		ids, keys, held = append(ids, row.id), append(keys, row.key), append(held, row.held)
	}
	return ids, keys, held
}

// writeKeys writes a file of count rows that repeat keyRows.
func writeKeys(t *testing.T, table *trailhouse.Table, count int) string {
	t.Helper()
	b := trailhouse.NewBatch(table)
	ids, keys, _ := keyRows()
	for i := range count {
		b.SetInt(0, int64(i))
		if id := ids[i%len(ids)]; id != "" {
			b.SetString(1, id)
		}
		b.SetKey(2, keys[i%len(keys)])
		b.EndRow()
	}
	path := filepath.Join(t.TempDir(), "f.parquet")
	if _, err := columns.Write(path, b, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKeysThatATextTellsAreNotStored(t *testing.T) {
	path := writeKeys(t, keyTable(), 8)
	_, keys, held := keyRows()
	err := columns.Read(t.Context(), path, bare(), []string{"key"}, func(b *trailhouse.Batch) error {
		for i, h := range held {
			if b.IsNull(2, i) == h || h && b.Key(2, i) != keys[i] {
				t.Errorf("row %d: null %v, key %s, want held %v", i, b.IsNull(2, i), b.Key(2, i), h)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever reads is given all keys, from files of today and from those in which the
// column was required.
func TestKeysAreReadBack(t *testing.T) {
	const count = 5000 // several stretches
	_, keys, _ := keyRows()
	for name, written := range map[string]*trailhouse.Table{"today": keyTable(), "required": strict()} {
		path := writeKeys(t, written, count)
		some := []int64{0, 3, 4, 1030, 4998}
		for _, cols := range [][]string{nil, {"key"}, {"key", "n"}, {"id", "key"}} {
			var got []trailhouse.Key
			take := func(b *trailhouse.Batch) error {
				for i := range b.Len() {
					if b.IsNull(2, i) {
						t.Errorf("%s %v: row %d has no key", name, cols, len(got))
					}
					got = append(got, b.Key(2, i))
				}
				return nil
			}
			if err := columns.Read(t.Context(), path, keyTable(), cols, take); err != nil {
				t.Fatal(err)
			}
			if len(got) != count || slices.ContainsFunc([]int{0, 7, 2047, 4999}, func(i int) bool { return got[i] != keys[i%len(keys)] }) {
				t.Errorf("%s %v: other keys", name, cols)
			}
			got = nil
			if err := columns.ReadRows(t.Context(), path, keyTable(), cols, some, take); err != nil {
				t.Fatal(err)
			}
			for i, row := range some {
				if got[i] != keys[int(row)%len(keys)] {
					t.Errorf("%s %v: row %d has the key %s", name, cols, row, got[i])
				}
			}
		}
		if err := columns.Read(t.Context(), path, keyTable(), []string{"n"}, func(b *trailhouse.Batch) error {
			if !b.IsNull(1, 0) || !b.IsNull(2, 0) {
				t.Errorf("%s: columns that nobody asked for", name)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// A row that two batches brought keeps its key when it is copied, as compaction does.
func TestKeysAreCopied(t *testing.T) {
	path := writeKeys(t, keyTable(), 8)
	again := filepath.Join(t.TempDir(), "again.parquet")
	w, err := columns.NewWriter(again, keyTable())
	if err != nil {
		t.Fatal(err)
	}
	copied := trailhouse.NewBatch(keyTable())
	err = columns.Read(t.Context(), path, keyTable(), nil, func(b *trailhouse.Batch) error {
		for i := range b.Len() {
			copied.CopyRow(b, i)
		}
		return w.Append(copied, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, keys, held := keyRows()
	for _, table := range []*trailhouse.Table{keyTable(), bare()} {
		err = columns.Read(t.Context(), again, table, nil, func(b *trailhouse.Batch) error {
			for i := range b.Len() {
				if (table.Key != "" || held[i]) && b.Key(2, i) != keys[i] {
					t.Errorf("row %d has the key %s", i, b.Key(2, i))
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A row whose key is nowhere is damage, not a row with the key of zeros.
func TestRowWithoutKeyIsDamage(t *testing.T) {
	b := trailhouse.NewBatch(bare())
	b.SetString(1, "no GUID")
	b.EndRow()
	path := filepath.Join(t.TempDir(), "f.parquet")
	if _, err := columns.Write(path, b, nil); err != nil {
		t.Fatal(err)
	}
	err := columns.Read(t.Context(), path, keyTable(), []string{"key"}, func(*trailhouse.Batch) error { return nil })
	if trailhouse.CodeOf(err) != trailhouse.CodeDamaged || !strings.Contains(err.Error(), "no key") {
		t.Errorf("read: %v", err)
	}
	err = columns.ReadRows(t.Context(), path, keyTable(), nil, []int64{0}, func(*trailhouse.Batch) error { return nil })
	if trailhouse.CodeOf(err) != trailhouse.CodeDamaged {
		t.Errorf("read rows: %v", err)
	}
}
