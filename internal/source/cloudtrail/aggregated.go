package cloudtrail

import (
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/entity"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// aggregatedTable is the table of aggregated events.
type aggregatedTable struct {
	table *trailhouse.Table
	shape *shape
	origin
	is  struct{ id, account, region, source, category, window, summary int }
	col struct{ end, size, dimension, typ, statistics, entities int }
	of  struct{ dimension, name, value int } // columns of statistics
}

func newAggregatedTable(t *trailhouse.Table) *aggregatedTable {
	s := &aggregatedTable{table: t, shape: aggregatedShape(t), origin: newOrigin(t)}
	for name, at := range map[string]*int{
		"eventId": &s.is.id, "accountId": &s.is.account, "awsRegion": &s.is.region, "eventSource": &s.is.source,
		"eventCategory": &s.is.category, "timeWindow": &s.is.window, "summary": &s.is.summary,
	} {
		*at = s.shape.at(name)
	}
	for name, at := range map[string]*int{
		"windowend": &s.col.end, "windowsize": &s.col.size, "primary_dimension": &s.col.dimension,
		"aggregation_type": &s.col.typ, "statistics": &s.col.statistics, "entities": &s.col.entities,
	} {
		*at = t.MustIndex(name)
	}
	fields := t.Columns[s.col.statistics].Fields
	s.of.dimension, s.of.name, s.of.value = indexOf(fields, "dimension"), indexOf(fields, "name"), indexOf(fields, "value")
	return s
}

// windowStart returns the node of the instant that an aggregated event begins at.
func (r *row) windowStart(t *aggregatedTable, m *slots) uint32 {
	if !m.has(t.is.window) {
		return 0
	}
	at, _ := r.member(m.at[t.is.window], "windowStart")
	return at
}

// fillAggregated fills the row of an aggregated event whose window is known.
func (r *row) fillAggregated(t *aggregatedTable, b *trailhouse.Batch, m *slots, start int64) {
	for i := range t.shape.fields {
		if m.has(i) {
			r.set(b, &t.shape.fields[i], "", m.at[i])
		}
	}
	b.SetMicros(t.eventTime, start)
	r.fillWindow(t, b, m.at[t.is.window])
	r.names.Reset()
	if m.has(t.is.summary) && r.nodes[m.at[t.is.summary]].Kind == tape.Object {
		r.fillSummary(t, b, m.at[t.is.summary])
	}
	r.names.SetEntities(b, t.col.entities)
}

// fillWindow sets the end and the size of the window, and keeps what it has besides.
func (r *row) fillWindow(t *aggregatedTable, b *trailhouse.Batch, window uint32) {
	const path = "timeWindow."
	var of slots
	s := newShaper(path, t.table.Columns).note("windowStart").to(asTime, "windowEnd", "windowend").to(asText, "windowSize", "windowsize").shape
	r.members(window, s, path, &of)
	for i := range s.fields {
		if of.has(i) {
			r.set(b, &s.fields[i], path, of.at[i])
		}
	}
	if _, plain, _ := parseTime(r.text(of.at[0])); !plain {
		r.keep(path, of.at[0])
	}
}

// fillSummary sets what was counted: the primary dimension and the details, one row of
// statistics for each value.
func (r *row) fillSummary(t *aggregatedTable, b *trailhouse.Batch, summary uint32) {
	list := b.Child(t.col.statistics)
	if primary, ok := r.member(summary, "primaryDimension"); ok {
		if at, ok := r.member(primary, "dimension"); ok && r.nodes[at].Kind == tape.String {
			b.SetText(t.col.dimension, r.text(at))
		}
		if at, ok := r.member(primary, "aggregationType"); ok && r.nodes[at].Kind == tape.String {
			b.SetText(t.col.typ, r.text(at))
		}
		r.fillDimension(t, list, primary)
	}
	if details, ok := r.member(summary, "details"); ok && r.nodes[details].Kind == tape.Array {
		for i := details + 1; i < r.nodes[details].Next; i = r.nodes[i].Next {
			r.fillDimension(t, list, i)
		}
	}
	b.SetRows(t.col.statistics)
}

// fillDimension appends the statistics of one dimension.
func (r *row) fillDimension(t *aggregatedTable, list *trailhouse.Batch, at uint32) {
	dimension, _ := r.member(at, "dimension")
	statistics, ok := r.member(at, "statistics")
	if !ok || r.nodes[statistics].Kind != tape.Array {
		return
	}
	for i := statistics + 1; i < r.nodes[statistics].Next; i = r.nodes[i].Next {
		if v := r.string(dimension); v != nil {
			list.SetText(t.of.dimension, v)
		}
		name, _ := r.member(i, "name")
		if v := r.string(name); v != nil {
			list.SetText(t.of.name, v)
			if entity.IsARN(v) || entity.IsResourceID(v) {
				r.names.Add(v)
			}
		}
		if value, ok := r.member(i, "value"); ok && r.nodes[value].Kind == tape.Number {
			if n, ok := parseInt(r.raw(value)); ok {
				list.SetInt(t.of.value, n)
			}
		}
		list.EndRow()
	}
}
