package cloudtrail

import (
	"bytes"
	"slices"
	"unsafe"

	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// names collects what a record names. The slices are parts of the record's text, or
// copies where that has escapes.
type names struct {
	entities  [][]byte
	instances [][]byte
	seen      map[string]bool // the instances, where there are many
	strings   []string
}

func (c *names) reset() { c.entities, c.instances, c.seen = c.entities[:0], c.instances[:0], nil }

// addEntity adds an ARN, a name or an id.
func (c *names) addEntity(v []byte) {
	if len(v) > 0 && len(v) <= maxEntity {
		c.entities = append(c.entities, v)
	}
}

// addInstance adds an EC2 instance, once.
func (c *names) addInstance(v []byte) {
	if len(c.instances) > manyMembers {
		c.addToMany(v)
		return
	}
	for _, have := range c.instances {
		if bytes.Equal(have, v) {
			return
		}
	}
	c.instances = append(c.instances, v)
}

// addToMany adds an instance to many.
func (c *names) addToMany(v []byte) {
	if c.seen == nil {
		c.seen = map[string]bool{}
		for _, have := range c.instances {
			c.seen[string(have)] = true
		}
	}
	if !c.seen[string(v)] {
		c.seen[string(v)] = true
		c.instances = append(c.instances, v)
	}
}

// maxEntity is the most bytes of an entity. ARNs have 2,048 at most.
const maxEntity = 2048

// list returns the slices as strings that are valid until the next call and as long as
// the slices are.
func (c *names) list(of [][]byte) []string {
	c.strings = c.strings[:0]
	for _, v := range of {
		c.strings = append(c.strings, unsafe.String(unsafe.SliceData(v), len(v)))
	}
	return c.strings
}

// sorted returns the entities in order, each once.
func (c *names) sorted() [][]byte {
	if len(c.entities) > manyMembers {
		slices.SortFunc(c.entities, bytes.Compare)
	} else {
		for i := 1; i < len(c.entities); i++ {
			for k := i; k > 0 && bytes.Compare(c.entities[k-1], c.entities[k]) > 0; k-- {
				c.entities[k-1], c.entities[k] = c.entities[k], c.entities[k-1]
			}
		}
	}
	return slices.CompactFunc(c.entities, bytes.Equal)
}

// nameAll adds what a value and everything in it names: ARNs, ids of the form of EC2's,
// and the texts of members whose key says that they are a name or an id.
func (r *row) nameAll(at uint32) {
	listEnd := uint32(0)  // of an array whose key says that its elements are names
	stateEnd := uint32(0) // of an object such as instanceState, whose name names nothing
	for i, end := at, r.nodes[at].Next; i < end; i++ {
		n := &r.nodes[i]
		if n.Kind != tape.String {
			if key := r.b[n.Key:n.KeyEnd]; n.Kind == tape.Array && len(key) > 3 && key[len(key)-1] == 's' && isNaming(key[:len(key)-1]) {
				listEnd = n.Next
			} else if n.Kind == tape.Object && bytes.HasSuffix(key, []byte("State")) {
				stateEnd = n.Next
			}
			continue
		}
		if n.To == n.From || n.To-n.From > maxEntity {
			continue
		}
		v := r.b[n.From:n.To]
		switch {
		case isResourceID(v):
			if v[0] == 'i' && v[1] == '-' {
				r.names.addInstance(v)
			}
		case isARN(v):
			v = r.stable(n)
			if id, ok := instanceOfARN(v); ok {
				r.names.addInstance(id)
			}
		case n.KeyEnd == 0 && i < listEnd || n.KeyEnd-n.Key > 1 && i >= stateEnd && isNaming(r.b[n.Key:n.KeyEnd]):
			v = r.stable(n)
		default:
			continue
		}
		r.names.addEntity(v)
	}
}

// stable returns the text of a string for as long as the record is there.
func (r *row) stable(n *tape.Node) []byte {
	if n.Flags&tape.Escaped == 0 {
		return r.b[n.From:n.To]
	}
	return tape.Unescape(nil, r.b[n.From:n.To])
}

func isARN(v []byte) bool {
	return len(v) > 8 && v[0] == 'a' && v[1] == 'r' && v[2] == 'n' && v[3] == ':' && bytes.IndexByte(v, ' ') < 0
}

// instanceOfARN returns the instance that an ARN of EC2 names.
func instanceOfARN(v []byte) ([]byte, bool) {
	for _, digits := range [...]int{17, 8} {
		const prefix = ":instance/i-"
		at := len(v) - digits - len(prefix)
		if at > 0 && string(v[at:at+len(prefix)]) == prefix && isResourceID(v[len(v)-digits-2:]) {
			return v[len(v)-digits-2:], true
		}
	}
	return nil, false
}

// isResourceID reports whether a text has the form of the ids of EC2 and its like: a
// short word, a hyphen and 8 or 17 hexadecimal digits.
func isResourceID(v []byte) bool {
	digits := 17
	at := len(v) - 18
	if at < 1 || v[at] != '-' {
		digits = 8
		if at = len(v) - 9; at < 1 || v[at] != '-' {
			return false
		}
	}
	if at > 16 {
		return false
	}
	for _, c := range v[:at] {
		if (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	for _, c := range v[len(v)-digits:] {
		if !isDigit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isNaming reports whether the member of a key holds a name or an id of something that
// people ask for, rather than of a request, an owner or a place.
func isNaming(key []byte) bool {
	last := len(key) - 1
	if last < 1 {
		return false
	}
	switch key[last] {
	case 'd', 'D': // Id, ID, id
		return key[last-1]|0x20 == 'i' && (last == 1 || key[last-1] == 'I' || key[last-2] == '_') && !isForeign(key)
	case 'e': // Name, name
		return last >= 3 && string(key[last-2:]) == "ame" && key[last-3]|0x20 == 'n' && !isForeign(key)
	case 'n', 'N': // Arn, ARN
		return last >= 2 && key[last-1]|0x20 == 'r' && key[last-2]|0x20 == 'a' && (last == 2 || key[last-2] == 'A')
	case 'r': // Identifier
		return last >= 9 && string(key[last-8:]) == "dentifier"
	}
	return false
}

// isForeign reports whether a key names no resource.
func isForeign(key []byte) bool {
	switch string(key) {
	case "requestId", "requestID", "RequestId", "x-amz-request-id", "accountId", "AccountId", "ownerId", "OwnerId",
		"regionName", "availabilityZoneName", "availabilityZoneId", "availabilityZone", "displayName", "DisplayName",
		"platformName", "agentName", "deviceName", "rootDeviceName", "versionId", "registryId", "hostName", "dnsName", "privateDnsName", "publicDnsName", "attributeName":
		return true
	}
	return false
}
