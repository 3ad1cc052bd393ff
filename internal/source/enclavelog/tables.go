package enclavelog

import "github.com/trailhouse/trailhouse"

// LogTable returns the table enclave_log: one row for each record of a nitro-cli
// log. The record's first line can be written again from logger, level, time, file,
// line and message (facts/nitro.md 2.1); continuation holds the lines behind it.
func LogTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "enclave_log",
		Doc:  "Records of nitro-cli logs (/var/log/nitro_enclaves/nitro_enclaves.log), each once.",
		Columns: []trailhouse.Column{
			{Name: "record_id", Type: trailhouse.TypeUUID, Required: true, Doc: "128 bits of SHA-256 over instance, first line and ordinal"},
			{Name: "instance_id", Type: trailhouse.TypeString, Required: true, Doc: "EC2 instance whose log this is"},
			{Name: "time", Type: trailhouse.TypeTimestamp, Required: true, Doc: "the record's own clock, UTC"},
			{Name: "logger", Type: trailhouse.TypeString, Required: true, Doc: "logger id as printed: nitro-cli:PID, enc-xxxxxxx:PID, enc-SLOT:PID or empty"},
			{Name: "pid", Type: trailhouse.TypeInt64, Doc: "process id of the logger"},
			{Name: "slot", Type: trailhouse.TypeString, Doc: "slot of the logger as printed, null before the enclave has one"},
			{Name: "level", Type: trailhouse.TypeString, Required: true, Doc: "TRACE, DEBUG, INFO, WARN or ERROR"},
			{Name: "file", Type: trailhouse.TypeString, Required: true, Doc: "source file that printed the record"},
			{Name: "line", Type: trailhouse.TypeInt64, Required: true, Doc: "line number in that file"},
			{Name: "message", Type: trailhouse.TypeString, Required: true, Doc: "first line of the message; it alone decides what the record means"},
			{Name: "continuation", Type: trailhouse.TypeString, Doc: "further lines, joined by line feeds, as they stood behind the record where it was first read"},
			{Name: "ordinal", Type: trailhouse.TypeInt64, Required: true, Doc: "0 for the first of identical records of one file, then 1, 2, …"},
			{Name: "object", Type: trailhouse.TypeString, Required: true, Doc: "file or address that the record was first read from"},
			{Name: "position", Type: trailhouse.TypeInt64, Required: true, Doc: "byte offset of the record in the inflated object; in a log stream its event's milliseconds since 1970 times 1,000,000 and its number among those of the millisecond"},
			{Name: "unit_id", Type: trailhouse.TypeString, Required: true, Doc: "unit of the run that read it, see units"},
		},
		PartitionBy: "time",
		Transform:   trailhouse.ByDay,
		Key:         "record_id",
	}
}

// AllocatorTable returns the table allocator_log: the journal of
// nitro-enclaves-allocator.service (facts/nitro.md 2.5).
func AllocatorTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "allocator_log",
		Doc:  "Journal lines of nitro-enclaves-allocator.service, each once.",
		Columns: []trailhouse.Column{
			{Name: "record_id", Type: trailhouse.TypeUUID, Required: true, Doc: "128 bits of SHA-256 over instance, time, line and ordinal"},
			{Name: "instance_id", Type: trailhouse.TypeString, Required: true, Doc: "EC2 instance whose journal this is"},
			{Name: "time", Type: trailhouse.TypeTimestamp, Required: true, Doc: "UTC, whole seconds; the journal prints neither year nor zone"},
			{Name: "host", Type: trailhouse.TypeString, Required: true, Doc: "host name as printed"},
			{Name: "identifier", Type: trailhouse.TypeString, Required: true, Doc: "syslog identifier: nitro-enclaves-allocator or systemd"},
			{Name: "pid", Type: trailhouse.TypeInt64, Doc: "process id"},
			{Name: "message", Type: trailhouse.TypeString, Required: true, Doc: "message as printed"},
			{Name: "ordinal", Type: trailhouse.TypeInt64, Required: true, Doc: "0 for the first of identical lines of one file, then 1, 2, …"},
			{Name: "object", Type: trailhouse.TypeString, Required: true, Doc: "file or address that the line was first read from"},
			{Name: "position", Type: trailhouse.TypeInt64, Required: true, Doc: "byte offset of the line in the inflated object; in a log stream as in enclave_log"},
			{Name: "unit_id", Type: trailhouse.TypeString, Required: true, Doc: "unit of the run that read it, see units"},
		},
		PartitionBy: "time",
		Transform:   trailhouse.ByDay,
		Key:         "record_id",
	}
}
