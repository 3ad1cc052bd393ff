package lake

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// CheckOptions say how much Check reads.
type CheckOptions struct {
	// Deep are tables whose Key is read whole to see that no key is there twice.
	Deep []*trailhouse.Table
}

// Problem is something that Check found.
type Problem struct {
	Table string
	// Path is the file, below the lake's directory; empty where it is the table.
	Path string
	// Text says what is wrong.
	Text string
	// Note marks what is worth knowing and harmless.
	Note bool
	// Evidence marks what is odd about the records that were imported; the lake holds
	// them as they are, and is whole.
	Evidence bool
}

// Check reads the metadata of all tables and the footers of all current data
// files. The lake is whole where it returns notes and oddities of the evidence
// only. Files of earlier snapshots are checked for presence and size.
func (l *Lake) Check(ctx context.Context, o CheckOptions) ([]Problem, error) {
	names, err := l.Tables(ctx)
	if err != nil {
		return nil, err
	}
	var problems []Problem
	for _, name := range names {
		found, err := l.checkTable(ctx, name)
		if err != nil {
			return problems, err
		}
		problems = append(problems, found...)
	}
	for _, t := range o.Deep {
		found, err := l.checkKeys(ctx, t)
		if err != nil {
			return problems, err
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

// checker collects the problems of one table.
type checker struct {
	lake     *Lake
	name     string
	tbl      *table.Table
	problems []Problem
	// counted is how often each location stands in the current snapshot; seen are
	// those of all snapshots.
	counted map[string]int
	seen    map[string]bool
}

func (c *checker) add(location, format string, args ...any) {
	path := location
	if p, err := c.lake.files.path(location); err == nil {
		path = c.lake.rel(p)
	}
	c.problems = append(c.problems, Problem{Table: c.name, Path: path, Text: fmt.Sprintf(format, args...)})
}

// checkTable checks one table. Only an interruption is an error: all else that
// goes wrong is a problem.
func (l *Lake) checkTable(ctx context.Context, name string) ([]Problem, error) {
	onDisk, err := l.listFiles(name)
	if err != nil {
		return nil, err
	}
	tbl, err := l.mustLoad(ctx, name)
	if err != nil {
		if interrupted(err) {
			return nil, err
		}
		return []Problem{{Table: name, Text: err.Error()}}, nil
	}
	c := &checker{lake: l, name: name, tbl: tbl, counted: map[string]int{}, seen: metadataFiles(tbl)}
	for _, s := range oldestFirst(tbl.Metadata()) {
		if err := ctx.Err(); err != nil {
			return nil, storageError("check table "+name, err)
		}
		current := tbl.CurrentSnapshot() != nil && s.SnapshotID == tbl.CurrentSnapshot().SnapshotID
		c.snapshot(s, current)
	}
	for location, n := range c.counted {
		if n > 1 {
			c.add(location, "the file is named %d times: its rows count %d times", n, n)
		}
	}
	c.unnamed(onDisk)
	return c.problems, nil
}

// snapshot checks the files of one snapshot.
func (c *checker) snapshot(s table.Snapshot, current bool) {
	c.seen[s.ManifestList] = true
	manifests, err := s.Manifests(c.lake.files)
	if err != nil {
		c.add(s.ManifestList, "the files of snapshot %d cannot be listed: %v", s.SnapshotID, err)
		return
	}
	for _, m := range manifests {
		if c.seen[m.FilePath()] && !current {
			continue
		}
		c.seen[m.FilePath()] = true
		err := c.lake.walkManifest(c.tbl, m, everything(), whole, func(f iceberg.DataFile, o ordinal) error {
			if current {
				c.counted[f.FilePath()]++
			}
			if current || !c.seen[f.FilePath()] {
				c.file(f, o, current)
			}
			c.seen[f.FilePath()] = true
			return nil
		})
		if err != nil {
			c.add(m.FilePath(), "the list of data files cannot be read: %v", err)
		}
	}
}

// file checks one data file; its footer only where it is current.
func (c *checker) file(f iceberg.DataFile, o ordinal, current bool) {
	path, err := c.lake.files.path(f.FilePath())
	if err != nil {
		c.add(f.FilePath(), "the file lies outside the lake")
		return
	}
	info, err := c.lake.files.Stat(f.FilePath())
	switch {
	case err != nil:
		c.add(f.FilePath(), "the file is missing: %v", err)
		return
	case info.Size() != f.FileSizeBytes():
		c.add(f.FilePath(), "the file has %d bytes, not %d", info.Size(), f.FileSizeBytes())
		return
	case !current:
		return
	}
	footer, err := columns.ReadFooter(path)
	if err != nil {
		c.add(f.FilePath(), "%v", err)
		return
	}
	if footer.File.Rows != f.Count() {
		c.add(f.FilePath(), "the file has %d rows, not %d", footer.File.Rows, f.Count())
	}
	c.partition(f, o, path)
}

// partition checks that a file's rows lie in its partition and that it lies in
// the partition's directory.
func (c *checker) partition(f iceberg.DataFile, o ordinal, path string) {
	_, source, tr, partitioned := specOf(c.tbl.Spec())
	if !partitioned {
		return
	}
	dir := partitionDir(tr, o.start(tr))
	if !inPartition(f, source, tr, o) {
		c.add(f.FilePath(), "the file holds rows outside its partition %s", dir)
	}
	if filepath.Base(filepath.Dir(path)) != dir {
		c.add(f.FilePath(), "the file of partition %s lies in another directory", dir)
	}
}

// unnamed notes the files that no snapshot names. Earlier metadata files are not
// among them: there is one for each commit.
func (c *checker) unnamed(onDisk []diskFile) {
	var n int
	var size int64
	for _, f := range onDisk {
		location, err := c.lake.files.location(f.path)
		if err == nil && !c.seen[location] && !strings.HasSuffix(location, metadataSuffix) {
			n++
			size += f.size
		}
	}
	if n > 0 {
		text := fmt.Sprintf("%d files (%d bytes) belong to no snapshot; 'trailhouse lake expire' removes them when they are old", n, size)
		c.problems = append(c.problems, Problem{Table: c.name, Text: text, Note: true})
	}
}

// keysAtOnce is how many keys are held in memory, 20 bytes each. Larger tables
// are read several times, each time for another range of keys.
const keysAtOnce = 4 << 20

// placed is a key and the partition that a row with it lies in, counted from 0.
type placed struct {
	key       trailhouse.Key
	partition int32
}

// checkKeys checks that no key of a table is twice in one partition. A key in two
// partitions is no fault of the lake: two records say different times of one thing.
func (l *Lake) checkKeys(ctx context.Context, t *trailhouse.Table) ([]Problem, error) {
	files, _, err := l.Files(ctx, t.Name, trailhouse.Period{})
	if err != nil || t.Key == "" {
		return nil, err
	}
	var rows int64
	for _, f := range files {
		rows += f.Rows
	}
	c := keyCheck{table: t, files: files}
	passes := int(rows/keysAtOnce) + 1
	for pass := range passes {
		if err := c.pass(ctx, func(k trailhouse.Key) bool { return (int(k[0])<<8|int(k[1]))%passes == pass }); err != nil {
			return nil, err
		}
	}
	return c.problems(), nil
}

// keyCheck counts the keys of one table that are there more than once.
type keyCheck struct {
	table *trailhouse.Table
	files []trailhouse.DataFile // by partition
	// twice counts rows whose key an earlier row of their partition has, apart those
	// whose key only a row of an earlier partition has.
	twice, apart int
	example      string // one of the latter
}

// pass counts the keys that a range takes.
func (c *keyCheck) pass(ctx context.Context, takes func(trailhouse.Key) bool) error {
	keys, err := c.read(ctx, takes)
	if err != nil {
		return err
	}
	slices.SortFunc(keys, func(a, b placed) int {
		return cmp.Or(bytes.Compare(a.key[:], b.key[:]), cmp.Compare(a.partition, b.partition))
	})
	for i := 1; i < len(keys); i++ {
		switch before, k := keys[i-1], keys[i]; {
		case before == k:
			c.twice++
		case before.key == k.key:
			c.apart++
			if c.example == "" {
				c.example = fmt.Sprintf("%s on %s and %s", k.key, c.day(before.partition), c.day(k.partition))
			}
		}
	}
	return nil
}

// read reads the keys that a range takes.
func (c *keyCheck) read(ctx context.Context, takes func(trailhouse.Key) bool) ([]placed, error) {
	var keys []placed
	col := c.table.MustIndex(c.table.Key)
	partition := int32(0)
	for i, f := range c.files {
		if i > 0 && !f.Partition.Equal(c.files[i-1].Partition) {
			partition++
		}
		err := columns.Read(ctx, f.Path, c.table, []string{c.table.Key}, func(b *trailhouse.Batch) error {
			for r := range b.Len() {
				if k := b.Key(col, r); takes(k) {
					keys = append(keys, placed{k, partition})
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// day names a partition.
func (c *keyCheck) day(partition int32) string {
	for i, f := range c.files {
		if i > 0 && !f.Partition.Equal(c.files[i-1].Partition) {
			partition--
		}
		if partition == 0 {
			return f.Partition.Format("2006-01-02")
		}
	}
	return ""
}

// problems says what was counted.
func (c *keyCheck) problems() []Problem {
	var out []Problem
	if c.twice > 0 {
		out = append(out, Problem{Table: c.table.Name, Text: fmt.Sprintf("%d rows have a %s that an earlier row has", c.twice, c.table.Key)})
	}
	if c.apart > 0 {
		text := fmt.Sprintf("%d records have the %s of a record of another day: %s", c.apart, c.table.Key, c.example)
		out = append(out, Problem{Table: c.table.Name, Text: text, Evidence: true})
	}
	return out
}
