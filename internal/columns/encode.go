package columns

import (
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/trailhouse/trailhouse"
)

type (
	byteArray  = parquet.ByteArray
	fixedArray = parquet.FixedLenByteArray
)

// write hands one column of the rows to its column writer.
func (l *levels) write(chunk file.ColumnChunkWriter, b *trailhouse.Batch, col int, rows []int32) error {
	spec := &b.Table.Columns[col]
	if isList(spec.Type) {
		return l.writeList(chunk, b, col, rows)
	}
	def := l.validity(b, col, rows)
	var err error
	switch w := chunk.(type) {
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(l.intValues(b, col, rows), def, nil)
	case *file.BooleanColumnChunkWriter:
		_, err = w.WriteBatch(l.boolValues(b, col, rows), def, nil)
	case *file.FixedLenByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(l.keyValues(b, col, rows), def, nil)
	case *file.ByteArrayColumnChunkWriter:
		var texts []byteArray
		if texts, err = l.textValues(b, col, rows); err == nil {
			_, err = w.WriteBatch(texts, def, nil)
		}
	}
	return err
}

// validity fills the definition levels of a column: 1 for a value, 0 for null.
// Required columns have none.
func (l *levels) validity(b *trailhouse.Batch, col int, rows []int32) []int16 {
	if b.Table.Columns[col].Required {
		return nil
	}
	l.def = l.def[:0]
	for _, r := range rows {
		level := int16(1)
		if b.IsNull(col, int(r)) {
			level = 0
		}
		l.def = append(l.def, level)
	}
	return l.def
}

func (l *levels) intValues(b *trailhouse.Batch, col int, rows []int32) []int64 {
	l.ints = l.ints[:0]
	for _, r := range rows {
		if !b.IsNull(col, int(r)) {
			l.ints = append(l.ints, b.Int(col, int(r)))
		}
	}
	return l.ints
}

func (l *levels) boolValues(b *trailhouse.Batch, col int, rows []int32) []bool {
	l.bools = l.bools[:0]
	for _, r := range rows {
		if !b.IsNull(col, int(r)) {
			l.bools = append(l.bools, b.Bool(col, int(r)))
		}
	}
	return l.bools
}

// keyValues copies the keys: Batch.Key returns a value, and the writer wants
// slices that live until the column is written.
func (l *levels) keyValues(b *trailhouse.Batch, col int, rows []int32) []fixedArray {
	l.keys = l.keys[:0]
	backing := make([]byte, 0, 16*len(rows))
	for _, r := range rows {
		if !b.IsNull(col, int(r)) {
			k := b.Key(col, int(r))
			backing = append(backing, k[:]...)
			l.keys = append(l.keys, backing[len(backing)-16:])
		}
	}
	return l.keys
}

// textValues collects texts without copying them. A TypeString that is not UTF-8
// is a mistake of a decoder: one such value in a committed file would make every
// query over it fail.
func (l *levels) textValues(b *trailhouse.Batch, col int, rows []int32) ([]byteArray, error) {
	spec := &b.Table.Columns[col]
	l.texts = l.texts[:0]
	for _, r := range rows {
		if b.IsNull(col, int(r)) {
			continue
		}
		v := b.Text(col, int(r))
		if spec.Type == trailhouse.TypeString && !utf8.Valid(v) {
			return nil, notText(b.Table, col)
		}
		l.texts = append(l.texts, v)
	}
	return l.texts, nil
}

func notText(t *trailhouse.Table, col int) error {
	return trailhouse.Errorf(trailhouse.CodeInternal, "column %s of %s holds text that is not UTF-8", t.Columns[col].Name, t.Name).
		WithHint("this is a mistake of Trailhouse; please report it")
}

// writeList writes a list column in the standard three levels: a null list, an
// empty list and an element differ by their definition level.
func (l *levels) writeList(chunk file.ColumnChunkWriter, b *trailhouse.Batch, col int, rows []int32) error {
	empty := int16(1)
	if b.Table.Columns[col].Required {
		empty = 0
	}
	l.def, l.rep, l.ints, l.texts = l.def[:0], l.rep[:0], l.ints[:0], l.texts[:0]
	for _, r := range rows {
		n, err := l.addList(b, col, int(r))
		if err != nil {
			return err
		}
		l.listLevels(n, empty, b.IsNull(col, int(r)))
	}
	var err error
	switch w := chunk.(type) {
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(l.ints, l.def, l.rep)
	case *file.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(l.texts, l.def, l.rep)
	}
	return err
}

// addList adds the elements of one list to the values and returns how many they
// are.
func (l *levels) addList(b *trailhouse.Batch, col, row int) (int, error) {
	if b.Table.Columns[col].Type == trailhouse.TypeInt64s {
		v := b.Ints(col, row)
		l.ints = append(l.ints, v...)
		return len(v), nil
	}
	v := b.Strings(col, row)
	for _, s := range v {
		if !utf8.ValidString(s) {
			return 0, notText(b.Table, col)
		}
		l.texts = append(l.texts, bytesOf(s))
	}
	return len(v), nil
}

// listLevels adds the levels of a list of n elements.
func (l *levels) listLevels(n int, empty int16, null bool) {
	switch {
	case null:
		l.def, l.rep = append(l.def, 0), append(l.rep, 0)
	case n == 0:
		l.def, l.rep = append(l.def, empty), append(l.rep, 0)
	}
	for i := range n {
		rep := int16(1)
		if i == 0 {
			rep = 0
		}
		l.def, l.rep = append(l.def, empty+1), append(l.rep, rep)
	}
}
