package enclavelog

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// hole is where lines of one instance may be missing from a unit, because records of
// it are damaged: from the last good record before the first of them to the first good
// one behind the last. Times are in microseconds.
type hole struct {
	rejected bool // something was
	lossy    bool // a record may be lost, not only the rest of one
	last     reach
	from     int64
	bounded  bool // from is known
	through  int64
	closed   bool // through is known
}

// good notes a good record of the nitro-cli log.
func (h *hole) good(micros int64) {
	if h.lossy && !h.closed {
		h.closed, h.through = true, micros
	}
	h.last = reach{any: true, from: micros, to: micros}
}

// bad notes a damaged piece. One that is lossy may have been a record: its header or
// its meaning is lost with it. The rest of a record means nothing (its first line
// alone decides), so that a log which was cut in the middle of one has no hole there.
func (h *hole) bad(lossy bool) {
	h.rejected = true
	if !lossy {
		return
	}
	if !h.lossy {
		h.lossy, h.bounded, h.from = true, h.last.any, h.last.from
	}
	h.closed = false
}

// bad notes a damaged piece of a stream: of its instance, or of every one of the unit
// where the stream names none.
func (r *reader) bad(st *stream, lossy bool) {
	if st.instance != "" {
		r.holes[st.number].bad(lossy)
		return
	}
	if st.nobody {
		return // told as such
	}
	r.lost = r.lost || lossy
	for i := range r.holes {
		r.holes[i].bad(lossy)
	}
}

// coverHole tells where lines of the instance may be missing. Damage that loses no
// record has no extent: it begins where it ends.
func (r *reader) coverHole(number int, id trailhouse.InstanceID) {
	h := &r.holes[number]
	if !h.rejected {
		return
	}
	c := trailhouse.Coverage{Source: Name, Scope: string(id), Object: r.object, Result: trailhouse.CoverageDamaged}
	logs, journals := r.reach[0][number], r.reach[1][number]
	switch {
	case !logs.any && journals.any:
		c.Source, c.Detail = JournalName, "lines of the allocator's journal may be missing"
	case !h.lossy:
		if h.last.any {
			c.From, c.Through = instant(logs.from), instant(logs.from)
		}
		c.Detail = "only continuation lines, no record is missing"
	default:
		c.From, c.Through = h.span(r.unit.Modified)
		c.Detail = "lines of the log may be missing " + stretch(c.From, c.Through)
	}
	r.sink.Cover(c)
}

// span returns the beginning and the end of the hole, zero where it has none. A hole
// within one millisecond, to which records are known, is one long. Behind the last
// good record, lines were written before the unit's last write.
func (h *hole) span(modified time.Time) (from, through time.Time) {
	if h.bounded {
		from = instant(h.from)
	}
	switch {
	case h.closed:
		through = instant(h.through)
	case modified.After(from):
		through = modified.UTC()
	}
	if h.bounded && h.closed {
		if through.Before(from) { // another clock, or lines out of order
			from, through = through, from
		}
		if from.Equal(through) {
			through = through.Add(time.Millisecond)
		}
	}
	return from, through
}

func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// stretch says in words from when to when.
func stretch(from, through time.Time) string {
	const form = "2006-01-02T15:04:05.000Z"
	words := "from the beginning"
	if !from.IsZero() {
		words = "from " + from.Format(form)
	}
	if through.IsZero() {
		return words + " on"
	}
	return words + " to " + through.Format(form)
}

// coverNobody tells of damage in a unit in which no stream has an instance: the host
// is then the one in its path, if any.
func (r *reader) coverNobody(instances []trailhouse.InstanceID) {
	if !r.lost || len(instances) > 0 {
		return
	}
	c := trailhouse.Coverage{
		Source: Name, Scope: string(r.source.scope(r.unit.Object)), Object: r.object, Result: trailhouse.CoverageDamaged,
		Through: r.unit.Modified.UTC(),
	}
	if r.unit.Modified.IsZero() {
		c.Through = time.Time{}
	}
	c.Detail = "lines of the log may be missing " + stretch(c.From, c.Through)
	r.sink.Cover(c)
}

// scope returns the host of a unit of which nothing was read: the one in its path,
// else the one that the user gave.
func (s *Source) scope(object string) trailhouse.InstanceID {
	return cmp.Or(instanceIn(object), s.options.Instance)
}

// Scope returns the instance of a unit that could not be read, empty where neither its
// path nor the user names one.
func (s *Source) Scope(u trailhouse.Unit) string { return string(s.scope(u.Object)) }

// coverNameless tells of the streams that name no host: of no scope, since their
// records may be anyone's.
func (r *reader) coverNameless() {
	var names []string
	for _, st := range r.survey.streams {
		if st.nobody && len(names) < maxInstances {
			names = append(names, strconv.Quote(st.name))
		}
	}
	if len(names) > 0 {
		r.sink.Cover(trailhouse.Coverage{
			Source: Name, Object: r.object, Result: trailhouse.CoverageDamaged,
			Detail: "log streams that do not tell their instance, import them with --instance: " + strings.Join(names, ", "),
		})
	}
}
