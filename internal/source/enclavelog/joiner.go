package enclavelog

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/scan"
)

// state says where a line without a header goes.
type state uint8

const (
	stateNone    state = iota // nothing came before it
	stateHeld                 // to the record under way
	stateDropped              // to a line that is filtered
	stateRefused              // to damaged lines whose end is not known yet
)

// maxRecord is how much text a record may have, in bytes. Of what goes on behind it
// nothing can be kept with it, so it is told.
const maxRecord = 1 << 20

// The reasons of quarantine.
const (
	reasonHalf    = "half record: the last line has no line end; import again when the file has grown"
	reasonBroken  = "broken header: not [logger][LEVEL][time][file:line] message"
	reasonCut     = "half record: another one begins on the same line"
	reasonOrphan  = "no header before it: the rest of a record whose beginning is missing"
	reasonUTF8    = "not UTF-8"
	reasonZero    = "zero byte in the line"
	reasonTooLong = "goes on behind a record of 1 MiB"
)

// joiner joins the lines of one stream to records. The first line of a record alone
// decides what it is and what it means, since several writers and CloudWatch's equal
// timestamps put lines behind the wrong record.
type joiner struct {
	reader *reader
	stream *stream
	state  state
	line   line
	spare  []byte // the text of line
	export bool   // lines carry the time of an export task
	years  years

	held     sort // of the record under way: sortRecord, sortEntry, or sortOther for none
	first    []byte
	record   Record
	entry    entry
	micros   int64 // of entry
	position int64
	end      int64
	more     []byte                // further lines, joined by line feeds
	lines    int                   // how many
	agent    *trailhouse.AgentLine // that carried it, nil for none
	blanks   int                   // blank lines that may turn out to be the end
	size     int                   // of more, as the reader's pending counts it

	refused refusal
}

// refusal is damaged lines in a row.
type refusal struct {
	reason     string // empty while there is none
	text       scan.Bounded
	start, end int64
	blanks     int
}

// piece takes the next line of the stream.
func (j *joiner) piece(p *piece) error {
	if p.broken != "" {
		return j.broken(p)
	}
	l := j.sorted(p)
	switch {
	case l.sort == sortOther || l.sort == sortBlank:
		j.follow(p)
		return nil
	case j.state != stateNone:
		if err := j.finish(); err != nil {
			return err
		}
	}
	if l.sort == sortBroken {
		if at, ok := recordIn(p.text); ok {
			return j.split(*p, at)
		}
	}
	j.begin(p)
	return nil
}

// split takes a line that holds a half record and behind it a whole one.
func (j *joiner) split(p piece, at int) error {
	front := p.cut(at, reasonCut)
	if err := j.broken(&front); err != nil {
		return err
	}
	return j.piece(&p)
}

// sorted copies and sorts a line. In the text of an export task each line has a time
// before it, of which only the file's records give proof.
func (j *joiner) sorted(p *piece) *line {
	j.spare = append(j.spare[:0], p.text...)
	l := &j.line
	l.read(j.spare)
	if l.prefixed && l.sort != sortOther {
		j.export = true
	}
	if j.export && l.prefixed && l.sort == sortOther {
		l.body = l.rest
		if len(bytes.TrimSpace(l.rest)) == 0 {
			l.sort = sortBlank
		}
	}
	if l.sort == sortOther && p.open && (l.body[0] == '[' || l.body[0] == '{') {
		l.sort = sortBroken // cut before it could be known as a header
	}
	return l
}

// begin takes a line that belongs to nothing before it.
func (j *joiner) begin(p *piece) {
	l := &j.line
	reason := l.flaw(p.open)
	switch l.sort {
	case sortMarker:
		j.drop()
		return
	case sortEntry:
		at, exists := j.dated(p)
		if !l.entry.isAllocator() {
			j.drop()
			return
		}
		if !exists && reason == "" {
			reason = fmt.Sprintf("no 29 February in %d; give the year with --year", at.AddDate(0, 0, -1).Year())
		}
		j.entry, j.micros = l.entry, at.UnixMicro()
	case sortRecord:
		j.record = l.record
	}
	if reason != "" {
		j.reader.bad(j.stream, true)
		j.refuse(p, reason)
		return
	}
	if l.sort == sortRecord && j.stream.instance != "" {
		j.reader.holes[j.stream.number].good(l.record.Micros)
	}
	j.state, j.held, j.position = stateHeld, l.sort, p.start
	j.end, j.agent = p.end, p.agent
	j.first, j.spare = l.body, j.first
}

// drop counts a line that is no evidence.
func (j *joiner) drop() {
	j.state = stateDropped
	j.reader.sink.Filter(1)
}

