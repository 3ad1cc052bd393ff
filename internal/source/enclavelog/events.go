package enclavelog

import (
	"bytes"
	"fmt"
	"io"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/scan"
)

// event is one event of CloudWatch Logs: the agent makes one of each physical line
// unless it is told otherwise, so a record of several lines is several events
// (facts/nitro.md 2.2). Its timestamp is the agent's clock, not the record's.
type event struct {
	stream     scan.Bounded
	message    scan.Bounded
	id         scan.Bounded // of an event within an envelope
	hasMessage bool
	at         int64 // milliseconds
	hasAt      bool
	start, end int64
}

// span is a stretch of the inflated object that is no JSON.
type span struct {
	start, end int64
	reason     string
}

// maxBroken is how many broken lines a file of JSON lines may have before it is not
// one.
const maxBroken = 100_000

// events reads JSON as the aws command prints it (filter-log-events, get-log-events),
// such events line by line, or an array of them, in any mixture, and gives the lines
// of their messages.
type events struct {
	s    *scan.Scanner
	give func(*piece) error
	key  scan.Bounded
	ev   event
	out  piece // one for all, since it escapes
	// pages and found count documents with "events" and the events in them; cloud says
	// that something has the name of a log stream.
	pages, found int64
	cloud        bool
	// learn says that this is the first pass, which notes in broken which lines are
	// none; the second pass is told by it.
	learn  bool
	broken []span
	// envelope holds the events of the envelope under way, nil outside of one; given are
	// the envelopes that were given, by a hash of what they hold.
	envelope *envelope
	given    map[[32]byte]bool
}

// kind is what a JSON value turned out to be.
type kind uint8

const (
	kindOther kind = iota
	kindPage
	kindEvent
)

// each reads the stream to its end. In JSON lines a broken line is noted and the
// next is read; elsewhere a syntax error is returned.
func (e *events) each() error {
	good, next := 0, 0
	for {
		if err := e.s.Gap(); err == io.EOF {
			return e.verdict(good)
		} else if err != nil {
			return err
		}
		if !e.learn && next < len(e.broken) && e.s.Offset() >= e.broken[next].start {
			if err := e.refuse(e.broken[next]); err != nil {
				return err
			}
			next++
			continue
		}
		start := e.s.Offset()
		kind, err := e.value(0)
		if err == nil && kind == kindOther {
			err = e.other(start)
		}
		if err == nil {
			good++
			continue
		}
		if !e.learn || !e.s.OneLine || !scan.IsSyntax(err) || len(e.broken) == maxBroken {
			return err
		}
		if lineErr := e.s.Line(); lineErr != nil {
			return lineErr
		}
		e.broken = append(e.broken, span{start: start, end: e.s.Offset(), reason: err.Error()})
	}
}

// verdict returns the error of a file of JSON lines of which none is one.
func (e *events) verdict(good int) error {
	if good == 0 && len(e.broken) > 0 && e.learn {
		return &scan.SyntaxError{Offset: e.broken[0].start, What: e.broken[0].reason}
	}
	return nil
}

// refuse gives a broken line as such.
func (e *events) refuse(b span) error {
	e.ev.message.Reset()
	p := piece{start: e.s.Offset(), end: b.end, broken: "broken line of JSON: " + b.reason}
	if err := e.s.Take(b.end, &e.ev.message); err != nil {
		return err
	}
	p.text, p.hash = e.ev.message.Kept, e.ev.message.Hash()
	return e.give(&p)
}

// value reads one value in which events may lie.
func (e *events) value(depth int) (kind, error) {
	c, err := e.s.Token()
	if err != nil {
		return kindOther, err
	}
	switch {
	case c == '[' && depth < 4:
		return kindPage, e.s.List('[', ']', func() error { return e.item(depth + 1) })
	case c == '{':
		return e.document(depth)
	}
	return kindOther, e.s.Skip(&e.key, depth)
}

// item reads one item of a list of events. One that is none is told.
func (e *events) item(depth int) error {
	if _, err := e.s.Token(); err != nil {
		return err
	}
	start := e.s.Offset()
	kind, err := e.value(depth)
	if err == nil && kind == kindOther {
		err = e.give(e.empty(start))
	}
	return err
}

// other tells a value that is neither event nor page: a line of JSON lines as broken,
// so that its bytes are kept, another one where it stands.
func (e *events) other(start int64) error {
	if e.s.OneLine {
		return &scan.SyntaxError{Offset: start, What: "no event of CloudWatch Logs"}
	}
	return e.give(e.empty(start))
}

