// Package audit says what a correct reader finds in the demo's attested calls: the
// truth about findings. It goes through lists in the plainest way and shares nothing
// with the views that it checks but the words of docs/findings.md.
package audit

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Image is an entry of approved_images. Texts that are empty stand for anything.
type Image struct {
	PCR0, PCR8  string // lower-case hex
	Client      string
	From, Until time.Time
	Note        string
}

// Session is a life of an enclave as far as its log shows it.
type Session struct {
	ID, EnclaveID, InstanceID string
	Account, Client           string
	// Ready is zero where the log does not show it. Ended is the printed end, else the
	// last proof of life.
	Ready, Ended time.Time
}

// Finding is one row of the report findings. Texts are empty where it is not about one
// thing of the kind.
type Finding struct {
	Kind     string `json:"kind"`
	Severity string `json:"severity"`
	Client   string `json:"client"`
	Account  string `json:"account_id"`
	Instance string `json:"instance_id"`
	Enclave  string `json:"enclave_id"`
	Session  string `json:"session_id"`
	Key      string `json:"key_arn"`
	PCR0     string `json:"pcr0"`
	Caller   string `json:"principal"`
	Calls    int64  `json:"calls"`
	Failed   int64  `json:"failed"`
	// First and Last are those of the calls; of a session without any its own.
	First time.Time `json:"first_seen"`
	Last  time.Time `json:"last_seen"`
	// Events are the first twenty calls.
	Events []string `json:"event_ids"`
}

// Calls counts the attested calls of one session and client. Session is empty for
// calls of no session.
type Calls struct {
	Session string `json:"session_id"`
	Client  string `json:"client"`
	Calls   int64  `json:"calls"`
}

// Call is an attested call of an enclave.
type Call struct {
	EventID    string
	Time       time.Time
	Account    string
	InstanceID string
	Slot       string // padded or not
	Key        string // empty for none
	PCR0, PCR8 string // lower-case hex
	Debug      bool
	Principal  string
	Sender     string // instance that made the call
	Error      string // empty where it did not fail
	Match      string // one of the constants of package trail
}

const (
	matchWithin    = "within"
	matchOutside   = "outside"
	matchNoSession = "no-session"
	matchNoLog     = "no-log"
)

// call is a Call with what belongs to it.
type call struct {
	Call
	enclave, session, client string
	verdict                  string
}

// Book is what is known of a trail and its sessions.
type Book struct {
	calls    []call
	sessions []Session
	images   []Image
	kms      map[string][]time.Time
}

// Open joins calls to sessions. kms are the last events of KMS of each day of
// each account that the trail has; owner gives the client of a call of no session, by its instance.
func Open(calls []Call, kms map[string][]time.Time, sessions []Session, images []Image, owner func(instance string) string) *Book {
	b := &Book{sessions: sessions, images: images, kms: kms}
	byEnclave := map[string]Session{}
	for _, s := range sessions {
		byEnclave[s.EnclaveID] = s
	}
	for _, a := range calls {
		c := call{Call: a, enclave: a.InstanceID + "-enc" + strings.TrimLeft(a.Slot, "0"), client: owner(a.InstanceID)}
		if s, ok := byEnclave[c.enclave]; ok {
			c.session, c.client = s.ID, s.Client
		}
		c.verdict = b.verdict(c)
		b.calls = append(b.calls, c)
	}
	return b
}

// verdict goes through the list.
func (b *Book) verdict(c call) string {
	listed := false
	for _, i := range b.images {
		if i.Client != "" && i.Client != c.client {
			continue
		}
		listed = true
		if !c.Debug && (i.PCR0 == "" || i.PCR0 == c.PCR0) && (i.PCR8 == "" || i.PCR8 == c.PCR8) &&
			!c.Time.Before(i.From) && (i.Until.IsZero() || c.Time.Before(i.Until)) {
			return "approved"
		}
	}
	if listed {
		return "not-approved"
	}
	return "no-list"
}

// Calls counts the calls of each session and client, in their order.
func (b *Book) Calls() []Calls {
	counts := map[Calls]int64{}
	for _, c := range b.calls {
		counts[Calls{Session: c.session, Client: c.client}]++
	}
	out := []Calls{}
	for k, n := range counts {
		k.Calls = n
		out = append(out, k)
	}
	slices.SortFunc(out, func(x, y Calls) int {
		return cmp.Or(cmp.Compare(x.Session, y.Session), cmp.Compare(x.Client, y.Client))
	})
	return out
}

