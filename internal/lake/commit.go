package lake

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// The keys of snapshot summaries that are ours.
const (
	// BatchKey holds the batch id of the commit.
	BatchKey = "trailhouse.batch-id"
	// KindKey marks what a snapshot is for; KindCompaction is its only value.
	KindKey = "trailhouse.kind"
	// KindCompaction is a snapshot that holds the same rows as the one before.
	KindCompaction = "compaction"
	// SourceKey begins the keys by which a derived table names the snapshot of each
	// table that it was derived from: SourceKey + table = snapshot id. Expire keeps
	// these snapshots.
	SourceKey = "trailhouse.source."
)

// maxAttempts bounds how often a commit is tried against other writers, about
// half a minute in all. Eight writers without any lock need up to 20 tries.
const maxAttempts = 80

// builder prepares a change against the state of the table that it is given. It
// returns nil where the change is there already.
type builder func(ctx context.Context, tbl *table.Table) (*table.Transaction, error)

// Commit makes one change of one table. See trailhouse.Lake.
func (l *Lake) Commit(ctx context.Context, c trailhouse.Commit) error {
	if c.BatchID == "" {
		return trailhouse.Errorf(trailhouse.CodeInternal, "commit to table %s without a batch id", c.Table.Name)
	}
	footers, err := readFooters(c.Add)
	if err != nil {
		return err
	}
	props := iceberg.Properties{}
	maps.Copy(props, c.Summary)
	props[BatchKey] = c.BatchID
	young := l.young(footers)
	return l.commitLoop(ctx, c.Table.Name, c.BatchID, func(ctx context.Context, tbl *table.Table) (*table.Transaction, error) {
		adds, err := l.newFiles(tbl, c.Table, c.Add, footers)
		if err != nil {
			return nil, err
		}
		if c.Replace != nil {
			return l.replace(ctx, tbl, c, adds, props, young)
		}
		return l.append(ctx, tbl, adds, props, young)
	})
}

// commitLoop makes a change exactly once. Each attempt starts from the table as it
// is now and looks the batch id up there, so it does not matter whether the
// attempt before it failed cleanly, landed and was told as a conflict, or got no
// answer. Nothing is ever deleted here: a file of a failed attempt may be part of
// one that landed.
func (l *Lake) commitLoop(ctx context.Context, name, batchID string, build builder) error {
	var last error
	for attempt := range maxAttempts {
		if last != nil && !isStorage(last) {
			if err := pause(ctx, attempt-1); err != nil {
				return storageError("commit to table "+name, err)
			}
		}
		load := l.mustLoad
		if attempt == 0 {
			load = l.now // from memory where nothing changed
		}
		tbl, err := load(ctx, name)
		if isBusy(err) {
			last = err
			continue
		}
		if err != nil {
			return err
		}
		if hasBatch(tbl.Metadata(), batchID) {
			return nil
		}
		if isStorage(last) {
			return storageError("commit to table "+name, last)
		}
		txn, err := build(ctx, tbl)
		if err != nil || txn == nil {
			return buildError(name, err)
		}
		var done *table.Table
		if done, last = txn.Commit(ctx); last == nil {
			l.known.remember(name, done)
			return nil
		}
		if ctx.Err() != nil {
			return storageError("commit to table "+name, ctx.Err())
		}
	}
	return trailhouse.Errorf(trailhouse.CodeConflict, "table %s could not be changed in %d attempts: %w", name, maxAttempts, last).
		WithHint("other processes are writing to the lake, or its catalog fails; run the command again")
}

// hasBatch reports whether a snapshot carries the batch id.
func hasBatch(meta table.Metadata, batchID string) bool {
	for _, s := range meta.Snapshots() {
		if s.Summary != nil && s.Summary.Properties[BatchKey] == batchID {
			return true
		}
	}
	return false
}

// readFooters checks that the files are as their writer said and returns their
// footers. A snapshot must only name files that were verified
// (facts/reliability.md 4).
func readFooters(files []trailhouse.DataFile) ([]columns.Footer, error) {
	footers := make([]columns.Footer, len(files))
	for i, f := range files {
		footer, err := columns.ReadFooter(f.Path)
		if err != nil {
			return nil, err
		}
		if footer.File.Rows != f.Rows || footer.File.Bytes != f.Bytes {
			return nil, trailhouse.Errorf(trailhouse.CodeDamaged, "data file %s has %d rows in %d bytes, not %d in %d as it was written",
				f.Path, footer.File.Rows, footer.File.Bytes, f.Rows, f.Bytes)
		}
		footers[i] = footer
	}
	return footers, nil
}

// newFiles describes files to Iceberg from their footers alone. Files without
// rows are left out: they say nothing and would be opened by every query.
func (l *Lake) newFiles(tbl *table.Table, t *trailhouse.Table, files []trailhouse.DataFile, footers []columns.Footer) ([]iceberg.DataFile, error) {
	var out []iceberg.DataFile
	for i, f := range files {
		if f.Rows == 0 {
			continue
		}
		df, err := l.newFile(tbl, t, f, footers[i])
		if err != nil {
			return nil, err
		}
		out = append(out, df)
	}
	return out, nil
}

