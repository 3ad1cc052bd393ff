package cloudtrail

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// reader fills the rows of one unit.
type reader struct {
	ctx      context.Context
	source   *Source
	unit     trailhouse.Unit
	object   string // the unit's name as UTF-8
	delivery delivery
	sink     trailhouse.Sink
	memory   *memory
	row      *row
	sha256   string
	index    int64 // of the next record
	repeats  int64 // records in which an object has a member twice
	mended   int64 // records with commas too many
	passed   int64 // commas between records that are too many or too few
	scopes   []scope
	last     int // scope of the record before
	slots    slots
}

// scope is an account and a region, and the first and last instant of its events, in
// microseconds.
type scope struct {
	account, region string
	from, to        int64
}

// maxScopes is how many scopes of one unit have a coverage row of their own; the last
// one stands for the rest.
const maxScopes = 256

func newReader(ctx context.Context, s *Source, u trailhouse.Unit, d delivery, sink trailhouse.Sink, m *memory) *reader {
	return &reader{ctx: ctx, source: s, unit: u, object: strings.ToValidUTF8(u.Object, "\ufffd"), delivery: d, sink: sink, memory: m, row: &m.row}
}

// record takes one record: to a row, to quarantine, or to those that a rule leaves out.
func (r *reader) record(rec *tape.Record, position int64) error {
	index := r.index
	r.index++
	row, mended := r.row, false
	switch {
	case rec.Broken != "" && r.mend(rec):
		mended = true
	case rec.Broken != "":
		r.reject(rec, position, rec.Broken)
		return nil
	case row.nodes[rec.Node].Kind != tape.Object:
		r.reject(rec, position, notObject(row.nodes[rec.Node].Kind))
		return nil
	case rec.End-rec.At > tape.MaxValue:
		r.reject(rec, position, fmt.Sprintf("the record has more than %d bytes; no event of CloudTrail is as large", tape.MaxValue))
		return nil
	case !r.memory.nodes.ASCII() && !utf8.Valid(row.b[rec.At:rec.End]):
		r.reject(rec, position, "the record is not UTF-8")
		return nil
	}
	row.loose, row.repeated = row.loose[:0], false
	reason, kept := "", false
	if mended {
		reason, kept = r.fillMended(rec, position, index)
	} else {
		reason, kept = r.fill(uint32(rec.Node), rec, position, index)
	}
	if row.repeated {
		r.repeats++
	}
	if reason != "" {
		r.reject(rec, position, reason)
		return nil
	}
	if !kept {
		r.sink.Filter(1)
		return nil
	}
	return r.sink.Next(r.ctx)
}

// target is the table that a record goes to.
type target uint8

const (
	targetEvent target = iota
	targetNetwork
	targetInsight
	targetAggregated
)

// targetOf decides by the record itself, and by the name of the object where the record
// does not say.
func (r *reader) targetOf(m *slots) target {
	row, is := r.row, &r.source.event.is
	switch string(row.string(m.optional(is.category))) {
	case "Insight":
		return targetInsight
	case "NetworkActivity":
		return targetNetwork
	case "Aggregated":
		return targetAggregated
	case "":
	default:
		return targetEvent
	}
	switch string(row.string(m.optional(is.typ))) {
	case "AwsCloudTrailInsight":
		return targetInsight
	case "AwsVpceEvent", "AwsVpceEvents":
		return targetNetwork
	case "AwsAggregatedEvent":
		return targetAggregated
	}
	switch r.delivery.kind {
	case fileInsight:
		return targetInsight
	case fileNetwork:
		return targetNetwork
	case fileAggregated:
		return targetAggregated
	}
	return targetEvent
}

// fill fills the row of a record. It returns why the record cannot be used, and whether
// the rules keep it.
func (r *reader) fill(at uint32, rec *tape.Record, position, index int64) (string, bool) {
	row, m := r.row, &r.slots
	row.members(at, r.source.event.shape, "", m)
	to := r.targetOf(m)
	var f fields
	switch to {
	case targetInsight, targetAggregated:
		row.loose = row.loose[:0]
		f = r.otherFields(at, to, m)
	default:
		f = r.eventFields(to, m)
	}
	micros, ok := int64(0), false
	if f.time != 0 && row.nodes[f.time].Kind == tape.String {
		micros, _, ok = parseTime(row.text(f.time))
	}
	account := r.account(&f)
	if r.source.rules.Any() && !r.source.rules.Keep(row.string(f.category), row.string(f.source), row.string(f.name), account) {
		return "", false
	}
	if !ok {
		return r.badTime(at, &f, to), true
	}
	b := r.sink.Batch(f.table)
	switch to {
	case targetInsight:
		row.fillInsight(r.source.insight, b, m)
	case targetAggregated:
		row.fillAggregated(r.source.aggregated, b, m, micros)
	case targetNetwork:
		row.fillEvent(r.source.network, b, m, at)
	default:
		row.fillEvent(r.source.event, b, m, at)
	}
	if len(account) > 0 {
		b.SetText(f.origin.account, account)
	}
	b.SetKey(f.origin.key, row.keyOf(f.id, at))
	row.unknown(b, f.origin.unknown)
	b.SetString(f.origin.object, r.object)
	b.SetInt(f.origin.index, index)
	b.SetInt(f.origin.position, position)
	b.SetInt(f.origin.length, int64(rec.End-rec.At))
	b.SetString(f.origin.hash, r.sha256)
	b.SetString(f.origin.unit, r.unit.ID)
	b.EndRow()
	r.reach(account, row.string(f.region), micros)
	return "", true
}

