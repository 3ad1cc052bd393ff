package tape

import "bytes"

// The bounds of the work on a damaged document. A record of more than maxRecord is damage,
// which would else swallow the records behind it; none is as large (facts/cloudtrail.md
// 2.1). Damage becomes a broken record before its end is found where that is farther
// than maxRecord and more text would have to be read. Behind maxInVain bytes that were
// scanned for the beginning of a record none is looked for.
const (
	maxRecord = 1 << 20
	maxInVain = 256 << 20
)

// Lenient makes the document go on behind what is no JSON: the record that is damaged,
// or what stands between two records, comes as a broken one, and those beside it as they
// are. Where the text ends before the document does, the last record is a
// broken one, of no bytes where nothing is left of it. A comma too many or too few
// between records is passed over, see Passed. It is for texts in which Next met a
// *SyntaxError without it, and finds everything that a strict document does.
func (d *Document) Lenient() { d.lenient = true }

// Passed returns how many times a comma between records was passed over or missed.
func (d *Document) Passed() int64 { return d.passed }

// salvage makes a broken record of what stands where the document stands, and goes to
// the next good one.
func (d *Document) salvage(bad *SyntaxError) (Record, bool, error) {
	if d.at >= d.w.len() {
		return d.cut()
	}
	r := Record{Node: d.kept, Broken: "it is no JSON: " + bad.Error()}
	end, err := d.looseEnd()
	if end > 0 {
		r.At, r.End, d.at = d.at, end, end
		return r, true, nil
	}
	if err != nil {
		return r, false, err
	}
	next, found, err := d.resync()
	if err != nil {
		return r, false, err
	}
	r.At, r.End = d.at, next
	d.trim(&r, !found && bad.at < d.w.base+int64(d.w.len()))
	d.goOn(next, found)
	if r.At == r.End {
		d.passed++
		return r, false, nil
	}
	return r, true, nil
}

// cut ends a document whose text ends within its records. Where the damage before has
// left open what the document is, nothing is told.
func (d *Document) cut() (Record, bool, error) {
	tell := !d.guessed && d.place != placeTop
	d.place = placeTop
	return Record{At: d.at, End: d.at, Node: d.kept, Broken: "the document is cut: it ends before its records do"}, tell, nil
}

// scanRecord scans a value of up to maxRecord bytes. Where it is long it is looked at
// whether a record begins within it: a bracket is missing then, and the value would
// swallow the records behind it.
func (d *Document) scanRecord(b []byte, i int) (int, bool) {
	d.swallows = false
	mark := len(d.tape.Nodes)
	for limit := 2 << 10; ; limit = min(8*limit, maxRecord) {
		end, ok := d.scanWithin(b, i, limit)
		if ok || end < i+limit || end >= len(b)-Padding || limit == maxRecord {
			return end, ok
		}
		d.tape.Nodes = d.tape.Nodes[:mark]
		if d.swallows = d.holdsRecord(i+1, end); d.swallows {
			return end, false
		}
	}
}

// scanWithin scans a value of up to a number of bytes. The text behind those is taken
// away for as long as that takes.
func (d *Document) scanWithin(b []byte, i, limit int) (int, bool) {
	end := i + limit
	if end >= len(b)-Padding {
		return d.tape.Scan(b, i)
	}
	var behind [Padding]byte
	copy(behind[:], b[end:])
	clear(b[end : end+Padding])
	defer copy(b[end:end+Padding], behind[:])
	return d.tape.Scan(b[:end+Padding], i)
}

// holdsRecord reports whether a record begins in a part of the window.
func (d *Document) holdsRecord(from, to int) bool {
	for d.inVain <= maxInVain {
		i := bytes.IndexByte(d.w.buf[from:to], '{')
		if i < 0 {
			return false
		}
		if is, _ := d.begins(from + i); is {
			return true
		}
		from += i + 1
	}
	return false
}

// looseEnd returns the end of a record whose only fault are commas in front of closing
// brackets, see Mend; 0 where it has others.
func (d *Document) looseEnd() (int, error) {
	if d.w.buf[d.at] != '{' {
		return 0, nil
	}
	for {
		d.tape.Nodes = d.tape.Nodes[:d.kept]
		d.tape.loose = true
		end, ok := d.scanRecord(d.w.buf, d.at)
		d.tape.loose = false
		nodes := d.tape.Nodes[d.kept:]
		d.tape.Nodes = d.tape.Nodes[:d.kept]
		if ok && end <= d.w.len() && !d.wraps(nodes) {
			return end, nil
		}
		if ok || end < d.w.len() || d.w.eof || end-d.at >= maxRecord {
			return 0, nil
		}
		if err := d.move(); err != nil {
			return 0, err
		}
	}
}

