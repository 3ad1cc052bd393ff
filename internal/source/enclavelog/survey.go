package enclavelog

import (
	"bytes"
	"io"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/ordinals"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/scan"
)

// survey is what the first pass over a unit found: whether it is whole, what it is,
// and what the second pass must know before its first row.
type survey struct {
	json    bool
	lines   bool   // JSON, one value for each line
	empty   bool   // there is nothing in it at all
	packed  string // a form that is not read, where it is one
	pages   int64
	events  int64
	broken  []span
	streams []*stream
	byName  map[string]*stream
	last    *stream // of the piece before
	seen    *ordinals.Ordinals
	line    line
	found   bool // something in it is a log or a journal
	agent   bool // it may hold lines of the host agent
}

// stream is one log stream of CloudWatch, or the only one of a file of text.
type stream struct {
	name     string
	index    int
	rows     bool // has lines that become rows
	records  bool // of the nitro-cli log, not only of the journal
	nobody   bool // names no host: its records are rejected
	ids      []trailhouse.InstanceID
	years    years
	entry    entry // the last journal line that needs a year
	undated  bool  // has such lines
	instance trailhouse.InstanceID
	number   int     // of the instance within the unit
	year     int     // of the first journal line
	joiner   *joiner // of the second pass
}

// The most streams and instances that one unit may name. A stream costs memory for
// its unfinished record.
const (
	maxStreams   = 1 << 16
	maxInstances = 8
)

// headSize is how much of a unit decides which forms are tried.
const headSize = 64 << 10

