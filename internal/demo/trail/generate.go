package trail

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/demo/trail/cast"
)

// Folder is the folder of the trail in the demo's folder.
const Folder = "trail"

// Generate writes the trail below dir/trail and returns its truth. Files that are there
// are overwritten. progress, where not nil, is called with the events that are done and
// Options.Events. CodeUsage for options that make no sense, CodeStorage where the disk
// fails, CodeInterrupted.
func Generate(ctx context.Context, dir string, o Options, progress func(done, total int64)) (*Truth, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	m := newMaker(dir, o, progress)
	err = errors.Join(m.run(ctx), m.sink.close())
	if ctx.Err() != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInterrupted, "the demo's trail was interrupted: %w", ctx.Err())
	}
	if err == nil {
		err = errors.Join(m.digests(), m.license())
	}
	if err != nil {
		return nil, err
	}
	return m.finish(), nil
}

// maker makes a trail.
type maker struct {
	*writer
	o        Options
	progress func(done, total int64)
	ops      []*operation
	wheels   [2]wheel // over ops: outside and inside globalRegion
	script   *script
	items    []item // of the script that are still to be written
	plan     *planner
	sink     *sink
	truth    *Truth
	days     map[dayKey]int64
	kms      map[kmsDay]int64 // last event of KMS
	carried  []carry          // by cell
	logs     []digestLog
	made     int64 // events
}

// kmsDay is a day of an account.
type kmsDay struct {
	account string
	day     int64
}

// dayKey counts events.
type dayKey struct {
	table string
	cell  int
	day   int64
}

func newMaker(dir string, o Options, progress func(done, total int64)) *maker {
	org := newOrganisation(o.Seed)
	m := &maker{
		writer: &writer{chance: newChance(o.Seed, streamNoise), org: org, ranks: zipf(poolSize), minors: minors(), addresses: cast.Addresses()},
		o:      o, progress: progress, sink: newSink(dir), truth: newTruth(o), days: map[dayKey]int64{}, kms: map[kmsDay]int64{},
		carried: make([]carry, len(org.cells)),
	}
	var local, global []int
	for _, c := range catalogue() {
		m.ops = append(m.ops, prepare(c))
		global = append(global, c.weight)
		if c.global {
			c.weight = 0
		}
		local = append(local, c.weight)
	}
	m.wheels = [2]wheel{newWheel(local), newWheel(global)}
	m.script = newScript(o, org, m.ops)
	m.items = m.script.items
	m.plan = newPlanner(o, org.cells, o.Events-int64(len(m.items)))
	return m
}

// run makes all objects but the digests, day by day.
func (m *maker) run(ctx context.Context) error {
	for d := int64(-1); d < m.plan.days(); d++ {
		for _, c := range m.org.cells {
			if err := m.fill(ctx, c, d); err != nil {
				return err
			}
		}
		if err := m.otherKinds(d); err != nil {
			return err
		}
	}
	return m.leftovers()
}

// fill makes the objects of a cell and day: files of noise, which take events of the
// script along that happen near to each other, and more files where the script goes on.
func (m *maker) fill(ctx context.Context, c *cell, d int64) error {
	sizes := m.plan.files(m.chance, c.index, d)
	groups := m.groups(c, d)
	for i := range max(len(sizes), len(groups)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		obj := m.open(KindEvents, c)
		from := int64(0)
		if i < len(groups) {
			m.writeItems(obj, groups[i])
			from = min(groups[i][0].at, m.plan.from+(d+1)*day-m.plan.width())
		} else {
			from = m.plan.window(m.chance, d)
		}
		if i < len(sizes) {
			m.writeNoise(obj, from, sizes[i])
		}
		m.days[dayKey{tableOf(KindEvents), c.index, d}] += obj.own
		if err := m.deliver(obj); err != nil {
			return err
		}
	}
	return nil
}

