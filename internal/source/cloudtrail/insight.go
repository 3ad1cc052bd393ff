package cloudtrail

import (
	"github.com/trailhouse/trailhouse"

	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// insightTable is the table of Insights events.
type insightTable struct {
	table *trailhouse.Table
	shape *shape
	origin
	is  struct{ time, id, region, recipient, details, context, category int }
	col struct {
		state, source, name, errorCode, typ, context, baseline, insight, baselineDuration, insightDuration, entities int
	}
}

func newInsightTable(t *trailhouse.Table) *insightTable {
	s := &insightTable{table: t, shape: insightShape(t), origin: newOrigin(t)}
	for name, at := range map[string]*int{
		"eventTime": &s.is.time, "eventID": &s.is.id, "awsRegion": &s.is.region, "recipientAccountId": &s.is.recipient,
		"insightDetails": &s.is.details, "insightContext": &s.is.context, "eventCategory": &s.is.category,
	} {
		*at = s.shape.at(name)
	}
	for name, at := range map[string]*int{
		"insightstate": &s.col.state, "insighteventsource": &s.col.source, "insighteventname": &s.col.name, "insighterrorcode": &s.col.errorCode,
		"insighttype": &s.col.typ, "insightcontext": &s.col.context, "baseline_average": &s.col.baseline, "insight_average": &s.col.insight,
		"baseline_duration": &s.col.baselineDuration, "insight_duration": &s.col.insightDuration, "entities": &s.col.entities,
	} {
		*at = t.MustIndex(name)
	}
	return s
}

// fillInsight fills the row of an Insights event whose time is known.
func (r *row) fillInsight(t *insightTable, b *trailhouse.Batch, m *slots) {
	for i := range t.shape.fields {
		if m.has(i) {
			r.set(b, &t.shape.fields[i], "", m.at[i])
		}
	}
	context := m.optional(t.is.context)
	if context != 0 && r.nodes[context].Kind == tape.Null {
		context = 0
	}
	if details := m.optional(t.is.details); details != 0 && r.nodes[details].Kind == tape.Object {
		r.fillDetails(t, b, m, details)
		if inner, ok := r.member(details, "insightContext"); ok && context == 0 && r.nodes[inner].Kind == tape.Object {
			context = inner
			r.payload(b, t.col.context, inner)
		}
	}
	r.names.Reset()
	if context != 0 {
		r.fillStatistics(t, b, context)
		r.nameAll(context)
	}
	r.names.SetEntities(b, t.col.entities)
}

// fillDetails sets what trails write into insightDetails and event data stores beside
// it.
func (r *row) fillDetails(t *insightTable, b *trailhouse.Batch, m *slots, details uint32) {
	for _, f := range [...]struct {
		name string
		col  int
	}{
		{"state", t.col.state}, {"eventSource", t.col.source}, {"eventName", t.col.name}, {"errorCode", t.col.errorCode}, {"insightType", t.col.typ},
	} {
		at, ok := r.member(details, f.name)
		if text := r.string(at); ok && text != nil && !r.columnSet(t.shape, m, f.col) {
			b.SetText(f.col, text)
		}
	}
}

// columnSet reports whether a field of the record has set the column.
func (r *row) columnSet(s *shape, m *slots, col int) bool {
	for i := range s.fields {
		if m.has(i) && s.fields[i].col == col {
			k := r.nodes[m.at[i]].Kind
			return k != tape.Null && k < tape.Array
		}
	}
	return false
}

// fillStatistics sets averages and durations.
func (r *row) fillStatistics(t *insightTable, b *trailhouse.Batch, context uint32) {
	statistics, ok := r.member(context, "statistics")
	if !ok {
		return
	}
	if at, ok := r.find(statistics, "baseline", "average"); ok && r.nodes[at].Kind == tape.Number {
		b.SetText(t.col.baseline, r.raw(at))
	}
	if at, ok := r.find(statistics, "insight", "average"); ok && r.nodes[at].Kind == tape.Number {
		b.SetText(t.col.insight, r.raw(at))
	}
	if at, ok := r.member(statistics, "baselineDuration"); ok {
		if n, ok := parseInt(r.raw(at)); ok {
			b.SetInt(t.col.baselineDuration, n)
		}
	}
	if at, ok := r.member(statistics, "insightDuration"); ok {
		if n, ok := parseInt(r.raw(at)); ok {
			b.SetInt(t.col.insightDuration, n)
		}
	}
}
