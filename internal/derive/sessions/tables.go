package sessions

import "github.com/trailhouse/trailhouse"

// request are the columns that repeat what was asked of run-enclave, as far as
// the log shows it (facts/nitro.md 2.3).
func request() []trailhouse.Column {
	return []trailhouse.Column{
		{Name: "name", Type: trailhouse.TypeString, Doc: "enclave name, self-declared; null before nitro-cli 1.1.0"},
		{Name: "eif_path", Type: trailhouse.TypeString, Doc: "path of the enclave image file"},
		{Name: "vcpus", Type: trailhouse.TypeInt64, Doc: "vCPUs: cpu_count, or how many cpu_ids were asked for"},
		{Name: "cpu_ids", Type: trailhouse.TypeInt64s, Doc: "CPU ids as asked for, null where a count was asked for"},
		{Name: "memory_requested_mib", Type: trailhouse.TypeInt64, Doc: "MiB asked for"},
		{Name: "memory_mib", Type: trailhouse.TypeInt64, Doc: "MiB that the hypervisor took; null if never allocated"},
		{Name: "debug", Type: trailhouse.TypeBool, Doc: "debug mode was asked for"},
		{Name: "attach_console", Type: trailhouse.TypeBool, Doc: "console was asked for; null before nitro-cli 1.2.0"},
		{Name: "cid_requested", Type: trailhouse.TypeInt64, Doc: "enclave CID asked for, 0 kept; null where none was"},
	}
}

// SessionTable returns the table enclave_sessions: one row for each life of an
// enclave on a host.
func SessionTable() *trailhouse.Table {
	columns := []trailhouse.Column{
		{Name: "session_id", Type: trailhouse.TypeString, Required: true, Doc: "instance-encSLOT with the slot unpadded; #2, #3 … behind it where a host used a slot again"},
		{Name: "instance_id", Type: trailhouse.TypeString, Required: true, Doc: "EC2 instance that ran the enclave"},
		{Name: "enclave_id", Type: trailhouse.TypeString, Required: true, Doc: "enclave id as the log spells it"},
		{Name: "slot", Type: trailhouse.TypeString, Required: true, Doc: "slot as the log spells it"},
		{Name: "slot_key", Type: trailhouse.TypeString, Required: true, Doc: "slot in the form in which padded and unpadded spellings are equal"},
		{Name: "pid", Type: trailhouse.TypeInt64, Doc: "process id of the enclave's daemon"},
	}
	columns = append(columns, request()...)
	columns = append(columns, []trailhouse.Column{
		{Name: "attempt", Type: trailhouse.TypeTimestamp, Doc: "daemon started"},
		{Name: "reserved", Type: trailhouse.TypeTimestamp, Doc: "memory donated"},
		{Name: "ready", Type: trailhouse.TypeTimestamp, Doc: "enclave booted; null where the log does not show it"},
		{Name: "started", Type: trailhouse.TypeTimestamp, Required: true, Doc: "start of usage: ready, else the first line, list of the host agent or attested call that proves the enclave alive"},
		{Name: "created", Type: trailhouse.TypeTimestamp, Doc: "creation time hidden in the slot, undocumented: a cross-check"},
		{Name: "stop", Type: trailhouse.TypeTimestamp, Doc: "end as the log prints it, or as the host agent saw the process go; null where neither did"},
		{Name: "stop_not_before", Type: trailhouse.TypeTimestamp, Required: true, Doc: "last proof of life, by the log, the host agent or an attested call; equals stop where that is known"},
		{Name: "stop_not_after", Type: trailhouse.TypeTimestamp, Doc: "earliest proof that it was gone, by the log, the host agent or because its host ended; equals stop where that is known; null while running"},
		{Name: "presumed_until", Type: trailhouse.TypeTimestamp, Doc: "only while running: instant through which the host's log is known to be complete"},
		{Name: "reason", Type: trailhouse.TypeString, Required: true, Doc: "terminated, crashed, signal or socket-deleted, as the log tells it; ended where only the host agent saw its process go (a kill prints nothing); lost where something shows that it was gone; running"},
		{Name: "evidence", Type: trailhouse.TypeString, Required: true, Doc: "the record or event that decided the end, in words"},
		{Name: "partial", Type: trailhouse.TypeBool, Required: true, Doc: "lines of the start are missing from the log"},
		{Name: "pcr0", Type: trailhouse.TypeString, Doc: "PCR0 as lower-case hex, from its latest attested call, or from the host agent"},
		{Name: "pcr8", Type: trailhouse.TypeString, Doc: "PCR8 as lower-case hex, from its latest attested call, or from the host agent"},
	}...)
	return &trailhouse.Table{
		Name:        "enclave_sessions",
		Doc:         "Lives of enclaves, derived from enclave_marks, coverage, attested_calls and host_ends.",
		Columns:     columns,
		PartitionBy: "started",
		Transform:   trailhouse.ByMonth,
	}
}

// AttemptTable returns the table enclave_attempts: starts that gave no enclave.
func AttemptTable() *trailhouse.Table {
	columns := []trailhouse.Column{
		{Name: "instance_id", Type: trailhouse.TypeString, Required: true, Doc: "EC2 instance"},
		{Name: "pid", Type: trailhouse.TypeInt64, Doc: "process id of the daemon"},
		{Name: "time", Type: trailhouse.TypeTimestamp, Required: true, Doc: "the [ Exx ] record of a failed start, else the last line of the attempt"},
		{Name: "outcome", Type: trailhouse.TypeString, Required: true, Doc: "failed; unresolved where reboot, rotation or the end of the log cut it off"},
		{Name: "error_code", Type: trailhouse.TypeString, Doc: "nitro-cli error code such as E27"},
		{Name: "error", Type: trailhouse.TypeString, Doc: "first line of the error"},
	}
	columns = append(columns, request()...)
	columns = append(columns, []trailhouse.Column{
		{Name: "attempt", Type: trailhouse.TypeTimestamp, Doc: "daemon started; null where the log's head is lost"},
		{Name: "reserved", Type: trailhouse.TypeTimestamp, Doc: "memory donated; it was held until time"},
		{Name: "evidence", Type: trailhouse.TypeString, Required: true, Doc: "the record that decided the outcome, in words"},
	}...)
	return &trailhouse.Table{
		Name:        "enclave_attempts",
		Doc:         "Starts that gave no enclave, derived from enclave_marks.",
		Columns:     columns,
		PartitionBy: "time",
		Transform:   trailhouse.ByMonth,
	}
}
