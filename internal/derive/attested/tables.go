package attested

import "github.com/trailhouse/trailhouse"

func text(name, doc string) trailhouse.Column {
	return trailhouse.Column{Name: name, Type: trailhouse.TypeString, Doc: doc}
}

func required(c trailhouse.Column) trailhouse.Column {
	c.Required = true
	return c
}

func unique(c trailhouse.Column) trailhouse.Column {
	c.Unique = true
	return c
}

// CallTable returns the table attested_calls: one row for each event with an
// attestation document, from the trail alone.
func CallTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "attested_calls",
		Doc:  "Calls that carried an attestation document of an enclave or a NitroTPM, derived from cloudtrail.",
		Columns: []trailhouse.Column{
			unique(required(trailhouse.Column{Name: "event_key", Type: trailhouse.TypeUUID, Doc: "key of the event in cloudtrail"})),
			unique(text("eventid", "GUID of the event")),
			required(trailhouse.Column{Name: "eventtime", Type: trailhouse.TypeTimestamp, Doc: "when the call was made, whole seconds, UTC"}),
			text("account_id", "account whose event it is"),
			text("awsregion", "region of the call"),
			text("operation", "operation that was called, such as Decrypt"),
			text("key_arn", "key: its ARN among the event's resources, else the key id that was asked for where that is an ARN; null where no key is named, as for GenerateRandom"),
			text("key_id", "key as it was asked for: id, ARN or alias"),
			text("principal", "ARN of the caller, else the best name that the record gives"),
			text("session_name", "role session name of the caller; null where it is no role session"),
			text("caller_instance_id", "instance that the caller's credentials belong to, by the role session's name, its source identity or where the credentials were issued to; null where none shows"),
			text("sourceipaddress", "address or service that the call came from"),
			text("useragent", "client that made the call"),
			text("errorcode", "error code where the call failed"),
			text("errormessage", "error text where the call failed"),
			text("kind", "enclave or nitrotpm, by the module id; null where that has another form or is not printed"),
			text("module_id", "module id of the attestation document, as printed"),
			text("instance_id", "instance in the module id"),
			text("slot", "slot of the enclave as printed in the module id"),
			text("slot_key", "slot in the form in which padded and unpadded spellings are equal, as in enclave_sessions"),
			text("pcr0", "image digest, lower-case hex; all zero in debug mode"),
			text("pcr1", "kernel and boot, lower-case hex"),
			text("pcr2", "application, lower-case hex"),
			text("pcr3", "IAM role of the parent, lower-case hex"),
			text("pcr4", "instance id of the parent, lower-case hex; of a NitroTPM its PCR 4"),
			text("pcr8", "signing certificate, lower-case hex, all zero for an unsigned image; of a NitroTPM its PCR 8"),
			{Name: "debug", Type: trailhouse.TypeBool, Doc: "debug mode: pcr0 and those of pcr1 and pcr2 that are printed are all zero; null where pcr0 is not printed and for a NitroTPM"},
			{Name: "attestation", Type: trailhouse.TypeMap, Doc: "members of the record's recipient as printed: text as it is, everything else as compact JSON; one that is no object stands under recipient"},
			required(text("object", "file or address that the record was first read from")),
			required(unique(trailhouse.Column{Name: "position", Type: trailhouse.TypeInt64, Doc: "byte offset of the record in the inflated object"})),
			required(trailhouse.Column{Name: "length", Type: trailhouse.TypeInt64, Doc: "length of the record in bytes"}),
			required(text("object_sha256", "SHA-256 of the inflated object, hex")),
			text("sharedeventid", "same for the records of one call in the trails of several accounts; kms_usage counts one of them"),
		},
		PartitionBy: "eventtime",
		Transform:   trailhouse.ByMonth,
		Key:         "event_key",
	}
}

// HostEndTable returns the table host_ends: one row for each instance that an event
// stopped, terminated or told to be gone.
func HostEndTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "host_ends",
		Doc:  "Ends of instances that the trail tells of: enclaves do not outlive their host. Derived from cloudtrail.",
		Columns: []trailhouse.Column{
			unique(required(trailhouse.Column{Name: "end_key", Type: trailhouse.TypeUUID, Doc: "128 bits of SHA-256 of the event's key and the instance"})),
			unique(required(trailhouse.Column{Name: "event_key", Type: trailhouse.TypeUUID, Doc: "key of the event in cloudtrail"})),
			unique(text("eventid", "GUID of the event")),
			required(trailhouse.Column{Name: "eventtime", Type: trailhouse.TypeTimestamp, Doc: "when the event was, whole seconds, UTC"}),
			required(text("instance_id", "instance that ended")),
			required(text("eventname", "StopInstances, TerminateInstances or the name of a service event, such as BidEvictedEvent")),
			text("principal", "ARN of the caller, else the best name that the record gives"),
			text("account_id", "account whose event it is"),
			text("awsregion", "region of the event"),
		},
		PartitionBy: "eventtime",
		Transform:   trailhouse.ByMonth,
		Key:         "end_key",
	}
}

// JoinTable returns the table kms_calls: the rows and columns of attested_calls, each with
// the session that made the call.
func JoinTable() *trailhouse.Table {
	t := CallTable()
	t.Name = "kms_calls"
	t.Doc = "Attested calls with the enclave session that made each, derived from attested_calls, enclave_sessions and enclave_marks."
	last := len(t.Columns) - 1 // columns are only ever added at the end
	shared := t.Columns[last]
	t.Columns = append(t.Columns[:last],
		text("session_id", "life of the enclave in enclave_sessions: the one that contains the call, else the nearest before it, else the first; null where the log shows none of this enclave"),
		text("session_match", "within, uncertain, presumed, outside, no-session or no-log; null for a NitroTPM and where the module id has an unknown form"),
		shared,
		text("group_key", "row of kms_call_groups that sums up the call with those that are like it"),
	)
	return t
}
