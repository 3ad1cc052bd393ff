package attested

import (
	"slices"

	"github.com/trailhouse/trailhouse"
)

// Events reads rows of the table cloudtrail. Its methods take batches of its Table in
// which at least the columns are read that the method's own list names.
type Events struct {
	table                                       *trailhouse.Table
	source, name, typ, code, message            int
	module, principal, identity                 int
	request, response, additional, details, res int
	copies                                      []copied
	member                                      identity
	arn                                         int             // in resources
	endNames                                    map[string]bool // what endsHosts said of names
}

// copied is a column that a call has from its event unchanged.
type copied struct {
	from, to int
	typ      trailhouse.Type
}

// identity are places in useridentity.
type identity struct {
	typ, principal, arn, session, sourceIdentity, scope, issuedTo int
}

// callNames are the columns of attested_calls whose name in cloudtrail is another one.
func callNames() map[string]string {
	return map[string]string{
		"operation": "eventname", "module_id": "attestation_module_id", "instance_id": "attestation_instance_id",
		"slot": "attestation_slot", "slot_key": "attestation_slot_key", "kind": "attestation_kind",
	}
}

// made are the columns of attested_calls that are worked out.
func made(column string) bool {
	switch column {
	case "key_arn", "key_id", "session_name", "caller_instance_id", "debug", "attestation":
		return true
	}
	return false
}

// Table is the table cloudtrail with those fields of its structs alone that are looked at:
// who made a call has thirty, and each takes time to read.
func (e *Events) Table() *trailhouse.Table { return e.table }

// narrow returns the table with some fields of some structs.
func narrow(t *trailhouse.Table) *trailhouse.Table {
	keep := map[string][]string{
		"useridentity": {"type", "principalid", "arn", "sessioncontext", "inscopeof"}, "resources": {"arn"},
		"sessioncontext": {"sourceidentity"}, "inscopeof": {"credentialsissuedto"},
	}
	var fields func(columns []trailhouse.Column, names []string) []trailhouse.Column
	fields = func(columns []trailhouse.Column, names []string) (out []trailhouse.Column) {
		for _, c := range columns {
			if names != nil && !slices.Contains(names, c.Name) {
				continue
			}
			if kept := keep[c.Name]; kept != nil {
				c.Fields = fields(c.Fields, kept)
			}
			out = append(out, c)
		}
		return out
	}
	narrowed := *t
	narrowed.Columns = fields(t.Columns, nil)
	return &narrowed
}

// NewEvents returns a reader of the table cloudtrail.
func NewEvents(t *trailhouse.Table) *Events { return newEvents(narrow(t)) }

// newEvents returns a reader of batches of a table.
func newEvents(t *trailhouse.Table) *Events {
	e := &Events{
		table: t, endNames: map[string]bool{},
		source: t.MustIndex("eventsource"), name: t.MustIndex("eventname"), typ: t.MustIndex("eventtype"),
		code: t.MustIndex("errorcode"), message: t.MustIndex("errormessage"),
		module: t.MustIndex("attestation_module_id"), principal: t.MustIndex("principal"), identity: t.MustIndex("useridentity"),
		request: t.MustIndex("requestparameters"), response: t.MustIndex("responseelements"),
		additional: t.MustIndex("additionaleventdata"), details: t.MustIndex("serviceeventdetails"), res: t.MustIndex("resources"),
	}
	calls := CallTable()
	for to := range calls.Columns {
		name := calls.Columns[to].Name
		if made(name) {
			continue
		}
		if other, ok := callNames()[name]; ok {
			name = other
		}
		e.copies = append(e.copies, copied{t.MustIndex(name), to, calls.Columns[to].Type})
	}
	who := trailhouse.Table{Name: t.Name + ".useridentity", Columns: t.Columns[e.identity].Fields}
	m := &e.member
	m.typ, m.principal, m.arn = who.MustIndex("type"), who.MustIndex("principalid"), who.MustIndex("arn")
	m.session, m.scope = who.MustIndex("sessioncontext"), who.MustIndex("inscopeof")
	session := trailhouse.Table{Name: who.Name + ".sessioncontext", Columns: who.Columns[m.session].Fields}
	m.sourceIdentity = session.MustIndex("sourceidentity")
	scope := trailhouse.Table{Name: who.Name + ".inscopeof", Columns: who.Columns[m.scope].Fields}
	m.issuedTo = scope.MustIndex("credentialsissuedto")
	resource := trailhouse.Table{Name: t.Name + ".resources", Columns: t.Columns[e.res].Fields}
	e.arn = resource.MustIndex("arn")
	return e
}

