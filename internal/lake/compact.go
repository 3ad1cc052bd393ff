package lake

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// CompactOptions say what Compact merges.
type CompactOptions struct {
	// All merges the partition of today (or this month) too, which is still growing.
	All bool
	// SmallBytes is the size below which a file is merged, 64 MiB where it is 0.
	SmallBytes int64
	// MinFiles is how many small files a partition must have, 2 where it is 0. A
	// table without partitions never closes, so there it is 8 at least unless All
	// is set: else every import would rewrite the table.
	MinFiles int
}

// Compaction is what Compact did, in the partitions that it merged.
type Compaction struct {
	Partitions              int
	FilesBefore, FilesAfter int
	BytesBefore, BytesAfter int64
	Rows                    int64
}

// compactBytes is how many bytes of rows are sorted at a time.
const compactBytes = 16 << 20

// merge is one partition's small files and the file that takes their place.
type merge struct {
	ordinal ordinal
	inputs  []iceberg.DataFile
	output  trailhouse.DataFile
	footer  columns.Footer
}

// Compact merges the small files of each closed partition to one and replaces
// them in one commit, which Added passes over. Rows of partitioned tables are put
// in order of time: in each stretch of 16 MiB, and the stretches as the files
// followed one another; where the table has a Cluster, that orders each row group. Where another writer took some of the files meanwhile,
// their partition is left as it is.
func (l *Lake) Compact(ctx context.Context, t *trailhouse.Table, o CompactOptions) (Compaction, error) {
	tbl, err := l.load(ctx, t.Name)
	if err != nil || tbl == nil || tbl.CurrentSnapshot() == nil {
		return Compaction{}, err
	}
	merges, err := l.planMerges(ctx, tbl, t, o)
	if err != nil || len(merges) == 0 {
		return Compaction{}, err
	}
	id := "compact-" + strings.ToLower(rand.Text())
	for i := range merges {
		if err := l.runMerge(ctx, t, &merges[i], id+".parquet"); err != nil {
			return Compaction{}, err
		}
	}
	var done Compaction
	err = l.commitLoop(ctx, t.Name, id, func(ctx context.Context, tbl *table.Table) (*table.Transaction, error) {
		still, err := l.stillLive(ctx, tbl, merges)
		if err != nil {
			return nil, err
		}
		done = summarize(still)
		return l.swap(ctx, tbl, t, still, id)
	})
	return done, err
}

// planMerges finds the partitions to merge, oldest first.
func (l *Lake) planMerges(ctx context.Context, tbl *table.Table, t *trailhouse.Table, o CompactOptions) ([]merge, error) {
	small := cmp.Or(o.SmallBytes, 64<<20)
	fewest := max(2, o.MinFiles)
	s := everything()
	switch {
	case o.All:
	case t.Transform == trailhouse.Unpartitioned:
		fewest = max(8, fewest)
	default:
		s.to = ordinalOf(t.Transform, l.clock.Now()) - 1
	}
	groups := map[ordinal][]iceberg.DataFile{}
	err := l.walk(ctx, tbl, *tbl.CurrentSnapshot(), s, whole, func(f iceberg.DataFile, o ordinal) error {
		if f.FileSizeBytes() < small {
			groups[o] = append(groups[o], f)
		}
		return nil
	})
	var merges []merge
	for o, files := range groups {
		if len(files) >= fewest {
			sortByStart(files, tbl)
			merges = append(merges, merge{ordinal: o, inputs: files})
		}
	}
	slices.SortFunc(merges, func(a, b merge) int { return cmp.Compare(a.ordinal, b.ordinal) })
	return merges, err
}

// sortByStart puts files in the order of their first rows' times, then by path.
func sortByStart(files []iceberg.DataFile, tbl *table.Table) {
	_, source, _, _ := specOf(tbl.Spec())
	first := func(f iceberg.DataFile) time.Time {
		if bound := f.LowerBoundValues()[source]; len(bound) == 8 {
			return microsOf(bound)
		}
		return time.Time{}
	}
	slices.SortFunc(files, func(a, b iceberg.DataFile) int {
		if c := first(a).Compare(first(b)); c != 0 {
			return c
		}
		return strings.Compare(a.FilePath(), b.FilePath())
	})
}

