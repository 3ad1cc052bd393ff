package cloudtrail

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
)

// decode reads a JSON text with encoding/json; numbers stay text.
func decode(t testing.TB, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	return v
}

// oracle compares a row with what encoding/json reads in the record: each column with
// the member of the same name, whatever its case.
func oracle(t testing.TB, b *trailhouse.Batch, row int, record []byte) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(record, &members); err != nil {
		t.Fatal(err)
	}
	unknown := mapOf(b, row, "unknownfields")
	seen := map[string]bool{}
	for name, raw := range members {
		column := strings.ToLower(name)
		if raw == nil || string(raw) == "null" {
			continue
		}
		if text, ok := unknown[name]; ok {
			if diff := cmp.Diff(decode(t, raw), decode(t, []byte(text))); diff != "" {
				t.Errorf("unknownfields %s: %s", name, diff)
			}
			continue
		}
		col := b.Table.Index(column)
		if col < 0 {
			t.Errorf("%s is lost", name)
			continue
		}
		seen[column] = true
		compareColumn(t, b, col, row, name, raw)
	}
	for i := range b.Table.MustIndex("principal") {
		if name := b.Table.Columns[i].Name; !seen[name] && !b.IsNull(i, row) {
			if _, kept := members[name]; !kept && !isKept(unknown, name) {
				t.Errorf("%s is set and not in the record", name)
			}
		}
	}
}

func isKept(unknown map[string]string, column string) bool {
	for name := range unknown {
		if strings.EqualFold(name, column) {
			return true
		}
	}
	return false
}

// compareColumn compares one value.
func compareColumn(t testing.TB, b *trailhouse.Batch, col, row int, name string, raw json.RawMessage) {
	t.Helper()
	want := decode(t, raw)
	spec := &b.Table.Columns[col]
	switch spec.Type {
	case trailhouse.TypeString:
		if got := b.String(col, row); got != want {
			t.Errorf("%s is %q, want %v", name, got, want)
		}
	case trailhouse.TypeBool:
		if got := b.Bool(col, row); got != want || b.IsNull(col, row) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	case trailhouse.TypeTimestamp:
		at, err := time.Parse(time.RFC3339Nano, want.(string))
		if err != nil || !b.Time(col, row).Equal(at.Truncate(time.Microsecond)) {
			t.Errorf("%s is %v, want %v", name, b.Time(col, row), want)
		}
	case trailhouse.TypeMap:
		compareMap(t, b, col, row, name, raw)
	case trailhouse.TypeStruct:
		at, _ := b.Rows(col, row)
		compareObject(t, b.Child(col), at, name, raw)
	case trailhouse.TypeStructs:
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatal(err)
		}
		from, to := b.Rows(col, row)
		if to-from != len(list) {
			t.Fatalf("%s has %d rows, want %d", name, to-from, len(list))
		}
		for i, element := range list {
			compareObject(t, b.Child(col), from+i, name, element)
		}
	}
}

func compareObject(t testing.TB, b *trailhouse.Batch, row int, name string, raw json.RawMessage) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	set := 0
	for member, value := range members {
		if string(value) == "null" {
			continue
		}
		set++
		compareColumn(t, b, indexOf(b.Table.Columns, strings.ToLower(member)), row, name+"."+member, value)
	}
	for col := range b.Table.Columns {
		if !b.IsNull(col, row) {
			set--
		}
	}
	if set != 0 {
		t.Errorf("%s has %d members more than columns", name, set)
	}
}

func compareMap(t testing.TB, b *trailhouse.Batch, col, row int, name string, raw json.RawMessage) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	want, nulls := map[string]string{}, 0
	for member, value := range members {
		switch v := decode(t, value).(type) {
		case string:
			want[member] = v
		case nil:
			want[member] = ""
			nulls++
		default:
			var text bytes.Buffer
			if err := json.Compact(&text, value); err != nil {
				t.Fatal(err)
			}
			want[member] = text.String()
		}
	}
	got := map[string]string{}
	from, to := b.Rows(col, row)
	for i := from; i < to; i++ {
		if b.Child(col).IsNull(1, i) {
			nulls--
		}
		got[b.Child(col).String(0, i)] = b.Child(col).String(1, i)
	}
	if diff := cmp.Diff(want, got); diff != "" || nulls != 0 || to-from != len(members) {
		t.Errorf("%s: %d nulls too few, %d rows, %s", name, nulls, to-from, diff)
	}
}

// TestRealEventsEqualEncodingJSON reads every real event, compares each column with what
// encoding/json reads, and fetches its original bytes again.
func TestRealEventsEqualEncodingJSON(t *testing.T) {
	for _, folder := range []string{"invictus", "stratus"} {
		sink := newSink()
		readAll(t, New(Options{Paths: []string{sharedData(t, folder)}}), sink)
		b := sink.events()
		spans := map[string][]Span{}
		rows := map[string][]int{}
		hashes := map[string]string{}
		for i := range b.Len() {
			object, hash, span := WhereIs(b, i)
			spans[object], rows[object], hashes[object] = append(spans[object], span), append(rows[object], i), hash
		}
		for object, list := range spans {
			all, err := Originals(context.Background(), Files{}, objects.Limits{}, object, hashes[object], list)
			if err != nil {
				t.Fatal(err)
			}
			source := sourceRecords(t, object)
			for k, text := range all {
				if string(text) != string(source[k]) {
					t.Fatalf("%s %d: %.100s, want %.100s", object, k, text, source[k])
				}
				oracle(t, b, rows[object][k], text)
			}
		}
	}
}

// sourceRecords reads the records of a file with encoding/json alone.
func sourceRecords(t testing.TB, object string) []json.RawMessage {
	t.Helper()
	text, err := os.ReadFile(object)
	if err != nil {
		t.Fatal(err)
	}
	if objects.IsGzip(text) {
		if text, _, err = new(objects.Inflater).All(nil, text, object, maxWhole, 0, objects.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	var list []json.RawMessage
	if json.Unmarshal(text, &list) == nil {
		return list
	}
	var body struct{ Records []json.RawMessage }
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatal(err)
	}
	return body.Records
}

// TestLaunchOfRealEvent holds the extracted columns of a real launch.
func TestLaunchOfRealEvent(t *testing.T) {
	text, err := os.ReadFile("testdata/launch.json")
	if err != nil {
		t.Fatal(err)
	}
	sink, err := readText(t, "x.json", `{"Records":[`+string(text)+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	b := sink.events()
	got := fmt.Sprint(value(b, 0, "launch_origin"), " ", value(b, 0, "instance_type"), " ", b.Int(b.Table.MustIndex("cpu_core_count"), 0), " ",
		b.Int(b.Table.MustIndex("cpu_threads_per_core"), 0), " ", b.IsNull(b.Table.MustIndex("enclave_enabled"), 0), b.Bool(b.Table.MustIndex("enclave_enabled"), 0), " ",
		b.Strings(b.Table.MustIndex("instance_ids"), 0), " ", value(b, 0, "account_id"))
	t.Log(got)
	t.Log(strings.Join(b.Strings(b.Table.MustIndex("entities"), 0), "\n"))
	if !slices.IsSorted(b.Strings(b.Table.MustIndex("entities"), 0)) {
		t.Error("entities are not sorted")
	}
}