// Glance is what a first look at the events of a file finds, so that little of it is
// read further. Rows are numbers within the file, in order.
type Glance struct {
	// CallRows may be attested calls, EndRows ends of hosts.
	CallRows, EndRows []int64
	// Calls says that there are attested calls; else those of CallRows are calls to KMS
	// whose additional data must be looked at.
	Calls bool

	rows int64 // that were looked at
}

// GlanceColumns are the columns that Glance reads: those that take little to read.
func (e *Events) GlanceColumns() []string {
	return []string{"eventsource", "eventname", "attestation_module_id"}
}

// Glance looks at the next batch of a file and adds what it finds to g.
func (e *Events) Glance(b *trailhouse.Batch, g *Glance) {
	for i := range b.Len() {
		row := g.rows + int64(i)
		call, end := e.glance(b, i)
		if call {
			g.Calls = g.Calls || !b.IsNull(e.module, i)
			g.CallRows = append(g.CallRows, row)
		}
		if end {
			g.EndRows = append(g.EndRows, row)
		}
	}
	g.rows += int64(b.Len())
}

// glance reports whether an event may be an attested call, or the end of a host.
func (e *Events) glance(b *trailhouse.Batch, i int) (call, end bool) {
	if !b.IsNull(e.module, i) {
		return true, false
	}
	switch string(b.Text(e.source, i)) {
	case kms:
		return true, false
	case ec2:
		return false, e.endsHosts(b.Text(e.name, i))
	}
	return false, false
}

// endsHosts is the function endsHosts, which remembers what it said.
func (e *Events) endsHosts(name []byte) bool {
	ends, known := e.endNames[string(name)]
	if known {
		return ends
	}
	ends = endsHosts(string(name))
	if len(e.endNames) < maxNames {
		e.endNames[string(name)] = ends
	}
	return ends
}

// maxNames is how many names of events are remembered. EC2 has some 700.
const maxNames = 5000

// RecipientColumns are the columns that HasRecipient reads.
func (e *Events) RecipientColumns() []string { return []string{"additionaleventdata"} }

// HasRecipient reports whether an event of the batch carried an attestation document,
// whatever is printed of it.
func (e *Events) HasRecipient(b *trailhouse.Batch) bool {
	for i := range b.Len() {
		if _, ok := e.recipient(b, i); ok {
			return true
		}
	}
	return false
}

// The services whose events are looked at.
const (
	kms = "kms.amazonaws.com"
	ec2 = "ec2.amazonaws.com"
)

// recipient returns what additionalEventData says of the attestation document. CloudTrail
// prints the member recipient only where the request carried one (facts/nitro.md 3), so
// one of another form than today's is a document too, of unknown kind: what is no object
// becomes a member of the same name. Null and an empty object say nothing.
func (e *Events) recipient(b *trailhouse.Batch, i int) ([]member, bool) {
	text, ok := lookUp(b, e.additional, i, recipient)
	if !ok {
		return nil, false
	}
	members, ok := parseObject(text)
	if !ok {
		return []member{{recipient, text}}, true
	}
	return members, len(members) > 0
}

// recipient is the member of additionalEventData that tells of an attestation document.
const recipient = "recipient"

// lookUp returns the value of a key of a map column.
func lookUp(b *trailhouse.Batch, col, i int, key string) (string, bool) {
	child := b.Child(col)
	from, to := b.Rows(col, i)
	for row := from; row < to; row++ {
		if string(child.Text(0, row)) == key {
			return child.String(1, row), !child.IsNull(1, row)
		}
	}
	return "", false
}

// copyTo sets a column from that of an event.
func (c *copied) copyTo(dst, src *trailhouse.Batch, i int) {
	if src.IsNull(c.from, i) {
		return
	}
	switch c.typ {
	case trailhouse.TypeUUID:
		dst.SetKey(c.to, src.Key(c.from, i))
	case trailhouse.TypeString:
		dst.SetText(c.to, src.Text(c.from, i))
	default:
		dst.SetInt(c.to, src.Int(c.from, i))
	}
}
