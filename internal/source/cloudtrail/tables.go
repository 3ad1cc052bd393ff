package cloudtrail

import "github.com/trailhouse/trailhouse"

// The names of the tables.
const (
	EventTableName      = "cloudtrail"
	InsightTableName    = "cloudtrail_insight"
	NetworkTableName    = "cloudtrail_network_activity"
	AggregatedTableName = "cloudtrail_aggregated"
)

// EventTable returns the table cloudtrail: management and data events. Its first
// columns have the names and types of CloudTrail Lake, so that SQL written for Lake or
// Athena runs unchanged (facts/cloudtrail.md 3, facts/engine.md 5); what is extracted
// stands behind them.
func EventTable() *trailhouse.Table {
	return calls(EventTableName, "CloudTrail management and data events, each once.")
}

// NetworkTable returns the table cloudtrail_network_activity: calls through VPC
// endpoints, with the columns of EventTable.
func NetworkTable() *trailhouse.Table {
	return calls(NetworkTableName, "CloudTrail network activity events, each once.")
}

// InsightTable returns the table cloudtrail_insight. Its first columns have the names
// of CloudTrail Lake's schema of Insights events.
func InsightTable() *trailhouse.Table {
	return table(InsightTableName, "CloudTrail Insights events, each once. A start and its end share sharedeventid.", insightColumns())
}

// AggregatedTable returns the table cloudtrail_aggregated: five-minute summaries of
// data events.
func AggregatedTable() *trailhouse.Table {
	return table(AggregatedTableName, "CloudTrail aggregated events, each once.", aggregatedColumns())
}

// calls is a table with the columns of EventTable. The parameters of one operation are
// alike, and so are the identity and the resources of one caller: side by side they take
// 10 % less room. The account serves where sessions have names that differ too much.
func calls(name, doc string) *trailhouse.Table {
	t := table(name, doc, eventColumns())
	t.Cluster = []string{"eventsource", "eventname", "account_id", "principal"}
	return t
}

func table(name, doc string, columns []trailhouse.Column) *trailhouse.Table {
	return &trailhouse.Table{
		Name: name, Doc: doc, Columns: append(columns, provenance()...),
		PartitionBy: "eventtime", Transform: trailhouse.ByDay, Key: "event_key", KeyText: "eventid",
	}
}

func text(name, doc string) trailhouse.Column {
	return trailhouse.Column{Name: name, Type: trailhouse.TypeString, Doc: doc}
}

func unique(name, doc string) trailhouse.Column {
	return trailhouse.Column{Name: name, Type: trailhouse.TypeString, Unique: true, Doc: doc}
}

func boolean(name, doc string) trailhouse.Column {
	return trailhouse.Column{Name: name, Type: trailhouse.TypeBool, Doc: doc}
}

func number(name, doc string) trailhouse.Column {
	return trailhouse.Column{Name: name, Type: trailhouse.TypeInt64, Doc: doc}
}

func instant(name, doc string) trailhouse.Column {
	return trailhouse.Column{Name: name, Type: trailhouse.TypeTimestamp, Doc: doc}
}

func texts(name, doc string) trailhouse.Column {
	return trailhouse.Column{Name: name, Type: trailhouse.TypeStrings, Doc: doc}
}

func payload(name, doc string) trailhouse.Column {
	return trailhouse.Column{Name: name, Type: trailhouse.TypeMap, Doc: doc}
}

func group(name, doc string, fields ...trailhouse.Column) trailhouse.Column {
	return trailhouse.Column{Name: name, Type: trailhouse.TypeStruct, Fields: fields, Doc: doc}
}

func groups(name, doc string, fields ...trailhouse.Column) trailhouse.Column {
	return trailhouse.Column{Name: name, Type: trailhouse.TypeStructs, Fields: fields, Doc: doc}
}

func required(c trailhouse.Column) trailhouse.Column {
	c.Required = true
	return c
}

