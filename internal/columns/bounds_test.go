package columns

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
)

// TestBounds checks which row groups say what about their values: what is found by
// bounds has them, random ids have none, and a text that is too long for a bound
// takes all statistics of its chunk with it.
func TestBounds(t *testing.T) {
	text := func(name string, unique bool) trailhouse.Column {
		return trailhouse.Column{Name: name, Type: trailhouse.TypeString, Unique: unique}
	}
	table := &trailhouse.Table{Name: "t", Columns: []trailhouse.Column{
		{Name: "time", Type: trailhouse.TypeTimestamp}, text("account", false), text("id", true), text("long", false), text("null", false),
		{Name: "key", Type: trailhouse.TypeUUID}, {Name: "on", Type: trailhouse.TypeBool}, {Name: "tags", Type: trailhouse.TypeStrings},
		{Name: "who", Type: trailhouse.TypeStruct, Fields: []trailhouse.Column{text("arn", false)}}, text("plain", false),
	}}
	b := trailhouse.NewBatch(table)
	for i := range 3000 {
		if i%3 > 0 {
			b.SetMicros(0, int64(1000-i))
			b.SetString(1, fmt.Sprint("acc", i%7))
			b.SetString(2, fmt.Sprint("id", i))
			b.SetString(3, strings.Repeat("x", 60+i%10))
			b.SetKey(5, trailhouse.Key{byte(i)})
			b.SetBool(6, i%2 == 0)
			b.SetStrings(7, []string{"tag"})
			b.Child(8).SetString(0, fmt.Sprint("arn", i%5))
			b.Child(8).EndRow()
			b.SetRows(8)
			b.SetString(9, fmt.Sprintf("%04d", i))
		}
		b.EndRow()
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	if _, err := Write(path, b, nil); err != nil {
		t.Fatal(err)
	}
	footer, err := ReadFooter(path)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	group := footer.Metadata.(*metadata.FileMetaData).RowGroup(0)
	for i := range group.NumColumns() {
		chunk, err := group.ColumnChunk(i)
		if err != nil {
			t.Fatal(err)
		}
		got[chunk.PathInSchema().String()] = said(t, chunk)
	}
	want := map[string]string{
		"time": "1000 nulls, -1999 to 999", "account": "1000 nulls, acc0 to acc6", "id": "1000 nulls", "long": "nothing", "null": "3000 nulls",
		"key": "1000 nulls", "on": "1000 nulls, false to true", "tags.list.element": "1000 nulls", "who.arn": "1000 nulls, arn0 to arn4",
		"plain": "1000 nulls, 0001 to 2999",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// said is what a chunk says about its values.
func said(t *testing.T, chunk *metadata.ColumnChunkMetaData) string {
	t.Helper()
	stats, err := chunk.Statistics()
	if err != nil {
		t.Fatal(err)
	}
	if stats == nil {
		return "nothing"
	}
	out := fmt.Sprint(stats.NullCount(), " nulls")
	if !stats.HasMinMax() {
		return out
	}
	switch s := stats.(type) {
	case *metadata.Int64Statistics:
		return fmt.Sprint(out, ", ", s.Min(), " to ", s.Max())
	case *metadata.BooleanStatistics:
		return fmt.Sprint(out, ", ", s.Min(), " to ", s.Max())
	case *metadata.ByteArrayStatistics:
		return fmt.Sprint(out, ", ", s.Min(), " to ", s.Max())
	}
	return out + ", bounds"
}
