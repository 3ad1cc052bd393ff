package attested

import (
	"bytes"

	"github.com/trailhouse/trailhouse"
)

// ProofColumns are the columns of attested_calls that tell whether and when a call
// proves an enclave alive: instance, slot key, time, operation, caller, PCR 0 and 8, and
// those that Proves reads.
func ProofColumns() []string {
	return []string{
		"instance_id", "slot_key", "eventtime", "operation", "principal", "pcr0", "pcr8",
		"kind", "errorcode", "errormessage", "caller_instance_id",
	}
}

// Proves reports whether a call proves that its enclave lived: KMS has checked the
// document, and the call did not come with the credentials of another instance, which
// may have kept a copy. c are the places of ProofColumns.
func Proves(b *trailhouse.Batch, c []int, i int) bool {
	const instance, kind, code, message, caller = 0, 7, 8, 9, 10
	if string(b.Text(c[kind], i)) != Enclave || !b.IsNull(c[code], i) || !b.IsNull(c[message], i) {
		return false
	}
	return b.IsNull(c[caller], i) || bytes.Equal(b.Text(c[caller], i), b.Text(c[instance], i))
}