// eventColumns are CloudTrail Lake's columns in Lake's order, newer fields, and what is
// extracted.
func eventColumns() []trailhouse.Column {
	return append([]trailhouse.Column{
		text("eventversion", "version of the record format, such as 1.08"),
		identityColumn(),
		required(instant("eventtime", "when the call was made, UTC")),
		text("eventsource", "service that was called, such as ec2.amazonaws.com"),
		text("eventname", "operation that was called"),
		text("awsregion", "region of the call"),
		text("sourceipaddress", "address or service that the call came from"),
		text("useragent", "client that made the call"),
		text("errorcode", "error code where the call failed"),
		text("errormessage", "error text where the call failed"),
		payload("requestparameters", "parameters by name: text as it is, everything else as compact JSON in original order"),
		payload("responseelements", "response of calls that change something, in the form of requestparameters"),
		payload("additionaleventdata", "further data of the event, in the form of requestparameters"),
		unique("requestid", "request id of the service"),
		unique("eventid", "GUID of the event"),
		boolean("readonly", "whether the operation only reads"),
		groups("resources", "resources that were accessed",
			text("accountid", "owner"), text("type", "AWS::service::type"), text("arn", "ARN"), text("arnprefix", "ARN prefix")),
		text("eventtype", "AwsApiCall, AwsServiceEvent, AwsConsoleAction, AwsConsoleSignIn, AwsVpceEvent, …"),
		text("apiversion", "API version"),
		boolean("managementevent", "whether it is a management event"),
		text("recipientaccountid", "account that received the event"),
		text("sharedeventid", "same for the events of one call in several accounts"),
		text("annotation", "why the delivery was late or fields are cut (CloudTrail Lake)"),
		text("vpcendpointid", "VPC endpoint of the call"),
		text("vpcendpointaccountid", "owner of the VPC endpoint"),
		payload("serviceeventdetails", "details of service events, in the form of requestparameters"),
		payload("addendum", "reason, updatedFields, originalRequestID and originalEventID of a correction"),
		payload("edgedevicedetails", "edge device of the call"),
		payload("insightdetails", "details of an Insights event that came in another kind of file"),
		text("eventcategory", "Management, Data or NetworkActivity"),
		group("tlsdetails", "TLS of the call",
			text("tlsversion", "version"), text("ciphersuite", "cipher suite"),
			text("clientprovidedhostheader", "host name that the client asked for"), text("keyexchange", "key exchange")),
		text("sessioncredentialfromconsole", "true where the session came from the console; text, as in the record"),
		payload("eventcontext", "requestContext and tagContext (event data stores only)"),
	}, extractedColumns()...)
}

// identityColumn is userIdentity with all members that are known (facts/cloudtrail.md
// 2.1).
func identityColumn() trailhouse.Column {
	issuer := group("sessionissuer", "who issued the session",
		text("type", "type"), text("principalid", "principal id"), text("arn", "ARN"), text("accountid", "account"), text("username", "name"))
	session := group("sessioncontext", "session of temporary credentials",
		group("attributes", "attributes of the session",
			instant("creationdate", "when the session began, UTC"), text("mfaauthenticated", "true or false, text as in the record")),
		issuer,
		group("webidfederationdata", "web identity federation",
			text("federatedprovider", "identity provider"), payload("attributes", "attributes of the provider")),
		text("sourceidentity", "source identity of the session"),
		text("ec2roledelivery", "version of the instance metadata service, 1.0 or 2.0"),
		text("ec2issuedinvpc", "VPC of the instance"),
		text("assumedroot", "root session in a member account"),
	)
	return group("useridentity", "who made the call; null members are not in the record",
		text("type", "Root, IAMUser, AssumedRole, AWSService, …"),
		text("principalid", "unique id of the caller"),
		text("arn", "ARN of the caller"),
		text("accountid", "account of the caller"),
		text("accesskeyid", "access key"),
		text("username", "name of the caller"),
		session,
		group("onbehalfof", "user of IAM Identity Center", text("userid", "id"), text("identitystorearn", "identity store")),
		group("inscopeof", "service that the credentials were issued for",
			text("sourcearn", "ARN"), text("sourceaccount", "account"), text("issuertype", "type"), text("credentialsissuedto", "holder")),
		text("invokedby", "service that made the call"),
		text("identityprovider", "external identity provider"),
		text("credentialid", "credential id"),
		group("invokedbydelegate", "delegate that made the call", text("accountid", "account")),
	)
}

// extractedColumns are what reports ask for, taken out of the record once: 4 to 17
// times faster than JSON paths at each query (facts/engine.md 4).
func extractedColumns() []trailhouse.Column {
	return []trailhouse.Column{
		text("principal", "ARN of the caller, else the best name that the record gives: service, user name, principal id, account"),
		texts("entities", "every ARN, resource name and id that the record names, ARNs and ids such as i-… or vpce-… within other texts too (errors, policies), and the ARNs of the caller, whose keys, ids and names are in useridentity; each once, sorted"),
		texts("instance_ids", "every EC2 instance that the record names, each once, in order"),
		text("instance_type", "instance type of a launch or of a change of type"),
		number("cpu_core_count", "cores of cpuOptions of a launch"),
		number("cpu_threads_per_core", "threads per core of cpuOptions of a launch"),
		text("launch_template_id", "launch template of a launch, from the request, else from tags of the response"),
		text("launch_template_name", "name of the launch template, where the request gives one"),
		text("launch_template_version", "version of the launch template: a number, $Latest or $Default; the resolved one where the response tells"),
		text("launch_origin", "who launches: user, autoscaling, fleet or service; null where the event is no launch"),
		boolean("enclave_enabled", "whether the instances of a launch are enclave-enabled, or were to be where it failed (see errorcode and errormessage); null where the event is no launch or does not say"),
		text("attestation_module_id", "module id of the attestation document that came with a KMS call"),
		text("attestation_instance_id", "parent instance in the module id"),
		text("attestation_slot", "slot of the enclave as printed in the module id"),
		text("attestation_slot_key", "slot in the form in which spellings are equal, see enclave_sessions"),
		text("attestation_kind", "enclave or nitrotpm, by the module id"),
		text("pcr0", "image digest, lower-case hex; all zero in debug mode"),
		text("pcr1", "kernel and boot, lower-case hex"),
		text("pcr2", "application, lower-case hex"),
		text("pcr3", "IAM role of the parent, lower-case hex"),
		text("pcr4", "instance id of the parent, lower-case hex; of a NitroTPM its PCR 4"),
		text("pcr8", "signing certificate, lower-case hex; of a NitroTPM its PCR 8"),
	}
}

