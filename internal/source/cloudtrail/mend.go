package cloudtrail

import (
	"errors"
	"unicode/utf8"

	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// isSyntax reports whether an object was refused for what is no JSON in it. It is read
// again then, past the damage: nothing good is lost beside it.
func isSyntax(err error) bool {
	var at *tape.SyntaxError
	return errors.As(err, &at)
}

// isReadable reports whether a record of a damaged object has a row, or is refused for
// another reason than the damage. An object without such a record is refused whole.
func (r *reader) isReadable(rec tape.Record) bool {
	if rec.Broken != "" {
		return r.mend(&rec)
	}
	return rec.Node < 0 || r.row.nodes[rec.Node].Kind == tape.Object
}

// mend reads a record whose only fault are commas in front of closing brackets, as an
// example of AWS's own documents has one (facts/cloudtrail.md 2.4.6). Its values are
// taken from the text without them; its bytes remain as they are.
func (r *reader) mend(rec *tape.Record) bool {
	m := r.memory
	text, ok := tape.Mend(m.mended[:0], r.row.b[rec.At:rec.End])
	if m.mended = text; !ok || !utf8.Valid(text) {
		return false
	}
	n := len(text)
	m.mended = append(text, make([]byte, tape.Padding)...)
	m.again.Reset()
	end, ok := m.again.Scan(m.mended, 0)
	return ok && end == n && m.again.Nodes[0].Kind == tape.Object && m.again.Nodes[0].Next == uint32(len(m.again.Nodes)) && !m.again.Deep()
}

// fillMended fills the row of a record that was mended.
func (r *reader) fillMended(rec *tape.Record, position, index int64) (string, bool) {
	text, nodes := r.row.b, r.row.nodes
	r.row.b, r.row.nodes = r.memory.mended, r.memory.again.Nodes
	defer func() { r.row.b, r.row.nodes = text, nodes }()
	r.mended++
	return r.fill(0, rec, position, index)
}
