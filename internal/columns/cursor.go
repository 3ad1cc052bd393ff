package columns

import (
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/trailhouse/trailhouse"
)

// cursorLevels is how many values a cursor decodes at a time: enough to spread
// the cost of a call, few enough to stay in the processor's cache.
const cursorLevels = 1024

// cursor walks the values of one column of one row group, row by row. The
// values it holds belong to the page they lie in, so they are copied to the
// batch before the next page is read.
type cursor struct {
	col      int
	kind     trailhouse.Type
	maxDef   int16
	repeated bool
	fill     func() (int64, int, error)
	close    func() error
	def, rep []int16
	ints     []int64
	bools    []bool
	texts    []byteArray
	keys     []fixedArray
	level    int // next level
	levels   int // levels that were decoded
	value    int // next value
	list     []int64
	items    []string
}

// openCursors opens a cursor for each of the columns that the file has.
func openCursors(rdr *file.Reader, group *file.RowGroupReader, t *trailhouse.Table, positions []int) ([]*cursor, error) {
	var cursors []*cursor
	for _, p := range positions {
		spec := &t.Columns[p]
		leaf := rdr.MetaData().Schema.ColumnIndexByName(leafPath(spec.Name, isList(spec.Type)))
		if leaf < 0 {
			if rdr.MetaData().Schema.Root().FieldIndexByName(spec.Name) >= 0 {
				return cursors, fmt.Errorf("column %s has another type", spec.Name)
			}
			continue
		}
		chunk, err := group.Column(leaf)
		if err != nil {
			return cursors, err
		}
		c, err := newCursor(chunk, p, spec)
		if err != nil {
			return cursors, err
		}
		cursors = append(cursors, c)
	}
	return cursors, nil
}

func closeCursors(cursors []*cursor) {
	for _, c := range cursors {
		_ = c.close()
	}
}

// newCursor makes the cursor of one column chunk. The chunk's physical type must
// be the one that the column's type is written as.
func newCursor(chunk file.ColumnChunkReader, position int, spec *trailhouse.Column) (*cursor, error) {
	descr := chunk.Descriptor()
	c := &cursor{
		col: position, kind: spec.Type, maxDef: descr.MaxDefinitionLevel(), repeated: descr.MaxRepetitionLevel() > 0,
		close: chunk.Close, def: make([]int16, cursorLevels), rep: make([]int16, cursorLevels),
	}
	switch r := chunk.(type) {
	case *file.Int64ColumnChunkReader:
		c.ints = make([]int64, cursorLevels)
		c.fill = func() (int64, int, error) { return r.ReadBatchInPage(cursorLevels, c.ints, c.def, c.rep) }
	case *file.BooleanColumnChunkReader:
		c.bools = make([]bool, cursorLevels)
		c.fill = func() (int64, int, error) { return r.ReadBatchInPage(cursorLevels, c.bools, c.def, c.rep) }
	case *file.ByteArrayColumnChunkReader:
		c.texts = make([]byteArray, cursorLevels)
		c.fill = func() (int64, int, error) { return r.ReadBatchInPage(cursorLevels, c.texts, c.def, c.rep) }
	case *file.FixedLenByteArrayColumnChunkReader:
		c.keys = make([]fixedArray, cursorLevels)
		c.fill = func() (int64, int, error) { return r.ReadBatchInPage(cursorLevels, c.keys, c.def, c.rep) }
	}
	if chunk.Type() != physicalType(spec.Type) || c.repeated != isList(spec.Type) || !keyLength(descr) {
		return nil, fmt.Errorf("column %s has another type", spec.Name)
	}
	return c, nil
}

// keyLength reports that values of fixed length are as long as a Key.
func keyLength(d *schema.Column) bool {
	return d.PhysicalType() != parquet.Types.FixedLenByteArray || d.TypeLength() == len(trailhouse.Key{})
}

// physicalType is what values of a type, or the elements of a list, are written
// as.
func physicalType(t trailhouse.Type) parquet.Type {
	switch t {
	case trailhouse.TypeString, trailhouse.TypeBinary, trailhouse.TypeStrings:
		return parquet.Types.ByteArray
	case trailhouse.TypeBool:
		return parquet.Types.Boolean
	case trailhouse.TypeUUID:
		return parquet.Types.FixedLenByteArray
	}
	return parquet.Types.Int64
}

// more makes sure that a level is at hand. It reports false at the end of the
// column.
func (c *cursor) more() (bool, error) {
	for c.level == c.levels {
		n, _, err := c.fill()
		if err != nil || n == 0 {
			return false, err
		}
		c.level, c.levels, c.value = 0, int(n), 0
	}
	return true, nil
}

// next sets the column of the row under way.
func (c *cursor) next(b *trailhouse.Batch) error {
	ok, err := c.more()
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("column %s ends too early", b.Table.Columns[c.col].Name)
	}
	if c.repeated {
		return c.nextList(b)
	}
	c.level++
	if c.maxDef > 0 && c.def[c.level-1] < c.maxDef {
		return nil
	}
	i := c.value
	c.value++
	switch c.kind {
	case trailhouse.TypeString, trailhouse.TypeBinary:
		b.SetText(c.col, c.texts[i])
	case trailhouse.TypeBool:
		b.SetBool(c.col, c.bools[i])
	case trailhouse.TypeUUID:
		b.SetKey(c.col, trailhouse.Key(c.keys[i]))
	default:
		b.SetInt(c.col, c.ints[i])
	}
	return nil
}

// nextList sets a list column: the first level of a row repeats 0, the further
// elements repeat 1, and may lie in the next page.
func (c *cursor) nextList(b *trailhouse.Batch) error {
	c.list, c.items = c.list[:0], c.items[:0]
	first := c.def[c.level]
	for {
		if c.def[c.level] == c.maxDef {
			c.takeElement()
		}
		c.level++
		ok, err := c.more()
		if err != nil {
			return err
		}
		if !ok || c.rep[c.level] == 0 {
			break
		}
	}
	// Below an element stand the empty list and, where the column is optional,
	// the null list: the level of the empty list is one less than the element's.
	if first < c.maxDef-1 {
		return nil
	}
	if c.kind == trailhouse.TypeInt64s {
		b.SetInts(c.col, c.list)
	} else {
		b.SetStrings(c.col, c.items)
	}
	return nil
}

// takeElement adds the next value to the list under way.
func (c *cursor) takeElement() {
	if c.kind == trailhouse.TypeInt64s {
		c.list = append(c.list, c.ints[c.value])
	} else {
		c.items = append(c.items, string(c.texts[c.value]))
	}
	c.value++
}
