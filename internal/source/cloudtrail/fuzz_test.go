package cloudtrail

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// FuzzDocument reads a text as a unit and holds the rows against encoding/json: each
// record that it finds is read or refused with a reason, and every column is equal.
// Read as a stream it gives as many.
func FuzzDocument(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `"text"`, `[1,{"a":"b"}]`, `{"a":1,"a":{"b":[ 1 ]},"\u0061":"\ud800"}`, `{"n":12345678901234567890}`, `{"a"`, strings.Repeat("[", 1100) + strings.Repeat("]", 1100)} {
		f.Add([]byte(`{"Records":[{"eventTime":"2025-01-02T03:00:02Z","requestParameters":` + s + `}]}`))
		f.Add([]byte(s))
	}
	f.Add([]byte(small("")))
	for _, s := range []string{`{"eventTime":"2025-01-02T03:00:02Z",}`, "{\"a\x00", `{"a":[{"b":`, "},{", `nonsense`, `{"eventTime":"2025-01-02T03:00:02Z"}}`} {
		f.Add([]byte(small(s)))
	}
	f.Add([]byte("[" + insightRecord + "," + aggregatedRecord + "]"))
	for _, name := range []string{"testdata/launch.json", "testdata/attested.json"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	s := New(Options{})
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<18 {
			return
		}
		sink := newSink()
		records, err := readFuzzed(t, s, sink, text)
		if err != nil {
			if sink.records != 0 || len(sink.rejected) != 0 {
				t.Fatalf("%v behind %d records", err, sink.records)
			}
			if json.Valid(text) && trailhouse.CodeOf(err) != trailhouse.CodeDamaged {
				t.Fatalf("%v", err)
			}
			var at *tape.SyntaxError
			if json.Valid(text) && errors.As(err, &at) {
				t.Fatalf("valid JSON was refused: %v", err)
			}
			return
		}
		if records >= 0 && sink.records+len(sink.rejected) != records {
			t.Fatalf("%d records and %d refused of %d", sink.records, len(sink.rejected), records)
		}
		checkRows(t, sink, text)
	})
}

// readFuzzed reads a text in memory and as a stream, which must give the same, and
// returns the number of its records, -1 where it is damaged.
func readFuzzed(t *testing.T, s *Source, sink *memorySink, text []byte) (int, error) {
	read := func(sink *memorySink, c *content, how func(*reader, *content) error) error {
		return how(newReader(t.Context(), s, trailhouse.Unit{ID: "u", Object: trailName}, parseName(trailName), sink, &memory{}), c)
	}
	whole := append(bytes.Clone(text), make([]byte, tape.Padding)...)
	err := read(sink, &content{whole: whole, sha256: "x"}, (*reader).readWhole)
	streamed := newSink()
	moving := read(streamed, &content{open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }}, (*reader).readPieces)
	if trailhouse.CodeOf(err) != trailhouse.CodeOf(moving) || streamed.records != sink.records || !slices.Equal(streamed.reasons(), sink.reasons()) {
		t.Fatalf("in memory %v, %d records, %q; as a stream %v, %d records, %q", err, sink.records, sink.reasons(), moving, streamed.records, streamed.reasons())
	}
	if err != nil {
		return 0, err
	}
	d := tape.NewDocument(tape.Moving(bytes.NewReader(text), nil), &tape.Tape{})
	for n := 0; ; n++ {
		switch _, next := d.Next(); next {
		case nil:
		case io.EOF:
			return n, nil
		default:
			return -1, nil // it was read past this
		}
	}
}

// checkRows holds the rows of events against encoding/json.
func checkRows(t *testing.T, sink *memorySink, text []byte) {
	b := sink.batches[EventTableName]
	if b == nil {
		return
	}
	for i := range b.Len() {
		_, _, span := WhereIs(b, i)
		record := text[span.Position : span.Position+span.Length]
		if !json.Valid(record) {
			record, _ = tape.Mend(nil, record)
		}
		if !utf8.Valid(record) || !json.Valid(record) {
			t.Fatalf("row %d is of %q", i, record)
		}
		oracleMaps(t, b, i, record)
		if rebuilt, err := Rebuild(b, i); err != nil || !json.Valid(rebuilt) {
			t.Fatalf("row %d is rebuilt as %q, %v", i, rebuilt, err)
		}
	}
}

// oracleMaps compares the payloads of a row.
func oracleMaps(t *testing.T, b *trailhouse.Batch, row int, record []byte) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(record, &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"requestParameters", "responseElements", "additionalEventData"} {
		col := b.Table.MustIndex(lower(name))
		raw := bytes.TrimSpace(members[name])
		isObject := len(raw) > 0 && raw[0] == '{'
		if isObject == b.IsNull(col, row) {
			t.Fatalf("%s is %s, its column is null: %v", name, raw, b.IsNull(col, row))
		}
		if isObject {
			compareMap(t, b, col, row, name, raw)
		}
	}
}
