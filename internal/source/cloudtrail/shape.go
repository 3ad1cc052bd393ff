package cloudtrail

import (
	"encoding/binary"
	"slices"

	"github.com/trailhouse/trailhouse"
)

// form says how the value of a field becomes the value of a column.
type form uint8

const (
	asText   form = iota // text
	asBool               // true, false, or these words as text
	asTime               // text with an instant
	asMap                // an object, as a map of text
	asGroup              // an object, as a struct
	asGroups             // an array of objects
	asNote               // no column: the row's own code reads it
)

// field is a member of an object of the record and the column it goes to.
type field struct {
	name  string
	col   int
	form  form
	shape *shape // of asGroup and asGroups

	head, tail uint64 // the first and the last 8 bytes of the name, or all of a shorter one
}

// is reports whether the name is the key at b[from:to], behind which there are at least
// 8 bytes more. A name of up to 16 bytes is compared in two steps.
func (f *field) is(b []byte, from, to uint32) bool {
	n := to - from
	if n != uint32(len(f.name)) {
		return false
	}
	head := binary.LittleEndian.Uint64(b[from:])
	if n < 8 {
		return head&(1<<(8*n)-1) == f.head
	}
	return head == f.head && binary.LittleEndian.Uint64(b[to-8:]) == f.tail && (n <= 16 || string(b[from:to]) == f.name)
}

// shape is what is known of an object: its fields in the order in which CloudTrail
// writes them, so that a member is nearly always found at the first look.
type shape struct {
	prefix string // path of its members in unknownfields
	fields []field
}

// find returns the field whose name is the key at b[from:to], looking from the field
// that is expected, or -1.
func (s *shape) find(b []byte, from, to uint32, expected int) int {
	for i := expected; i < len(s.fields); i++ {
		if s.fields[i].is(b, from, to) {
			return i
		}
	}
	for i := range min(expected, len(s.fields)) {
		if s.fields[i].is(b, from, to) {
			return i
		}
	}
	return -1
}

// named returns the field with the name, or -1.
func (s *shape) named(name string) int {
	return slices.IndexFunc(s.fields, func(f field) bool { return f.name == name })
}

// at returns the place of the field, which exists.
func (s *shape) at(name string) int {
	if i := s.named(name); i >= 0 {
		return i
	}
	panic("BUG: no field " + name)
}

// shaper builds the shape of an object whose columns are those of a table or a struct.
type shaper struct {
	shape   *shape
	columns []trailhouse.Column
}

func newShaper(prefix string, columns []trailhouse.Column) shaper {
	return shaper{&shape{prefix: prefix}, columns}
}

// put appends a field.
func (s shaper) put(f field) shaper {
	var name [16]byte
	copy(name[:8], f.name)
	copy(name[8:], f.name[max(len(f.name)-8, 0):])
	f.head, f.tail = binary.LittleEndian.Uint64(name[:]), binary.LittleEndian.Uint64(name[8:])
	s.shape.fields = append(s.shape.fields, f)
	return s
}

// add appends fields, each to the column of its name in lower case.
func (s shaper) add(f form, names ...string) shaper {
	for _, name := range names {
		s.to(f, name, lower(name))
	}
	return s
}

// to appends a field to a column of another name.
func (s shaper) to(f form, name, column string) shaper {
	return s.put(field{name: name, col: indexOf(s.columns, column), form: f})
}

// group appends a field that is an object, or an array of them; fields is called with
// its columns.
func (s shaper) group(f form, name string, fields func(shaper) shaper) shaper {
	col := indexOf(s.columns, lower(name))
	path := s.shape.prefix + name + "."
	if f == asGroups {
		path = s.shape.prefix + name + "[0]."
	}
	inner := fields(newShaper(path, s.columns[col].Fields))
	return s.put(field{name: name, col: col, form: f, shape: inner.shape})
}