// empty is the piece of a value that holds no message.
func (e *events) empty(start int64) *piece {
	return &piece{start: start, end: e.s.Offset(), broken: "no event of CloudWatch Logs: it has no message", hash: (&scan.Bounded{}).Hash()}
}

// document reads an object: an event, a page of events, or neither.
func (e *events) document(depth int) (kind, error) {
	found, start := kindOther, e.s.Offset()
	e.ev.stream.Reset()
	e.ev.message.Reset()
	e.ev.id.Reset()
	e.ev.hasMessage, e.ev.hasAt = false, false
	var head envelopeHead
	err := e.s.Object(&e.key, func() error {
		c, err := e.s.Token()
		if err != nil {
			return err
		}
		key := string(e.key.Kept)
		switch {
		case c == '[' && depth < 4 && key == "events":
			found = kindPage
			e.pages++
			return e.s.List('[', ']', func() error { return e.item(depth + 1) })
		case c == '[' && depth < 4 && key == "logEvents" && e.envelope == nil:
			found = kindPage
			e.pages++
			return e.hold(depth)
		case c == '"' && (key == "logStream" || key == "messageType"):
			return head.read(e, key)
		}
		return e.member(c, depth)
	})
	if e.envelope != nil && found == kindPage {
		held := e.envelope
		e.envelope = nil
		if err == nil {
			err = e.release(held, &head)
		}
	}
	if err != nil || found == kindPage || !e.ev.hasMessage {
		return found, err
	}
	e.ev.start, e.ev.end = start, e.s.Offset()
	e.found++
	return kindEvent, e.lines()
}

// member reads the value of one key of an event.
func (e *events) member(first byte, depth int) error {
	switch key := string(e.key.Kept); {
	case first == '"' && key == "message":
		e.ev.hasMessage = true
		return e.s.Text(&e.ev.message)
	case first == '"' && key == "id" && e.envelope != nil:
		return e.s.Text(&e.ev.id)
	case first == '"' && key == "logStreamName":
		e.cloud = true
		return e.s.Text(&e.ev.stream)
	case key == "timestamp" && (first == '-' || isDigit(first)):
		word, err := e.s.Scalar()
		if err == nil {
			e.ev.at, e.ev.hasAt = parseInt(word)
		}
		return err
	}
	return e.s.Skip(&e.key, depth+1)
}

// lines gives the lines of the event's message.
func (e *events) lines() error {
	ev, p := &e.ev, &e.out
	*p = piece{stream: ev.stream.Kept, start: ev.start, end: ev.end, event: true, at: ev.at * 1000, hasAt: ev.hasAt}
	if e.envelope != nil {
		return e.keep(p)
	}
	if ev.message.Cut() {
		p.broken = fmt.Sprintf("message of %d bytes, longer than %d", ev.message.Length, trailhouse.MaxRejected)
		p.text, p.hash = ev.message.Kept, ev.message.Hash()
		return e.give(p)
	}
	return messageLines(p, ev.message.Kept, e.give)
}

// messageLines gives the lines of a message, each as p with another text.
func messageLines(p *piece, message []byte, give func(*piece) error) error {
	rest, more := bytes.TrimSuffix(message, []byte("\n")), true
	for more {
		p.text, rest, more = bytes.Cut(rest, []byte("\n"))
		if err := afterZeros(p, give); err != nil {
			return err
		}
		if err := give(p); err != nil {
			return err
		}
	}
	return nil
}

// startsJSON reports whether a unit begins as JSON and not as a log. A header may
// begin with an empty logger, [].
func startsJSON(head []byte) bool {
	head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\ufeff")))
	if len(head) == 0 {
		return false
	}
	inside := bytes.TrimSpace(head[1:])
	switch head[0] {
	case '{':
		return len(inside) > 0 && (inside[0] == '"' || inside[0] == '}')
	case '[':
		return len(inside) > 0 && (inside[0] == '{' || string(inside) == "]")
	}
	return false
}

// isLines reports whether a unit of JSON is one value for each line, from its
// beginning. A pretty document opens on its first line what it closes on a later one.
func isLines(head []byte) bool {
	head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\ufeff")))
	first, rest, ok := bytes.Cut(head, []byte("\n"))
	first = bytes.TrimSpace(first)
	if !ok || len(first) == 0 {
		return true
	}
	last := first[len(first)-1]
	switch {
	case first[0] == '{' && last == '}' || first[0] == '[' && last == ']':
		return true
	case len(first) == 1 || (first[0] == '[' || bytes.HasPrefix(first, []byte(`{"events"`))) && bytes.IndexByte([]byte("{[,"), last) >= 0:
		return false
	}
	return rest[0] == '{' || rest[0] == '['
}
