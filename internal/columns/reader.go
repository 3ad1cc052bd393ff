package columns

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/trailhouse/trailhouse"
)

// batchBytes ends a batch early where its values are large.
const batchBytes = 16 << 20

// Read reads a file of a table and calls fn with batches of at most RowGroupRows
// rows, in the order of the file. cols names the columns to read, nil all. The
// batches have the columns of the table at their positions; those that were not
// asked for, and those that the file is too old to have, are null; where the key is
// asked for, the table's KeyText is read too, and each row has its key. A batch is
// the callee's until fn returns. CodeNotFound where there is no file, CodeDamaged
// where it is not one of the table's, CodeInterrupted where ctx ends; an error of
// fn is returned unchanged.
func Read(ctx context.Context, path string, t *trailhouse.Table, cols []string, fn func(*trailhouse.Batch) error) error {
	positions, err := positionsOf(t, cols)
	if err != nil {
		return err
	}
	rdr, err := open(path)
	if err != nil {
		return err
	}
	defer rdr.Close()
	r := newReader(path, t, positions, fn)
	for g := range rdr.NumRowGroups() {
		err := r.open(rdr, g, t, positions, func(nodes []*node, rows int64) error { return r.group(ctx, nodes, rows) })
		if err != nil {
			return err
		}
	}
	return r.flush()
}

func newReader(path string, t *trailhouse.Table, positions []int, fn func(*trailhouse.Batch) error) *reader {
	r := &reader{path: path, batch: trailhouse.NewBatch(nullable(t)), fn: fn}
	r.batch.Table = t
	if t.KeyText != "" {
		r.derives = slices.Contains(positions, t.MustIndex(t.Key))
	}
	return r
}

// open opens columns of a row group for as long as fn runs.
func (r *reader) open(rdr *file.Reader, g int, t *trailhouse.Table, positions []int, fn func(nodes []*node, rows int64) error) error {
	var nodes []*node
	var cursors []*cursor
	var rows int64
	err := guard(r.path, func() (err error) {
		group := rdr.RowGroup(g)
		rows = group.NumRows()
		perRow := group.MetaData().TotalByteSize() / max(1, rows)
		r.stretch = int(min(cursorLevels, max(1, batchBytes/4/max(1, perRow))))
		nodes, cursors, err = openNodes(rdr, group, t, positions)
		return err
	})
	defer func() { closeCursors(cursors) }()
	if err != nil {
		return err
	}
	return fn(nodes, rows)
}

// open opens a file and reads its footer.
func open(path string) (rdr *file.Reader, err error) {
	err = guard(path, func() error {
		rdr, err = file.OpenParquetFile(path, false)
		return err
	})
	return rdr, err
}

// guard runs a part of arrow-go on a file and makes its errors ours. arrow-go
// panics on some damage (a flipped bit in a type or a length), which must not
// end the process: the file is damaged, not the program.
func guard(path string, fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = readError(path, fmt.Errorf("%v", p))
		}
	}()
	if err := fn(); err != nil {
		return readError(path, err)
	}
	return nil
}

// reader fills one batch after the other.
type reader struct {
	path  string
	batch *trailhouse.Batch
	fn    func(*trailhouse.Batch) error
	// stretch is how many rows are read of one column before the next: enough to spread
	// the cost of a change, few enough that large values do not fill the memory.
	stretch int
	derives bool // rows without a key have it from the table's KeyText
}

// group reads the rows of one row group.
func (r *reader) group(ctx context.Context, nodes []*node, rows int64) error {
	for rows > 0 {
		if err := ctx.Err(); err != nil {
			return interrupted(r.path, err)
		}
		if err := guard(r.path, func() error { return r.fill(nodes, &rows) }); err != nil {
			return err
		}
		if r.full() {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill reads rows until the batch is full or no more are left, a stretch at a time
// and in each column by column.
func (r *reader) fill(nodes []*node, rows *int64) error {
	for *rows > 0 && !r.full() {
		from := r.batch.Len()
		n := min(r.stretch, RowGroupRows-from, int(*rows))
		for _, node := range nodes {
			err := node.rows(r.batch, n)
			r.batch.SetLen(from)
			if err != nil {
				return err
			}
		}
		if err := r.add(n); err != nil {
			return err
		}
		*rows -= int64(n)
	}
	return nil
}

// add makes the values of the next n rows rows of the batch, each with its key.
func (r *reader) add(n int) error {
	from := r.batch.Len()
	r.batch.SetLen(from + n)
	t := r.batch.Table
	if r.derives && !r.batch.DeriveKeys(t.MustIndex(t.Key), t.MustIndex(t.KeyText), from, from+n) {
		return fmt.Errorf("a row has no %s, and no %s that is a GUID", t.Key, t.KeyText)
	}
	return nil
}

func interrupted(path string, cause error) error {
	return trailhouse.Errorf(trailhouse.CodeInterrupted, "read %s: %w", path, cause)
}

func (r *reader) full() bool {
	return r.batch.Len() >= RowGroupRows || r.batch.Bytes() >= batchBytes
}

// flush hands the batch over if it holds rows.
func (r *reader) flush() error {
	if r.batch.Len() == 0 {
		return nil
	}
	err := r.fn(r.batch)
	r.batch.Reset()
	return err
}

// nullable is the table with no column required, so that rows may be read in part, and
// each marked as unique: who reads rows gains nothing by finding equal texts.
func nullable(t *trailhouse.Table) *trailhouse.Table {
	c := *t
	c.Key = ""
	c.Columns = optional(t.Columns)
	return &c
}

// optional are such columns with such fields.
func optional(columns []trailhouse.Column) []trailhouse.Column {
	out := append([]trailhouse.Column(nil), columns...)
	for i := range out {
		out[i].Required, out[i].Unique, out[i].Fields = false, true, optional(out[i].Fields)
	}
	return out
}

// positionsOf returns the positions of the named columns, of all for nil, and of the
// column that the key is taken from where it is named.
func positionsOf(t *trailhouse.Table, cols []string) ([]int, error) {
	var positions []int
	if cols == nil {
		for i := range t.Columns {
			positions = append(positions, i)
		}
		return positions, nil
	}
	for _, name := range cols {
		i := t.Index(name)
		if i < 0 {
			return nil, trailhouse.Errorf(trailhouse.CodeInternal, "table %s has no column %s", t.Name, name)
		}
		positions = append(positions, i)
	}
	if t.KeyText != "" && slices.Contains(cols, t.Key) && !slices.Contains(cols, t.KeyText) {
		positions = append(positions, t.MustIndex(t.KeyText))
	}
	return positions, nil
}

// readError says what is wrong with a file.
func readError(path string, err error) error {
	var known *trailhouse.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return trailhouse.Errorf(trailhouse.CodeNotFound, "data file %s is missing: %w", path, err)
	case errors.Is(err, fs.ErrPermission):
		return trailhouse.Errorf(trailhouse.CodeStorage, "data file %s cannot be opened: %w", path, err).
			WithHint("check the permissions of %s", filepath.Dir(path))
	}
	return trailhouse.Errorf(trailhouse.CodeDamaged, "data file %s cannot be read: %w", path, err).
		WithHint("run 'trailhouse lake check'")
}
