package trail

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// hexAccount is the account whose records have PCRs as hexadecimal text, as old
// examples do; all others have base64, as real records (facts/nitro.md 3).
const hexAccount = "444455556666"

// hostRole is the role of instances that run enclaves.
const hostRole = "EnclaveHost"

// The kinds of attestation documents.
const (
	kindEnclave  = "enclave"
	kindNitroTPM = "nitrotpm"
)

// maxAttested bounds attested calls of sessions.
const maxAttested = 2400

// document is an attestation document and who sends it.
type document struct {
	instance string
	slot     string // without padding, empty for a NitroTPM
	image    string
	debug    bool
	sender   *caller
	relayed  bool
	logged   bool
}

// measure is the digest of something that a PCR measures.
func measure(what, value string) []byte {
	sum := sha512.Sum384([]byte(what + ":" + value))
	return sum[:]
}

// pcr returns the value of a register. Debug mode has zeros for image, kernel and
// application; an unsigned image has them for the certificate (facts/nitro.md 3).
func (d document) pcr(n int) []byte {
	switch {
	case d.debug && n <= 2, n == 8 && strings.HasPrefix(d.image, "/home/"):
		return make([]byte, sha512.Size384)
	case n == 3:
		return measure("role", hostRole)
	case n == 4:
		return measure("instance", d.instance)
	case n == 8:
		return measure("certificate", "example-corp")
	}
	return measure(fmt.Sprintf("pcr%d", n), d.image)
}

// recipient returns additionalEventData.
func (d document) recipient(account string) string {
	spell := base64.StdEncoding.EncodeToString
	if account == hexAccount {
		spell = hex.EncodeToString
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"recipient":{"attestationDocumentModuleId":%q`, d.module())
	if d.slot == "" {
		for _, n := range [...]int{4, 7, 8, 9, 12, 16, 23} {
			fmt.Fprintf(&b, `,"attestationDocumentNitroTPMPCR%d":%q`, n, spell(measure("tpm", d.instance+fmt.Sprint(n))))
		}
		return b.String() + `}}`
	}
	fmt.Fprintf(&b, `,"attestationDocumentEnclaveImageDigest":%q`, spell(d.pcr(0)))
	for _, n := range [...]int{1, 2, 3, 4, 8} {
		fmt.Fprintf(&b, `,"attestationDocumentEnclavePCR%d":%q`, n, spell(d.pcr(n)))
	}
	return b.String() + `}}`
}

// module returns the module id; attestation pads the slot to 16 digits
// (facts/nitro.md 2.6).
func (d document) module() string {
	if d.slot == "" {
		return d.instance + "-tpm0000000000000000"
	}
	return d.instance + "-enc" + d.padded()
}

func (d document) padded() string { return strings.Repeat("0", max(0, 16-len(d.slot))) + d.slot }

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

// attest plans an attested call.
func (s *script) attest(at int64, c *cell, d document) {
	operation := [...]string{"Decrypt", "Decrypt", "Decrypt", "GenerateDataKey", "GenerateDataKey", "GenerateRandom", "GenerateDataKeyPair", "DeriveSharedSecret"}[s.below(8)]
	key := ""
	if operation != "GenerateRandom" {
		key = "arn:aws:kms:" + c.region + ":" + c.account + ":key/" + c.pools[regKey][len(d.image)%poolSize]
	}
	minor := []int{5, 5, 8, 10, 11}[s.below(5)]
	id := s.add(at, c, func(w *writer) (string, *failure) {
		w.caller = d.sender
		f := attestedFrame(operation, key)
		f.minor, f.version, f.extra = minor, versionText(minor), compile(d.recipient(c.account))
		w.record(&f)
		return operation, nil
	})
	told := Attested{
		EventID: id, Time: unix(at), Account: c.account, Region: c.region, Operation: operation, Kind: kindEnclave, InstanceID: d.instance,
		Slot: d.padded(), Key: key, PCR0: hex.EncodeToString(d.pcr(0)), Principal: d.sender.arn, Logged: d.logged, Relayed: d.relayed,
	}
	if d.slot == "" {
		told.Kind, told.PCR0, told.Slot = kindNitroTPM, "", ""
	}
	s.attested = append(s.attested, told)
}

// attestSessions lets enclaves of the logs call KMS, in bursts, while they are proved
// alive.
func (s *script) attestSessions() {
	limit := int(min(maxAttested, s.o.Events/8))
	senders := map[string]*caller{}
	accounts := map[string]string{}
	for _, h := range s.o.Hosts {
		accounts[h.InstanceID] = h.Account
		senders[h.InstanceID] = roleSession(s.chance, h.Account, hostRole, h.InstanceID)
	}
	// A session makes some eight calls.
	chosen := 1000
	if n := len(s.o.Sessions) * 8; n > limit {
		chosen = 1000 * limit / n
	}
	n := 0
	for _, e := range s.o.Sessions {
		account, ok := accounts[e.InstanceID]
		from, to := ceil(e.From), e.To.Unix()
		if !ok || !s.permille(chosen) || to-from < 2 {
			continue
		}
		c := s.org.cell(account, globalRegion)
		d := document{instance: e.InstanceID, slot: e.Slot, image: e.Image, debug: e.Debug, sender: senders[e.InstanceID], logged: true}
		if n++; n%97 == 13 { // somebody else sends the document
			d.relayed, d.sender = true, roleSession(s.chance, account, hostRole, string(s.hex([]byte("i-0"), 16)))
		}
		for range 1 + s.below(3) {
			burst := from + int64(s.below(int(to-from)))
			for range 2 + s.below(5) {
				if len(s.attested) < limit {
					s.attest(min(burst+int64(s.below(int(5*minute))), to), c, d)
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
		d := document{instance: m.id, image: "/opt/eif/unlogged.eif", sender: roleSession(s.chance, m.cell.account, hostRole, m.id)}
		at := m.since + 5*minute
		if i%3 > 0 {
			d.slot = fmt.Sprintf("%x", (at*1000)<<16|int64(s.below(1<<16)))
		}
		for n := range 3 {
			s.attest(at+minute+int64(n)*7, m.cell, d)
		}
	}
}