// groups takes the events of a cell and day from the script, split where nothing
// happens for long.
func (m *maker) groups(c *cell, d int64) [][]item {
	var out [][]item
	for len(m.items) > 0 && m.items[0].cell == c && (m.items[0].at-m.plan.from+day)/day == d+1 {
		n := len(out)
		if n == 0 || m.items[0].at-out[n-1][len(out[n-1])-1].at > 30*minute {
			out = append(out, m.items[:1:1])
		} else {
			out[n-1] = append(out[n-1], m.items[0])
		}
		m.items = m.items[1:]
	}
	return out
}

func (m *maker) writeItems(obj *object, items []item) {
	for _, i := range items {
		m.begin(i.cell, i.at, i.id)
		m.event(obj, func() (string, *failure) { return i.write(m.writer) })
	}
}

// writeNoise writes n events of a cell, roughly in the order of time.
func (m *maker) writeNoise(obj *object, from, n int64) {
	wheel := m.wheels[0]
	if obj.cell.region == globalRegion {
		wheel = m.wheels[1]
	}
	width := m.plan.width()
	start := from - from%day
	for i := range n {
		at := from + (i*width+int64(m.below(int(width))))/n
		if m.below(5) == 0 {
			at = max(start, at-int64(m.below(120)))
		}
		m.begin(obj.cell, at, "")
		o := m.ops[wheel.pick(m.chance)]
		m.event(obj, func() (string, *failure) { return o.name, m.call(o, nil, 0) })
	}
}

// event writes a record of the table cloudtrail into an object and counts it.
func (m *maker) event(obj *object, write func() (string, *failure)) {
	start := m.enter(obj, func() {
		name, f := write()
		m.truth.Names[name]++
		if f != nil {
			m.truth.Failed++
			if f.code != "" {
				m.truth.Errors[f.code]++
			}
		}
	})
	if c := m.caller; c != nil && (c.class == classUser || c.class == classConsole) {
		m.truth.Users[c.arn]++
	}
	if bytes.Contains(obj.raw[start:], []byte(`"eventSource":"kms.amazonaws.com"`)) {
		k := kmsDay{m.cell.account, m.at / day}
		m.kms[k] = max(m.kms[k], m.at)
	}
	m.carry(obj, start)
}

// enter writes one record behind those of an object and returns where it starts.
func (m *maker) enter(obj *object, write func()) int {
	m.out = obj.raw
	if obj.records > 0 {
		m.out = append(m.out, ',')
	}
	start := len(m.out)
	write()
	obj.raw = m.out
	obj.records++
	obj.own++
	obj.last = max(obj.last, m.at)
	return start
}

// finish completes the truth.
func (m *maker) finish() *Truth {
	t := m.truth
	for k, n := range m.days {
		if n == 0 {
			continue
		}
		c := m.org.cells[k.cell]
		t.Events[k.table] += n
		t.Days = append(t.Days, Day{k.table, c.account, c.region, unix(m.plan.from + k.day*day).Format("2006-01-02"), n})
	}
	slices.SortFunc(t.Days, func(a, b Day) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Day, b.Day))
	})
	for k, last := range m.kms {
		t.KMSDays[k.account] = append(t.KMSDays[k.account], unix(last))
	}
	for _, days := range t.KMSDays {
		slices.SortFunc(days, time.Time.Compare)
	}
	t.Launches, t.Touched, t.Attested = append(t.Launches, m.script.launches...), append(t.Touched, m.script.touched...), append(t.Attested, m.script.attested...)
	t.Bytes = m.sink.bytes
	return t
}

// license writes the file that is in every bucket and no trail's.
func (m *maker) license() error {
	text := []byte("Invented evidence, made for trying things. Do with it what you like.\n")
	m.truth.Files[KindOther]++
	m.sink.bytes += int64(len(text))
	m.truth.Inflated += int64(len(text))
	return save(filepath.Join(m.sink.dir, Folder, "LICENSE"), text, m.plan.from)
}
