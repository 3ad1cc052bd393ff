package enclavelog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/cloudwatch"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/scan"
)

// maxPending is how much text of unfinished records all streams of a unit may hold
// together.
const maxPending = 64 << 20

// reader is the second pass over a unit: it joins lines to records and writes rows.
type reader struct {
	ctx     context.Context
	source  *Source
	unit    trailhouse.Unit
	object  string             // the unit's name as UTF-8
	from    string             // what rows call the object: the same, or the stream of which the unit is a window
	window  *cloudwatch.Window // nil for an object
	survey  *survey
	sink    trailhouse.Sink
	keys    keys
	pending int
	failed  error      // of the sink, to be returned unchanged
	reach   [2][]reach // of logs and of journals, by number of the instance
	holes   []hole     // by number of the instance
	lost    bool       // something was damaged in a stream without an instance
}

// reach is the first and the last instant of rows, in microseconds.
type reach struct {
	any      bool
	from, to int64
}

func (r *reach) add(micros int64) {
	if !r.any {
		*r = reach{true, micros, micros}
	}
	r.from, r.to = min(r.from, micros), max(r.to, micros)
}

func newReader(ctx context.Context, s *Source, u trailhouse.Unit, sv *survey, sink trailhouse.Sink, instances int) *reader {
	return &reader{
		ctx: ctx, source: s, unit: u, object: printable(u.Object), from: printable(u.Object), survey: sv, sink: sink,
		reach: [2][]reach{make([]reach, instances), make([]reach, instances)}, holes: make([]hole, instances),
	}
}

// run reads the unit to its end; pieces gives its lines.
func (r *reader) run(pieces func(give func(*piece) error) error) error {
	if err := pieces(r.piece); r.failed != nil {
		return r.failed
	} else if err != nil {
		return r.changed(err)
	}
	for _, st := range r.survey.streams {
		if st.joiner == nil {
			continue
		}
		if err := st.joiner.finish(); err != nil {
			return err
		}
	}
	return nil
}

// pieces gives the lines of an object for the second time.
func (s *survey) pieces(o *objects.Object, give func(*piece) error) error {
	if !s.json {
		return eachLine(o.Reader(), give)
	}
	e := newEvents(o.Reader(), s)
	e.give = give
	return e.each()
}

// changed tells damage that the first pass did not see: someone wrote over the file.
// It is no damage of the unit, since rows of it may be written already.
func (r *reader) changed(err error) error {
	var known *trailhouse.Error
	if scan.IsSyntax(err) || errors.As(err, &known) && known.Code == trailhouse.CodeDamaged {
		return trailhouse.Errorf(trailhouse.CodeConflict, "%s was changed while it was read: %w", r.unit.Object, err).
			WithHint("import it again; what was read is not read twice")
	}
	return err
}

// piece takes one line to the joiner of its stream.
func (r *reader) piece(p *piece) error {
	switch {
	case p.passed:
		r.sink.Filter(1)
		return nil
	case fromAgent(p):
		return r.survey.unwrap(p, r.piece)
	}
	st, err := r.survey.stream(p.stream)
	if err != nil {
		return err
	}
	if st.joiner == nil {
		st.joiner = &joiner{reader: r, stream: st, years: years{year: st.year}}
	}
	return st.joiner.piece(p)
}

// write writes the row of one record. A stream that the first pass did not know has
// no instance.
func (r *reader) write(j *joiner) error {
	if j.stream.nobody {
		r.refuse(j)
		return nil
	}
	if j.stream.instance == "" {
		return r.changed(&scan.SyntaxError{Offset: j.position, What: "a record where there was none"})
	}
	ordinal := r.survey.ordinal(j)
	if j.held == sortEntry {
		r.reach[1][j.stream.number].add(j.micros)
		r.writeEntry(j, ordinal)
	} else {
		r.reach[0][j.stream.number].add(j.record.Micros)
		r.writeRecord(j, ordinal)
	}
	r.failed = r.sink.Next(r.ctx)
	return r.failed
}

// refuse rejects the record of a stream that names no host.
func (r *reader) refuse(j *joiner) {
	text := slices.Clone(j.first)
	if j.lines > 0 {
		text = append(append(text, '\n'), j.more...)
	}
	name := "without a name"
	if j.stream.name != "" {
		name = j.stream.name
	}
	r.reject(trailhouse.Rejected{
		Position: j.position, Length: j.end - j.position, Content: text[:min(len(text), trailhouse.MaxRejected)], SHA256: sha256.Sum256(text),
		Reason: "log stream " + name + " does not tell which instance it comes from, neither by its name nor by an enclave id: import it with --instance",
	})
}

