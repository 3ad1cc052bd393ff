package columns

import (
	"cmp"
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/trailhouse/trailhouse"
)

type (
	byteArray  = parquet.ByteArray
	fixedArray = parquet.FixedLenByteArray
)

// cursorLevels is how many values a cursor decodes at a time: enough to spread
// the cost of a call, few enough to stay in the processor's cache.
const cursorLevels = 1024

// cursor walks the entries of one leaf of one row group. The values it holds belong
// to the page they lie in, so they are copied to the batch before the next page is
// read.
type cursor struct {
	maxDef   int16
	lists    bool // rep says which entries begin a row
	fill     func() (int64, int, error)
	close    func() error
	def, rep []int16
	ints     []int64
	bools    []bool
	numbers  []int64 // bools as a batch holds them
	present  []bool  // which rows of a stretch have a value
	texts    []byteArray
	keys     []fixedArray
	level    int // next level
	levels   int // levels that were decoded
	value    int // next value
}

// newCursor makes the cursor of one column chunk. The chunk's physical type must
// be the one that the column's type is written as, and its levels those of the
// schema.
func newCursor(chunk file.ColumnChunkReader, t trailhouse.Type, def, rep int16) (*cursor, bool) {
	descr := chunk.Descriptor()
	c := &cursor{maxDef: def, lists: rep > 0, close: chunk.Close, def: make([]int16, cursorLevels), rep: make([]int16, cursorLevels)}
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
	fits := chunk.Type() == physicalType(t) && keyLength(descr) && descr.MaxDefinitionLevel() == def && descr.MaxRepetitionLevel() == rep
	return c, fits
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

// peek returns the definition level of the next entry.
func (c *cursor) peek() (int16, error) {
	ok, err := c.more()
	if err == nil && !ok {
		err = fmt.Errorf("a column ends too early")
	}
	if err != nil || c.maxDef == 0 {
		return 0, err
	}
	return c.def[c.level], nil
}

// again reports whether the next entry goes on with the list at a repetition level.
func (c *cursor) again(list int16) (bool, error) {
	ok, err := c.more()
	return ok && err == nil && c.rep[c.level] >= list, err
}

// take steps over the next entry and returns the number of its value, or -1 where
// it is null.
func (c *cursor) take() (int, error) {
	def, err := c.peek()
	if err != nil {
		return 0, err
	}
	c.level++
	if def < c.maxDef {
		return -1, nil
	}
	c.value++
	return c.value - 1, nil
}

// rows appends the next entries to a column, one a row.
func (c *cursor) rows(b *trailhouse.Batch, col int, kind trailhouse.Type, count int) error {
	for from := b.Len(); count > 0; {
		if ok, err := c.more(); err != nil || !ok {
			return cmp.Or(err, fmt.Errorf("a column ends too early"))
		}
		n := min(count, c.levels-c.level)
		present, values := c.presence(n)
		c.append(b, col, kind, present, values)
		c.level, c.value = c.level+n, c.value+values
		from, count = from+n, count-n
		b.SetLen(from)
	}
	return nil
}

// presence says which of the next entries have a value, nil for all, and how many have.
func (c *cursor) presence(n int) (present []bool, values int) {
	if c.maxDef == 0 {
		return nil, n
	}
	c.present = c.present[:0]
	for _, def := range c.def[c.level : c.level+n] {
		has := def == c.maxDef
		c.present = append(c.present, has)
		if has {
			values++
		}
	}
	if values == n {
		return nil, n
	}
	return c.present, values
}

// append appends the next values to a column.
func (c *cursor) append(b *trailhouse.Batch, col int, kind trailhouse.Type, present []bool, n int) {
	from, to := c.value, c.value+n
	switch kind {
	case trailhouse.TypeString, trailhouse.TypeBinary:
		trailhouse.AppendTexts(b, col, present, c.texts[from:to])
	case trailhouse.TypeUUID:
		trailhouse.AppendKeys(b, col, present, c.keys[from:to])
	case trailhouse.TypeBool:
		c.numbers = c.numbers[:0]
		for _, v := range c.bools[from:to] {
			var n int64
			if v {
				n = 1
			}
			c.numbers = append(c.numbers, n)
		}
		b.AppendInts(col, present, c.numbers)
	default:
		b.AppendInts(col, present, c.ints[from:to])
	}
}
