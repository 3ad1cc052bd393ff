package duckdb_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// trails is a table with every type, at every level that a trail's columns have.
func trails() *trailhouse.Table {
	text := func(names ...string) []trailhouse.Column {
		var out []trailhouse.Column
		for _, n := range names {
			out = append(out, trailhouse.Column{Name: n, Type: trailhouse.TypeString})
		}
		return out
	}
	session := trailhouse.Column{Name: "sessioncontext", Type: trailhouse.TypeStruct, Fields: append(text("mfa"),
		trailhouse.Column{Name: "creationdate", Type: trailhouse.TypeTimestamp},
		trailhouse.Column{Name: "attributes", Type: trailhouse.TypeMap})}
	return &trailhouse.Table{Name: "trails", Key: "eventid", Columns: []trailhouse.Column{
		{Name: "eventid", Type: trailhouse.TypeUUID, Required: true},
		{Name: "eventtime", Type: trailhouse.TypeTimestamp, Required: true},
		{Name: "eventname", Type: trailhouse.TypeString},
		{Name: "requestid", Type: trailhouse.TypeString, Unique: true},
		{Name: "readonly", Type: trailhouse.TypeBool},
		{Name: "record_index", Type: trailhouse.TypeInt64},
		{Name: "useridentity", Type: trailhouse.TypeStruct, Fields: append(text("arn", "username"), session)},
		{Name: "requestparameters", Type: trailhouse.TypeMap},
		{Name: "resources", Type: trailhouse.TypeStructs, Fields: append(text("arn"), trailhouse.Column{Name: "tags", Type: trailhouse.TypeStrings})},
		{Name: "instance_ids", Type: trailhouse.TypeStrings},
		{Name: "cpus", Type: trailhouse.TypeInt64s, Required: true},
		{Name: "raw", Type: trailhouse.TypeBinary},
	}}
}

// fillTrails adds a row, or one of a child's.
func fillTrails(rnd *rand.Rand, b *trailhouse.Batch, row int) {
	word := func() string {
		return []string{"", "Grüße", "a \"b\"\n", fmt.Sprint(rnd.IntN(50)), fmt.Sprint("long ", rnd.Uint64(), strings.Repeat("x", rnd.IntN(100)))}[rnd.IntN(5)]
	}
	for i := range b.Table.Columns {
		c := &b.Table.Columns[i]
		if !c.Required && rnd.IntN(4) == 0 {
			continue
		}
		switch c.Type {
		case trailhouse.TypeUUID:
			b.SetKey(i, trailhouse.Key{byte(row), byte(row >> 8), 3, byte(row * 7)})
		case trailhouse.TypeTimestamp:
			b.SetMicros(i, 1_700_000_000_000_000+int64(rnd.IntN(1<<40)))
		case trailhouse.TypeString:
			b.SetString(i, word())
		case trailhouse.TypeBinary:
			b.SetText(i, []byte{0xff, byte(row)})
		case trailhouse.TypeBool:
			b.SetBool(i, row%2 == 0)
		case trailhouse.TypeInt64:
			b.SetInt(i, rnd.Int64()-rnd.Int64())
		case trailhouse.TypeInt64s:
			b.SetInts(i, make([]int64, rnd.IntN(3)))
		case trailhouse.TypeStrings:
			b.SetStrings(i, []string{word(), word(), word()}[:rnd.IntN(4)])
		case trailhouse.TypeStruct:
			fillTrails(rnd, b.Child(i), row)
			b.SetRows(i)
		case trailhouse.TypeStructs:
			for range rnd.IntN(3) {
				fillTrails(rnd, b.Child(i), row)
			}
			b.SetRows(i)
		case trailhouse.TypeMap:
			for n := range rnd.IntN(4) {
				b.Child(i).SetString(0, fmt.Sprint("key", n))
				if rnd.IntN(3) > 0 {
					b.Child(i).SetString(1, word())
				}
				b.Child(i).EndRow()
			}
			b.SetRows(i)
		}
	}
	b.EndRow()
}

