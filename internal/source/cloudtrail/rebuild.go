package cloudtrail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// Rebuild makes the record of a row anew, as JSON on one line, for where the object
// with the original is gone. The batch holds all columns of one of the source's
// tables. Of an original it lacks white space, what was null but for request and
// response, and the place and repetition of unknown fields. Whether a member of a payload was a text or
// something else shows only as far as a map tells: what reads as compact JSON is taken
// for that, but for policies, which are texts, and numbers of 12 digits, which are
// accounts. A batch of another table is CodeInternal.
func Rebuild(b *trailhouse.Batch, row int) ([]byte, error) {
	unknown := b.Table.MustIndex("unknownfields")
	w := rebuilder{loose: map[string][]byte{}}
	from, to := b.Rows(unknown, row)
	for i := from; i < to; i++ {
		path := b.Child(unknown).String(0, i)
		w.loose[path] = b.Child(unknown).Text(1, i)
		w.paths = append(w.paths, path)
	}
	switch b.Table.Name {
	case EventTableName, NetworkTableName:
		return w.object(eventShape(b.Table), b, row), nil
	case InsightTableName:
		return w.object(insightShapeOf(b, row), b, row), nil
	case AggregatedTableName:
		s := aggregatedShape(b.Table)
		s.fields[s.at("timeWindow")] = field{name: "timeWindow", form: asGroup, shape: windowShape(b.Table)}
		return w.object(s, b, row), nil
	}
	return nil, trailhouse.Errorf(trailhouse.CodeInternal, "table %s holds no records of CloudTrail", b.Table.Name)
}

// insightShapeOf leaves out what a trail's record has only within its details.
func insightShapeOf(b *trailhouse.Batch, row int) *shape {
	s := insightShape(b.Table)
	if b.IsNull(b.Table.MustIndex("insightdetails"), row) {
		return s
	}
	kept := s.fields[:0]
	for _, f := range s.fields {
		if !strings.HasPrefix(f.name, "insight") || f.name == "insightDetails" {
			kept = append(kept, f)
		}
	}
	s.fields = kept
	return s
}

// windowShape is the window of an aggregated event, whose columns are the table's.
func windowShape(t *trailhouse.Table) *shape {
	return newShaper("timeWindow.", t.Columns).
		to(asTime, "windowStart", "eventtime").
		to(asTime, "windowEnd", "windowend").
		to(asText, "windowSize", "windowsize").
		shape
}

// rebuilder writes one record.
type rebuilder struct {
	loose map[string][]byte // unknown fields that are not written yet, by path
	paths []string          // all of them, in their order
}

// object returns the JSON of an object: its known fields in their order, then the
// unknown ones.
func (w *rebuilder) object(s *shape, b *trailhouse.Batch, row int) []byte {
	out := []byte{'{'}
	for i := range s.fields {
		if value := w.value(&s.fields[i], s.prefix, b, row); value != nil {
			out = appendMember(out, s.fields[i].name, value)
		}
	}
	for _, path := range w.paths {
		name, within := strings.CutPrefix(path, s.prefix)
		if value := w.take(path); within && value != nil {
			out = appendMember(out, name, value)
		} else if value != nil {
			w.loose[path] = value
		}
	}
	return append(out, '}')
}

// take returns an unknown field and forgets it, nil where there is none.
func (w *rebuilder) take(path string) []byte {
	value := w.loose[path]
	delete(w.loose, path)
	return value
}

// value returns the JSON of a field, nil where there is none. What its column does not
// hold as it was stands among the unknown fields.
func (w *rebuilder) value(f *field, prefix string, b *trailhouse.Batch, row int) []byte {
	if raw := w.take(prefix + f.name); raw != nil {
		return raw
	}
	if f.form == asGroup && f.name == "timeWindow" {
		return w.object(f.shape, b, row)
	}
	switch {
	case f.form == asNote:
		return nil
	case b.IsNull(f.col, row):
		if f.name == "requestParameters" || f.name == "responseElements" {
			return []byte("null") // which records always have (facts/cloudtrail.md 2.1)
		}
		return nil
	}
	switch f.form {
	case asBool:
		return fmt.Appendf(nil, "%t", b.Bool(f.col, row))
	case asTime:
		return quote([]byte(b.Time(f.col, row).Format(time.RFC3339Nano)))
	case asMap:
		return rebuildMap(b, f.col, row)
	case asGroup:
		from, _ := b.Rows(f.col, row)
		return w.object(f.shape, b.Child(f.col), from)
	case asGroups:
		return w.array(f, b, row)
	}
	return quote(b.Text(f.col, row))
}

// array returns the JSON of a list of objects. Elements that are none stand among the
// unknown fields.
func (w *rebuilder) array(f *field, b *trailhouse.Batch, row int) []byte {
	out := []byte{'['}
	from, to := b.Rows(f.col, row)
	for k := 0; ; k++ {
		value := w.take(fmt.Sprintf("%s[%d]", f.name, k))
		if value == nil && from == to {
			return append(out, ']')
		}
		if value == nil {
			element := *f.shape
			element.prefix = fmt.Sprintf("%s[%d].", f.name, k)
			value = w.object(&element, b.Child(f.col), from)
			from++
		}
		if k > 0 {
			out = append(out, ',')
		}
		out = append(out, value...)
	}
}

// rebuildMap returns the JSON of a map.
func rebuildMap(b *trailhouse.Batch, col, row int) []byte {
	out := []byte{'{'}
	m := b.Child(col)
	from, to := b.Rows(col, row)
	for i := from; i < to; i++ {
		value := []byte("null")
		if !m.IsNull(1, i) {
			if value = m.Text(1, i); isText(m.String(0, i), value) {
				value = quote(value)
			}
		}
		out = appendMember(out, m.String(0, i), value)
	}
	return append(out, '}')
}

// looksLikeJSON reports whether a map's value may have been something else than a text.
func looksLikeJSON(v []byte) bool {
	return len(v) > 0 && v[0] != '"' && v[0] != 'n' && v[0] > ' ' && json.Valid(v)
}

// isText reports whether a map's value was a text, as far as it shows.
func isText(name string, v []byte) bool {
	if !looksLikeJSON(v) {
		return true
	}
	switch c := v[0]; {
	case c == '{' || c == '[':
		return strings.HasSuffix(name, "olicy") || strings.HasSuffix(name, "ocument") || len(tape.Compact(nil, v)) < len(v)
	case c == 't' || c == 'f':
		return false
	case c == '-' || isDigit(c):
		return isNumber(string(v), 12)
	}
	return true
}

// appendMember appends a member to an object that is not closed yet.
func appendMember(out []byte, name string, value []byte) []byte {
	if len(out) > 1 {
		out = append(out, ',')
	}
	out = append(out, quote([]byte(name))...)
	return append(append(out, ':'), value...)
}

// quote returns a text as a JSON string, with < and & as they are.
func quote(text []byte) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(string(text)); err != nil {
		panic("BUG: " + err.Error())
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
