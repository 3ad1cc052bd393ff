package trail

// writer writes records one behind the other; what belongs to the event under way is
// in it.
type writer struct {
	chance
	org       *organisation
	ranks     wheel // over a pool
	minors    wheel
	addresses []string
	clock     stamp
	out       []byte

	cell   *cell
	at     int64
	caller *caller
	id     [36]byte
	memo   [registerCount]string
}

// begin sets the event under way. id may be empty.
func (w *writer) begin(cell *cell, at int64, id string) {
	w.cell, w.at = cell, at
	w.memo = [registerCount]string{}
	if id == "" {
		w.uuid(w.id[:0])
		return
	}
	copy(w.id[:], id)
}

// frame is what a record has around its bodies.
type frame struct {
	source   string // without .amazonaws.com
	name     string
	kind     string // eventType, AwsApiCall where empty
	version  string // eventVersion
	minor    int    // the number behind its point
	reads    bool
	data     bool
	tls      bool
	endpoint bool
	request  template
	response template
	extra    template // additionalEventData
	resource template // the elements of resources
	failure  *failure
	bare     bool // resources stands also where it is empty
}

// failure is an error that a call may end with. Either of code and message may be
// alone (facts/cloudtrail.md 2.1).
type failure struct {
	permille          int
	code              string
	message, response string // templates
	text, reply       template
}

// record writes one record.
func (w *writer) record(f *frame) {
	w.text(`{"eventVersion":"`, f.version, `","userIdentity":`)
	w.put(w.caller.identity)
	w.text(`,"eventTime":"`)
	w.out = w.clock.append(w.out, w.at)
	w.text(`","eventSource":"`, f.source, `.amazonaws.com","eventName":"`, f.name, `","awsRegion":"`, w.cell.region, `","sourceIPAddress":"`, w.address(),
		`","userAgent":"`, w.agent(), `"`)
	response := f.response
	if f.failure != nil {
		response = f.failure.reply
		w.fail(f.failure)
	}
	w.body(`,"requestParameters":`, f.request)
	w.body(`,"responseElements":`, response)
	if f.extra != nil {
		w.body(`,"additionalEventData":`, f.extra)
	}
	w.text(`,"requestID":"`)
	w.requestID(f.source)
	w.text(`","eventID":"`)
	w.out = append(w.out, w.id[:]...)
	w.text(`","readOnly":`, boolean(f.reads))
	if f.resource != nil || f.bare {
		w.text(`,"resources":[`)
		w.put(f.resource)
		w.text(`]`)
	}
	w.end(f)
}

// end writes what is behind the bodies: each field since its version
// (facts/cloudtrail.md 2.1).
func (w *writer) end(f *frame) {
	kind := f.kind
	if kind == "" {
		kind = "AwsApiCall"
	}
	w.text(`,"eventType":"`, kind, `"`)
	if f.minor >= 6 {
		w.text(`,"managementEvent":`, boolean(!f.data))
	}
	w.text(`,"recipientAccountId":"`, w.cell.account, `"`)
	if w.caller.class == classService && w.caller.service != "" && w.caller.arn == "" {
		w.text(`,"sharedEventID":"`)
		w.out = w.uuid(w.out)
		w.text(`"`)
	}
	if f.endpoint && w.inside() {
		w.text(`,"vpcEndpointId":"`, w.cell.endpoint, `"`)
		if f.minor >= 9 {
			w.text(`,"vpcEndpointAccountId":"`, w.cell.account, `"`)
		}
	}
	if f.minor >= 7 {
		w.text(`,"eventCategory":"`, category(f.data), `"`)
	}
	if f.minor >= 8 && f.tls && w.caller.service == "" {
		w.secured(f)
	}
	if f.minor >= 8 && w.caller.class == classConsole {
		w.text(`,"sessionCredentialFromConsole":"true"`)
	}
	w.text(`}`)
}

func (w *writer) secured(f *frame) {
	w.text(`,"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"`)
	if bucket := w.memo[regBucket]; bucket != "" && f.source == "s3" {
		w.text(bucket, `.`)
	}
	w.text(f.source, `.`, w.cell.region, `.amazonaws.com"`)
	if f.minor >= 11 {
		w.text(`,"keyExchange":"X25519MLKEM768"`)
	}
	w.text(`}`)
}

func category(data bool) string {
	if data {
		return "Data"
	}
	return "Management"
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func (w *writer) text(parts ...string) {
	for _, p := range parts {
		w.out = append(w.out, p...)
	}
}

// body writes a member whose value is a template, or null.
func (w *writer) body(name string, t template) {
	w.out = append(w.out, name...)
	if t == nil {
		w.out = append(w.out, "null"...)
		return
	}
	w.put(t)
}

func (w *writer) fail(f *failure) {
	if f.code != "" {
		w.text(`,"errorCode":"`, f.code, `"`)
	}
	if f.text != nil {
		w.text(`,"errorMessage":"`)
		w.put(f.text)
		w.text(`"`)
	}
}

// requestID writes the request id: a UUID but for S3, the one that the response names
// where it does.
func (w *writer) requestID(source string) {
	switch {
	case w.memo[regRequest] != "":
		w.text(w.memo[regRequest])
	case source == "s3":
		w.out = w.upper(w.out, 16)
	default:
		w.out = w.uuid(w.out)
	}
}

// inside reports whether the caller is in a VPC.
func (w *writer) inside() bool {
	return w.caller.class == classHost || w.caller.class == classFunction
}

// address returns where the caller is: a service's name, an address of a VPC, or one
// of the ranges for documentation, few of which see most of the traffic.
func (w *writer) address() string {
	c := w.caller
	switch {
	case c.service != "":
		return c.service
	case c.class == classHost:
		return w.cell.pools[regPrivate][c.index%poolSize]
	}
	return w.addresses[(uint64(c.index)*7+uint64(w.at/day)*uint64(c.class))%uint64(len(w.addresses))]
}

func (w *writer) agent() string {
	c := w.caller
	if c.service != "" {
		return c.service
	}
	return c.agents[(uint64(w.at/(6*hour))+uint64(c.index))%uint64(len(c.agents))]
}