// runMerge writes the rows of a partition's small files to one file.
func (l *Lake) runMerge(ctx context.Context, t *trailhouse.Table, m *merge, name string) error {
	path, err := l.DataPath(t, m.ordinal.start(t.Transform), name)
	if err != nil {
		return err
	}
	w, err := columns.NewWriter(path, t)
	if err != nil {
		return err
	}
	if err := l.copyRows(ctx, t, m.inputs, w); err != nil {
		w.Abort()
		return err
	}
	if m.output, err = w.Close(); err != nil {
		return err
	}
	m.output.Partition = m.ordinal.start(t.Transform)
	m.footer, err = columns.ReadFooter(path)
	return err
}

// copyRows copies the rows of files to the writer, a stretch at a time.
func (l *Lake) copyRows(ctx context.Context, t *trailhouse.Table, files []iceberg.DataFile, w *columns.Writer) error {
	var want int64
	stretch := trailhouse.NewBatch(t)
	for _, f := range files {
		want += f.Count()
		path, err := l.files.path(f.FilePath())
		if err != nil {
			return err
		}
		err = columns.Read(ctx, path, t, nil, func(b *trailhouse.Batch) error {
			for r := range b.Len() {
				stretch.CopyRow(b, r)
				if stretch.Bytes() >= compactBytes {
					if err := flush(w, stretch); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := flush(w, stretch); err != nil {
		return err
	}
	if w.Rows() != want {
		return trailhouse.Errorf(trailhouse.CodeDamaged, "files of table %s hold %d rows, not %d as the lake says", t.Name, w.Rows(), want).
			WithHint("run 'trailhouse lake check'")
	}
	return nil
}

// flush writes a stretch in order of time and empties it.
func flush(w *columns.Writer, b *trailhouse.Batch) error {
	var rows []int32
	if b.Table.Transform != trailhouse.Unpartitioned {
		col := b.Table.MustIndex(b.Table.PartitionBy)
		rows = make([]int32, b.Len())
		for i := range rows {
			rows[i] = int32(i)
		}
		slices.SortStableFunc(rows, func(i, j int32) int { return cmp.Compare(b.Int(col, int(i)), b.Int(col, int(j))) })
	}
	err := w.Append(b, rows)
	b.Reset()
	return err
}

// stillLive returns the merges all of whose inputs are current.
func (l *Lake) stillLive(ctx context.Context, tbl *table.Table, merges []merge) ([]merge, error) {
	live, parts := map[string]bool{}, map[ordinal]bool{}
	for _, m := range merges {
		parts[m.ordinal] = true
	}
	if tbl.CurrentSnapshot() == nil {
		return nil, nil
	}
	err := l.walk(ctx, tbl, *tbl.CurrentSnapshot(), hull(parts), planning, func(f iceberg.DataFile, _ ordinal) error {
		live[f.FilePath()] = true
		return nil
	})
	var still []merge
	for _, m := range merges {
		if !slices.ContainsFunc(m.inputs, func(f iceberg.DataFile) bool { return !live[f.FilePath()] }) {
			still = append(still, m)
		}
	}
	return still, err
}

// swap prepares the commit that puts the merged files in the place of the small
// ones. It returns nil where nothing is left to do.
func (l *Lake) swap(ctx context.Context, tbl *table.Table, t *trailhouse.Table, merges []merge, id string) (*table.Transaction, error) {
	if len(merges) == 0 {
		return nil, nil
	}
	txn := tbl.NewTransaction()
	rewrite := txn.NewRewrite(iceberg.Properties{BatchKey: id, KindKey: KindCompaction, rowsKey: rowsOf(tbl)})
	for _, m := range merges {
		df, err := l.newFile(tbl, t, m.output, m.footer)
		if err != nil {
			return nil, err
		}
		rewrite.Apply(m.inputs, []iceberg.DataFile{df}, nil)
	}
	return txn, rewrite.Commit(ctx)
}

// summarize counts what merges did.
func summarize(merges []merge) Compaction {
	var c Compaction
	for _, m := range merges {
		c.Partitions++
		c.FilesBefore += len(m.inputs)
		c.FilesAfter++
		c.Rows += m.output.Rows
		c.BytesAfter += m.output.Bytes
		for _, f := range m.inputs {
			c.BytesBefore += f.FileSizeBytes()
		}
	}
	return c
}