// fields are what every record is asked for, as nodes of the record, 0 where it does not
// say; and the table that it goes to.
type fields struct {
	table                                                     *trailhouse.Table
	origin                                                    *origin
	time, id, account, caller, region, category, source, name uint32
}

// eventFields looks an event up.
func (r *reader) eventFields(to target, m *slots) fields {
	t := r.source.event
	if to == targetNetwork {
		t = r.source.network
	}
	f := fields{
		table: t.table, origin: &t.origin, time: m.optional(t.is.time), id: m.optional(t.is.id), account: m.optional(t.is.recipient),
		region: m.optional(t.is.region), category: m.optional(t.is.category), source: m.optional(t.is.source), name: m.optional(t.is.name),
	}
	if identity := m.optional(t.is.identity); identity != 0 && f.account == 0 {
		f.caller, _ = r.row.member(identity, "accountId")
	}
	return f
}

// otherFields finds the members of a record of Insights or of an aggregated one.
func (r *reader) otherFields(at uint32, to target, m *slots) fields {
	if to == targetInsight {
		t := r.source.insight
		r.row.members(at, t.shape, "", m)
		f := fields{
			table: t.table, origin: &t.origin, time: m.optional(t.is.time), id: m.optional(t.is.id), account: m.optional(t.is.recipient),
			region: m.optional(t.is.region), category: m.optional(t.is.category),
		}
		if details := m.optional(t.is.details); details != 0 {
			f.source, _ = r.row.member(details, "eventSource")
			f.name, _ = r.row.member(details, "eventName")
		}
		return f
	}
	t := r.source.aggregated
	r.row.members(at, t.shape, "", m)
	return fields{
		table: t.table, origin: &t.origin, time: r.row.windowStart(t, m), id: m.optional(t.is.id), account: m.optional(t.is.account),
		region: m.optional(t.is.region), category: m.optional(t.is.category), source: m.optional(t.is.source),
	}
}

// account returns the account whose event it is.
func (r *reader) account(f *fields) []byte {
	if v := r.row.string(f.account); v != nil {
		return v
	}
	if v := r.row.string(f.caller); v != nil {
		return v
	}
	return []byte(r.delivery.account)
}

// badTime says what is wrong with the time of a record.
func (r *reader) badTime(record uint32, f *fields, to target) string {
	name := "eventTime"
	if to == targetAggregated {
		name = "timeWindow.windowStart"
	}
	if records, ok := r.row.member(record, "Records"); ok && f.time == 0 {
		return "Records is " + kindName(r.row.nodes[records].Kind) + " and no array of records"
	}
	if f.time == 0 {
		return "the record has no " + name
	}
	text := r.row.json(f.time)
	return fmt.Sprintf("%s is no time between 1970 and 2199: %s", name, text[:min(len(text), 100)])
}

// reach notes that a scope has an event.
func (r *reader) reach(account, region []byte, micros int64) {
	if r.last < len(r.scopes) {
		if s := &r.scopes[r.last]; s.account == string(account) && s.region == string(region) {
			s.from, s.to = min(s.from, micros), max(s.to, micros)
			return
		}
	}
	at := slices.IndexFunc(r.scopes, func(s scope) bool { return s.account == string(account) && s.region == string(region) })
	switch {
	case at < 0 && len(r.scopes) < maxScopes:
		at = len(r.scopes)
		r.scopes = append(r.scopes, scope{string(account), string(region), micros, micros})
	case at < 0:
		at = maxScopes - 1
	}
	s := &r.scopes[at]
	s.from, s.to = min(s.from, micros), max(s.to, micros)
	r.last = at
}

// cover tells how far the unit reaches: one row for the account and region of its name,
// else one for each of its events.
func (r *reader) cover() {
	var details []string
	for _, d := range []struct {
		n    int64
		text string
	}{
		{r.repeats, "%d records have a member twice in one JSON object; the last value was taken"},
		{r.mended, "%d records are no JSON for a comma in front of a closing bracket; they were read without it"},
		{r.passed, "%d commas between records are missing or too many"},
	} {
		if d.n > 0 {
			details = append(details, fmt.Sprintf(d.text, d.n))
		}
	}
	detail := strings.Join(details, "; ")
	c := trailhouse.Coverage{Source: Name, Scope: r.delivery.scope(), Object: r.unit.Object, Result: trailhouse.CoverageRead, Detail: detail}
	if c.Scope != "" || len(r.scopes) == 0 {
		for i, s := range r.scopes {
			from, to := time.UnixMicro(s.from).UTC(), time.UnixMicro(s.to).UTC()
			if i == 0 || from.Before(c.From) {
				c.From = from
			}
			if i == 0 || to.After(c.Through) {
				c.Through = to
			}
		}
		r.sink.Cover(c)
		return
	}
	for _, s := range r.scopes {
		c.Scope, c.From, c.Through = strings.ToValidUTF8(s.account+"/"+s.region, "\ufffd"), time.UnixMicro(s.from).UTC(), time.UnixMicro(s.to).UTC()
		r.sink.Cover(c)
	}
}