// plainValue is a value of a batch as results have it, nested ones as what their
// JSON text decodes to.
func plainValue(b *trailhouse.Batch, i, r int) any {
	if b.IsNull(i, r) {
		return nil
	}
	switch b.Table.Columns[i].Type {
	case trailhouse.TypeUUID:
		return b.Key(i, r).String()
	case trailhouse.TypeTimestamp:
		return b.Time(i, r)
	case trailhouse.TypeBool:
		return b.Bool(i, r)
	case trailhouse.TypeInt64:
		return b.Int(i, r)
	case trailhouse.TypeInt64s:
		return items(b.Ints(i, r))
	case trailhouse.TypeStrings:
		return items(b.Strings(i, r))
	case trailhouse.TypeBinary:
		return fmt.Sprintf("%x", b.Text(i, r))
	case trailhouse.TypeString:
		return b.String(i, r)
	case trailhouse.TypeStruct:
		from, _ := b.Rows(i, r)
		return object(b.Child(i), from)
	}
	from, to := b.Rows(i, r)
	list, entries := []any{}, map[string]any{}
	for ; from < to; from++ {
		list = append(list, object(b.Child(i), from))
		entries[b.Child(i).String(0, from)] = plainValue(b.Child(i), 1, from)
	}
	if b.Table.Columns[i].Type == trailhouse.TypeMap {
		return entries
	}
	return list
}

func items[T any](list []T) []any {
	out := []any{}
	for _, v := range list {
		out = append(out, v)
	}
	return out
}

func object(b *trailhouse.Batch, r int) map[string]any {
	out := map[string]any{}
	for i, c := range b.Table.Columns {
		v := plainValue(b, i, r)
		if at, ok := v.(time.Time); ok {
			v = at.Format(time.RFC3339Nano)
		}
		out[c.Name] = v
	}
	return out
}

// TestReadBack has DuckDB read what columns wrote: every value, nulls and empty
// lists at every level, and rows found by bounds and bloom filters.
func TestReadBack(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	b := trailhouse.NewBatch(trails())
	for row := range 5000 {
		fillTrails(rnd, b, row)
	}
	file, err := columns.Write(filepath.Join(t.TempDir(), "trails.parquet"), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	slow, _, err := ask(t, trailhouse.Query{SQL: "SELECT * FROM trails", Views: []trailhouse.View{{Table: b.Table, Files: []trailhouse.DataFile{file}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, file.Columns = range []int{0, len(b.Table.Columns)} { // as for a table of several schemas, and of one
		readsBack(t, b, file, slow)
	}
}

// readsBack compares the file with the batch that is in it, and its columns with those
// wanted.
func readsBack(t *testing.T, b *trailhouse.Batch, file trailhouse.DataFile, wanted []trailhouse.ResultColumn) {
	views := []trailhouse.View{{Table: b.Table, Files: []trailhouse.DataFile{file}}}
	shown, got, err := ask(t, trailhouse.Query{SQL: "SELECT * FROM trails", Views: views})
	if err != nil || len(got) != b.Len() {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if diff := cmp.Diff(wanted, shown); diff != "" {
		t.Errorf("columns of %d known: %s", file.Columns, diff)
	}
	for r, values := range got {
		for i, c := range b.Table.Columns {
			want := plainValue(b, i, r)
			if c.Type >= trailhouse.TypeStruct && values[i] != nil {
				values[i] = decoded(t, values[i].(string))
			}
			if diff := cmp.Diff(want, values[i]); diff != "" {
				t.Fatalf("row %d, %s: %s", r, c.Name, diff)
			}
		}
	}
	for _, r := range []int{0, 77, 4999} {
		for _, name := range []string{"eventid", "eventname", "requestid", "record_index"} {
			i := b.Table.MustIndex(name)
			_, got, err := ask(t, trailhouse.Query{SQL: "SELECT count(*) FROM trails WHERE " + name + " = :v", Views: views, Parameters: map[string]any{"v": plainValue(b, i, r)}})
			if want := counted(b, i, r); err != nil || got[0][0] != want {
				t.Errorf("%s of row %d: %v rows, want %d, %v", name, r, got, want, err)
			}
		}
	}
}

// decoded is what a text of JSON says; whole numbers of these tests are small.
func decoded(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// counted counts the rows with the value of a row, none where it is null.
func counted(b *trailhouse.Batch, i, r int) int64 {
	var n int64
	want := plainValue(b, i, r)
	for row := range b.Len() {
		if want != nil && plainValue(b, i, row) == want {
			n++
		}
	}
	return n
}
