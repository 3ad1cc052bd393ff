package columns

import (
	"bytes"
	"math/bits"
	"slices"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/trailhouse/trailhouse"
)

// encoder writes row groups, one column after the other. Its memory is used again
// for each column.
type encoder struct {
	pager
	group   *metadata.RowGroupMetaDataBuilder
	frames  [maxDepth + 1]frame
	levels  levels
	cluster clustering
	own     []bool
	dict    *dictionary
	lengths []uint32
	ints    []int64
	body    []byte
}

func newEncoder() (*encoder, error) {
	codec, err := newCodec()
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "no zstd: %w", err)
	}
	return &encoder{pager: pager{sink: newSink(nil), codec: codec}, dict: newDictionary()}, nil
}

// columns writes the columns of a batch, or of the child of a nested column. specs are
// those of the file: a batch that was read from one has none that is required.
func (e *encoder) columns(specs []trailhouse.Column, b *trailhouse.Batch, f *frame, depth int) error {
	for i := range specs {
		if err := e.column(&specs[i], b, i, f, depth); err != nil {
			return err
		}
	}
	return nil
}

// column writes one column with all that it nests.
func (e *encoder) column(spec *trailhouse.Column, b *trailhouse.Batch, col int, f *frame, depth int) error {
	d := b.Data(col)
	optional := !spec.Required
	if spec.Required && len(d.Valid) < b.Len() {
		return trailhouse.Errorf(trailhouse.CodeInternal, "column %s of %s is required and not in the batch", spec.Name, b.Table.Name)
	}
	inner := &e.frames[depth]
	switch spec.Type {
	case trailhouse.TypeStruct:
		inner.structRows(f, &d, optional)
		return e.columns(spec.Fields, b.Child(col), inner, depth+1)
	case trailhouse.TypeStructs:
		inner.listRows(f, &d, optional)
		return e.columns(spec.Fields, b.Child(col), inner, depth+1)
	case trailhouse.TypeMap:
		inner.listRows(f, &d, optional)
		return e.columns(mapFields(), b.Child(col), inner, depth+1)
	case trailhouse.TypeInt64s:
		inner.listRows(f, &d, optional)
		e.levels.of(inner, nil, false)
		return e.numberChunk(spec, inner, d.Ints)
	case trailhouse.TypeStrings:
		inner.listRows(f, &d, optional)
		e.levels.of(inner, nil, false)
		return e.textChunk(b, spec, inner, textsOf(&d))
	}
	if spec.Type == trailhouse.TypeUUID && optional {
		d.Valid = e.ownKeys(b, col, f, &d)
	}
	e.levels.of(f, d.Valid, optional)
	switch spec.Type {
	case trailhouse.TypeString, trailhouse.TypeBinary:
		return e.textChunk(b, spec, f, textsOf(&d))
	case trailhouse.TypeUUID:
		return e.keyChunk(b, spec, f, d.Keys)
	case trailhouse.TypeBool:
		return e.boolChunk(spec, f, d.Ints)
	}
	return e.numberChunk(spec, f, d.Ints)
}

// start begins the chunk of the next leaf.
func (e *encoder) start(f *frame) { e.begin(e.group.NextColumnChunk(), len(f.rows)) }

// finish ends the chunk.
func (e *encoder) finish(f *frame, b bounds) error {
	e.stats(len(f.rows)-len(e.levels.rows), b)
	return e.end()
}

// pages writes the data pages of a chunk. size is about how many bytes they take in
// all; values appends the values from one to the next. A page begins with a row.
func (e *encoder) pages(f *frame, size int, encoding parquet.Encoding, values func(dst []byte, from, to int) []byte) error {
	n, l := len(f.rows), &e.levels
	per := n
	if size > pageBytes {
		per = max(1, int(int64(n)*pageBytes/int64(size)))
	}
	value := 0
	for from := 0; from < n; {
		to := min(n, from+per)
		for to < n && len(f.rep) > 0 && f.rep[to] > 0 {
			to++
		}
		body, end := e.body[:0], value+to-from
		if f.lists > 0 {
			body = appendLevels(body, f.rep[from:to], f.lists)
		}
		if l.highest > 0 {
			body = appendLevels(body, l.def[from:to], l.highest)
			end = value + bytes.Count(l.def[from:to], []byte{l.highest})
		}
		e.body = values(body, value, end)
		if err := e.data(e.body, to-from, encoding); err != nil {
			return err
		}
		from, value = to, end
	}
	return nil
}

// texts are the values of a text column.
type texts struct {
	text  []byte
	ends  []uint32 // of each number's text
	codes []uint32 // number of each value
	loose bool     // equal texts may have several numbers
	rows  []int32
}

func textsOf(d *trailhouse.ColumnData) texts {
	return texts{text: d.Text, ends: d.TextEnds, codes: d.Codes, loose: d.Loose}
}

// of returns the text of a number.
func (t *texts) of(code uint32) []byte { return t.text[start(t.ends, int(code)):t.ends[code]] }

// at returns the i-th value.
func (t *texts) at(i int) []byte { return t.of(t.codes[t.rows[i]]) }