// wraps reports whether a scanned object has records as a member: what is damaged is
// not one record then.
func (d *Document) wraps(nodes []Node) bool {
	for i := range nodes {
		if n := &nodes[i]; n.Kind == Array && string(d.w.buf[n.Key:n.KeyEnd]) == "Records" {
			return true
		}
	}
	return false
}

// resync looks for the next record behind the place where the document stands. It
// returns where that begins, or where the piece ends that is given up.
func (d *Document) resync() (next int, found bool, err error) {
	for off := 1; ; {
		text := d.w.buf[:d.w.len()]
		from := min(d.at+off, len(text))
		if i := bytes.IndexByte(text[from:], '{'); i < 0 {
			off = len(text) - d.at
		} else if off = from + i - d.at; d.inVain <= maxInVain {
			is, known := d.begins(d.at + off)
			if is {
				return d.at + off, true, nil
			}
			if known {
				off++
				continue
			}
		} else {
			off = min(len(text)-d.at, maxRecord)
		}
		switch {
		case off >= maxRecord:
			return d.at + off, false, nil
		case d.w.eof:
			return len(text), false, nil
		}
		if err := d.move(); err != nil {
			return 0, false, err
		}
	}
}

// begins reports whether a record begins at a bracket, or an object around records
// where the document is at its outermost level. It is not known where the text in the
// window ends before that shows.
func (d *Document) begins(at int) (is, known bool) {
	mark := len(d.tape.Nodes)
	end, ok := d.scanWithin(d.w.buf, at, maxRecord)
	nodes := d.tape.Nodes[mark:]
	d.tape.Nodes = d.tape.Nodes[:mark]
	if ok && !d.tape.deep && (d.isRecord(nodes) || d.place == placeTop && d.wraps(nodes)) {
		return true, true
	}
	d.inVain += end - at
	return false, end < d.w.len() || d.w.eof || end-at >= maxRecord
}

// isRecord reports whether an object that was scanned is a record of a trail. The
// notifications of S3, which payloads can hold, look alike but for their version.
func (d *Document) isRecord(nodes []Node) bool {
	when, what := false, false
	base := nodes[0].Next - uint32(len(nodes))
	for i := uint32(1); i < uint32(len(nodes)); i = nodes[i].Next - base {
		n := &nodes[i]
		switch string(d.w.buf[n.Key:n.KeyEnd]) {
		case "eventTime":
			when = when || n.Kind == String
		case "timeWindow":
			when = when || n.Kind == Object
		case "eventVersion":
			if bytes.HasPrefix(d.w.buf[n.From:n.To], []byte("2.")) {
				return false
			}
			what = true
		case "eventName", "eventSource", "eventID", "eventId", "eventCategory", "eventType":
			what = true
		}
	}
	return when && what
}

// trim takes what stands between records off both ends of a broken one, and the brackets
// behind the last one that close the document, where it is closed.
func (d *Document) trim(r *Record, closed bool) {
	const between = " \t\r\n,"
	text := bytes.TrimRight(d.w.buf[r.At:r.End], between)
	if closed && d.w.eof && r.End == d.w.len() && d.place != placeTop {
		if d.wrapped {
			text = bytes.TrimRight(bytes.TrimSuffix(text, []byte("}")), between)
		}
		if d.place != placeMember {
			text = bytes.TrimRight(bytes.TrimSuffix(text, []byte("]")), between)
		}
	}
	r.End = r.At + len(text)
	r.At = r.End - len(bytes.TrimLeft(text, between))
}

// goOn sets the document to a place behind damage.
func (d *Document) goOn(next int, found bool) {
	before := bytes.TrimRight(d.w.buf[d.at:next], " \t\r\n")
	d.at, d.swallows = next, false
	inArray := d.place == placeFirst || d.place == placeNext
	switch {
	case !found && d.w.eof && next == d.w.len():
		d.place = placeTop
	case inArray:
		d.place = placeFirst // without a comma in front of it
	case len(before) > 0 && (before[len(before)-1] == ',' || before[len(before)-1] == '['):
		d.place, d.wrapped, d.guessed = placeFirst, true, true
	default:
		d.place = placeTop
	}
}

// Mend appends a text to dst without the commas that stand in front of a closing bracket,
// outside of strings. It returns false where there are none.
func Mend(dst, text []byte) ([]byte, bool) {
	in, mended := false, false
	comma := -1 // where the last token is in dst, where that is a comma
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case in && c == '\\' && i+1 < len(text):
			dst = append(dst, c)
			i++
			c = text[i]
		case c == '"':
			in, comma = !in, -1
		case in || c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c == ',':
			comma = len(dst)
		case comma >= 0 && (c == '}' || c == ']'):
			dst = append(dst[:comma], dst[comma+1:]...)
			mended, comma = true, -1
		default:
			comma = -1
		}
		dst = append(dst, c)
	}
	return dst, mended
}
