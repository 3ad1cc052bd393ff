package lake

import (
	"context"
	"fmt"

	"github.com/apache/iceberg-go/table"
)

// rowsKey says, in the summary of a merge, whose rows it holds: "parent content". It
// counts only while the snapshot has that parent: a commit that is tried again upon
// another state of the table may take its summary along.
const rowsKey = "trailhouse.rows-of"

// Content returns the snapshot that first held the rows that the table holds now, 0
// where it is empty or missing. See trailhouse.Lake.
func (l *Lake) Content(ctx context.Context, name string) (int64, error) {
	now, err := l.read(ctx, name)
	if err != nil || now == nil {
		return 0, err
	}
	meta := now.tbl.Metadata()
	s := meta.CurrentSnapshot()
	if s == nil {
		return 0, nil
	}
	return contentOf(meta, *s), nil
}

// sameRows reports whether a snapshot holds the rows of the one before: merges of ours,
// and of any engine that writes Iceberg.
func sameRows(s table.Snapshot) bool {
	return s.Summary != nil && (s.Summary.Operation == table.OpReplace || s.Summary.Properties[KindKey] == KindCompaction)
}

// snapshots is what contentOf needs of a table's metadata.
type snapshots interface {
	SnapshotByID(id int64) *table.Snapshot
}

// contentOf returns the snapshot that first held the rows of s, as far back as merges say
// or the history reaches.
func contentOf(meta snapshots, s table.Snapshot) int64 {
	for sameRows(s) {
		var parent, content int64
		if n, _ := fmt.Sscan(s.Summary.Properties[rowsKey], &parent, &content); n == 2 && parent == parentOf(s) {
			return content
		}
		before := meta.SnapshotByID(parentOf(s))
		if before == nil {
			break
		}
		s = *before
	}
	return s.SnapshotID
}

// rowsOf is the value of rowsKey for a merge of what the table holds.
func rowsOf(tbl *table.Table) string {
	s := tbl.CurrentSnapshot()
	return fmt.Sprint(s.SnapshotID, contentOf(tbl.Metadata(), *s))
}
