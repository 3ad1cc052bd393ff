package cloudtrail

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"

	"github.com/trailhouse/trailhouse"
)

// The kinds of an attestation document, by its module id.
const (
	attestedEnclave  = "enclave"
	attestedNitroTPM = "nitrotpm"
)

// moduleID is a module id cut into its parts.
type moduleID struct {
	kind     string
	instance []byte
	slot     []byte // of an enclave
}

// parseModuleID cuts a module id: <instance>-enc<slot> of an enclave,
// <instance>-tpm<16 zeros> of a NitroTPM (facts/nitro.md 3).
func parseModuleID(id []byte) moduleID {
	if instance, slot, ok := bytes.Cut(id, []byte("-enc")); ok {
		return moduleID{attestedEnclave, instance, slot}
	}
	if instance, _, ok := bytes.Cut(id, []byte("-tpm")); ok {
		return moduleID{kind: attestedNitroTPM, instance: instance}
	}
	return moduleID{}
}

// slotKey returns the form of a slot in which all its spellings are equal.
func (m *moduleID) slotKey() string { return trailhouse.Slot(m.slot).Key() }

// pcrOf returns the column of a PCR's member of recipient: its number, or -1.
func pcrOf(key []byte) int {
	if string(key) == "attestationDocumentEnclaveImageDigest" {
		return 0
	}
	for _, prefix := range []string{"attestationDocumentEnclavePCR", "attestationDocumentNitroTPMPCR"} {
		if number, ok := bytes.CutPrefix(key, []byte(prefix)); ok && len(number) == 1 && isDigit(number[0]) {
			return int(number[0] - '0')
		}
	}
	return -1
}

// parsePCR returns a PCR as lower-case hex. Real records write base64 of 48 bytes, older
// examples hex (facts/nitro.md 3). 64 characters are base64 first: the zeros of debug
// mode are 64 times the letter A, which is hex too.
func parsePCR(dst, text []byte) ([]byte, bool) {
	var raw [64]byte
	switch len(text) {
	case 64:
		if n, err := base64.StdEncoding.Decode(raw[:], text); err == nil {
			return hex.AppendEncode(dst, raw[:n]), true
		}
	case 96, 128:
		if _, err := hex.Decode(raw[:], text); err == nil {
			return hex.AppendEncode(dst, raw[:len(text)/2]), true
		}
	}
	return dst, false
}
