package derive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// change collects the partitions of one derived table that are to be replaced and
// makes them one commit.
type change struct {
	job       *Job
	table     *trailhouse.Table
	mark      watermark
	batchID   string
	commitNow trailhouse.Commit
	// order, where not nil, says in which order write stores rows.
	order func(*trailhouse.Batch) []int32
}

// newChange begins a change of the table to what its sources are now. The batch id
// names the table's state before as well, so that a code change that is taken back
// is not mistaken for the commit it once was.
func (j *Job) newChange(t *trailhouse.Table, now watermark) *change {
	return &change{job: j, table: t, mark: now}
}

// begin settles the batch id before the first file is written.
func (c *change) begin(ctx context.Context) error {
	if c.batchID != "" {
		return nil
	}
	before, err := c.job.Lake.Current(ctx, c.table.Name)
	if err != nil {
		return err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %d\n", c.table.Name, before)
	summary := c.mark.summary()
	for _, key := range slices.Sorted(maps.Keys(summary)) {
		fmt.Fprintf(h, "%s=%s\n", key, summary[key])
	}
	c.batchID = "derive-" + hex.EncodeToString(h.Sum(nil))
	c.commitNow = trailhouse.Commit{Table: c.table, BatchID: c.batchID, Summary: summary, Replace: []time.Time{}}
	return nil
}

// replace sets one month of the table to the rows, and those of its rows now for
// which kept says true. A month that would not change is left alone.
func (c *change) replace(ctx context.Context, month time.Time, rows *trailhouse.Batch, kept func(*trailhouse.Batch, int) bool) error {
	old, err := c.read(ctx, month)
	if err != nil {
		return err
	}
	var gone [][]byte
	next := trailhouse.NewBatch(c.table)
	for i := range old.Len() {
		if kept(old, i) {
			next.CopyRow(old, i)
		} else {
			gone = append(gone, old.AppendRow(nil, i))
		}
	}
	var come [][]byte
	for i := range rows.Len() {
		next.CopyRow(rows, i)
		come = append(come, rows.AppendRow(nil, i))
	}
	slices.SortFunc(gone, bytes.Compare)
	slices.SortFunc(come, bytes.Compare)
	if slices.EqualFunc(gone, come, bytes.Equal) {
		return nil
	}
	return c.write(ctx, month, next)
}

// read returns the rows of one month of the table.
func (c *change) read(ctx context.Context, month time.Time) (*trailhouse.Batch, error) {
	files, err := c.job.filesOf(ctx, c.table, month)
	if err != nil {
		return nil, err
	}
	all := trailhouse.NewBatch(c.table)
	err = readAll(ctx, files, c.table, nil, func(b *trailhouse.Batch) error {
		for i := range b.Len() {
			all.CopyRow(b, i)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// readAll hands the rows of files to use, file by file; names are as in columns.Read.
func readAll(ctx context.Context, files []trailhouse.DataFile, t *trailhouse.Table, names []string, use func(*trailhouse.Batch) error) error {
	for _, f := range files {
		if err := columns.Read(ctx, f.Path, t, names, use); err != nil {
			return err
		}
	}
	return nil
}

// write writes the month's new file and adds it to the commit. A month without
// rows is dropped.
func (c *change) write(ctx context.Context, month time.Time, rows *trailhouse.Batch) error {
	if err := c.drop(ctx, month); err != nil {
		return err
	}
	if rows.Len() == 0 {
		return nil
	}
	var index []int32
	if c.order != nil {
		index = c.order(rows)
	}
	return c.add(ctx, month, rows, index)
}

// drop takes a month out of the table; what is added to the change stays.
func (c *change) drop(ctx context.Context, month time.Time) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	c.commitNow.Replace = append(c.commitNow.Replace, month)
	return nil
}

// replaceAll drops all that the table holds.
func (c *change) replaceAll(ctx context.Context) error {
	files, _, err := c.job.Lake.Files(ctx, c.table.Name, trailhouse.Period{})
	if err != nil {
		return err
	}
	if err := c.begin(ctx); err != nil {
		return err
	}
	for _, f := range files {
		if !slices.Contains(c.commitNow.Replace, f.Partition) {
			c.commitNow.Replace = append(c.commitNow.Replace, f.Partition)
		}
	}
	return nil
}

// add adds a file with rows of one month; those of the index, nil for all.
func (c *change) add(ctx context.Context, month time.Time, rows *trailhouse.Batch, index []int32) error {
	path, err := c.path(ctx, month)
	if err != nil {
		return err
	}
	file, err := columns.Write(path, rows, index)
	if err != nil {
		return err
	}
	file.Partition = month
	c.commitNow.Add = append(c.commitNow.Add, file)
	return nil
}

// path returns the path of a new file of the month.
func (c *change) path(ctx context.Context, month time.Time) (string, error) {
	if err := c.begin(ctx); err != nil {
		return "", err
	}
	attempt, err := randomName()
	if err != nil {
		return "", err
	}
	return c.job.Lake.DataPath(c.table, month, c.batchID[:24]+"-"+attempt+".parquet")
}

// commit makes the change. Where no partition changed it changes no file, so that the
// table names the sources it is true to: otherwise every report would derive the same
// rows again.
func (c *change) commit(ctx context.Context, result *Result) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	result.Rewritten += len(c.commitNow.Replace)
	return c.job.Lake.Commit(ctx, c.commitNow)
}
