package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/dedup"
)

// piece is what one batch adds to one partition of one table: one file.
type piece struct {
	from      *tableRows
	partition time.Time
	rows      []int32
	part      *dedup.Part // nil for tables without a key
	name      string      // of the file
}

// whole is the piece of a table that is neither keyed nor partitioned.
func whole(t *tableRows) *piece {
	p := &piece{from: t, rows: make([]int32, t.batch.Len())}
	for i := range p.rows {
		p.rows[i] = int32(i)
	}
	return p
}

// keys returns the keys of the piece's rows.
func (p *piece) keys() []trailhouse.Key {
	col := p.from.table.MustIndex(p.from.table.Key)
	keys := make([]trailhouse.Key, len(p.rows))
	for i, row := range p.rows {
		keys[i] = p.from.batch.Key(col, int(row))
	}
	return keys
}

// filterAll cuts the batch's rows by table and partition and leaves out the rows
// that the lake has. Quarantine comes first, then the others by name: the order of
// the commits.
func (g *Ingester) filterAll(ctx context.Context, w *work) ([]*piece, error) {
	tables := slices.Clone(w.tables)
	slices.SortFunc(tables, func(a, b *tableRows) int {
		if a.table.Name < b.table.Name {
			return -1
		}
		return 1
	})
	var out []*piece
	for _, t := range append([]*tableRows{w.quarantine}, tables...) {
		if t.batch.Len() == 0 {
			continue
		}
		pieces := cut(t)
		if t.table.Key != "" {
			if err := g.filter(ctx, t.table, pieces); err != nil {
				return nil, err
			}
		}
		for _, p := range pieces {
			if len(p.rows) > 0 {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// cut sorts rows into partitions, the oldest first.
func cut(t *tableRows) []*piece {
	if t.table.Transform == trailhouse.Unpartitioned {
		return []*piece{whole(t)}
	}
	col := t.table.MustIndex(t.table.PartitionBy)
	pieces := map[time.Time]*piece{}
	var last *piece
	var from, to int64 // the bounds of last
	for row := range t.batch.Len() {
		us := t.batch.Int(col, row)
		if last == nil || us < from || us >= to {
			start, end := bounds(t.table.Transform, us)
			if last = pieces[start]; last == nil {
				last = &piece{from: t, partition: start}
				pieces[start] = last
			}
			from, to = start.UnixMicro(), end.UnixMicro()
		}
		last.rows = append(last.rows, int32(row))
	}
	out := make([]*piece, 0, len(pieces))
	for _, p := range pieces {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *piece) int { return a.partition.Compare(b.partition) })
	return out
}

// bounds returns the first instant of the partition of an instant, and of the next
// one.
func bounds(t trailhouse.Transform, us int64) (from, to time.Time) {
	y, m, d := time.UnixMicro(us).UTC().Date()
	if t == trailhouse.ByMonth {
		from = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		return from, from.AddDate(0, 1, 0)
	}
	from = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return from, from.AddDate(0, 0, 1)
}

// filter drops from the pieces of one keyed table the rows that the lake has.
func (g *Ingester) filter(ctx context.Context, t *trailhouse.Table, pieces []*piece) error {
	var span trailhouse.Period
	if t.Transform != trailhouse.Unpartitioned {
		span.From = pieces[0].partition
		_, span.To = bounds(t.Transform, pieces[len(pieces)-1].partition.UnixMicro())
	}
	files, _, err := g.lake.Files(ctx, t.Name, span)
	if err != nil {
		return err
	}
	byPartition := map[int64][]trailhouse.DataFile{}
	for _, f := range files {
		at := f.Partition.Unix()
		byPartition[at] = append(byPartition[at], f)
	}
	for _, p := range pieces {
		if err := g.filterPiece(ctx, p, byPartition[p.partition.Unix()]); err != nil {
			return err
		}
	}
	return nil
}

// filterPiece drops the rows that the files of the partition have.
func (g *Ingester) filterPiece(ctx context.Context, p *piece, files []trailhouse.DataFile) error {
	var rows int64
	for _, f := range files {
		rows += f.Rows
	}
	part, err := g.index.Open(ctx, p.from.table.Name, p.partition, rows, g.scan(p.from.table, files))
	if err != nil {
		return err
	}
	fresh, err := part.Filter(ctx, p.keys())
	if err != nil {
		return err
	}
	kept := p.rows[:0]
	for i, row := range p.rows {
		if fresh[i] {
			kept = append(kept, row)
		}
	}
	p.rows, p.part = kept, part
	return nil
}

// scan reads the key column of a partition's files.
func (g *Ingester) scan(t *trailhouse.Table, files []trailhouse.DataFile) dedup.Scan {
	return func(ctx context.Context, yield func([]trailhouse.Key) error) error {
		var keys []trailhouse.Key
		for _, f := range files {
			err := g.files.Read(ctx, f.Path, t, []string{t.Key}, func(b *trailhouse.Batch) error {
				keys = keys[:0]
				col := b.Table.MustIndex(t.Key)
				for row := range b.Len() {
					keys = append(keys, b.Key(col, row))
				}
				return yield(keys)
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}
