// Package document makes attestation documents as records of a trail show them. Their
// measurements are hashes of invented things: equal things measure the same.
package document

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// HostRole is the role of instances that run enclaves.
const HostRole = "EnclaveHost"

// Signer signs the images of the organisation, but for those in somebody's home.
const Signer = "example-corp"

// Document is what an enclave, or an instance with a NitroTPM, shows of itself.
type Document struct {
	Instance string
	// Slot is as nitro-cli prints it, without padding; empty for a NitroTPM.
	Slot string
	// Image is the path of the image; equal paths are equal images.
	Image string
	Debug bool
}

// measure is the digest of something that a PCR measures.
func measure(what, value string) []byte {
	sum := sha512.Sum384([]byte(what + ":" + value))
	return sum[:]
}

// ImagePCR returns PCR0 of an image outside debug mode, as lower-case hex.
func ImagePCR(image string) string { return hex.EncodeToString(measure("pcr0", image)) }

// SignerPCR returns PCR8 of images that Signer signed, as lower-case hex.
func SignerPCR() string { return hex.EncodeToString(measure("certificate", Signer)) }

// PCR returns the value of a register. Debug mode has zeros for image, kernel and
// application; an unsigned image has them for the certificate (facts/nitro.md 3).
func (d Document) PCR(n int) []byte {
	switch {
	case d.Debug && n <= 2, n == 8 && strings.HasPrefix(d.Image, "/home/"):
		return make([]byte, sha512.Size384)
	case n == 3:
		return measure("role", HostRole)
	case n == 4:
		return measure("instance", d.Instance)
	case n == 8:
		return measure("certificate", Signer)
	}
	return measure(fmt.Sprintf("pcr%d", n), d.Image)
}

// Data returns additionalEventData. Old examples have PCRs as hexadecimal text, real
// records as base64 (facts/nitro.md 3).
func (d Document) Data(asHex bool) string {
	spell := base64.StdEncoding.EncodeToString
	if asHex {
		spell = hex.EncodeToString
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"recipient":{"attestationDocumentModuleId":%q`, d.Module())
	if d.Slot == "" {
		for _, n := range [...]int{4, 7, 8, 9, 12, 16, 23} {
			fmt.Fprintf(&b, `,"attestationDocumentNitroTPMPCR%d":%q`, n, spell(measure("tpm", d.Instance+fmt.Sprint(n))))
		}
		return b.String() + `}}`
	}
	fmt.Fprintf(&b, `,"attestationDocumentEnclaveImageDigest":%q`, spell(d.PCR(0)))
	for _, n := range [...]int{1, 2, 3, 4, 8} {
		fmt.Fprintf(&b, `,"attestationDocumentEnclavePCR%d":%q`, n, spell(d.PCR(n)))
	}
	return b.String() + `}}`
}

// Module returns the module id; attestation pads the slot to 16 digits
// (facts/nitro.md 2.6).
func (d Document) Module() string {
	if d.Slot == "" {
		return d.Instance + "-tpm0000000000000000"
	}
	return d.Instance + "-enc" + d.Padded()
}

// Padded returns the slot with 16 digits, empty for a NitroTPM.
func (d Document) Padded() string {
	if d.Slot == "" {
		return ""
	}
	return strings.Repeat("0", max(0, 16-len(d.Slot))) + d.Slot
}
