package cloudtrail

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// record is one value of a document where a record should be.
type record struct {
	at, end int    // its bytes in the window
	node    int    // on the tape
	broken  string // why it is no JSON value, in a document with one record to a line
}

// place is where a document stands between two values.
type place uint8

const (
	placeTop    place = iota // between values of the outermost level
	placeFirst               // in an array, before its first element
	placeNext                // in an array, behind an element
	placeMember              // in the object around the records, behind the array
)

// document reads the records of a text: of `{"Records":[…]}`, of an array, or of one
// value behind the other, in any mixture.
type document struct {
	w       *window
	t       *tape
	kept    int // nodes at the beginning of the tape that the caller still needs
	at      int // in the window
	place   place
	wrapped bool  // the array is within an object
	lines   bool  // one record to a line: a broken one does not break the others
	records bool  // there is an object with a member Records
	values  int64 // of the outermost level
	inner   []int // elements of an array that was scanned as part of a value
}

// syntaxError says where a text is no JSON.
type syntaxError struct {
	at     int64
	reason string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.at, e.reason) }

// limitError says where a value begins that is too large to be held.
type limitError struct{ at int64 }

func (e *limitError) Error() string {
	return fmt.Sprintf("byte %d: a value of more than %d bytes", e.at, maxValue)
}

// next returns the next record, or io.EOF. What it returns is valid until the next
// call, but for nodes that are kept. It fails with a *syntaxError, which ends the
// document, with *limitError, and with errors of the window.
func (d *document) next() (record, error) {
	for {
		if len(d.inner) > 0 {
			node := d.inner[0]
			d.inner = d.inner[1:]
			return d.element(node), nil
		}
		d.t.nodes = d.t.nodes[:d.kept]
		c, err := d.peek()
		if err != nil {
			return record{}, err
		}
		found, r := false, record{}
		switch d.place {
		case placeTop:
			r, found, err = d.top(c)
		case placeMember:
			err = d.member(c)
		default:
			r, found, err = d.arrayElement(c)
		}
		if found || err != nil {
			return r, err
		}
	}
}

// element is a record that is already on the tape.
func (d *document) element(node int) record {
	n := &d.t.nodes[node]
	r := record{at: int(n.from), end: int(n.to), node: node}
	if n.kind == kindString {
		r.at, r.end = r.at-1, r.end+1
	}
	return r
}

// arrayElement reads the next element of an array, or leaves it.
func (d *document) arrayElement(c byte) (record, bool, error) {
	switch {
	case c == ']':
		d.at++
		d.place = placeTop
		if d.wrapped {
			d.place = placeMember
		}
		return record{}, false, nil
	case d.place == placeNext && c != ',':
		return record{}, false, d.syntax(d.at)
	case d.place == placeNext:
		d.at++
		if _, err := d.peek(); err != nil {
			return record{}, false, err
		}
	}
	d.place = placeNext
	r, err := d.value()
	return r, err == nil, err
}

// top begins at a value of the outermost level, whose first byte is c.
func (d *document) top(c byte) (record, bool, error) {
	if c == 0 && d.at >= d.w.len() {
		return record{}, false, io.EOF
	}
	d.values++
	if c == '[' {
		d.at++
		d.place, d.wrapped = placeFirst, false
		return record{}, false, nil
	}
	if in, err := d.wrapper(c); in || err != nil {
		return record{}, false, err
	}
	r, err := d.value()
	if err != nil {
		return d.brokenLine(err)
	}
	if d.values == 1 {
		d.lines = bytes.IndexByte(d.w.buf[r.at:r.end], '\n') < 0
	}
	wraps := false
	if r.broken == "" && d.t.nodes[r.node].kind == kindObject {
		for i := uint32(r.node) + 1; i < d.t.nodes[r.node].next; i = d.t.nodes[i].next {
			wraps = d.unwrap(i) || wraps
		}
	}
	return r, !wraps, nil
}

// wrapper goes into the array of an object whose first member is Records, as are all
// that a trail delivers.
func (d *document) wrapper(c byte) (bool, error) {
	if c != '{' {
		return false, nil
	}
	is := false
	end, err := d.try(func(b []byte, i int) (int, bool) {
		var n node
		is = false
		if i = d.t.key(b, i+1, &n); i < 0 {
			return ^i, false
		}
		i = d.t.space(b, i)
		is = string(b[n.key:n.keyEnd]) == "Records" && b[i] == '['
		return i, i < len(b)-padding
	})
	if !is {
		if _, ok := err.(*syntaxError); ok { //nolint:errorlint // try returns it as it is
			err = nil // whatever it is, value finds out
		}
		return false, err
	}
	d.at = end + 1
	d.place, d.wrapped, d.records = placeFirst, true, true
	return true, nil
}

// unwrap finds records in a member Records that was scanned as part of a value.
func (d *document) unwrap(member uint32) bool {
	n := &d.t.nodes[member]
	if n.kind != kindArray || string(d.w.buf[n.key:n.keyEnd]) != "Records" {
		return false
	}
	d.records = true
	for i := member + 1; i < n.next; i = d.t.nodes[i].next {
		d.inner = append(d.inner, int(i))
	}
	return true
}

