package cloudtrail

import (
	"bytes"
	"slices"

	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/entity"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// nameMembers adds what a record names: everything in its payloads, and ARNs elsewhere.
// Those of its caller may be known.
func (r *row) nameMembers(record, identity uint32, payloads []uint32) {
	for i, end := record+1, r.nodes[record].Next; i < end; i = r.nodes[i].Next {
		switch n := &r.nodes[i]; {
		case n.Kind == tape.String:
			r.nameWithin(n, false)
			if string(r.b[n.Key:n.KeyEnd]) == "errorMessage" {
				r.nameIDs(n)
			}
		case n.Kind < tape.Array:
		case slices.Contains(payloads, i):
			r.nameAll(i)
		case i != identity || r.known == nil:
			r.nameTexts(i)
		case r.known.names.Learned():
			r.names.Recall(&r.known.names)
		default:
			r.names.Learn(&r.known.names, func() { r.nameTexts(i) })
		}
	}
}

// nameTexts adds the ARNs in the texts of a value.
func (r *row) nameTexts(at uint32) {
	for i := at; i < r.nodes[at].Next; i++ {
		if n := &r.nodes[i]; n.Kind == tape.String {
			r.nameWithin(n, false)
		}
	}
}

// nameAll adds what a value and everything in it names: ARNs, ids of the form of EC2's,
// and the texts of members whose key says that they are a name or an id.
func (r *row) nameAll(at uint32) {
	listEnd := uint32(0)  // of an array whose key says that its elements are names
	wholeEnd := uint32(0) // of an array of a policy's resources
	stateEnd := uint32(0) // of an object such as instanceState, whose name names nothing
	for i, end := at, r.nodes[at].Next; i < end; i++ {
		n := &r.nodes[i]
		key := r.b[n.Key:n.KeyEnd]
		if entity.IsARN(key) {
			r.names.AddWithin(bytes.Clone(r.key(i)), false)
		}
		if n.Kind != tape.String {
			if n.Kind == tape.Array && len(key) > 3 && key[len(key)-1] == 's' && entity.IsNaming(key[:len(key)-1]) {
				listEnd = n.Next
			} else if n.Kind == tape.Array && entity.IsResource(key) {
				wholeEnd = n.Next
			} else if n.Kind == tape.Object && bytes.HasSuffix(key, []byte("State")) {
				stateEnd = n.Next
			}
			continue
		}
		if v := r.b[n.From:n.To]; entity.IsResourceID(v) {
			r.names.Add(v)
			if v[0] == 'i' && v[1] == '-' {
				r.names.AddInstance(v)
			}
			continue
		}
		naming := n.KeyEnd == 0 && i < listEnd || len(key) > 1 && i >= stateEnd && entity.IsNaming(key) || len(key) == len("value") && isTag(r.b, r.nodes, i)
		whole := naming || n.KeyEnd == 0 && i < wholeEnd || entity.IsResource(key)
		r.nameIDs(n)
		if within := r.nameWithin(n, whole); naming && !(within && bytes.HasPrefix(r.b[n.From:n.To], []byte("arn:"))) {
			r.names.Add(r.stable(n))
		}
	}
}

// nameWithin adds the ARNs in a string and reports whether there may be any; naming says
// that all of it is called a name, as its key may do too.
func (r *row) nameWithin(n *tape.Node, naming bool) bool {
	if !entity.MayHold(r.b[n.From:n.To]) {
		return false
	}
	r.names.AddWithin(r.stable(n), naming || entity.IsNaming(r.b[n.Key:n.KeyEnd]))
	return true
}

// nameIDs adds the ids in a string that is more than one.
func (r *row) nameIDs(n *tape.Node) {
	if entity.MayHoldID(r.b[n.From:n.To]) {
		r.names.AddIDsWithin(r.stable(n))
	}
}

// isTag reports whether a string is the value of a tag that names a resource: of an
// object {"key":…,"value":…}, whatever its case and order.
func isTag(b []byte, nodes []tape.Node, at uint32) bool {
	is := func(n *tape.Node, name string) bool {
		return int(n.KeyEnd-n.Key) == len(name) && b[n.Key]|0x20 == name[0] && string(b[n.Key+1:n.KeyEnd]) == name[1:]
	}
	if !is(&nodes[at], "value") {
		return false
	}
	for _, i := range [...]uint32{at - 1, at + 1} {
		if i < uint32(len(nodes)) && nodes[i].Kind == tape.String && is(&nodes[i], "key") {
			return entity.IsTagName(b[nodes[i].From:nodes[i].To])
		}
	}
	return false
}
