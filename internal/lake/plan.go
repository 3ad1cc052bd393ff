package lake

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/trailhouse/trailhouse"
)

// Files returns the data files of the current snapshot in the partitions that the
// period touches, by partition and path.
func (l *Lake) Files(ctx context.Context, name string, p trailhouse.Period) ([]trailhouse.DataFile, int64, error) {
	s, err := l.read(ctx, name)
	if err != nil || s == nil || s.tbl.CurrentSnapshot() == nil {
		return nil, 0, err
	}
	_, _, tr, _ := specOf(s.tbl.Spec())
	files, err := s.files(ctx, l, spanOf(tr, p))
	return files, s.tbl.CurrentSnapshot().SnapshotID, err
}

// Current returns the id of the table's current snapshot without looking at its files,
// zero where the table is empty or missing.
func (l *Lake) Current(ctx context.Context, name string) (int64, error) {
	s, err := l.read(ctx, name)
	if err != nil || s == nil || s.tbl.CurrentSnapshot() == nil {
		return 0, err
	}
	return s.tbl.CurrentSnapshot().SnapshotID, nil
}

// filesOf returns the data files of a snapshot in a span of partitions.
func (l *Lake) filesOf(ctx context.Context, tbl *table.Table, snap table.Snapshot, s span) ([]trailhouse.DataFile, error) {
	var files []trailhouse.DataFile
	_, _, tr, _ := specOf(tbl.Spec())
	all := columnsOf(tbl.Metadata())
	err := l.walk(ctx, tbl, snap, s, planning, func(f iceberg.DataFile, o ordinal) error {
		file, err := l.dataFile(f, o, tr)
		file.Columns = all
		files = append(files, file)
		return err
	})
	slices.SortFunc(files, func(a, b trailhouse.DataFile) int {
		if c := a.Partition.Compare(b.Partition); c != 0 {
			return c
		}
		return strings.Compare(a.Path, b.Path)
	})
	return files, err
}

// columnsOf returns how many columns all data files of a table have, 0 where some may
// be from before the last of them were added. The metadata keeps every schema that the
// table ever had; iceberg-go begins a new table with one that has no columns.
func columnsOf(meta table.Metadata) int {
	n := 0
	for _, s := range meta.Schemas() {
		switch fields := s.NumFields(); {
		case fields == 0:
		case n == 0:
			n = fields
		default:
			return 0
		}
	}
	return n
}

// dataFile is a data file of the metadata in our words.
func (l *Lake) dataFile(f iceberg.DataFile, o ordinal, tr trailhouse.Transform) (trailhouse.DataFile, error) {
	path, err := l.files.path(f.FilePath())
	return trailhouse.DataFile{Path: path, Rows: f.Count(), Bytes: f.FileSizeBytes(), Partition: o.start(tr)}, err
}

// detail says how much of a manifest's entries a walk needs.
type detail bool

const (
	// planning leaves the statistics of columns out, which takes less time.
	planning detail = false
	// whole gives entries that may be written to another manifest.
	whole detail = true
)

// walk calls fn for each live data file of a snapshot in a span of partitions.
// Manifests whose summary says that they hold none of them are not opened.
func (l *Lake) walk(ctx context.Context, tbl *table.Table, snap table.Snapshot, s span, d detail, fn func(iceberg.DataFile, ordinal) error) error {
	manifests, err := snap.Manifests(l.files)
	if err != nil {
		return loadError(tbl.Identifier()[1], err)
	}
	for _, m := range manifests {
		if err := ctx.Err(); err != nil {
			return storageError("plan table "+tbl.Identifier()[1], err)
		}
		if m.ManifestContent() != iceberg.ManifestContentData || !manifestSpan(m).overlaps(s) {
			continue
		}
		if err := l.walkManifest(tbl, m, s, d, fn); err != nil {
			return err
		}
	}
	return nil
}

// walkManifest is walk for one manifest.
func (l *Lake) walkManifest(tbl *table.Table, m iceberg.ManifestFile, s span, d detail, fn func(iceberg.DataFile, ordinal) error) error {
	field, _, _, partitioned := specOf(tbl.Spec())
	entries := m.Entries(l.files, true)
	if d == planning {
		entries = iceberg.EntriesWithProjection(l.files, m, true, iceberg.ManifestEntryProjection{})
	}
	for e, err := range entries {
		if err != nil {
			return loadError(tbl.Identifier()[1], err)
		}
		var o ordinal
		if partitioned {
			o = fileOrdinal(e.DataFile(), field)
		}
		if s.contains(o) {
			if err := fn(e.DataFile(), o); err != nil {
				return err
			}
		}
	}
	return nil
}

// hull is the smallest span that holds all the ordinals.
func hull(all map[ordinal]bool) span {
	s := span{math.MaxInt32, math.MinInt32}
	for o := range all {
		s.from, s.to = min(s.from, o), max(s.to, o)
	}
	return s
}

// rel shortens a path to what lies below the lake's directory.
func (l *Lake) rel(path string) string {
	if r, err := filepath.Rel(l.files.dir, path); err == nil {
		return r
	}
	return path
}