// inspect makes the first pass over an object. It fails with CodeDamaged or CodeLimit
// where the container is damaged, and then no row of it is read.
func inspect(o *objects.Object) (*survey, error) {
	head := make([]byte, headSize)
	n, err := io.ReadFull(o.Reader(), head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	head = head[:n]
	asJSON := startsJSON(head) && !isAgent(head)
	s, err := tryForm(o, head, asJSON)
	if err != nil || s.found || !mayBeOther(head, asJSON) {
		return s, err
	}
	other, err := tryForm(o, head, !asJSON)
	if err != nil || other.found {
		return other, err
	}
	return s, nil
}

// mayBeOther reports whether a unit in which one form found nothing may be of the
// other: JSON lines whose first is damaged, or a log whose first line begins as JSON.
// An array is never a log, though its first event looks like a header.
func mayBeOther(head []byte, asJSON bool) bool {
	if asJSON {
		return bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\ufeff")))[0] == '{'
	}
	return bytes.Contains(head, []byte(`"message"`))
}

// tryForm reads the object as JSON or as text.
func tryForm(o *objects.Object, head []byte, asJSON bool) (*survey, error) {
	s := &survey{json: asJSON, lines: isLines(head), empty: len(head) == 0, packed: packing(head), byName: map[string]*stream{}, seen: ordinals.New(o.Most()), agent: asJSON || isAgent(head)}
	err := s.run(o)
	s.seen.Done()
	return s, err
}

// run reads the object to its end.
func (s *survey) run(o *objects.Object) error {
	if !s.json {
		return eachLine(o.Reader(), s.piece)
	}
	e := newEvents(o.Reader(), s)
	e.learn, e.give = true, s.piece
	err := e.each()
	s.pages, s.events, s.broken = e.pages, e.found, e.broken
	s.found = s.found || e.pages > 0 && e.found == 0
	if err == nil || !scan.IsSyntax(err) {
		return err
	}
	if !s.found && e.pages == 0 && !e.cloud {
		return nil // some other JSON
	}
	return trailhouse.Errorf(trailhouse.CodeDamaged, "%s is no whole JSON document: %w", o.File().Path, err).
		WithHint("export it again; nothing of it was imported")
}

// newEvents returns a reader of the survey's form of JSON.
func newEvents(r io.Reader, s *survey) *events {
	e := &events{s: scan.New(r), broken: s.broken}
	e.s.OneLine = s.lines
	return e
}

// piece notes one line.
func (s *survey) piece(p *piece) error {
	if p.passed {
		s.found = true
		return nil
	}
	if p.broken != "" {
		return s.brokenPiece(p)
	}
	if fromAgent(p) {
		return s.unwrap(p, s.piece)
	}
	st, err := s.stream(p.stream)
	if err != nil {
		return err
	}
	// Most lines of a long log are of no further interest once it is known to be one.
	if st.rows && len(p.text) > 0 && p.text[0] == '[' && !bytes.Contains(p.text, []byte("] "+enclaveIDText)) {
		s.note(p, p.text)
		st.records = true
		return nil
	}
	s.line.read(p.text)
	switch s.line.sort {
	case sortRecord:
		s.found, st.rows, st.records = true, true, true
		s.note(p, s.line.body)
		st.names(instanceOf(&s.line.record))
		if p.agent != nil && p.agent.Instance.Valid() {
			st.names(p.agent.Instance)
		}
	case sortEntry:
		s.found = true
		s.journal(st, p)
	case sortBroken:
		s.found = true
		if at, ok := recordIn(p.text); ok {
			back := *p
			back.text = p.text[at:]
			return s.piece(&back)
		}
	case sortMarker:
		s.found = true
	}
	return nil
}

// note notes the first line of a record for its ordinal. The host agent tells it.
func (s *survey) note(p *piece, line []byte) {
	if p.agent == nil {
		s.seen.Note(line)
	}
}

// ordinal returns the ordinal of the record under way.
func (s *survey) ordinal(j *joiner) int64 {
	if j.agent != nil {
		return j.agent.Ordinal
	}
	return s.seen.Next(j.stream.index, j.first)
}

// brokenPiece takes a piece that is no line: a header at its beginning still shows
// that this is a log.
func (s *survey) brokenPiece(p *piece) error {
	s.found = s.found || isHeaderLike(p.text)
	return nil
}

// stream returns the stream of the name.
func (s *survey) stream(name []byte) (*stream, error) {
	if s.last != nil && s.last.name == string(name) {
		return s.last, nil
	}
	st := s.byName[string(name)]
	if st == nil {
		if len(s.streams) == maxStreams {
			return nil, trailhouse.Errorf(trailhouse.CodeLimit, "more than %d log streams in one file", maxStreams).
				WithHint("export fewer streams into one file")
		}
		st = &stream{name: string(name), index: len(s.streams)}
		s.streams = append(s.streams, st)
		s.byName[st.name] = st
	}
	s.last = st
	return st, nil
}

// journal notes a line of the journal.
func (s *survey) journal(st *stream, p *piece) {
	e := &s.line.entry
	if !p.hasAt && !s.line.prefixed {
		st.undated = true
		st.years.next(e)
		st.entry = *e
	}
	if e.isAllocator() {
		st.rows = true
		s.seen.Note(s.line.body)
	}
}

// names notes an instance that the stream's own enclaves name.
func (st *stream) names(id trailhouse.InstanceID) {
	if id != "" && len(st.ids) < maxInstances && !slices.Contains(st.ids, id) {
		st.ids = append(st.ids, id)
	}
}

// date sets the year of the stream's first journal line: the one that was asked for,
// or the one from which the last line's year follows.
func (st *stream) date(year int, written time.Time, zone *time.Location) {
	switch {
	case !st.undated:
	case year != 0:
		st.year = year
	default:
		st.year = lastYear(&st.entry, written, zone) - st.years.year
	}
}

// kindOf says in words what the unit is, where it is no log.
func (s *survey) kindOf() string {
	if s.packed != "" {
		return "it is " + s.packed + ", which is not read"
	}
	form := "text"
	if s.json {
		form = "JSON"
	}
	return "no header of nitro-cli and no line of the journal in it (" + form + ")"
}

const gzipTwice = "compressed with gzip twice"

// packing names the form of a file from its first bytes, where it is one in which a
// log may be packed and which is not read.
func packing(head []byte) string {
	for _, form := range [][2]string{
		{"\xfd7zXZ", "compressed with xz"}, {"\x28\xb5\x2f\xfd", "compressed with zstd"}, {"BZh", "compressed with bzip2"},
		{"PK\x03\x04", "a zip archive"}, {"\x1f\x8b", gzipTwice}, {"\xff\xfe", "text in UTF-16"}, {"\xfe\xff", "text in UTF-16"},
	} {
		if bytes.HasPrefix(head, []byte(form[0])) {
			return form[1]
		}
	}
	return ""
}
