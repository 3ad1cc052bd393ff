package tape

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Record is one value of a document where a record should be.
type Record struct {
	At, End int    // its bytes in the window
	Node    int    // its first node on the tape
	Broken  string // why there are no nodes of it: it is nested too deeply, or is a line that is no JSON
}

// place is where a document stands between two values.
type place uint8

const (
	placeTop    place = iota // between values of the outermost level
	placeFirst               // in an array, before its first element
	placeNext                // in an array, behind an element
	placeMember              // in the object around the records, behind the array
)

// Document reads the records of a text: of `{"Records":[…]}`, of an array, or of one
// value behind the other, in any mixture.
type Document struct {
	w       *Window
	tape    *Tape
	kept    int // nodes at the beginning of the tape that the caller still needs
	at      int // in the window
	place   place
	wrapped bool  // the array is within an object
	lines   bool  // one record to a line: a broken one does not break the others
	values  int64 // of the outermost level
	inner   []int // elements of an array that was scanned as part of a value

	lenient  bool
	swallows bool  // the last value has a record in it
	guessed  bool  // damage has left open what is around the records
	passed   int64 // commas between records
	inVain   int   // bytes that were scanned for the beginning of a record
}

// NewDocument returns a reader of the records in a window, whose values go to the tape.
func NewDocument(w *Window, t *Tape) *Document {
	t.Reset()
	return &Document{w: w, tape: t}
}

// Keep leaves what is on the tape there; without it the next call of Next takes it off.
func (d *Document) Keep() { d.kept = len(d.tape.Nodes) }

// Values returns how many values of the outermost level were met.
func (d *Document) Values() int64 { return d.values }

// Text returns the bytes in which the last record stands, with their padding, and where
// they begin in the document.
func (d *Document) Text() (b []byte, base int64) { return d.w.buf, d.w.base }

// SyntaxError says where a text is no JSON.
type SyntaxError struct {
	at     int64
	reason string
}

// Error returns the place and the reason.
func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.at, e.reason) }

// LimitError says where a value begins that is too large to be held.
type LimitError struct{ at int64 }

// Error returns the place and the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("byte %d: a value of more than %d bytes", e.at, MaxValue)
}

// Next returns the next record, or io.EOF. What it returns is valid until the next
// call, but for nodes that are kept. It fails with a *SyntaxError, which ends the
// document, with *LimitError, and with errors of the window.
func (d *Document) Next() (Record, error) {
	for {
		if len(d.inner) > 0 {
			node := d.inner[0]
			d.inner = d.inner[1:]
			return d.element(node), nil
		}
		d.tape.Nodes = d.tape.Nodes[:d.kept]
		c, err := d.peek()
		if err != nil {
			return Record{}, err
		}
		found, r := false, Record{}
		switch d.place {
		case placeTop:
			r, found, err = d.top(c)
		case placeMember:
			err = d.member(c)
		default:
			r, found, err = d.arrayElement(c)
		}
		if bad, ok := err.(*SyntaxError); ok && d.lenient { //nolint:errorlint // it comes as it is
			r, found, err = d.salvage(bad)
		}
		if found || err != nil {
			return r, err
		}
	}
}

// element is a record that is already on the tape.
func (d *Document) element(node int) Record {
	n := &d.tape.Nodes[node]
	r := Record{At: int(n.From), End: int(n.To), Node: node}
	if n.Kind == String {
		r.At, r.End = r.At-1, r.End+1
	}
	return r
}

// arrayElement reads the next element of an array, or leaves it.
func (d *Document) arrayElement(c byte) (Record, bool, error) {
	switch {
	case c == ']':
		d.at++
		d.place = placeTop
		if d.wrapped {
			d.place = placeMember
		}
		return Record{}, false, nil
	case d.lenient && (c == ',') != (d.place == placeNext) && (c == ',' || c == '{'):
		d.passed++
		if c == ',' {
			d.at++
			return Record{}, false, nil
		}
	case d.place == placeNext && c != ',':
		return Record{}, false, d.syntax(d.at)
	case d.place == placeNext:
		d.at++
		c, err := d.peek()
		if err != nil {
			return Record{}, false, err
		}
		if d.lenient && (c == ']' || c == ',') {
			d.passed++
			return Record{}, false, nil
		}
	}
	d.place = placeNext
	r, err := d.value()
	return r, err == nil, err
}