func insightColumns() []trailhouse.Column {
	return []trailhouse.Column{
		text("eventversion", "version of the record format"),
		text("eventcategory", "Insight"),
		text("eventtype", "AwsCloudTrailInsight"),
		unique("eventid", "GUID of the event"),
		required(instant("eventtime", "when the unusual activity began or ended, UTC")),
		text("awsregion", "region"),
		text("recipientaccountid", "account"),
		text("sharedeventid", "same for the start and the end of one activity"),
		payload("addendum", "reason and origin of a correction"),
		text("insightsource", "event data store of the events, where there is one"),
		text("insightstate", "Start or End"),
		text("insighteventsource", "service whose calls were unusual"),
		text("insighteventname", "operation whose calls were unusual"),
		text("insighterrorcode", "error code whose rate was unusual"),
		text("insighttype", "ApiCallRateInsight or ApiErrorRateInsight"),
		payload("insightcontext", "statistics and attributions, compact JSON by name"),
		payload("insightdetails", "the record's insightDetails, compact JSON by name"),
		text("baseline_average", "calls or errors a minute before, decimal text as in the record"),
		text("insight_average", "calls or errors a minute during the activity, decimal text as in the record"),
		number("baseline_duration", "minutes that the baseline was taken over"),
		number("insight_duration", "minutes that the activity lasted"),
		texts("entities", "every ARN, resource name and id that the record names, each once, sorted"),
	}
}

func aggregatedColumns() []trailhouse.Column {
	return []trailhouse.Column{
		text("eventversion", "version of the record format"),
		text("eventcategory", "Aggregated"),
		text("eventtype", "AwsAggregatedEvent"),
		unique("eventid", "GUID of the event (eventId in the record)"),
		required(instant("eventtime", "start of the window, UTC")),
		text("eventsource", "service of the events"),
		text("awsregion", "region of the events"),
		text("accountid", "account that received the event"),
		instant("windowend", "end of the window, exclusive, UTC"),
		text("windowsize", "length of the window, ISO 8601: PT5M"),
		payload("summary", "the record's summary, compact JSON by name"),
		text("primary_dimension", "what is counted: eventName, resourceARN or userIdentity"),
		text("aggregation_type", "Count"),
		groups("statistics", "what was counted, and how often",
			text("dimension", "dimension, the primary one first"), text("name", "value of the dimension"), number("value", "count; null where it is no 64-bit integer")),
		texts("entities", "every ARN, resource name and id that the record names, each once, sorted"),
	}
}

// provenance says whose record a row is and where its bytes are.
func provenance() []trailhouse.Column {
	return []trailhouse.Column{
		text("account_id", "account whose event it is: recipientAccountId, else the caller's, else that of the file's name"),
		payload("unknownfields", "fields that have no column, or whose value does not fit it, by their path in the record; JSON text with its quotes"),
		{Name: "event_key", Type: trailhouse.TypeUUID, Unique: true, Doc: "the event's id where that is a GUID, else 128 bits of SHA-256 of the id, of a record without id (version 1.0) of the record: an event is in the lake once. Files hold it only where eventid does not tell it: read by another program it is coalesce(cast(event_key as varchar), lower(eventid))"},
		required(text("object", "file or address that the record was first read from")),
		required(number("record_index", "number of the record in the object, from 0")),
		required(trailhouse.Column{Name: "position", Type: trailhouse.TypeInt64, Required: true, Unique: true, Doc: "byte offset of the record in the inflated object"}),
		required(number("length", "length of the record in bytes")),
		required(text("object_sha256", "SHA-256 of the inflated object, hex")),
		required(text("unit_id", "unit of the run that read it, see units")),
	}
}