// note appends fields without a column.
func (s shaper) note(names ...string) shaper {
	for _, name := range names {
		s.put(field{name: name, form: asNote})
	}
	return s
}

func lower(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

func indexOf(columns []trailhouse.Column, name string) int {
	for i := range columns {
		if columns[i].Name == name {
			return i
		}
	}
	panic("BUG: no column " + name)
}

// eventShape is a record of management, data and network activity events.
func eventShape(t *trailhouse.Table) *shape {
	return newShaper("", t.Columns).
		add(asText, "eventVersion").
		group(asGroup, "userIdentity", identityShape).
		add(asTime, "eventTime").
		add(asText, "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage").
		add(asMap, "requestParameters", "responseElements", "additionalEventData").
		add(asText, "requestID", "eventID").
		add(asBool, "readOnly").
		group(asGroups, "resources", func(s shaper) shaper {
			return s.add(asText, "accountId", "type", "ARN", "ARNPrefix")
		}).
		add(asText, "eventType", "apiVersion").
		add(asBool, "managementEvent").
		add(asText, "recipientAccountId", "sharedEventID", "annotation", "vpcEndpointId", "vpcEndpointAccountId").
		add(asMap, "serviceEventDetails", "addendum", "edgeDeviceDetails", "insightDetails").
		add(asText, "eventCategory").
		group(asGroup, "tlsDetails", func(s shaper) shaper {
			return s.add(asText, "tlsVersion", "cipherSuite", "clientProvidedHostHeader", "keyExchange")
		}).
		add(asText, "sessionCredentialFromConsole").
		add(asMap, "eventContext").
		shape
}

func identityShape(s shaper) shaper {
	return s.
		add(asText, "type", "principalId", "arn", "accountId", "accessKeyId", "userName").
		group(asGroup, "sessionContext", sessionShape).
		group(asGroup, "onBehalfOf", func(s shaper) shaper { return s.add(asText, "userId", "identityStoreArn") }).
		group(asGroup, "inScopeOf", func(s shaper) shaper {
			return s.add(asText, "sourceArn", "sourceAccount", "issuerType", "credentialsIssuedTo")
		}).
		add(asText, "invokedBy", "identityProvider", "credentialId").
		group(asGroup, "invokedByDelegate", func(s shaper) shaper { return s.add(asText, "accountId") })
}

func sessionShape(s shaper) shaper {
	return s.
		group(asGroup, "sessionIssuer", func(s shaper) shaper {
			return s.add(asText, "type", "principalId", "arn", "accountId", "userName")
		}).
		group(asGroup, "webIdFederationData", func(s shaper) shaper {
			return s.add(asText, "federatedProvider").add(asMap, "attributes")
		}).
		group(asGroup, "attributes", func(s shaper) shaper {
			return s.add(asTime, "creationDate").add(asText, "mfaAuthenticated")
		}).
		add(asText, "sourceIdentity", "ec2RoleDelivery", "ec2IssuedInVpc", "assumedRoot")
}

// insightShape is a record of Insights events, as trails and as event data stores
// write it.
func insightShape(t *trailhouse.Table) *shape {
	return newShaper("", t.Columns).
		add(asText, "eventVersion").
		add(asTime, "eventTime").
		add(asText, "awsRegion", "eventID", "eventType", "recipientAccountId", "sharedEventID").
		add(asMap, "insightDetails").
		add(asText, "eventCategory").
		add(asMap, "addendum").
		add(asText, "insightSource", "insightState", "insightEventSource", "insightEventName", "insightErrorCode", "insightType").
		add(asMap, "insightContext").
		shape
}

// aggregatedShape is a record of aggregated events.
func aggregatedShape(t *trailhouse.Table) *shape {
	return newShaper("", t.Columns).
		add(asText, "eventVersion", "accountId").
		to(asText, "eventId", "eventid").
		add(asText, "eventCategory", "eventType", "awsRegion", "eventSource").
		note("timeWindow").
		add(asMap, "summary").
		shape
}