// top begins at a value of the outermost level, whose first byte is c.
func (d *Document) top(c byte) (Record, bool, error) {
	if c == 0 && d.at >= d.w.len() {
		return Record{}, false, io.EOF
	}
	d.values++
	if c == '[' {
		d.at++
		d.place, d.wrapped = placeFirst, false
		return Record{}, false, nil
	}
	if in, err := d.wrapper(c); in || err != nil {
		return Record{}, false, err
	}
	r, err := d.value()
	if err != nil {
		return d.brokenLine(err)
	}
	if d.values == 1 {
		d.lines = bytes.IndexByte(d.w.buf[r.At:r.End], '\n') < 0
	}
	wraps := false
	if r.Broken == "" && d.tape.Nodes[r.Node].Kind == Object {
		for i := uint32(r.Node) + 1; i < d.tape.Nodes[r.Node].Next; i = d.tape.Nodes[i].Next {
			wraps = d.unwrap(i) || wraps
		}
	}
	return r, !wraps, nil
}

// wrapper goes into the array of an object whose first member is Records, as are all
// that a trail delivers.
func (d *Document) wrapper(c byte) (bool, error) {
	if c != '{' {
		return false, nil
	}
	is := false
	end, err := d.try(func(b []byte, i int) (int, bool) {
		var n Node
		is = false
		if i = d.tape.key(b, i+1, &n); i < 0 {
			return ^i, false
		}
		i = d.tape.space(b, i)
		is = string(b[n.Key:n.KeyEnd]) == "Records" && b[i] == '['
		return i, i < len(b)-Padding
	})
	if !is {
		if _, ok := err.(*SyntaxError); ok { //nolint:errorlint // try returns it as it is
			err = nil // whatever it is, value finds out
		}
		return false, err
	}
	d.at = end + 1
	d.place, d.wrapped = placeFirst, true
	return true, nil
}

// unwrap finds records in a member Records that was scanned as part of a value.
func (d *Document) unwrap(member uint32) bool {
	n := &d.tape.Nodes[member]
	if n.Kind != Array || string(d.w.buf[n.Key:n.KeyEnd]) != "Records" {
		return false
	}
	for i := member + 1; i < n.Next; i = d.tape.Nodes[i].Next {
		d.inner = append(d.inner, int(i))
	}
	return true
}

// member reads what follows the array of records within its object.
func (d *Document) member(c byte) error {
	if c == '}' {
		d.at++
		d.place = placeTop
		return nil
	}
	if c != ',' {
		return d.syntax(d.at)
	}
	at := len(d.tape.Nodes)
	end, err := d.try(func(b []byte, i int) (int, bool) {
		var n Node
		if i = d.tape.key(b, i+1, &n); i < 0 {
			return ^i, false
		}
		i, ok := d.tape.Scan(b, d.tape.space(b, i))
		if ok {
			d.tape.Nodes[at].Key, d.tape.Nodes[at].KeyEnd = n.Key, n.KeyEnd
		}
		return i, ok
	})
	if err != nil {
		return err
	}
	d.at = end
	if !d.tape.deep {
		d.unwrap(uint32(at))
	}
	return nil
}

// value scans the value that begins where the document stands.
func (d *Document) value() (Record, error) {
	r := Record{At: d.at, Node: len(d.tape.Nodes)}
	at := d.w.base + int64(d.at)
	end, err := d.try(d.scan)
	if err != nil {
		return r, err
	}
	if d.tape.deep {
		r.Broken = fmt.Sprintf("it is nested deeper than %d levels", MaxDepth)
	}
	r.At, r.End = int(at-d.w.base), end
	d.at = end
	return r, nil
}