// textChunk writes a chunk of texts, by a dictionary where one pays. A TypeString
// that is not UTF-8 is a mistake of a decoder: one such value in a committed file
// would make every query over it fail.
func (e *encoder) textChunk(b *trailhouse.Batch, spec *trailhouse.Column, f *frame, t texts) error {
	e.start(f)
	t.rows = e.levels.rows
	mustBeText, keep := spec.Type != trailhouse.TypeBinary, bounded(spec, f)
	if spec.Unique || spec.Type == trailhouse.TypeBinary || len(t.rows) == 0 || !e.dict.build(t) {
		return e.plainTexts(b, spec, f, t, mustBeText, keep)
	}
	if mustBeText && !e.dict.isText() {
		return notText(b.Table, spec)
	}
	if err := e.pager.dictionary(e.dict.page, len(e.dict.starts)); err != nil {
		return err
	}
	width := bits.Len(uint(len(e.dict.starts) - 1))
	err := e.pages(f, len(t.rows)*width/8, parquet.Encodings.RLEDict, func(dst []byte, from, to int) []byte {
		return appendHybrid(append(dst, byte(width)), e.dict.indexes[from:to], width)
	})
	if err != nil {
		return err
	}
	var bound bounds
	for n := range e.dict.starts {
		if keep {
			bound.take(e.dict.value(n))
		}
	}
	return e.finish(f, bound)
}

// plainTexts writes texts as they are: their lengths, then their bytes.
func (e *encoder) plainTexts(b *trailhouse.Batch, spec *trailhouse.Column, f *frame, t texts, mustBeText, keep bool) error {
	var bound bounds
	e.lengths = e.lengths[:0]
	size := 0
	for i := range t.rows {
		v := t.at(i)
		if mustBeText && !utf8.Valid(v) {
			return notText(b.Table, spec)
		}
		if keep {
			bound.take(v)
		}
		e.lengths = append(e.lengths, uint32(len(v)))
		size += len(v) + 1
	}
	err := e.pages(f, size, parquet.Encodings.DeltaLengthByteArray, func(dst []byte, from, to int) []byte {
		dst = appendDelta(dst, e.lengths[from:to])
		for i := from; i < to; i++ {
			dst = append(dst, t.at(i)...)
		}
		return dst
	})
	if err != nil {
		return err
	}
	return e.finish(f, bound)
}

func notText(t *trailhouse.Table, c *trailhouse.Column) error {
	return trailhouse.Errorf(trailhouse.CodeInternal, "column %s of %s holds text that is not UTF-8", c.Name, t.Name).
		WithHint("this is a mistake of Trailhouse; please report it")
}

// gather collects the numbers of a chunk.
func (e *encoder) gather(values []int64) []int64 {
	e.ints = e.ints[:0]
	for _, r := range e.levels.rows {
		e.ints = append(e.ints, values[r])
	}
	return e.ints
}

func (e *encoder) numberChunk(spec *trailhouse.Column, f *frame, all []int64) error {
	e.start(f)
	values := e.gather(all)
	err := e.pages(f, 8*len(values), parquet.Encodings.DeltaBinaryPacked, func(dst []byte, from, to int) []byte {
		return appendDelta(dst, values[from:to])
	})
	if err != nil {
		return err
	}
	if !bounded(spec, f) {
		return e.finish(f, bounds{})
	}
	return e.finish(f, numbers(values))
}

// boolChunk writes a chunk of bits.
func (e *encoder) boolChunk(spec *trailhouse.Column, f *frame, all []int64) error {
	e.start(f)
	values := e.gather(all)
	err := e.pages(f, len(values)/8, parquet.Encodings.Plain, func(dst []byte, from, to int) []byte {
		return appendBools(dst, values[from:to])
	})
	if err != nil {
		return err
	}
	b := bounds{}
	if bounded(spec, f) && len(values) > 0 {
		b = numbers(values)
		b.least, b.greatest = b.least[:1], b.greatest[:1]
	}
	return e.finish(f, b)
}

// appendBools appends truth values, a bit each.
func appendBools(dst []byte, values []int64) []byte {
	for len(values) > 0 {
		n := min(8, len(values))
		var bits byte
		for i, v := range values[:n] {
			bits |= byte(v) << i
		}
		dst, values = append(dst, bits), values[n:]
	}
	return dst
}

// keyChunk writes a chunk of keys.
func (e *encoder) keyChunk(b *trailhouse.Batch, spec *trailhouse.Column, f *frame, keys []trailhouse.Key) error {
	e.start(f)
	rows := e.levels.rows
	err := e.pages(f, 16*len(rows), parquet.Encodings.Plain, func(dst []byte, from, to int) []byte {
		for _, r := range rows[from:to] {
			dst = append(dst, keys[r][:]...)
		}
		return dst
	})
	if err != nil {
		return err
	}
	return e.finish(f, bounds{})
}

// ownKeys says which rows have a key that is to be stored: where the text of the row
// writes it, a reader has it from there (Table.KeyText).
func (e *encoder) ownKeys(b *trailhouse.Batch, col int, f *frame, d *trailhouse.ColumnData) []bool {
	t := b.Table
	if t.KeyText == "" || t.Columns[col].Name != t.Key || len(d.Valid) == 0 {
		return d.Valid
	}
	text := t.MustIndex(t.KeyText)
	e.own = slices.Grow(e.own[:0], b.Len())[:b.Len()]
	for _, row := range f.rows {
		k, ok := trailhouse.ParseKey(b.Text(text, int(row)))
		e.own[row] = d.Valid[row] && !(ok && k == d.Keys[row])
	}
	return e.own
}
