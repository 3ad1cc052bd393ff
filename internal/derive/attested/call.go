package attested

import (
	"strings"

	"github.com/trailhouse/trailhouse"
)

// CallColumns are the columns that AppendCalls reads.
func (e *Events) CallColumns() []string {
	names := []string{"useridentity", "requestparameters", "resources", "additionaleventdata"}
	for _, c := range e.copies {
		names = append(names, e.table.Columns[c.from].Name)
	}
	return names
}

// AppendCalls appends the attested calls among the events of src to dst, a batch of
// CallTable.
func (e *Events) AppendCalls(src, dst *trailhouse.Batch) {
	w := callWriter{Events: e, to: newCallColumns(dst.Table)}
	for i := range src.Len() {
		w.event(src, i, dst)
	}
}

// event appends the call that event i is, if it was attested.
func (w *callWriter) event(src *trailhouse.Batch, i int, dst *trailhouse.Batch) {
	if members, ok := w.recipient(src, i); ok {
		w.row(src, i, members, dst)
	}
}

// callWriter fills rows of attested_calls.
type callWriter struct {
	*Events
	to callColumns
}

// callColumns are the places of columns of attested_calls.
type callColumns struct {
	keyARN, keyID, session, instance, kind, debug, attestation int
	pcr                                                        [3]int
}

func newCallColumns(t *trailhouse.Table) callColumns {
	return callColumns{
		keyARN: t.MustIndex("key_arn"), keyID: t.MustIndex("key_id"), session: t.MustIndex("session_name"),
		instance: t.MustIndex("caller_instance_id"), kind: t.MustIndex("kind"), debug: t.MustIndex("debug"), attestation: t.MustIndex("attestation"),
		pcr: [3]int{t.MustIndex("pcr0"), t.MustIndex("pcr1"), t.MustIndex("pcr2")},
	}
}

// row appends the call that event i is.
func (w *callWriter) row(src *trailhouse.Batch, i int, members []member, dst *trailhouse.Batch) {
	for c := range w.copies {
		w.copies[c].copyTo(dst, src, i)
	}
	asked, _ := lookUp(src, w.request, i, "keyId")
	set(dst, w.to.keyID, asked)
	set(dst, w.to.keyARN, w.keyARN(src, i, asked))
	session, instance := w.caller(src, i)
	set(dst, w.to.session, session)
	set(dst, w.to.instance, instance)
	if debug, known := w.debug(dst); known {
		dst.SetBool(w.to.debug, debug)
	}
	m := dst.Child(w.to.attestation)
	for _, kept := range members {
		m.SetString(0, kept.key)
		m.SetString(1, kept.value)
		m.EndRow()
	}
	dst.SetRows(w.to.attestation)
	dst.EndRow()
}

func set(b *trailhouse.Batch, col int, v string) {
	if v != "" {
		b.SetString(col, v)
	}
}

// keyARN returns the ARN of the key: the first key among the resources, else their
// first ARN of KMS, else what was asked for where it is an ARN. The examples of AWS
// have resources without a type (facts/nitro.md 3).
func (e *Events) keyARN(b *trailhouse.Batch, i int, asked string) string {
	child := b.Child(e.res)
	from, to := b.Rows(e.res, i)
	other := ""
	for row := from; row < to; row++ {
		arn := child.String(e.arn, row)
		if !isKMS(arn) {
			continue
		}
		if strings.Contains(arn, ":key/") {
			return arn
		}
		if other == "" {
			other = arn
		}
	}
	if other == "" && isKMS(asked) {
		return asked
	}
	return other
}

// isKMS reports whether a text is an ARN of KMS, of any partition.
func isKMS(arn string) bool {
	parts := strings.SplitN(arn, ":", 4)
	return len(parts) == 4 && parts[0] == "arn" && parts[2] == "kms"
}

// caller returns the role session's name and the instance that the credentials belong
// to. The session of an instance's role is named after the instance (facts/nitro.md 3).
func (e *Events) caller(b *trailhouse.Batch, i int) (session, instance string) {
	if b.IsNull(e.identity, i) {
		return "", ""
	}
	who := b.Child(e.identity)
	row, _ := b.Rows(e.identity, i)
	// Another account's record of a call names the account alone; the id of its principal is
	// still that of the role session.
	if typ := string(who.Text(e.member.typ, row)); typ == "AssumedRole" || typ == "AWSAccount" {
		session = sessionOf(who.String(e.member.arn, row), who.String(e.member.principal, row))
	}
	if isInstance(session) {
		return session, session
	}
	if !who.IsNull(e.member.session, row) {
		at, _ := who.Rows(e.member.session, row)
		if source := who.Child(e.member.session).String(e.member.sourceIdentity, at); isInstance(source) {
			return session, source
		}
	}
	if !who.IsNull(e.member.scope, row) {
		at, _ := who.Rows(e.member.scope, row)
		holder := who.Child(e.member.scope).String(e.member.issuedTo, at)
		if id := holder[strings.LastIndexAny(holder, "/:")+1:]; isInstance(id) {
			return session, id
		}
	}
	return session, ""
}

// sessionOf returns the name of a role session: what stands last in the ARN of an
// assumed role, else behind the colon of the principal id.
func sessionOf(arn, principal string) string {
	if _, rest, ok := strings.Cut(arn, ":assumed-role/"); ok {
		if at := strings.LastIndexByte(rest, '/'); at >= 0 {
			return rest[at+1:]
		}
	}
	_, session, _ := strings.Cut(principal, ":")
	return session
}

// isInstance reports whether a text is the id of an instance: i- and 8 hexadecimal
// digits, or 17 since 2016. The zeros that stand for an unknown instance name none (facts/nitro.md 2.6).
func isInstance(id string) bool {
	digits, ok := strings.CutPrefix(id, "i-")
	if !ok || len(digits) < 8 || len(digits) > 17 || id == string(trailhouse.UnknownInstance) {
		return false
	}
	return strings.Trim(digits, "0123456789abcdef") == ""
}

// debug reports whether the row under way is of an enclave in debug mode, whose
// document has zeros for image, kernel and application (facts/nitro.md 3), and whether
// that is known. Of PCR 1 and 2 only those that are printed count.
func (w *callWriter) debug(row *trailhouse.Batch) (debug, known bool) {
	i := row.Len()
	if string(row.Text(w.to.kind, i)) != Enclave || row.IsNull(w.to.pcr[0], i) {
		return false, false
	}
	for _, col := range w.to.pcr {
		if strings.Trim(row.String(col, i), "0") != "" {
			return false, true
		}
	}
	return true, true
}

// The kinds of attestation documents, values of the column kind.
const (
	Enclave  = "enclave"
	NitroTPM = "nitrotpm"
)