// scan scans a value with the fast scanner, and with the slow one what that refuses: in
// a lenient document that is damage, of which there may be much.
func (d *Document) scan(b []byte, i int) (int, bool) {
	if d.lenient {
		return d.scanRecord(b, i)
	}
	mark := len(d.tape.Nodes)
	end, ok := d.tape.Scan(b, i)
	if ok || end >= len(b)-Padding && !d.w.eof {
		return end, ok
	}
	d.tape.Nodes = d.tape.Nodes[:mark]
	if slow, ok := d.tape.SlowScan(b, i); ok {
		d.tape.high = 1 // not looked at
		return slow, true
	}
	d.tape.Nodes = d.tape.Nodes[:mark]
	return end, false
}

// try calls scan, which works as tape.scan does, with more and more of the text, until
// what it scans is in the window whole.
func (d *Document) try(scan func(b []byte, i int) (int, bool)) (int, error) {
	for {
		nodes, spaces := len(d.tape.Nodes), d.tape.spaces
		end, ok := scan(d.w.buf, d.at)
		if end < d.w.len() || d.w.eof {
			if !ok {
				return 0, d.syntax(end)
			}
			return end, nil
		}
		if d.w.len()-d.at >= MaxValue {
			return 0, &LimitError{d.w.base + int64(d.at)}
		}
		d.tape.Nodes, d.tape.spaces = d.tape.Nodes[:nodes], spaces
		if err := d.move(); err != nil {
			return 0, err
		}
	}
}

const bom = "\xef\xbb\xbf"

// peek skips white space, and byte order marks between documents, which files have that
// were put together, and returns the next byte, 0 at the end of the text.
func (d *Document) peek() (byte, error) {
	for {
		d.at = d.tape.space(d.w.buf, d.at)
		if d.place == placeTop && d.at < d.w.len() && d.w.buf[d.at] == bom[0] {
			if bytes.HasPrefix(d.w.buf[d.at:], []byte(bom)) {
				d.at += len(bom)
				continue
			}
			if d.w.len()-d.at < len(bom) && !d.w.eof {
				if err := d.move(); err != nil {
					return 0, err
				}
				continue
			}
		}
		if d.at < d.w.len() || d.w.eof {
			return d.w.buf[d.at], nil
		}
		if err := d.move(); err != nil {
			return 0, err
		}
	}
}

// move reads on.
func (d *Document) move() error {
	err := d.w.more(d.at)
	d.at = 0
	return err
}

// brokenLine takes a line that is no JSON out of a document with one record to a line.
func (d *Document) brokenLine(err error) (Record, bool, error) {
	bad, ok := err.(*SyntaxError) //nolint:errorlint // value returns it as it is
	if !ok || !d.lines {
		return Record{}, false, err
	}
	for {
		line := d.w.buf[d.at:d.w.len()]
		end := bytes.IndexByte(line, '\n')
		if end < 0 && (d.w.eof || len(line) > MaxValue) {
			end = len(line)
		}
		if end >= 0 {
			r := Record{At: d.at, End: d.at + end, Node: len(d.tape.Nodes), Broken: "it is no JSON: " + bad.Error()}
			d.at = r.End
			return r, true, nil
		}
		if err := d.move(); err != nil {
			return Record{}, false, err
		}
	}
}

// syntax is the error of a text that is wrong at a place in the window.
func (d *Document) syntax(at int) error {
	e := &SyntaxError{at: d.w.base + int64(min(at, d.w.len()))}
	c := d.w.buf[min(at, d.w.len())]
	switch {
	case d.swallows:
		e.reason = "it does not end before the next record begins"
	case d.lenient && at >= d.at+maxRecord:
		e.reason = fmt.Sprintf("it does not end within %d bytes", maxRecord)
	case at >= d.w.len():
		e.reason = "it is cut: the text ends in the middle of a value"
	case c == 0:
		e.reason = "there is a zero byte in it"
	case c < ' ':
		e.reason = fmt.Sprintf("there is a control character (0x%02x) in a text", c)
	case c >= 0x80:
		e.reason = fmt.Sprintf("byte 0x%02x does not belong there", c)
	case len(d.tape.open) >= maxLevels && strings.IndexByte("[{", c) >= 0:
		e.reason = fmt.Sprintf("it is nested deeper than %d levels", maxLevels)
	default:
		e.reason = fmt.Sprintf("%q does not belong there", c)
	}
	return e
}
