package columns

import (
	"encoding/binary"
	"os"
	"sync"

	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/trailhouse/trailhouse"
)

// Write writes rows of a batch to one file. rows are indexes into the batch, in
// the order in which they are stored unless the table has a Cluster; nil stands for
// all rows as they are. The
// DataFile that is returned carries no Partition: the caller knows it. A file
// that exists under the path with the same bytes is success, with other bytes
// an error of CodeConflict; CodeStorage where the machine fails.
func Write(path string, b *trailhouse.Batch, rows []int32) (trailhouse.DataFile, error) {
	return new(Press).Write(path, b, rows)
}

// Press writes one file after the other with the memory of the one before. Its zero
// value is ready, and it may be used by several goroutines.
type Press struct {
	mu    sync.Mutex
	spare *encoder
}

// Write is the function Write.
func (p *Press) Write(path string, b *trailhouse.Batch, rows []int32) (trailhouse.DataFile, error) {
	p.mu.Lock()
	enc := p.spare
	p.spare = nil
	p.mu.Unlock()
	w, err := newWriter(path, b.Table, enc)
	if err != nil {
		return trailhouse.DataFile{}, err
	}
	w.whole = true
	if err := w.Append(b, rows); err != nil {
		w.Abort()
		return trailhouse.DataFile{}, err
	}
	f, err := w.Close()
	if err == nil {
		p.mu.Lock()
		p.spare = w.enc
		p.mu.Unlock()
	}
	return f, err
}

// magic begins and ends a Parquet file.
const magic = "PAR1"

// Writer writes one file from any number of batches. Rows that do not fill a row
// group are kept until others do, so it holds up to one row group beside the batch.
// It is used by one goroutine and ends with Close or Abort.
type Writer struct {
	path   string
	table  *trailhouse.Table
	aside  *os.File
	footer *metadata.FileMetaDataBuilder
	enc    *encoder
	groups int16
	rows   int64 // of the whole file
	whole  bool  // one Append brings all rows, so none are kept
	held   *trailhouse.Batch
	all    []int32
}

// NewWriter opens a file of the table that will have the given path once it is
// closed.
func NewWriter(path string, t *trailhouse.Table) (*Writer, error) { return newWriter(path, t, nil) }

// newWriter opens a file with an encoder that is free, or with one of its own.
func newWriter(path string, t *trailhouse.Table, enc *encoder) (*Writer, error) {
	tree, err := parquetSchema(t)
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "schema of table %s: %w", t.Name, err)
	}
	if enc == nil {
		if enc, err = newEncoder(); err != nil {
			return nil, err
		}
	}
	aside, err := os.OpenFile(path+asideSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, storageError(path, err)
	}
	w := &Writer{path: path, table: t, aside: aside, footer: metadata.NewFileMetadataBuilder(tree, properties(tree), nil), enc: enc}
	enc.sink.Reset(aside)
	enc.sink.at = 0
	if _, err := w.enc.sink.Write([]byte(magic)); err != nil {
		w.Abort()
		return nil, storageError(path, err)
	}
	return w, nil
}

// Append adds rows of a batch: those of the indexes, or all for nil. The batch is
// the caller's again when Append returns.
func (w *Writer) Append(b *trailhouse.Batch, rows []int32) error {
	if len(b.Table.Columns) != len(w.table.Columns) {
		return trailhouse.Errorf(trailhouse.CodeInternal, "a batch of %s has not the columns of the file", b.Table.Name)
	}
	if rows == nil {
		rows = w.upTo(b.Len())
	}
	perRow := max(1, b.Bytes()/max(1, b.Len()))
	for len(rows) > 0 {
		n := min(len(rows), w.room(perRow))
		if err := w.take(b, rows[:n], perRow); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// room returns how many rows of a size the open row group takes.
func (w *Writer) room(perRow int) int {
	rows, size := RowGroupRows, rowGroupBytes
	if w.held != nil {
		rows, size = rows-w.held.Len(), size-w.held.Bytes()
	}
	return max(1, min(rows, size/perRow))
}

// take writes rows as a row group of their own, where they are many, or adds them to
// those that are held.
func (w *Writer) take(b *trailhouse.Batch, rows []int32, perRow int) error {
	w.rows += int64(len(rows))
	alone := w.held == nil || w.held.Len() == 0
	if w.whole || alone && (len(rows) >= RowGroupRows/2 || len(rows)*perRow >= rowGroupBytes/2) {
		return w.group(b, rows)
	}
	if w.held == nil {
		w.held = trailhouse.NewBatch(b.Table)
	}
	for _, row := range rows {
		w.held.CopyRow(b, int(row))
	}
	if w.held.Len() < RowGroupRows && w.held.Bytes() < rowGroupBytes {
		return nil
	}
	return w.release()
}

// release writes the rows that are held.
func (w *Writer) release() error {
	if w.held == nil || w.held.Len() == 0 {
		return nil
	}
	err := w.group(w.held, w.upTo(w.held.Len()))
	w.held.Reset()
	return err
}

// group writes a row group.
func (w *Writer) group(b *trailhouse.Batch, rows []int32) error {
	w.enc.group = w.footer.AppendRowGroup()
	if len(w.table.Cluster) > 0 {
		rows = w.enc.cluster.order(w.table, b, rows)
	}
	top := topFrame(rows)
	err := w.enc.columns(w.table.Columns, b, &top, 0)
	if err == nil {
		w.enc.group.SetNumRows(len(rows))
		err = w.enc.group.Finish(0, w.groups)
	}
	w.groups++
	if err != nil {
		return storageError(w.path, err)
	}
	return nil
}

// Rows returns how many rows were appended.
func (w *Writer) Rows() int64 { return w.rows }

// Close writes the footer, syncs the file and gives it its name. Where it fails,
// nothing is left behind.
func (w *Writer) Close() (trailhouse.DataFile, error) {
	size, err := w.finish()
	if err != nil {
		w.Abort()
		return trailhouse.DataFile{}, err
	}
	if err := publish(w.path); err != nil {
		_ = os.Remove(w.path + asideSuffix)
		return trailhouse.DataFile{}, err
	}
	return trailhouse.DataFile{Path: w.path, Rows: w.rows, Bytes: size}, nil
}

// finish writes everything to the aside file, syncs and closes it.
func (w *Writer) finish() (int64, error) {
	if err := w.release(); err != nil {
		return 0, err
	}
	for _, step := range []func() error{w.end, w.enc.sink.Flush, w.aside.Sync, w.aside.Close} {
		if err := step(); err != nil {
			return 0, storageError(w.path, err)
		}
	}
	return w.enc.sink.at, nil
}

// end writes the footer.
func (w *Writer) end() error {
	footer, err := w.footer.Finish()
	if err != nil {
		return err
	}
	n, err := footer.WriteTo(w.enc.sink, nil)
	if err != nil {
		return err
	}
	_, err = w.enc.sink.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(n)), magic...))
	return err
}

// Abort drops the file. It may be called after a failure of Append.
func (w *Writer) Abort() {
	_ = w.aside.Close()
	_ = os.Remove(w.path + asideSuffix)
}

// upTo returns the indexes 0 to n-1.
func (w *Writer) upTo(n int) []int32 {
	for i := len(w.all); i < n; i++ {
		w.all = append(w.all, int32(i))
	}
	return w.all[:n]
}