// newFile describes one file to Iceberg.
func (l *Lake) newFile(tbl *table.Table, t *trailhouse.Table, f trailhouse.DataFile, footer columns.Footer) (iceberg.DataFile, error) {
	location, err := l.files.location(f.Path)
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "data file of table %s: %w", t.Name, err)
	}
	field, source, tr, partitioned := specOf(tbl.Spec())
	values := map[int]any{}
	o := ordinalOf(tr, f.Partition)
	if partitioned {
		values[field] = o.value(tr)
	}
	df, err := table.DataFileFromMetadata(table.DataFileArgs{
		Schema: tbl.Schema(), Spec: tbl.Spec(), Format: iceberg.ParquetFile, Metadata: footer.Metadata,
		FilePath: location, FileSize: f.Bytes, Content: iceberg.EntryContentData,
		PartitionValues: values, Properties: tbl.Properties(), FormatVersion: tbl.Metadata().Version(),
	})
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "data file %s: %w", f.Path, err)
	}
	if partitioned && !inPartition(df, source, tr, o) {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "data file %s holds rows outside its partition %s", f.Path, partitionDir(tr, f.Partition))
	}
	return df, nil
}

// inPartition reports whether the bounds of the partition column lie in the
// partition. A file without bounds is believed.
func inPartition(df iceberg.DataFile, source int, tr trailhouse.Transform, o ordinal) bool {
	for _, bound := range [][]byte{df.LowerBoundValues()[source], df.UpperBoundValues()[source]} {
		if len(bound) == 8 && ordinalOf(tr, microsOf(bound)) != o {
			return false
		}
	}
	return true
}

// microsOf decodes a timestamp bound.
func microsOf(bound []byte) time.Time {
	return time.UnixMicro(int64(binary.LittleEndian.Uint64(bound))).UTC()
}

// young reports whether the files were written so lately that a snapshot which has
// them could not have expired yet.
func (l *Lake) young(files []columns.Footer) bool {
	since := l.clock.Now().Add(-MinKeep)
	return !slices.ContainsFunc(files, func(f columns.Footer) bool { return !f.Modified.After(since) })
}

// append adds files. Files that the table has already were committed under this
// batch id by a snapshot that has expired since: then there is nothing to do. That is
// not looked for where they are young.
func (l *Lake) append(ctx context.Context, tbl *table.Table, adds []iceberg.DataFile, props iceberg.Properties, young bool) (*table.Transaction, error) {
	present := 0
	if !young {
		var err error
		if present, err = l.present(ctx, tbl, adds); err != nil {
			return nil, err
		}
	}
	if present > 0 {
		if present == len(adds) {
			return nil, nil
		}
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "table %s has %d of the %d files of batch %s already", tbl.Identifier()[1], present, len(adds), props[BatchKey])
	}
	txn := tbl.NewTransaction()
	if len(adds) == 0 {
		return txn, emptySnapshot(ctx, txn, props)
	}
	err := txn.AddDataFiles(ctx, adds, props, table.WithoutAutoNameMapping(), table.WithoutDuplicateCheck())
	return txn, err
}

// present counts the files that the current snapshot has already, looking only at
// manifests of their partitions.
func (l *Lake) present(ctx context.Context, tbl *table.Table, adds []iceberg.DataFile) (int, error) {
	snap := tbl.CurrentSnapshot()
	if snap == nil || len(adds) == 0 {
		return 0, nil
	}
	field, _, _, _ := specOf(tbl.Spec())
	paths, parts := map[string]bool{}, map[ordinal]bool{}
	for _, f := range adds {
		paths[f.FilePath()] = true
		parts[fileOrdinal(f, field)] = true
	}
	n := 0
	err := l.walk(ctx, tbl, *snap, hull(parts), planning, func(f iceberg.DataFile, _ ordinal) error {
		if paths[f.FilePath()] {
			n++
		}
		return nil
	})
	return n, err
}

// replace drops the files of partitions and adds others in one snapshot.
func (l *Lake) replace(ctx context.Context, tbl *table.Table, c trailhouse.Commit, adds []iceberg.DataFile, props iceberg.Properties, young bool) (*table.Transaction, error) {
	parts := map[ordinal]bool{}
	for _, p := range c.Replace {
		parts[ordinalOf(c.Table.Transform, p)] = true
	}
	var drops []iceberg.DataFile
	if snap := tbl.CurrentSnapshot(); snap != nil && len(parts) > 0 {
		err := l.walk(ctx, tbl, *snap, hull(parts), whole, func(f iceberg.DataFile, o ordinal) error {
			if parts[o] {
				drops = append(drops, f)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(drops) == 0 {
		return l.append(ctx, tbl, adds, props, young)
	}
	txn := tbl.NewTransaction()
	return txn, txn.ReplaceDataFilesWithDataFiles(ctx, drops, adds, props, table.WithoutAutoNameMapping())
}

// emptySnapshot adds a snapshot that changes no file: the change is its summary,
// which says what the table was derived from. A deletion of nothing is the one
// operation of iceberg-go that makes one.
func emptySnapshot(ctx context.Context, txn *table.Transaction, props iceberg.Properties) error {
	if err := txn.Delete(ctx, iceberg.AlwaysFalse{}, props); err != nil {
		return err
	}
	// The deletion also stores a name mapping, which would not know columns that
	// are added later. Our files carry field ids, so nobody needs one.
	return txn.RemoveProperties([]string{table.DefaultNameMappingKey})
}
