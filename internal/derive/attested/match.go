package attested

import "github.com/trailhouse/trailhouse"

// How a call and the lives of its enclave stand to each other: values of the column
// session_match. It is null for a NitroTPM, which is no enclave.
const (
	// Within is a call during the proven life.
	Within = "within"
	// Uncertain is a call after the last proof of life and before the earliest proof
	// that the enclave was gone.
	Uncertain = "uncertain"
	// Presumed is a call after the last proof of life of an enclave that nothing proves
	// to be gone.
	Presumed = "presumed"
	// Outside is a call of a slot that the host's log knows, at an instant at which it
	// was not alive.
	Outside = "outside"
	// NoSession is a call of a slot that the host's log never showed.
	NoSession = "no-session"
	// NoLog is a call from a host without any log.
	NoLog = "no-log"
)

// JoinTable returns the table kms_calls: the rows and columns of attested_calls, each with
// the session that made the call.
func JoinTable() *trailhouse.Table {
	t := CallTable()
	t.Name = "kms_calls"
	t.Doc = "Attested calls with the enclave session that made each, derived from attested_calls, enclave_sessions and enclave_marks."
	t.Key = "" // replaced whole
	t.Columns = append(t.Columns,
		trailhouse.Column{Name: "session_id", Type: trailhouse.TypeString, Doc: "life of the enclave in enclave_sessions: the one that contains the call, else the nearest before it, else the first; null where the slot has none"},
		trailhouse.Column{Name: "session_match", Type: trailhouse.TypeString, Doc: "within, uncertain, presumed, outside, no-session or no-log; null for a NitroTPM"},
	)
	return t
}
