package cloudtrail

import (
	"bytes"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/entity"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// eventTable is a table of events and where its columns and fields are.
type eventTable struct {
	table *trailhouse.Table
	shape *shape
	origin
	is struct { // places in the shape
		identity, time, source, name, region, address, agent, errorCode, errorMessage, request, response, additional,
		id, resources, typ, recipient, endpoint, service, category, tls int
	}
	identity struct{ arn, account, user, principal, invokedBy, behalf int } // places in its shape
	col      struct {
		principal, entities, instances, instanceType, cores, threads, templateID, templateName, templateVersion,
		origin, enclave, module, instance, slot, slotKey, kind int
		pcr [10]int
	}
}

func newEventTable(t *trailhouse.Table) *eventTable {
	e := &eventTable{table: t, shape: eventShape(t), origin: newOrigin(t)}
	for name, at := range map[string]*int{
		"userIdentity": &e.is.identity, "eventTime": &e.is.time, "eventSource": &e.is.source, "eventName": &e.is.name,
		"awsRegion": &e.is.region, "sourceIPAddress": &e.is.address, "userAgent": &e.is.agent, "errorCode": &e.is.errorCode, "errorMessage": &e.is.errorMessage,
		"requestParameters": &e.is.request, "responseElements": &e.is.response, "additionalEventData": &e.is.additional, "eventID": &e.is.id,
		"resources": &e.is.resources, "eventType": &e.is.typ, "recipientAccountId": &e.is.recipient, "vpcEndpointId": &e.is.endpoint,
		"serviceEventDetails": &e.is.service, "eventCategory": &e.is.category, "tlsDetails": &e.is.tls,
	} {
		*at = e.shape.at(name)
	}
	identity := e.shape.fields[e.is.identity].shape
	for name, at := range map[string]*int{
		"arn": &e.identity.arn, "accountId": &e.identity.account, "userName": &e.identity.user, "principalId": &e.identity.principal,
		"invokedBy": &e.identity.invokedBy, "onBehalfOf": &e.identity.behalf,
	} {
		*at = identity.at(name)
	}
	for name, at := range map[string]*int{
		"principal": &e.col.principal, "entities": &e.col.entities, "instance_ids": &e.col.instances, "instance_type": &e.col.instanceType,
		"cpu_core_count": &e.col.cores, "cpu_threads_per_core": &e.col.threads, "launch_template_id": &e.col.templateID,
		"launch_template_name": &e.col.templateName, "launch_template_version": &e.col.templateVersion, "launch_origin": &e.col.origin,
		"enclave_enabled": &e.col.enclave, "attestation_module_id": &e.col.module, "attestation_instance_id": &e.col.instance,
		"attestation_slot": &e.col.slot, "attestation_slot_key": &e.col.slotKey, "attestation_kind": &e.col.kind,
		"pcr0": &e.col.pcr[0], "pcr1": &e.col.pcr[1], "pcr2": &e.col.pcr[2], "pcr3": &e.col.pcr[3], "pcr4": &e.col.pcr[4], "pcr8": &e.col.pcr[8],
	} {
		*at = t.MustIndex(name)
	}
	return e
}

// caller is who made a call, as nodes of the record; 0 where it does not say.
type caller struct {
	arn, account, user, principal, invokedBy, behalf uint32
}

// called is what is remembered of a caller: who it is, as nodes counted from that of its
// userIdentity, and what it names.
type called struct {
	caller
	names     entity.Known
	principal uint32 // number of its text plus one, 0 where it has none yet
}

// moved returns the caller with all nodes moved.
func (c caller) moved(by uint32) caller {
	for _, at := range [...]*uint32{&c.arn, &c.account, &c.user, &c.principal, &c.invokedBy, &c.behalf} {
		if *at != 0 {
			*at += by
		}
	}
	return c
}

// fillIdentity sets the columns of userIdentity and returns who it is.
func (r *row) fillIdentity(t *eventTable, b *trailhouse.Batch, at uint32) caller {
	f := &t.shape.fields[t.is.identity]
	if r.nodes[at].Kind != tape.Object {
		r.set(b, f, "", at)
		return caller{}
	}
	child, s := b.Child(f.col), f.shape
	raw := r.raw(at)
	known, ok := r.callers.Find(child, raw)
	if ok {
		b.SetRow(f.col, known.Row)
		r.known = &known.More
		return known.More.moved(at)
	}
	loose := len(r.loose)
	c := r.identity(t, child, s, at)
	b.SetRows(f.col)
	if known.Drop(); len(r.loose) == loose && !r.repeated {
		if known.Keep(raw, child.Len()-1, called{caller: c.moved(-at)}) {
			r.known = &known.More
		}
	}
	return c
}

// fillTLS sets the columns of tlsDetails, of which there are few.
func (r *row) fillTLS(f *field, b *trailhouse.Batch, at uint32) {
	child, raw, loose := b.Child(f.col), r.raw(at), len(r.loose)
	known, ok := r.tls.Find(child, raw)
	if ok {
		b.SetRow(f.col, known.Row)
		return
	}
	r.set(b, f, "", at)
	if known.Drop(); len(r.loose) == loose && !r.repeated {
		known.Keep(raw, child.Len()-1, struct{}{})
	}
}

// identity fills the row of a userIdentity and returns who it is.
func (r *row) identity(t *eventTable, child *trailhouse.Batch, s *shape, at uint32) caller {
	var m slots
	r.members(at, s, s.prefix, &m)
	for i := range s.fields {
		if m.has(i) {
			r.set(child, &s.fields[i], s.prefix, m.at[i])
		}
	}
	child.EndRow()
	is := &t.identity
	c := caller{
		arn: m.optional(is.arn), account: m.optional(is.account), user: m.optional(is.user),
		principal: m.optional(is.principal), invokedBy: m.optional(is.invokedBy),
	}
	if m.has(is.behalf) {
		c.behalf, _ = r.member(m.at[is.behalf], "userId")
	}
	return c
}

// string returns the text of a node where it is a string that is not empty, else nil.
// It is valid as long as the record is.
func (r *row) string(at uint32) []byte {
	if at == 0 || r.nodes[at].Kind != tape.String || r.nodes[at].From == r.nodes[at].To {
		return nil
	}
	return r.stable(&r.nodes[at])
}

// optional returns the node of a member, 0 where there is none.
func (s *slots) optional(i int) uint32 {
	if s.has(i) {
		return s.at[i]
	}
	return 0
}

// fillEvent fills the row of an event whose time is known.
func (r *row) fillEvent(t *eventTable, b *trailhouse.Batch, m *slots, record uint32) {
	var c caller
	r.known = nil
	for i := range t.shape.fields {
		switch {
		case !m.has(i):
		case i == t.is.identity:
			c = r.fillIdentity(t, b, m.at[i])
		case i == t.is.tls && r.nodes[m.at[i]].Kind == tape.Object:
			r.fillTLS(&t.shape.fields[i], b, m.at[i])
		default:
			r.set(b, &t.shape.fields[i], "", m.at[i])
		}
	}
	r.fillPrincipal(t, b, &c)
	r.fillNames(t, b, m, &c, record)
	if isLaunch(r.string(m.optional(t.is.source)), r.string(m.optional(t.is.name))) {
		r.fillLaunch(t, b, m, &c)
	}
	if m.has(t.is.additional) {
		r.fillAttestation(t, b, m.at[t.is.additional])
	}
}

// fillPrincipal sets the text that tells callers apart.
func (r *row) fillPrincipal(t *eventTable, b *trailhouse.Batch, c *caller) {
	if r.known != nil && r.known.principal > 0 {
		b.SetNumber(t.col.principal, r.known.principal-1)
		return
	}
	for _, at := range [...]uint32{c.arn, c.invokedBy, c.user, c.principal, c.account} {
		v := r.string(at)
		if v == nil {
			continue
		}
		b.SetText(t.col.principal, v)
		if r.known != nil {
			r.known.principal = b.Number(t.col.principal) + 1
		}
		return
	}
}

// fillNames sets what the record names. The caller's keys, ids and names stay where they
// are, in useridentity: said twice they would take 6 bytes an event, and reports look
// there too.
func (r *row) fillNames(t *eventTable, b *trailhouse.Batch, m *slots, c *caller, record uint32) {
	r.names.Reset()
	if v := r.string(c.behalf); v != nil {
		r.names.Add(v)
	}
	if v := r.string(m.optional(t.is.endpoint)); v != nil {
		r.names.Add(v)
	}
	is := &t.is
	r.nameMembers(record, m.optional(is.identity), []uint32{
		m.optional(is.request), m.optional(is.response), m.optional(is.service), m.optional(is.additional), m.optional(is.resources),
	})
	if module, ok := r.recipient(m.optional(t.is.additional)); ok {
		if id := parseModuleID(r.string(module)); entity.IsResourceID(id.instance) {
			r.names.Add(id.instance)
			r.names.AddInstance(id.instance)
		}
	}
	if request := m.optional(t.is.request); request != 0 && string(r.string(m.optional(t.is.source))) == "s3.amazonaws.com" {
		r.nameObject(request, r.string(m.optional(t.is.region)))
	}
	r.names.SetEntities(b, t.col.entities)
	if list := r.names.Instances(); len(list) > 0 {
		b.SetStrings(t.col.instances, list)
	}
}

// nameObject adds the ARN of an object of S3, which requests name by bucket and key.
// Records of data events have it among their resources, others do not.
func (r *row) nameObject(request uint32, region []byte) {
	bucket, _ := r.member(request, "bucketName")
	key, _ := r.member(request, "key")
	name, object := r.string(bucket), r.string(key)
	if name == nil || object == nil {
		return
	}
	partition := "aws"
	switch {
	case bytes.HasPrefix(region, []byte("cn-")):
		partition = "aws-cn"
	case bytes.HasPrefix(region, []byte("us-gov-")):
		partition = "aws-us-gov"
	}
	r.names.Join([]byte("arn:"), []byte(partition), []byte(":s3:::"), name, []byte("/"), object)
}

// recipient returns the module id of the attestation document that came with a call.
func (r *row) recipient(additional uint32) (uint32, bool) {
	if additional == 0 {
		return 0, false
	}
	return r.find(additional, "recipient", "attestationDocumentModuleId")
}

// fillLaunch sets what was launched and by whom.
func (r *row) fillLaunch(t *eventTable, b *trailhouse.Batch, m *slots, c *caller) {
	request, response := m.optional(t.is.request), m.optional(t.is.response)
	l := r.readLaunch(request, response)
	token := uint32(0)
	if request != 0 {
		token, _ = r.member(request, "clientToken")
	}
	b.SetString(t.col.origin, launchOrigin(r.string(m.optional(t.is.name)), r.string(c.invokedBy), r.string(m.optional(t.is.agent)), r.string(c.arn), r.string(token)))
	setFirst := func(col int, nodes ...uint32) {
		for _, at := range nodes {
			if at != 0 && r.nodes[at].Kind >= tape.Number && r.nodes[at].Kind < tape.Array {
				b.SetText(col, r.text(at))
				return
			}
		}
	}
	setFirst(t.col.instanceType, l.launched.instanceType, l.instanceType)
	setFirst(t.col.templateID, l.templateID, l.responseTemplate)
	setFirst(t.col.templateName, l.templateName)
	setFirst(t.col.templateVersion, l.resolution, l.templateVersion)
	if n, ok := parseInt(r.raw(first(l.launched.cores, l.cores))); ok {
		b.SetInt(t.col.cores, n)
	}
	if n, ok := parseInt(r.raw(first(l.launched.threads, l.threads))); ok {
		b.SetInt(t.col.threads, n)
	}
	switch enabled := r.raw(first(l.launched.enclaves, l.enclaves)); {
	case bytes.EqualFold(enabled, []byte("true")):
		b.SetBool(t.col.enclave, true)
	case bytes.EqualFold(enabled, []byte("false")):
		b.SetBool(t.col.enclave, false)
	}
}

// first returns the first node that is there, 0 where none is.
func first(nodes ...uint32) uint32 {
	for _, at := range nodes {
		if at != 0 {
			return at
		}
	}
	return 0
}

// raw returns the bytes of a value, of a string without its quotes; nothing for node 0.
func (r *row) raw(at uint32) []byte {
	if at == 0 {
		return nil
	}
	return r.b[r.nodes[at].From:r.nodes[at].To]
}

// fillAttestation sets what the attestation document of a KMS call says.
func (r *row) fillAttestation(t *eventTable, b *trailhouse.Batch, additional uint32) {
	recipient, ok := r.member(additional, "recipient")
	if !ok || r.nodes[recipient].Kind != tape.Object {
		return
	}
	var pcrs [10]uint32
	module := uint32(0)
	for i := recipient + 1; i < r.nodes[recipient].Next; i = r.nodes[i].Next {
		if key := r.key(i); string(key) == "attestationDocumentModuleId" {
			module = i
		} else if n := pcrOf(key); n >= 0 {
			pcrs[n] = i
		}
	}
	for n, at := range pcrs {
		if t.col.pcr[n] == 0 || at == 0 {
			continue
		}
		if v, ok := parsePCR(r.scratch[:0], r.string(at)); ok {
			b.SetText(t.col.pcr[n], v)
		}
	}
	text := r.string(module)
	if text == nil {
		return
	}
	b.SetText(t.col.module, text)
	id := parseModuleID(text)
	if id.kind == "" {
		return
	}
	b.SetString(t.col.kind, id.kind)
	b.SetText(t.col.instance, id.instance)
	if id.kind == attestedEnclave {
		b.SetText(t.col.slot, id.slot)
		b.SetString(t.col.slotKey, id.slotKey())
	}
}
