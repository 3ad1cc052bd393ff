package trailhouse

import (
	"context"
	"time"
)

// DataFile is one Parquet file of a table, as written or as planned.
type DataFile struct {
	// Path is the absolute path of the file on this machine.
	Path string
	// Rows and Bytes are its record count and size.
	Rows, Bytes int64
	// Partition is the first instant of the day or month that all its rows lie in,
	// zero for unpartitioned tables.
	Partition time.Time
	// Columns says, of a planned file, that it has the table's columns up to this one, as
	// the table describes them; 0 where that is not known, because the table got columns
	// after its first file.
	Columns int
}

// Commit is one change of one table: all of it becomes visible at once, or none.
type Commit struct {
	Table *Table
	// BatchID names the change for ever: Lookup finds it in the table's history.
	BatchID string
	// Add are files to add. They are already written and fsynced, below the path
	// that Lake.DataPath gave.
	Add []DataFile
	// Replace, where not nil, are the partitions whose files are dropped in the same
	// commit. An empty Partition time stands for an unpartitioned table's whole.
	Replace []time.Time
	// Summary is stored with the snapshot beside the batch id.
	Summary map[string]string
}

// Snapshot is one state of a table.
type Snapshot struct {
	ID        int64
	Parent    int64
	At        time.Time
	Operation string // append, overwrite, replace, delete
	BatchID   string
	Summary   map[string]string
}

// Lake is the store of tables. Any number of processes may read and write one at
// the same time; readers never wait. Every method may be called from several
// goroutines.
type Lake interface {
	// Ensure creates the table where it is missing. A table that is there with other
	// columns is an error of CodeNewer.
	Ensure(ctx context.Context, t *Table) error
	// DataPath returns where a data file of the table must be written for the batch
	// and attempt: the directory exists.
	DataPath(t *Table, partition time.Time, name string) (string, error)
	// Lookup reports whether a commit with the batch id is in the table's history.
	Lookup(ctx context.Context, table, batchID string) (bool, error)
	// Commit makes one change. It is made exactly once: where the answer to an
	// attempt is a conflict or is lost, the batch id is looked up before it is tried
	// again, and a batch that is already there is success. CodeStorage where the
	// machine fails.
	Commit(ctx context.Context, c Commit) error
	// Files returns the current data files of a table and the snapshot they belong
	// to, zero where the table is empty or missing. from and to bound the partitions
	// that are returned; zero leaves a side open.
	Files(ctx context.Context, table string, p Period) ([]DataFile, int64, error)
	// Current returns that snapshot alone, which takes less time.
	Current(ctx context.Context, table string) (int64, error)
	// Content returns the snapshot that first held the rows that the table holds now:
	// Current, or where that merged files and changed no row, the one whose rows it holds.
	// Two equal answers mean equal rows. The answer may name a snapshot that is no longer
	// in the history; a history that does not reach back to it may give another answer for
	// the same rows, never one answer for two.
	Content(ctx context.Context, table string) (int64, error)
	// Added returns the files that commits added after the snapshot since, which Content
	// or Current gave, without those of compaction. ok is false where neither since nor a
	// snapshot with its rows is in the history, so that everything counts as new.
	Added(ctx context.Context, table string, since int64) (files []DataFile, ok bool, err error)
	// Summary returns the summary of the newest snapshot of the table that carries
	// the key, or nil.
	Summary(ctx context.Context, table, key string) (map[string]string, error)
	// History returns the snapshots of a table, oldest first.
	History(ctx context.Context, table string) ([]Snapshot, error)
}