// member reads what follows the array of records within its object.
func (d *document) member(c byte) error {
	if c == '}' {
		d.at++
		d.place = placeTop
		return nil
	}
	if c != ',' {
		return d.syntax(d.at)
	}
	at := len(d.t.nodes)
	end, err := d.try(func(b []byte, i int) (int, bool) {
		var n node
		if i = d.t.key(b, i+1, &n); i < 0 {
			return ^i, false
		}
		i, ok := d.t.scan(b, d.t.space(b, i))
		if ok {
			d.t.nodes[at].key, d.t.nodes[at].keyEnd = n.key, n.keyEnd
		}
		return i, ok
	})
	if err != nil {
		return err
	}
	d.at = end
	if !d.t.deep {
		d.unwrap(uint32(at))
	}
	return nil
}

// value scans the value that begins where the document stands.
func (d *document) value() (record, error) {
	r := record{at: d.at, node: len(d.t.nodes)}
	at := d.w.base + int64(d.at)
	end, err := d.try(d.scan)
	if err != nil {
		return r, err
	}
	if d.t.deep {
		r.broken = fmt.Sprintf("it is nested deeper than %d levels", maxDepth)
	}
	r.at, r.end = int(at-d.w.base), end
	d.at = end
	return r, nil
}

// scan scans a value with the fast scanner, and with the slow one what that refuses.
func (d *document) scan(b []byte, i int) (int, bool) {
	mark := len(d.t.nodes)
	end, ok := d.t.scan(b, i)
	if ok || end >= len(b)-padding && !d.w.eof {
		return end, ok
	}
	d.t.nodes = d.t.nodes[:mark]
	if slow, ok := d.t.slowScan(b, i); ok {
		d.t.high = 1 // not looked at
		return slow, true
	}
	d.t.nodes = d.t.nodes[:mark]
	return end, false
}

// try calls scan, which works as tape.scan does, with more and more of the text, until
// what it scans is in the window whole.
func (d *document) try(scan func(b []byte, i int) (int, bool)) (int, error) {
	for {
		nodes, spaces := len(d.t.nodes), d.t.spaces
		end, ok := scan(d.w.buf, d.at)
		if end < d.w.len() || d.w.eof {
			if !ok {
				return 0, d.syntax(end)
			}
			return end, nil
		}
		if d.w.len()-d.at >= maxValue {
			return 0, &limitError{d.w.base + int64(d.at)}
		}
		d.t.nodes, d.t.spaces = d.t.nodes[:nodes], spaces
		if err := d.move(); err != nil {
			return 0, err
		}
	}
}

// peek skips white space and returns the next byte, 0 at the end of the text.
func (d *document) peek() (byte, error) {
	for {
		if d.at == 0 && d.w.base == 0 && bytes.HasPrefix(d.w.buf, []byte("\xef\xbb\xbf")) {
			d.at = 3
		}
		d.at = d.t.space(d.w.buf, d.at)
		if d.at < d.w.len() || d.w.eof {
			return d.w.buf[d.at], nil
		}
		if err := d.move(); err != nil {
			return 0, err
		}
	}
}

// move reads on.
func (d *document) move() error {
	err := d.w.more(d.at)
	d.at = 0
	return err
}

// brokenLine takes a line that is no JSON out of a document with one record to a line.
func (d *document) brokenLine(err error) (record, bool, error) {
	bad, ok := err.(*syntaxError) //nolint:errorlint // value returns it as it is
	if !ok || !d.lines {
		return record{}, false, err
	}
	for {
		line := d.w.buf[d.at:d.w.len()]
		end := bytes.IndexByte(line, '\n')
		if end < 0 && (d.w.eof || len(line) > maxValue) {
			end = len(line)
		}
		if end >= 0 {
			r := record{at: d.at, end: d.at + end, node: len(d.t.nodes), broken: "it is no JSON: " + bad.Error()}
			d.at = r.end
			return r, true, nil
		}
		if err := d.move(); err != nil {
			return record{}, false, err
		}
	}
}

// syntax is the error of a text that is wrong at a place in the window.
func (d *document) syntax(at int) error {
	e := &syntaxError{at: d.w.base + int64(min(at, d.w.len()))}
	c := d.w.buf[min(at, d.w.len())]
	switch {
	case at >= d.w.len():
		e.reason = "it is cut: the text ends in the middle of a value"
	case c == 0:
		e.reason = "there is a zero byte in it"
	case c < ' ':
		e.reason = fmt.Sprintf("there is a control character (0x%02x) in a text", c)
	case c >= 0x80:
		e.reason = fmt.Sprintf("byte 0x%02x does not belong there", c)
	case len(d.t.open) >= maxLevels && strings.IndexByte("[{", c) >= 0:
		e.reason = fmt.Sprintf("it is nested deeper than %d levels", maxLevels)
	default:
		e.reason = fmt.Sprintf("%q does not belong there", c)
	}
	return e
}
