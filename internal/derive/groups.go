package derive

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
)

// maxGroups bounds the groups of calls that are held in memory, some 50 MB, and the rows
// of a month that are read and written again for new calls. A month with more has groups
// in several rows.
const maxGroups = 1 << 17

func (c *change) groupsAtOnce() int {
	if c == nil {
		return maxGroups
	}
	return cmp.Or(c.job.maxGroups, maxGroups)
}

// monthGroups sums up the calls of one month.
type monthGroups struct {
	change *change // of kms_call_groups; nil where the sums are not wanted
	month  time.Time
	groups *attested.Groups
}

// newGroups begins to sum up calls of a month: all of it, or those that it gets to what
// is stored of it.
func (c *change) newGroups(ctx context.Context, month time.Time, all bool) (*monthGroups, error) {
	m := &monthGroups{change: c, month: month, groups: attested.NewGroups(month)}
	if c == nil || all {
		return m, nil
	}
	files, err := c.job.filesOf(ctx, c.table, month)
	if err != nil || len(files) == 0 || rowsOf(files) >= int64(c.groupsAtOnce()) {
		return m, err
	}
	err = readAll(ctx, files, c.table, nil, func(b *trailhouse.Batch) error {
		m.groups.Merge(b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m, c.drop(ctx, month)
}

func rowsOf(files []trailhouse.DataFile) (rows int64) {
	for _, f := range files {
		rows += f.Rows
	}
	return rows
}

// add sums up the calls of b, a batch of kms_calls, and sets their group_key.
func (m *monthGroups) add(ctx context.Context, b *trailhouse.Batch) error {
	m.groups.Add(b)
	if m.groups.Len() < m.change.groupsAtOnce() {
		return nil
	}
	return m.flush(ctx)
}

// flush writes what was summed up.
func (m *monthGroups) flush(ctx context.Context) error {
	groups := m.groups
	m.groups = attested.NewGroups(m.month)
	if m.change == nil || groups.Len() == 0 {
		return nil
	}
	return m.change.add(ctx, m.month, groups.Rows(), nil)
}

// sumUpCalls makes kms_call_groups anew from kms_calls, which is true to now: a run was
// stopped between the two.
func (p *pass) sumUpCalls(ctx context.Context, now watermark) error {
	c, calls := p.newChange(attested.GroupTable(), now), attested.JoinTable()
	if err := c.replaceAll(ctx); err != nil {
		return err
	}
	files, _, err := p.Lake.Files(ctx, calls.Name, trailhouse.Period{})
	if err != nil {
		return err
	}
	months := monthsOf(files)
	for _, month := range slices.SortedFunc(maps.Keys(months), time.Time.Compare) {
		m, err := c.newGroups(ctx, month, true)
		if err != nil {
			return err
		}
		err = readAll(ctx, months[month], calls, attested.GroupedColumns(), func(b *trailhouse.Batch) error { return m.add(ctx, b) })
		if err != nil {
			return err
		}
		if err := m.flush(ctx); err != nil {
			return err
		}
	}
	return c.commit(ctx, &p.result)
}

func monthsOf(files []trailhouse.DataFile) map[time.Time][]trailhouse.DataFile {
	months := map[time.Time][]trailhouse.DataFile{}
	for _, f := range files {
		months[f.Partition] = append(months[f.Partition], f)
	}
	return months
}