// Findings returns all findings, by kind and then in the order of their first call.
func (b *Book) Findings() []Finding {
	groups := map[[2]string][]call{} // by kind and subject
	add := func(kind, subject string, c call) {
		groups[[2]string{kind, subject}] = append(groups[[2]string{kind, subject}], c)
	}
	for _, c := range b.calls {
		if c.Debug {
			add("debug-attestation", c.enclave, c)
		}
		if c.verdict == "not-approved" && !c.Debug {
			add("image-not-approved", c.Account+" "+c.client+" "+c.PCR0, c)
		}
		if c.Sender != c.InstanceID {
			add("relayed-document", c.enclave+" "+c.Sender, c)
		}
		if c.Match == matchOutside {
			add("call-outside-session", c.enclave, c)
		}
		if c.Match == matchNoSession {
			add("enclave-without-log", c.enclave, c)
		}
		if c.Match == matchNoLog {
			add("enclave-without-log", c.InstanceID, c)
		}
		if c.Error != "" {
			add("failed-attested-calls", c.Account+" "+c.client+" "+c.Key+" "+c.PCR0, c)
		}
		if c.Match == matchWithin && c.Error == "" && c.Key != "" && b.clientsOf(c.Key) > 1 {
			add("key-shared-by-clients", c.Key, c)
		}
	}
	out := []Finding{}
	for k, calls := range groups {
		out = append(out, finding(k[0], calls))
	}
	out = append(out, b.silent()...)
	slices.SortFunc(out, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), x.First.Compare(y.First), cmp.Compare(x.Enclave, y.Enclave), cmp.Compare(x.Key, y.Key), cmp.Compare(x.PCR0, y.PCR0), cmp.Compare(x.Account, y.Account))
	})
	return out
}

// clientsOf counts the clients whose enclaves used a key while they lived.
func (b *Book) clientsOf(key string) int {
	clients := map[string]bool{}
	for _, c := range b.calls {
		if c.Key == key && c.Match == matchWithin && c.Error == "" {
			clients[c.client] = true
		}
	}
	return len(clients)
}

// finding sums calls up.
func finding(kind string, calls []call) Finding {
	severity := map[string]string{"debug-attestation": "critical", "image-not-approved": "critical", "relayed-document": "critical", "failed-attested-calls": "medium"}
	f := Finding{Kind: kind, Severity: cmp.Or(severity[kind], "high"), Calls: int64(len(calls))}
	if kind == "enclave-without-log" && calls[0].Match == matchNoLog {
		f.Severity = "medium"
	}
	slices.SortFunc(calls, func(x, y call) int { return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(x.EventID, y.EventID)) })
	f.First, f.Last = calls[0].Time, calls[len(calls)-1].Time
	for i, c := range calls {
		if c.Error != "" {
			f.Failed++
		}
		if i < 20 {
			f.Events = append(f.Events, c.EventID)
		}
	}
	f.Client = only(calls, func(c call) string { return c.client })
	f.Account = only(calls, func(c call) string { return c.Account })
	f.Instance = only(calls, func(c call) string { return c.InstanceID })
	f.Enclave = only(calls, func(c call) string { return c.enclave })
	f.Session = only(calls, func(c call) string { return c.session })
	if !slices.ContainsFunc(calls, func(c call) bool { return c.Key == "" }) {
		f.Key = only(calls, func(c call) string { return c.Key })
	}
	f.PCR0 = only(calls, func(c call) string { return c.PCR0 })
	f.Caller = only(calls, func(c call) string { return c.Principal })
	return f
}

// only returns the one text that the calls have, empty where there are several.
func only(calls []call, of func(call) string) string {
	one := ""
	for _, c := range calls {
		switch text := of(c); {
		case text == "" || text == one:
		case one != "":
			return ""
		default:
			one = text
		}
	}
	return one
}

// silent returns the sessions of clients with approved images that never called, of
// whose first and last day the trail has events of KMS, and later ones than their end or
// their first hour.
func (b *Book) silent() []Finding {
	called := map[string]bool{}
	for _, c := range b.calls {
		if c.Match != matchOutside {
			called[c.session] = true
		}
	}
	var out []Finding
	for _, s := range b.sessions {
		approved := slices.ContainsFunc(b.images, func(i Image) bool { return i.Client != "" && i.Client == s.Client })
		if !approved || called[s.ID] || s.Ready.IsZero() || !b.watched(s) {
			continue
		}
		out = append(out, Finding{
			Kind: "never-attested", Severity: "medium", Client: s.Client, Account: s.Account, Instance: s.InstanceID, Enclave: s.EnclaveID, Session: s.ID,
			First: s.Ready, Last: s.Ended,
		})
	}
	return out
}

// watched reports whether the trail of a session's account tells of the time in which it
// might have called.
func (b *Book) watched(s Session) bool {
	has := func(accept func(time.Time) bool) bool { return slices.ContainsFunc(b.kms[s.Account], accept) }
	on := func(day time.Time) bool {
		return has(func(t time.Time) bool { return t.Format(time.DateOnly) == day.Format(time.DateOnly) })
	}
	until := s.Ready.Add(time.Hour)
	if s.Ended.Before(until) {
		until = s.Ended
	}
	return on(s.Ready) && on(s.Ended) && has(until.Before)
}
