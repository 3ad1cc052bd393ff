// Package attested takes out of events of a trail what they say of enclaves: calls
// that carried an attestation document, and what stopped or terminated the hosts; and
// it joins these calls to the lives of enclaves. It is pure: from rows to rows, without
// input or output, clock or lake.
//
// An attested call names its enclave by the module id and shows what runs in it by
// PCRs (facts/nitro.md 3). Calls and lives are joined by instance and by the slot in
// the form in which padded and unpadded spellings are equal (facts/nitro.md 2.6). A
// trail prints whole seconds, so a call was made somewhere in the second that begins
// at its time.
package attested

// The versions of the derivations. One changes when the same rows give others, and
// goes into the watermarks of its tables and of all that are derived from them.
const (
	// Version names how calls and ends of hosts are taken out of events.
	Version = "attested-3"
	// JoinVersion names how calls are joined to lives.
	JoinVersion = "calls-2"
)
