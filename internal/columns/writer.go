package columns

import (
	"bufio"
	"os"
	"unsafe"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/trailhouse/trailhouse"
)

// Write writes rows of a batch to one file. rows are indexes into the batch, in
// the order in which they are stored; nil stands for all rows as they are. The
// DataFile that is returned carries no Partition: the caller knows it. A file
// that exists under the path with the same bytes is success, with other bytes
// an error of CodeConflict; CodeStorage where the machine fails.
func Write(path string, b *trailhouse.Batch, rows []int32) (trailhouse.DataFile, error) {
	w, err := NewWriter(path, b.Table)
	if err != nil {
		return trailhouse.DataFile{}, err
	}
	if err := w.Append(b, rows); err != nil {
		w.Abort()
		return trailhouse.DataFile{}, err
	}
	return w.Close()
}

// Writer writes one file from any number of batches, holding one row group in
// memory. It is used by one goroutine and ends with Close or Abort.
type Writer struct {
	path   string
	table  *trailhouse.Table
	aside  *os.File
	buffer *bufio.Writer
	out    *file.Writer
	group  file.BufferedRowGroupWriter
	rows   int64 // of the whole file
	held   int   // rows of the open row group
	size   int   // bytes of the open row group, as the batches counted them
	levels levels
}

// levels are buffers that are used again for each column.
type levels struct {
	def, rep []int16
	ints     []int64
	bools    []bool
	texts    []byteArray
	keys     []fixedArray
	all      []int32
}

// NewWriter opens a file of the table that will have the given path once it is
// closed.
func NewWriter(path string, t *trailhouse.Table) (*Writer, error) {
	root, err := parquetSchema(t)
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "schema of table %s: %w", t.Name, err)
	}
	aside, err := os.OpenFile(path+asideSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, storageError(path, err)
	}
	w := &Writer{path: path, table: t, aside: aside, buffer: bufio.NewWriterSize(aside, 1<<20)}
	w.out, err = file.NewParquetWriterWithError(w.buffer, root, file.WithWriterProps(properties(t)))
	if err != nil {
		w.Abort()
		return nil, storageError(path, err)
	}
	return w, nil
}

// Append adds rows of a batch: those of the indexes, or all for nil. The batch is
// the caller's again when Append returns.
func (w *Writer) Append(b *trailhouse.Batch, rows []int32) error {
	if rows == nil {
		rows = w.levels.upTo(b.Len())
	}
	if len(rows) == 0 {
		return nil
	}
	perRow := max(1, b.Bytes()/max(1, b.Len()))
	for len(rows) > 0 {
		n := min(len(rows), RowGroupRows-w.held, max(1, (rowGroupBytes-w.size)/perRow))
		if err := w.appendGroup(b, rows[:n]); err != nil {
			return err
		}
		rows, w.size = rows[n:], w.size+n*perRow
		if w.held == RowGroupRows || w.size >= rowGroupBytes {
			if err := w.endGroup(); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendGroup adds rows to the open row group.
func (w *Writer) appendGroup(b *trailhouse.Batch, rows []int32) error {
	if w.group == nil {
		group, err := w.out.AppendBufferedRowGroupChecked()
		if err != nil {
			return storageError(w.path, err)
		}
		w.group = group
	}
	for i := range w.table.Columns {
		chunk, err := w.group.Column(i)
		if err == nil {
			err = w.levels.write(chunk, b, i, rows)
		}
		if err != nil {
			return storageError(w.path, err)
		}
	}
	w.held += len(rows)
	w.rows += int64(len(rows))
	return nil
}

// endGroup writes the open row group out.
func (w *Writer) endGroup() error {
	if w.group == nil {
		return nil
	}
	err := w.group.Close()
	w.group, w.held, w.size = nil, 0, 0
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
	if err := w.endGroup(); err != nil {
		return 0, err
	}
	if err := w.out.Close(); err != nil {
		return 0, storageError(w.path, err)
	}
	if err := w.buffer.Flush(); err != nil {
		return 0, storageError(w.path, err)
	}
	if err := w.aside.Sync(); err != nil {
		return 0, storageError(w.path, err)
	}
	info, err := w.aside.Stat()
	if err != nil {
		return 0, storageError(w.path, err)
	}
	if err := w.aside.Close(); err != nil {
		return 0, storageError(w.path, err)
	}
	return info.Size(), nil
}

// Abort drops the file. It may be called after a failure of Append.
func (w *Writer) Abort() {
	_ = w.aside.Close()
	_ = os.Remove(w.path + asideSuffix)
}

// upTo returns the indexes 0 to n-1.
func (l *levels) upTo(n int) []int32 {
	for i := len(l.all); i < n; i++ {
		l.all = append(l.all, int32(i))
	}
	return l.all[:n]
}

// bytesOf returns the bytes of a string without copying them; they are only read.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
