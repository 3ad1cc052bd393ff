package trailhouse

import (
	"strconv"
	"strings"
)

// InstanceID is an EC2 instance id such as i-0a1b2c3d4e5f60718.
type InstanceID string

// UnknownInstance is what nitro-cli prints for the instance where the board
// asset tag cannot be read (facts/nitro.md 2.6). It names no instance.
const UnknownInstance InstanceID = "i-0000000000000000"

// Valid reports whether the id has the form of an EC2 instance id and names one.
func (id InstanceID) Valid() bool {
	digits, ok := strings.CutPrefix(string(id), "i-")
	return ok && len(digits) >= 8 && len(digits) <= 17 && strings.Trim(digits, "0123456789abcdef") == "" && id != UnknownInstance
}

// Slot is the slot id of an enclave: the hexadecimal digits behind "-enc" in an
// enclave id, as they were written. nitro-cli writes them without padding,
// attestation documents and CloudTrail pad them to 16 digits (facts/nitro.md
// 2.6), so slots are compared by Key, never as text.
type Slot string

// Key returns the form in which two spellings of one slot are equal: the shortest
// lower-case hexadecimal of the number where the slot is a number of 64 bits,
// else the lower-case text (seed 001's own example has 18 digits).
func (s Slot) Key() string {
	if n, ok := s.Uint64(); ok {
		return strconv.FormatUint(n, 16)
	}
	return strings.ToLower(string(s))
}

// Uint64 returns the slot as a number and whether it is one of at most 64 bits.
func (s Slot) Uint64() (uint64, bool) {
	digits := strings.TrimLeft(string(s), "0")
	if digits == "" && s != "" {
		return 0, true
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil && !strings.ContainsAny(digits, "+-_")
}

// EnclaveID is the id of an enclave as nitro-cli prints it:
// <instance>-enc<slot>.
type EnclaveID struct {
	Instance InstanceID
	Slot     Slot
}

// ParseEnclaveID splits text at "-enc". It reports false where either half is
// empty or the slot is not hexadecimal.
func ParseEnclaveID(text string) (EnclaveID, bool) {
	instance, slot, found := strings.Cut(text, "-enc")
	if !found || instance == "" || slot == "" || strings.Trim(slot, "0123456789abcdefABCDEF") != "" {
		return EnclaveID{}, false
	}
	return EnclaveID{Instance: InstanceID(instance), Slot: Slot(slot)}, true
}

// String returns the id as it was written.
func (e EnclaveID) String() string { return string(e.Instance) + "-enc" + string(e.Slot) }
