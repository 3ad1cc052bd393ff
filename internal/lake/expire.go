package lake

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
)

// The least ages for which Expire keeps things: snapshots, so that the batch id
// of an interrupted commit can be looked up and readers finish, and files that
// no snapshot names, which may belong to a commit under way
// (facts/reliability.md 3).
const (
	MinKeep   = 24 * time.Hour
	OrphanAge = 72 * time.Hour
)

// metadataSuffix ends the names of metadata files, compressed or not.
const metadataSuffix = ".metadata.json"

// ExpireOptions say what Expire keeps beyond its own rules.
type ExpireOptions struct {
	// Keep is the age up to which snapshots are kept, at least MinKeep.
	Keep time.Duration
	// KeepSnapshots are further snapshots whose rows to keep, by table.
	KeepSnapshots map[string][]int64
}

// Expiry is what Expire removed.
type Expiry struct {
	Snapshots int
	// Files and Bytes count the files of removed snapshots, Orphans the files that
	// no snapshot named.
	Files, Orphans int
	Bytes          int64
}

// Expire removes old snapshots of all tables and the files that only they name.
// It keeps the current snapshot, those younger than Keep, those that a derived
// table was derived from (keys that begin with SourceKey) or the newest with the same
// rows, the newest snapshot with each such key, and all between a kept source and now, so
// that Added can go on from there. Files that no snapshot names are removed once they are older
// than OrphanAge.
func (l *Lake) Expire(ctx context.Context, o ExpireOptions) (Expiry, error) {
	var total Expiry
	names, err := l.Tables(ctx)
	if err != nil {
		return total, err
	}
	pins, err := l.pins(ctx, names, o.KeepSnapshots)
	if err != nil {
		return total, err
	}
	before := l.clock.Now().Add(-max(o.Keep, MinKeep))
	for _, name := range names {
		done, err := l.expireTable(ctx, name, before, pins[name])
		total.Snapshots += done.Snapshots
		total.Files += done.Files
		total.Orphans += done.Orphans
		total.Bytes += done.Bytes
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// pins returns the snapshots that derived tables go on from, by source table,
// with those that the caller names.
func (l *Lake) pins(ctx context.Context, names []string, more map[string][]int64) (map[string][]int64, error) {
	pins := map[string][]int64{}
	for name, ids := range more {
		pins[name] = append(pins[name], ids...)
	}
	for _, name := range names {
		tbl, err := l.mustLoad(ctx, name)
		if err != nil {
			return nil, err
		}
		for key, s := range newestSources(tbl.Metadata()) {
			if id, err := strconv.ParseInt(summaryOf(s)[key], 10, 64); err == nil {
				source := strings.TrimPrefix(key, SourceKey)
				pins[source] = append(pins[source], id)
			}
		}
	}
	return pins, nil
}

// newestSources returns the newest snapshot for each summary key that names a
// source.
func newestSources(meta table.Metadata) map[string]table.Snapshot {
	newest := map[string]table.Snapshot{}
	for _, s := range oldestFirst(meta) {
		for key := range summaryOf(s) {
			if strings.HasPrefix(key, SourceKey) {
				newest[key] = s
			}
		}
	}
	return newest
}

// expireTable is Expire for one table. The files on disk are listed before the
// metadata is read, so that a file that is committed meanwhile is not taken for
// an orphan.
func (l *Lake) expireTable(ctx context.Context, name string, before time.Time, pins []int64) (Expiry, error) {
	var done Expiry
	onDisk, err := l.listFiles(name)
	if err != nil {
		return done, err
	}
	removed, n, err := l.removeSnapshots(ctx, name, before, pins)
	if err != nil {
		return done, err
	}
	done.Snapshots = n
	tbl, err := l.mustLoad(ctx, name)
	if err != nil {
		return done, err
	}
	named, err := l.named(ctx, tbl, tbl.Metadata().Snapshots())
	if err != nil {
		return done, err
	}
	metadata := metadataFiles(tbl)
	for _, f := range onDisk {
		location, err := l.files.location(f.path)
		if err != nil || named[location] || metadata[location] {
			continue
		}
		stale := strings.HasSuffix(location, metadataSuffix) && f.modified.Before(before)
		orphan := f.modified.Before(l.clock.Now().Add(-OrphanAge))
		if !removed[location] && !stale && !orphan {
			continue
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return done, storageError("remove "+f.path, err)
		}
		if removed[location] || stale {
			done.Files++
		} else {
			done.Orphans++
		}
		done.Bytes += f.size
	}
	return done, nil
}

// removeSnapshots removes the old snapshots of a table in one commit and returns
// the files that they named and how many they were.
func (l *Lake) removeSnapshots(ctx context.Context, name string, before time.Time, pins []int64) (map[string]bool, int, error) {
	var last error
	files := map[string]bool{}
	for attempt := range maxAttempts {
		if attempt > 0 {
			if err := pause(ctx, attempt); err != nil {
				return nil, 0, storageError("expire snapshots of "+name, err)
			}
		}
		tbl, err := l.mustLoad(ctx, name)
		if err != nil {
			return nil, 0, err
		}
		old := expired(tbl.Metadata(), before, pins)
		if len(old) == 0 {
			return files, 0, nil
		}
		if files, err = l.named(ctx, tbl, old); err != nil {
			return nil, 0, err
		}
		if last = l.dropSnapshots(ctx, tbl, old); last == nil {
			return files, len(old), nil
		}
		if isStorage(last) || interrupted(last) {
			break
		}
	}
	return nil, 0, storageError("expire snapshots of "+name, last)
}

// dropSnapshots commits the removal of snapshots if the table is as it was read.
func (l *Lake) dropSnapshots(ctx context.Context, tbl *table.Table, old []table.Snapshot) error {
	var ids []int64
	for _, s := range old {
		ids = append(ids, s.SnapshotID)
	}
	head := tbl.CurrentSnapshot().SnapshotID
	reqs := []table.Requirement{table.AssertTableUUID(tbl.Metadata().TableUUID()), table.AssertRefSnapshotID(table.MainBranch, &head)}
	_, _, err := l.cat.CommitTable(ctx, tbl.Identifier(), reqs, []table.Update{table.NewRemoveSnapshotsUpdate(ids, false)})
	return err
}

// expired returns the snapshots that nothing keeps.
func expired(meta table.Metadata, before time.Time, pins []int64) []table.Snapshot {
	kept := map[int64]bool{}
	for _, ref := range meta.Refs() {
		kept[ref.SnapshotID] = true
	}
	for _, s := range newestSources(meta) {
		kept[s.SnapshotID] = true
	}
	for _, pin := range pins {
		chain, base := chainSince(meta, pin)
		if base == nil {
			kept[pin] = true
			continue
		}
		kept[base.SnapshotID] = true
		for _, s := range chain {
			kept[s.SnapshotID] = true
		}
	}
	return slices.DeleteFunc(oldestFirst(meta), func(s table.Snapshot) bool {
		return kept[s.SnapshotID] || !time.UnixMilli(s.TimestampMs).Before(before)
	})
}

// named returns the locations of all files that snapshots name: lists of
// manifests, manifests and data files.
func (l *Lake) named(ctx context.Context, tbl *table.Table, snaps []table.Snapshot) (map[string]bool, error) {
	locations := map[string]bool{}
	for _, s := range snaps {
		if err := ctx.Err(); err != nil {
			return nil, storageError("read the history of "+tbl.Identifier()[1], err)
		}
		manifests, err := s.Manifests(l.files)
		if err != nil {
			return nil, loadError(tbl.Identifier()[1], err)
		}
		locations[s.ManifestList] = true
		for _, m := range manifests {
			if locations[m.FilePath()] {
				continue
			}
			locations[m.FilePath()] = true
			err := l.walkManifest(tbl, m, everything(), planning, func(f iceberg.DataFile, _ ordinal) error {
				locations[f.FilePath()] = true
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return locations, nil
}

// metadataFiles returns the locations of the current metadata file and of those
// before it that it lists.
func metadataFiles(tbl *table.Table) map[string]bool {
	locations := map[string]bool{tbl.MetadataLocation(): true}
	for entry := range tbl.Metadata().PreviousFiles() {
		locations[entry.MetadataFile] = true
	}
	return locations
}

// diskFile is a file below a table's directory.
type diskFile struct {
	path     string
	size     int64
	modified time.Time
}

// listFiles returns all files below a table's directory. Files that vanish
// meanwhile are left out.
func (l *Lake) listFiles(name string) ([]diskFile, error) {
	var files []diskFile
	err := filepath.WalkDir(filepath.Join(l.files.dir, name), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			files = append(files, diskFile{path, info.Size(), info.ModTime()})
		}
		return err
	})
	return files, storageError("list the files of table "+name, err)
}
