package derive

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
)

// takeFromTrail brings attested_calls and host_ends up to date with the trail. A row of
// the trail never changes and is there once, so rows are appended; they are all made
// anew where the code is another one or the history no longer reaches back.
func (p *pass) takeFromTrail(ctx context.Context) error {
	events := attested.NewEvents(p.Trail)
	for _, part := range []trailPart{
		{
			attested.HostEndTable(), func(g attested.Glance) []int64 { return g.EndRows }, events.EndColumns(), events.AppendEnds,
			func(t attested.Taken) *trailhouse.Batch { return t.Ends }, nil,
		},
		{
			attested.CallTable(), attestedRows, events.CallColumns(), events.AppendCalls,
			func(t attested.Taken) *trailhouse.Batch { return t.Calls }, &p.result.Calls,
		},
	} {
		if err := p.take(ctx, events, part); err != nil {
			return err
		}
	}
	return nil
}

// attestedRows are the rows that may be attested calls, none where there is none.
func attestedRows(g attested.Glance) []int64 {
	if !g.Calls {
		return nil
	}
	return g.CallRows
}

// trailPart is one table that is taken out of the trail.
type trailPart struct {
	table  *trailhouse.Table
	wanted func(attested.Glance) []int64 // the rows of a file that may be
	names  []string                      // columns of the trail
	append func(src, dst *trailhouse.Batch)
	taken  func(attested.Taken) *trailhouse.Batch
	count  *int
}

// take appends what new files of the trail hold for one table.
func (p *pass) take(ctx context.Context, events *attested.Events, part trailPart) error {
	sources := []*trailhouse.Table{p.Trail}
	was, err := p.stored(ctx, part.table.Name, trailVersion, sources)
	if err != nil {
		return err
	}
	files, whole, now, err := p.addedToTrail(ctx, was)
	if err != nil || was.equal(now) {
		return err
	}
	c := p.newChange(part.table, now)
	if whole {
		if err := c.replaceAll(ctx); err != nil {
			return err
		}
	}
	a := c.appender()
	for _, f := range files {
		if err := p.takeFile(ctx, events, part, f.Path, a); err != nil {
			return err
		}
	}
	if err := a.flush(ctx); err != nil {
		return err
	}
	if part.count != nil {
		*part.count += a.count
	}
	return c.commit(ctx, &p.result)
}

// takeFile appends what one file of the trail holds for one table.
func (p *pass) takeFile(ctx context.Context, events *attested.Events, part trailPart, path string, a *appender) error {
	if taken, ok := p.Fresh.of(path); ok {
		if b := part.taken(taken); b != nil {
			for i := range b.Len() {
				a.rows.CopyRow(b, i)
			}
		}
		return a.flushFull(ctx)
	}
	glance, err := p.glance(ctx, events, path)
	if err != nil {
		return err
	}
	return columns.ReadRows(ctx, path, events.Table(), part.names, part.wanted(glance), func(b *trailhouse.Batch) error {
		part.append(b, a.rows)
		return a.flushFull(ctx)
	})
}

// addedToTrail returns the files that the trail got since the watermark, and the
// watermark that they lead to. An import may commit meanwhile; a file that both this
// pass and the next took for new would be appended twice, so it is asked again until
// the trail stood still.
func (p *pass) addedToTrail(ctx context.Context, was watermark) ([]trailhouse.DataFile, bool, watermark, error) {
	sources := []*trailhouse.Table{p.Trail}
	for {
		now, err := p.watermark(ctx, trailVersion, sources)
		if err != nil || was.equal(now) {
			return nil, false, now, err
		}
		files, whole, err := p.added(ctx, p.Trail, was)
		if err != nil {
			return nil, false, now, err
		}
		after, err := p.watermark(ctx, trailVersion, sources)
		if err != nil || after.equal(now) {
			return files, whole, now, err
		}
	}
}

// glance looks at a file of the trail: most hold neither attested calls nor ends of
// hosts, and are not read further.
func (p *pass) glance(ctx context.Context, events *attested.Events, path string) (attested.Glance, error) {
	if g, ok := p.glances[path]; ok {
		return g, nil
	}
	var g attested.Glance
	err := columns.Read(ctx, path, events.Table(), events.GlanceColumns(), func(b *trailhouse.Batch) error {
		events.Glance(b, &g)
		return nil
	})
	if err == nil && !g.Calls {
		err = columns.ReadRows(ctx, path, events.Table(), events.RecipientColumns(), g.CallRows, func(b *trailhouse.Batch) error {
			g.Calls = g.Calls || events.HasRecipient(b)
			return nil
		})
	}
	if p.glances == nil {
		p.glances = map[string]attested.Glance{}
	}
	p.glances[path] = g
	return g, err
}

// appendBytes bounds the rows that an appender holds.
const appendBytes = 32 << 20

// appender adds rows to a change, cut by month.
type appender struct {
	change *change
	rows   *trailhouse.Batch
	count  int
}

func (c *change) appender() *appender {
	return &appender{change: c, rows: trailhouse.NewBatch(c.table)}
}

// flushFull flushes where the rows take much memory.
func (a *appender) flushFull(ctx context.Context) error {
	if a.rows.Bytes() < appendBytes {
		return nil
	}
	return a.flush(ctx)
}

// flush writes the rows, in the order of time, to one file for each month.
func (a *appender) flush(ctx context.Context) error {
	t := a.rows.Table
	at := t.MustIndex(t.PartitionBy)
	byMonth := map[time.Time][]int32{}
	for i := range a.rows.Len() {
		m := month(a.rows.Time(at, i))
		byMonth[m] = append(byMonth[m], int32(i))
	}
	for _, m := range slices.SortedFunc(maps.Keys(byMonth), time.Time.Compare) {
		slices.SortStableFunc(byMonth[m], func(x, y int32) int {
			return int(min(1, max(-1, a.rows.Int(at, int(x))-a.rows.Int(at, int(y)))))
		})
		if err := a.change.add(ctx, m, a.rows, byMonth[m]); err != nil {
			return err
		}
	}
	a.count += a.rows.Len()
	a.rows.Reset()
	return nil
}