// dated returns the instant of a journal line: in the year that is nearest to the
// agent's clock where there is one, else in the one that follows from the lines
// before. It reports false where that year has no such day.
func (j *joiner) dated(p *piece) (time.Time, bool) {
	e, zone := &j.line.entry, j.reader.source.options.Location
	switch {
	case p.hasAt:
		return e.near(time.UnixMicro(p.at), zone)
	case j.line.prefixed:
		return e.near(time.UnixMicro(j.line.at), zone)
	}
	return e.in(j.years.next(e), zone)
}

// flaw returns why a line cannot be the first of a record, or nothing.
func (l *line) flaw(open bool) string {
	switch {
	case open && (l.sort == sortBroken || l.sort == sortRecord && !isWhole(string(l.record.Message)) ||
		l.sort == sortEntry && !isWhole(string(l.entry.message))):
		return reasonHalf
	case l.sort == sortBroken:
		return reasonBroken
	}
	return flawOf(l.body)
}

// flawOf returns why a text cannot be kept as text, or nothing.
func flawOf(text []byte) string {
	switch {
	case bytes.IndexByte(text, 0) >= 0:
		return reasonZero
	case !utf8.Valid(text):
		return reasonUTF8
	}
	return ""
}

// follow takes a line that goes with what stands before it.
func (j *joiner) follow(p *piece) {
	blank := j.line.sort == sortBlank
	switch j.state {
	case stateHeld:
		j.join(p, blank)
	case stateRefused:
		j.refused.add(p, blank)
	case stateNone:
		switch {
		case blank:
		case j.reader.window != nil && !j.reader.window.From.IsZero():
			j.drop() // its record was read with the window before
		default:
			j.reader.bad(j.stream, false)
			j.refuse(p, reasonOrphan)
		}
	}
}

// join adds a line to the record under way. A damaged one is told alone: it may be
// another record's, and the first line is good.
func (j *joiner) join(p *piece, blank bool) {
	text := j.line.body
	if blank {
		j.blanks++
		return
	}
	if reason := flawOf(text); reason != "" {
		j.reader.bad(j.stream, true)
		j.reader.reject(trailhouse.Rejected{
			Position: p.start, Length: p.end - p.start, Reason: reason, Content: slices.Clone(p.text), SHA256: sha256.Sum256(p.text),
		})
		return
	}
	grown := j.blanks + len(text) + 1
	if len(j.first)+len(j.more)+grown > maxRecord || j.reader.pending+grown > maxPending {
		j.reader.bad(j.stream, false)
		j.refuse(p, reasonTooLong)
		return
	}
	j.reader.pending += grown
	j.size += grown
	j.end = p.end
	for ; j.blanks > 0; j.blanks-- {
		j.add(nil)
	}
	j.add(text)
}

func (j *joiner) add(text []byte) {
	if j.lines > 0 {
		j.more = append(j.more, '\n')
	}
	j.more = append(j.more, text...)
	j.lines++
}

// broken tells a piece that is no line. Where it began as a header, what follows it is
// not the record's before it.
func (j *joiner) broken(p *piece) error {
	if isHeaderLike(p.text) {
		if err := j.finish(); err != nil {
			return err
		}
		j.state = stateNone
	}
	j.reader.bad(j.stream, true)
	j.reader.reject(trailhouse.Rejected{
		Position: p.start, Length: p.end - p.start, Reason: p.broken, Content: slices.Clone(p.text), SHA256: p.hash,
	})
	return nil
}

// refuse begins a run of damaged lines.
func (j *joiner) refuse(p *piece, reason string) {
	j.tell()
	j.state = stateRefused
	j.refused.reason, j.refused.start, j.refused.end = reason, p.start, p.end
	j.refused.text.Write(p.text)
}

// add adds a line to a run of damaged lines.
func (r *refusal) add(p *piece, blank bool) {
	if blank {
		r.blanks++
		return
	}
	for ; r.blanks > 0; r.blanks-- {
		r.text.Write([]byte("\n"))
	}
	r.text.Write([]byte("\n"))
	r.text.Write(p.text)
	r.end = p.end
}

// tell ends a run of damaged lines.
func (j *joiner) tell() {
	r := &j.refused
	if r.reason == "" {
		return
	}
	j.reader.reject(trailhouse.Rejected{
		Position: r.start, Length: r.end - r.start, Reason: r.reason, Content: slices.Clone(r.text.Kept), SHA256: r.text.Hash(),
	})
	r.reason, r.blanks = "", 0
	r.text.Reset()
}

// finish ends the record under way and the run of damaged lines.
func (j *joiner) finish() error {
	var err error
	if j.held != sortOther {
		err = j.reader.write(j)
	}
	j.reader.pending -= j.size
	j.held, j.more, j.lines, j.blanks, j.size = sortOther, j.more[:0], 0, 0, 0
	j.tell()
	return err
}
