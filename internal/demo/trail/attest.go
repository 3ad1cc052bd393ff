package trail

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse/internal/demo/trail/document"
)

// hexAccount is the account whose records have PCRs as hexadecimal text, as old
// examples do; all others have base64, as real records (facts/nitro.md 3).
const hexAccount = "444455556666"

// The kinds of attestation documents.
const (
	kindEnclave  = "enclave"
	kindNitroTPM = "nitrotpm"
)

// maxAttested bounds attested calls of sessions.
const maxAttested = 2400

// attestation is a document, who sends it and where, and what is true of it.
type attestation struct {
	document.Document
	cell   *cell
	sender *caller
	from   string // instance of the sender
	key    string // ARN
	match  string
}

// attestedFrame returns the record of an operation; key is an ARN.
func attestedFrame(operation, key string) frame {
	f := frame{source: "kms", name: operation, reads: true, tls: true, endpoint: true, bare: true}
	if operation == "GenerateRandom" {
		return f
	}
	f.request = compile(map[string]string{
		"Decrypt":             `{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","keyId":"` + key + `"}`,
		"GenerateDataKey":     `{"keyId":"` + key + `","numberOfBytes":32}`,
		"GenerateDataKeyPair": `{"keyId":"` + key + `","keyPairSpec":"ECC_NIST_P256"}`,
		"DeriveSharedSecret":  `{"keyId":"` + key + `","keyAgreementAlgorithm":"ECDH","publicKey":"<base64 120>"}`,
	}[operation])
	f.resource = compile(`{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"` + key + `"}`)
	return f
}

// attest plans an attested call of any operation.
func (s *script) attest(at int64, a attestation) {
	operation := [...]string{"Decrypt", "Decrypt", "Decrypt", "GenerateDataKey", "GenerateDataKey", "GenerateRandom", "GenerateDataKeyPair", "DeriveSharedSecret"}[s.below(8)]
	s.attestTo(at, a, operation, "")
}

// attestTo plans an attested call that fails with a code, where there is one.
func (s *script) attestTo(at int64, a attestation, operation, code string) {
	if operation == "GenerateRandom" {
		a.key = ""
	}
	minor := []int{5, 5, 8, 10, 11}[s.below(5)]
	var failed *failure
	if code != "" {
		failed = &failure{code: code, text: compile("The attested request of <caller> was refused")}
	}
	id := s.add(at, a.cell, func(w *writer) (string, *failure) {
		w.caller = a.sender
		f := attestedFrame(operation, a.key)
		f.minor, f.version, f.extra, f.failure = minor, versionText(minor), compile(a.Data(a.cell.account == hexAccount)), failed
		w.record(&f)
		return operation, failed
	})
	told := Attested{
		EventID: id, Time: unix(at), Account: a.cell.account, Region: a.cell.region, Operation: operation, Kind: kindEnclave, InstanceID: a.Instance,
		Slot: a.Padded(), Key: a.key, PCR0: hex.EncodeToString(a.PCR(0)), PCR8: hex.EncodeToString(a.PCR(8)), Debug: a.Debug,
		Principal: a.sender.arn, Sender: a.from, Error: code, Match: a.match,
		Logged: a.match == MatchWithin, Relayed: a.from != a.Instance,
	}
	if a.Slot == "" {
		told.Kind, told.PCR0, told.PCR8, told.Match = kindNitroTPM, "", "", ""
	}
	s.attested = append(s.attested, told)
}

// keyOf returns the key of a client in a cell: each client has its own.
func (s *script) keyOf(c *cell, client string) string {
	if i := slices.Index(s.clients, client); i >= 0 {
		return "arn:aws:kms:" + c.region + ":" + c.account + ":key/" + c.pools[regKey][(2*i+1)%poolSize]
	}
	return "arn:aws:kms:" + c.region + ":" + c.account + ":key/" + c.pools[regKey][0]
}

// hosted are what calls of the hosts' enclaves need.
type hosted struct {
	cell   *cell
	sender *caller
}

// hosts hires the hosts' roles.
func (s *script) hosts() map[string]hosted {
	out := map[string]hosted{}
	for _, h := range s.o.Hosts {
		out[h.InstanceID] = hosted{s.org.cell(h.Account, globalRegion), roleSession(s.chance, h.Account, document.HostRole, h.InstanceID)}
	}
	for _, e := range s.o.Sessions {
		if !slices.Contains(s.clients, e.Client) {
			s.clients = append(s.clients, e.Client)
		}
	}
	slices.Sort(s.clients)
	return out
}

// of returns what a session's enclave sends through its own host.
func (s *script) of(e Session, h hosted) attestation {
	return attestation{
		Document: document.Document{Instance: e.InstanceID, Slot: e.Slot, Image: e.Image, Debug: e.Debug},
		cell:     h.cell, sender: h.sender, from: e.InstanceID, key: s.keyOf(h.cell, e.Client), match: MatchWithin,
	}
}

// attestSessions lets enclaves of the logs call KMS, in bursts, while they are proved
// alive.
func (s *script) attestSessions(hosts map[string]hosted) {
	limit := int(min(maxAttested, s.o.Events/8))
	// A session makes some eight calls.
	chosen := 1000
	if n := len(s.o.Sessions) * 8; n > limit {
		chosen = 1000 * limit / n
	}
	n := 0
	for _, e := range s.o.Sessions {
		h, ok := hosts[e.InstanceID]
		from, to := ceil(e.From), e.To.Unix()
		if !ok || e.Silent || to < from || int64(len(s.attested)) >= s.o.Events/4 {
			continue
		}
		a := s.of(e, h)
		if e.Always {
			s.attest(from, a)
		}
		if !s.permille(chosen) || to-from < 2 {
			continue
		}
		if n++; n%97 == 13 { // somebody else sends the document
			a.from = string(s.hex([]byte("i-0"), 16))
			a.sender = roleSession(s.chance, h.cell.account, document.HostRole, a.from)
		}
		for range 1 + s.below(3) {
			burst := from + int64(s.below(int(to-from)))
			for range 2 + s.below(5) {
				if len(s.attested) < limit {
					s.attest(min(burst+int64(s.below(int(5*minute))), to), a)
				}
			}
		}
	}
}

// ceil returns the first whole second that does not lie before t.
func ceil(t time.Time) int64 {
	at := t.Unix()
	if t.Nanosecond() > 0 {
		at++
	}
	return at
}

// attestOthers lets enclaves without logs call, and instances with a NitroTPM.
func (s *script) attestOthers(instances []machineAt) {
	for i := range 8 {
		m := instances[s.below(len(instances))]
		a := attestation{
			Document: document.Document{Instance: m.id, Image: UnloggedImage}, cell: m.cell, from: m.id,
			sender: roleSession(s.chance, m.cell.account, document.HostRole, m.id), key: s.keyOf(m.cell, ""), match: MatchNoLog,
		}
		at := m.since + 5*minute
		if i%3 > 0 {
			a.Slot = fmt.Sprintf("%x", (at*1000)<<16|int64(s.below(1<<16)))
		}
		for n := range 3 {
			s.attest(at+minute+int64(n)*7, a)
		}
	}
}
