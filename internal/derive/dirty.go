package derive

import (
	"context"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

// hosts is a set of instance ids.
type hosts map[trailhouse.InstanceID]struct{}

// dirtyDays are the host-days whose lines changed.
type dirtyDays map[time.Time]hosts

// dirtyDays reads which hosts have lines in the files that the logs got since the
// watermark.
func (p *pass) dirtyDays(ctx context.Context, was watermark) (dirtyDays, error) {
	was = was.only(p.Logs.lines())
	if p.days != nil && p.since.equal(was) {
		return p.days, nil
	}
	dirty := dirtyDays{}
	for _, t := range p.Logs.lines() {
		files, _, err := p.added(ctx, t, was)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if dirty[f.Partition] == nil {
				dirty[f.Partition] = hosts{}
			}
			if err := collect(ctx, f.Path, t, "instance_id", dirty[f.Partition]); err != nil {
				return nil, err
			}
		}
	}
	p.days, p.since = dirty, was
	return dirty, nil
}

// dirtyHosts returns the hosts whose sessions may have changed since the
// watermark: those with new lines, those whose logs are known to be complete for
// longer, and those with new gaps, or with fewer.
func (p *pass) dirtyHosts(ctx context.Context, was watermark) (hosts, error) {
	days, err := p.dirtyDays(ctx, was)
	if err != nil {
		return nil, err
	}
	dirty := hosts{}
	for _, day := range days {
		for host := range day {
			dirty[host] = struct{}{}
		}
	}
	files, _, err := p.added(ctx, p.Logs.Coverage, was)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		err := p.coverageOf(ctx, f.Path, func(c coverRow) { dirty[c.host] = struct{}{} })
		if err != nil {
			return nil, err
		}
	}
	if err := p.dirtyByTrail(ctx, was, dirty); err != nil {
		return nil, err
	}
	delete(dirty, "")
	return dirty, nil
}

// dirtyByTrail adds the hosts of which the trail has something new to say. Those
// without a log have no sessions.
func (p *pass) dirtyByTrail(ctx context.Context, was watermark, dirty hosts) error {
	for _, t := range []*trailhouse.Table{attested.CallTable(), attested.HostEndTable()} {
		files, _, err := p.added(ctx, t, was)
		if err != nil {
			return err
		}
		found := hosts{}
		for _, f := range files {
			if err := collect(ctx, f.Path, t, "instance_id", found); err != nil {
				return err
			}
		}
		if len(found) == 0 {
			continue
		}
		logged, err := p.loggedHosts(ctx)
		if err != nil {
			return err
		}
		for host := range found {
			if _, ok := logged[host]; ok {
				dirty[host] = struct{}{}
			}
		}
	}
	return nil
}

// loggedHosts returns the hosts with a log of nitro-cli: those with a mark that is not
// the allocator's.
func (p *pass) loggedHosts(ctx context.Context) (hosts, error) {
	if p.logged != nil {
		return p.logged, nil
	}
	t := sessions.MarkTable()
	files, _, err := p.Lake.Files(ctx, t.Name, trailhouse.Period{})
	if err != nil {
		return nil, err
	}
	logged := hosts{}
	names := []string{"instance_id", "kind"}
	c := indexes(t, names)
	log := sessions.KindLog.String()
	err = readAll(ctx, files, t, names, func(b *trailhouse.Batch) error {
		for i := range b.Len() {
			if string(b.Text(c[1], i)) == log {
				if host := b.Text(c[0], i); !logged.has(host) {
					logged[trailhouse.InstanceID(host)] = struct{}{}
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.logged = logged
	return logged, nil
}

func (h hosts) has(host []byte) bool {
	_, ok := h[trailhouse.InstanceID(host)]
	return ok
}

// coverageOf calls fn with each row of a file of coverage that speaks of the logs of
// nitro-cli.
func (j *Job) coverageOf(ctx context.Context, path string, fn func(coverRow)) error {
	t := j.Logs.Coverage
	names := []string{"source", "scope", "object", "run_id", "found_at", "result", "covered_from", "covered_through"}
	c := indexes(t, names)
	return columns.Read(ctx, path, t, names, func(b *trailhouse.Batch) error {
		for i := range b.Len() {
			if string(b.Text(c[0], i)) == j.Logs.Source {
				fn(coverRow{
					host: trailhouse.InstanceID(b.Text(c[1], i)), object: b.String(c[2], i), run: b.String(c[3], i), found: b.Time(c[4], i),
					result: b.String(c[5], i), from: b.Time(c[6], i), through: b.Time(c[7], i),
				})
			}
		}
		return nil
	})
}

// collect adds the values of a column to the set.
func collect(ctx context.Context, path string, t *trailhouse.Table, column string, into hosts) error {
	col := t.MustIndex(column)
	return columns.Read(ctx, path, t, []string{column}, func(b *trailhouse.Batch) error {
		last := ""
		for i := range b.Len() {
			if text := b.Text(col, i); string(text) != last {
				last = string(text)
				into[trailhouse.InstanceID(last)] = struct{}{}
			}
		}
		return nil
	})
}