// reject puts a piece of the unit into quarantine. Positions in a window are no bytes, so
// that its pieces are as long as they are; the next window holds them too, and they are
// known by their stream.
func (r *reader) reject(x trailhouse.Rejected) {
	if r.window != nil {
		x.Object = r.from
		if len(x.Content) < trailhouse.MaxRejected {
			x.Length = int64(len(x.Content))
		}
	}
	r.sink.Reject(x)
}

// cover notes how far the unit reaches for each instance.
func (r *reader) cover(instances []trailhouse.InstanceID) {
	none := true
	for number, id := range instances {
		for i, source := range []string{Name, JournalName} {
			span := r.reach[i][number]
			if !span.any {
				continue
			}
			none = false
			c := trailhouse.Coverage{
				Source: source, Scope: string(id), Object: r.object, Result: trailhouse.CoverageRead,
				From: time.UnixMicro(span.from).UTC(), Through: time.UnixMicro(span.to).UTC(),
			}
			if i == 0 {
				c.Detail = r.otherHosts(id)
			}
			if through := r.source.options.CompleteThrough; source == Name && through.After(c.Through) {
				c.Through = through.UTC()
			}
			r.sink.Cover(c)
		}
	}
	if none {
		r.source.cover(r.sink, r.unit, "no whole record in it")
	}
	for number, id := range instances {
		r.coverHole(number, id)
	}
	r.coverNobody(instances)
	r.coverNameless()
}

// columns are the places of the columns in both tables.
type columns struct {
	log struct {
		id, instance, time, logger, pid, slot, level, file, line, message, continuation, ordinal, object, position, unit int
	}
	allocator struct {
		id, instance, time, host, identifier, pid, message, ordinal, object, position, unit int
	}
}

func columnsOf(log, allocator *trailhouse.Table) columns {
	var c columns
	l, a := &c.log, &c.allocator
	for name, at := range map[string]*int{
		"record_id": &l.id, "instance_id": &l.instance, "time": &l.time, "logger": &l.logger, "pid": &l.pid, "slot": &l.slot,
		"level": &l.level, "file": &l.file, "line": &l.line, "message": &l.message, "continuation": &l.continuation,
		"ordinal": &l.ordinal, "object": &l.object, "position": &l.position, "unit_id": &l.unit,
	} {
		*at = log.MustIndex(name)
	}
	for name, at := range map[string]*int{
		"record_id": &a.id, "instance_id": &a.instance, "time": &a.time, "host": &a.host, "identifier": &a.identifier,
		"pid": &a.pid, "message": &a.message, "ordinal": &a.ordinal, "object": &a.object, "position": &a.position, "unit_id": &a.unit,
	} {
		*at = allocator.MustIndex(name)
	}
	return c
}

func (r *reader) writeRecord(j *joiner, ordinal int64) {
	b, c, rec := r.sink.Batch(r.source.log), &r.source.columns.log, &j.record
	b.SetKey(c.id, r.keys.record(j.stream.instance, j.first, ordinal))
	b.SetString(c.instance, string(j.stream.instance))
	b.SetMicros(c.time, rec.Micros)
	b.SetText(c.logger, rec.Logger)
	if rec.HasPid {
		b.SetInt(c.pid, rec.Pid)
	}
	if rec.Slot != nil {
		b.SetText(c.slot, rec.Slot)
	}
	b.SetText(c.level, rec.Level)
	b.SetText(c.file, rec.File)
	b.SetInt(c.line, rec.Line)
	b.SetText(c.message, rec.Message)
	if j.lines > 0 {
		b.SetText(c.continuation, j.more)
	}
	b.SetInt(c.ordinal, ordinal)
	b.SetString(c.object, r.from)
	b.SetInt(c.position, j.position)
	b.SetString(c.unit, r.unit.ID)
	b.EndRow()
}

func (r *reader) writeEntry(j *joiner, ordinal int64) {
	b, c, e := r.sink.Batch(r.source.allocator), &r.source.columns.allocator, &j.entry
	b.SetKey(c.id, r.keys.entry(j.stream.instance, j.micros, j.first, ordinal))
	b.SetString(c.instance, string(j.stream.instance))
	b.SetMicros(c.time, j.micros)
	b.SetText(c.host, e.host)
	b.SetText(c.identifier, e.identifier)
	if e.hasPid {
		b.SetInt(c.pid, e.pid)
	}
	message := e.message
	if j.lines > 0 {
		message = []byte(fmt.Sprintf("%s\n%s", e.message, j.more))
	}
	b.SetText(c.message, message)
	b.SetInt(c.ordinal, ordinal)
	b.SetString(c.object, r.from)
	b.SetInt(c.position, j.position)
	b.SetString(c.unit, r.unit.ID)
	b.EndRow()
}
