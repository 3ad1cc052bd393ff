package cloudtrail

import (
	"fmt"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/entity"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// row fills rows of a batch from a tape.
type row struct {
	b        []byte // the text of the tape
	nodes    []tape.Node
	scratch  []byte   // text that had to be changed, until the next one
	list     []uint32 // members of one object, each once
	loose    []loose  // fields of the record that have no column
	repeated bool     // an object of the record has a member twice
	names    entity.Names
	callers  trailhouse.Memo[called]
	known    *called // what is remembered of the caller, nil where nothing is
	tls      trailhouse.Memo[struct{}]
}

// loose is a field without a column, and the path of the object around it.
type loose struct {
	path string
	node uint32
}

// slots are the members of an object by their place in its shape.
type slots struct {
	found uint64
	at    [40]uint32
}

// has reports whether the object has the member.
func (s *slots) has(i int) bool { return s.found&(1<<i) != 0 }

// text returns the text of a string, the JSON text of anything else. It is valid until
// the next call.
func (r *row) text(at uint32) []byte {
	n := &r.nodes[at]
	switch {
	case n.Flags&tape.Escaped != 0:
		r.scratch = tape.Unescape(r.scratch[:0], r.b[n.From:n.To])
		return r.scratch
	case n.Flags&tape.Spaced != 0:
		r.scratch = tape.Compact(r.scratch[:0], r.b[n.From:n.To])
		return r.scratch
	}
	return r.b[n.From:n.To]
}

// json returns the JSON text of a value without white space, valid until the next call.
func (r *row) json(at uint32) []byte {
	n := &r.nodes[at]
	if n.Kind == tape.String {
		return r.b[n.From-1 : n.To+1]
	}
	return r.text(at)
}

// key returns the text of a member's key, valid until the next call.
func (r *row) key(at uint32) []byte {
	n := &r.nodes[at]
	if n.Flags&tape.KeyEscaped != 0 {
		r.scratch = tape.Unescape(r.scratch[:0], r.b[n.Key:n.KeyEnd])
		return r.scratch
	}
	return r.b[n.Key:n.KeyEnd]
}

// members finds the members of an object in its shape. Of members with one name the
// last counts. Those that the shape does not have are kept.
func (r *row) members(at uint32, s *shape, path string, out *slots) {
	out.found = 0
	expected := 0
	for i, end := at+1, r.nodes[at].Next; i < end; i = r.nodes[i].Next {
		n := &r.nodes[i]
		f := expected
		switch {
		case n.Flags&tape.KeyEscaped != 0:
			f = s.named(string(r.key(i)))
		case expected >= len(s.fields) || !s.fields[expected].is(r.b, n.Key, n.KeyEnd):
			f = s.find(r.b, n.Key, n.KeyEnd, expected)
		}
		if f < 0 {
			r.keep(path, i)
			continue
		}
		if out.has(f) {
			r.repeated = true
		}
		out.found |= 1 << f
		out.at[f] = i
		expected = f + 1
	}
}

// keep remembers a field for the column unknownfields.
func (r *row) keep(path string, at uint32) { r.loose = append(r.loose, loose{path, at}) }

// group fills the columns of an object and ends its row, where it is not the table's
// own.
func (r *row) group(b *trailhouse.Batch, s *shape, path string, at uint32) {
	var members slots
	r.members(at, s, path, &members)
	for i := range s.fields {
		if members.has(i) {
			r.set(b, &s.fields[i], path, members.at[i])
		}
	}
	b.EndRow()
}

// set sets a column. A value that the column does not hold as it is, is kept as well.
func (r *row) set(b *trailhouse.Batch, f *field, path string, at uint32) {
	n := &r.nodes[at]
	if n.Kind == tape.Null {
		return
	}
	exact := false
	switch f.form {
	case asText:
		if exact = n.Kind == tape.String; n.Kind < tape.Array {
			b.SetText(f.col, r.text(at))
		}
	case asBool:
		exact = r.setBool(b, f.col, at)
	case asTime:
		exact = r.setTime(b, f.col, at)
	case asMap:
		if exact = n.Kind == tape.Object; exact {
			r.payload(b, f.col, at)
		}
	case asGroup:
		if exact = n.Kind == tape.Object; exact {
			r.group(b.Child(f.col), f.shape, f.shape.prefix, at)
			b.SetRows(f.col)
		}
	case asGroups:
		if exact = n.Kind == tape.Array; exact {
			r.groups(b, f, at)
		}
	case asNote:
		exact = true
	}
	if !exact {
		r.keep(path, at)
	}
}

// setBool sets a boolean. LookupEvents writes readOnly as a text (facts/cloudtrail.md
// 2.2).
func (r *row) setBool(b *trailhouse.Batch, col int, at uint32) bool {
	switch kind := r.nodes[at].Kind; kind {
	case tape.True, tape.False:
		b.SetBool(col, kind == tape.True)
		return true
	case tape.String:
		if word := string(r.text(at)); word == "true" || word == "false" {
			b.SetBool(col, word == "true")
		}
	}
	return false
}

// setTime sets an instant.
func (r *row) setTime(b *trailhouse.Batch, col int, at uint32) bool {
	if r.nodes[at].Kind != tape.String {
		return false
	}
	micros, plain, ok := parseTime(r.text(at))
	if ok {
		b.SetMicros(col, micros)
	}
	return ok && plain
}

// groups sets a list of structs from an array of objects.
func (r *row) groups(b *trailhouse.Batch, f *field, at uint32) {
	path, child := f.shape.prefix, b.Child(f.col) // of the first element
	for i, k := at+1, 0; i < r.nodes[at].Next; i, k = r.nodes[i].Next, k+1 {
		if k > 0 {
			path = fmt.Sprintf("%s[%d].", f.name, k)
		}
		if r.nodes[i].Kind == tape.Object {
			r.group(child, f.shape, path, i)
			continue
		}
		r.keep(fmt.Sprintf("%s[%d]", f.name, k), i)
	}
	b.SetRows(f.col)
}

// payload sets a map from an object: texts as they are, everything else as compact JSON
// in its order, as CloudTrail Lake does (facts/cloudtrail.md 3.2). Of members with one
// name the last counts, in the place of the first.
func (r *row) payload(b *trailhouse.Batch, col int, at uint32) {
	m := b.Child(col)
	for _, i := range r.distinct(at) {
		m.SetText(0, r.key(i))
		if r.nodes[i].Kind != tape.Null {
			m.SetText(1, r.text(i))
		}
		m.EndRow()
	}
	b.SetRows(col)
}

// manyMembers is from how many members on a map finds those of one name.
const manyMembers = 24

// distinct returns the members of an object, of those with one name only the last, in
// the place of the first. It is valid until the next call.
func (r *row) distinct(at uint32) []uint32 {
	r.list = r.list[:0]
	plain := true
	for i, end := at+1, r.nodes[at].Next; i < end; i = r.nodes[i].Next {
		plain = plain && r.nodes[i].Flags&tape.KeyEscaped == 0
		r.list = append(r.list, i)
	}
	if !plain || len(r.list) > manyMembers {
		return r.distinctByMap()
	}
	kept := r.list[:0]
next:
	for _, i := range r.list {
		for k, other := range kept {
			if string(r.b[r.nodes[i].Key:r.nodes[i].KeyEnd]) == string(r.b[r.nodes[other].Key:r.nodes[other].KeyEnd]) {
				kept[k], r.repeated = i, true
				continue next
			}
		}
		kept = append(kept, i)
	}
	r.list = kept
	return kept
}

// distinctByMap does the work of distinct for many members, and for keys with escapes.
func (r *row) distinctByMap() []uint32 {
	place := make(map[string]int, len(r.list))
	kept := r.list[:0]
	for _, i := range r.list {
		key := string(r.key(i))
		if k, ok := place[key]; ok {
			kept[k], r.repeated = i, true
			continue
		}
		place[key] = len(kept)
		kept = append(kept, i)
	}
	r.list = kept
	return kept
}

// unknown sets the map of the fields that have no column.
func (r *row) unknown(b *trailhouse.Batch, col int) {
	if len(r.loose) == 0 {
		return
	}
	last := make(map[string]int, len(r.loose))
	for i, l := range r.loose {
		last[r.path(l)] = i
	}
	r.repeated = r.repeated || len(last) < len(r.loose)
	m := b.Child(col)
	for i, l := range r.loose {
		if name := r.path(l); last[name] == i {
			m.SetString(0, name)
			m.SetText(1, r.json(l.node))
			m.EndRow()
		}
	}
	b.SetRows(col)
	r.loose = r.loose[:0]
}

// stable returns the text of a string for as long as the record is there.
func (r *row) stable(n *tape.Node) []byte {
	if n.Flags&tape.Escaped == 0 {
		return r.b[n.From:n.To]
	}
	return tape.Unescape(nil, r.b[n.From:n.To])
}

// path returns the name of a field in unknownfields.
func (r *row) path(l loose) string { return l.path + string(r.key(l.node)) }

// member returns the last member of an object with the name.
func (r *row) member(at uint32, name string) (uint32, bool) {
	found := uint32(0)
	if r.nodes[at].Kind == tape.Object {
		for i, end := at+1, r.nodes[at].Next; i < end; i = r.nodes[i].Next {
			if n := &r.nodes[i]; int(n.KeyEnd-n.Key) == len(name) && string(r.b[n.Key:n.KeyEnd]) == name {
				found = i
			}
		}
	}
	return found, found != 0
}

// find follows names from an object inwards.
func (r *row) find(at uint32, names ...string) (uint32, bool) {
	for _, name := range names {
		next, ok := r.member(at, name)
		if !ok {
			return 0, false
		}
		at = next
	}
	return at, true
}
