package lake

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/trailhouse/trailhouse"
)

// Lookup reports whether a commit with the batch id is in the table's history,
// which goes back as far as Expire leaves it: 24 hours at least.
func (l *Lake) Lookup(ctx context.Context, name, batchID string) (bool, error) {
	tbl, err := l.load(ctx, name)
	if err != nil || tbl == nil {
		return false, err
	}
	return hasBatch(tbl.Metadata(), batchID), nil
}

// History returns the snapshots of a table, oldest first; none where there is no
// such table.
func (l *Lake) History(ctx context.Context, name string) ([]trailhouse.Snapshot, error) {
	now, err := l.read(ctx, name)
	if err != nil || now == nil {
		return nil, err
	}
	var out []trailhouse.Snapshot
	for _, s := range oldestFirst(now.tbl.Metadata()) {
		out = append(out, snapshotOf(s))
	}
	return out, nil
}

// oldestFirst returns the snapshots in the order in which they were made.
func oldestFirst(meta table.Metadata) []table.Snapshot {
	all := slices.Clone(meta.Snapshots())
	slices.SortStableFunc(all, func(a, b table.Snapshot) int { return int(a.SequenceNumber - b.SequenceNumber) })
	return all
}

// snapshotOf is a snapshot in our words.
func snapshotOf(s table.Snapshot) trailhouse.Snapshot {
	out := trailhouse.Snapshot{ID: s.SnapshotID, Parent: parentOf(s), At: time.UnixMilli(s.TimestampMs).UTC(), Summary: summaryOf(s)}
	if s.Summary != nil {
		out.Operation = string(s.Summary.Operation)
	}
	out.BatchID = out.Summary[BatchKey]
	return out
}

// summaryOf returns a snapshot's summary, never nil.
func summaryOf(s table.Snapshot) map[string]string {
	out := map[string]string{}
	if s.Summary != nil {
		maps.Copy(out, s.Summary.Properties)
	}
	return out
}

// parentOf returns the id of the snapshot before, 0 for the first.
func parentOf(s table.Snapshot) int64 {
	if s.ParentSnapshotID == nil {
		return 0
	}
	return *s.ParentSnapshotID
}

// Summary returns the summary of the newest snapshot that carries the key, nil
// where there is none. Expire keeps that snapshot for keys that begin with
// SourceKey.
func (l *Lake) Summary(ctx context.Context, name, key string) (map[string]string, error) {
	now, err := l.read(ctx, name)
	if err != nil || now == nil {
		return nil, err
	}
	for _, s := range slices.Backward(oldestFirst(now.tbl.Metadata())) {
		if summary := summaryOf(s); hasKey(summary, key) {
			return summary, nil
		}
	}
	return nil, nil
}

func hasKey(m map[string]string, key string) bool {
	_, ok := m[key]
	return ok
}

// Added returns the files that the commits after a snapshot added, in the order
// of the commits. A file is among them also where a later commit dropped it
// again. Compaction adds nothing: its rows were there before.
func (l *Lake) Added(ctx context.Context, name string, since int64) ([]trailhouse.DataFile, bool, error) {
	tbl, err := l.load(ctx, name)
	if err != nil || tbl == nil {
		return nil, false, err
	}
	chain, base := chainSince(tbl.Metadata(), since)
	if base == nil {
		return nil, false, nil
	}
	var files []trailhouse.DataFile
	for _, s := range slices.Backward(chain) {
		if s.Summary == nil || sameRows(s) {
			continue
		}
		added, err := l.addedBy(ctx, tbl, s)
		if err != nil {
			return nil, false, err
		}
		files = append(files, added...)
	}
	return files, true, nil
}

// chainSince returns the snapshots after the newest one with the rows of since, newest
// first, and that one, nil where the chain of parents leads back to none.
func chainSince(meta table.Metadata, since int64) (chain []table.Snapshot, base *table.Snapshot) {
	for s := meta.CurrentSnapshot(); s != nil; s = meta.SnapshotByID(parentOf(*s)) {
		if s.SnapshotID == since || contentOf(meta, *s) == since {
			return chain, s
		}
		chain = append(chain, *s)
	}
	return nil, nil
}

// addedBy returns the files that one snapshot added. They stand in the manifests
// that it wrote, marked as added by it.
func (l *Lake) addedBy(ctx context.Context, tbl *table.Table, s table.Snapshot) ([]trailhouse.DataFile, error) {
	manifests, err := s.Manifests(l.files)
	if err != nil {
		return nil, loadError(tbl.Identifier()[1], err)
	}
	field, _, tr, _ := specOf(tbl.Spec())
	var files []trailhouse.DataFile
	for _, m := range manifests {
		if err := ctx.Err(); err != nil {
			return nil, storageError("plan table "+tbl.Identifier()[1], err)
		}
		if m.SnapshotID() != s.SnapshotID || !m.HasAddedFiles() {
			continue
		}
		for e, err := range iceberg.EntriesWithProjection(l.files, m, true, iceberg.ManifestEntryProjection{}) {
			if err != nil {
				return nil, loadError(tbl.Identifier()[1], err)
			}
			if e.Status() != iceberg.EntryStatusADDED || e.SnapshotID() != s.SnapshotID {
				continue
			}
			f, err := l.dataFile(e.DataFile(), fileOrdinal(e.DataFile(), field), tr)
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
	return files, nil
}
