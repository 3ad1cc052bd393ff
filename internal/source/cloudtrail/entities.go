package cloudtrail

import (
	"bytes"

	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/entity"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// nameAll adds what a value and everything in it names: ARNs, ids of the form of EC2's,
// and the texts of members whose key says that they are a name or an id.
func (r *row) nameAll(at uint32) {
	listEnd := uint32(0)  // of an array whose key says that its elements are names
	stateEnd := uint32(0) // of an object such as instanceState, whose name names nothing
	for i, end := at, r.nodes[at].Next; i < end; i++ {
		n := &r.nodes[i]
		if n.Kind != tape.String {
			if key := r.b[n.Key:n.KeyEnd]; n.Kind == tape.Array && len(key) > 3 && key[len(key)-1] == 's' && entity.IsNaming(key[:len(key)-1]) {
				listEnd = n.Next
			} else if n.Kind == tape.Object && bytes.HasSuffix(key, []byte("State")) {
				stateEnd = n.Next
			}
			continue
		}
		if n.To == n.From || n.To-n.From > entity.MaxText {
			continue
		}
		v := r.b[n.From:n.To]
		switch {
		case entity.IsResourceID(v):
			if v[0] == 'i' && v[1] == '-' {
				r.names.AddInstance(v)
			}
		case entity.IsARN(v):
			v = r.stable(n)
			r.names.AddInstanceOf(v)
		case n.KeyEnd == 0 && i < listEnd || n.KeyEnd-n.Key > 1 && i >= stateEnd && entity.IsNaming(r.b[n.Key:n.KeyEnd]),
			isTag(r.b, r.nodes, i):
			v = r.stable(n)
		default:
			continue
		}
		r.names.Add(v)
	}
}

// nameWithin adds the ARNs that stand within other texts of a record, and in keys. It is
// called behind everything else that is added.
func (r *row) nameWithin(record uint32) {
	n := &r.nodes[record]
	if !r.names.MoreWithin(r.b[n.From:n.To]) {
		return
	}
	for i, end := record, n.Next; i < end; i++ {
		v := &r.nodes[i]
		key := r.b[v.Key:v.KeyEnd]
		if bytes.Contains(key, []byte("arn")) {
			r.names.AddWithin(bytes.Clone(r.key(i)), false)
		}
		if v.Kind == tape.String && bytes.Contains(r.b[v.From:v.To], []byte("arn")) {
			r.names.AddWithin(r.stable(v), entity.IsNaming(key))
		}
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
