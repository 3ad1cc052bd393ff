package trail

import "time"

// The kinds of files. Each but the digests has a table.
const (
	KindEvents     = "CloudTrail"
	KindInsight    = "CloudTrail-Insight"
	KindNetwork    = "CloudTrail-NetworkActivity"
	KindAggregated = "CloudTrail-Aggregated"
	KindDigest     = "CloudTrail-Digest"
	KindOther      = "other" // the LICENSE beside AWSLogs
)

// tableOf returns the name of the table that files of a kind fill.
func tableOf(kind string) string {
	switch kind {
	case KindEvents:
		return "cloudtrail"
	case KindInsight:
		return "cloudtrail_insight"
	case KindNetwork:
		return "cloudtrail_network_activity"
	case KindAggregated:
		return "cloudtrail_aggregated"
	}
	return ""
}

// Truth is what a correct reader finds in the trail. Lists are of the script and
// bounded; of the noise there are counts.
type Truth struct {
	// From and To bound the noise, half-open.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Events are different records by table, Duplicates how many more there are, equal
	// byte for byte to one of Events and in another object.
	Events     map[string]int64 `json:"events"`
	Duplicates map[string]int64 `json:"duplicates"`
	// Days are different records by table, account that received them, region and day of
	// the event (of the window's start where it is aggregated), in this order.
	Days []Day `json:"days"`
	// Names are events of the table cloudtrail by eventName, Errors those with an
	// errorCode by it, Failed all with an errorCode or an errorMessage.
	Names  map[string]int64 `json:"names"`
	Errors map[string]int64 `json:"errors"`
	Failed int64            `json:"failed"`
	// Users are events of the table cloudtrail by IAM user's ARN.
	Users map[string]int64 `json:"users"`
	// Launches are all that launched enclave-enabled instances, in the order of Time.
	Launches []Launch `json:"enclave_launches"`
	// Touched are some resources and every event of the table cloudtrail in which a value
	// is exactly the resource, in the order of time.
	Touched []Touched `json:"touched"`
	// Attested are all KMS calls with an attestation document, in the order of Time.
	Attested []Attested `json:"attested_calls"`
	// KMSDays are, for each account, the last event of KMS in the table cloudtrail of each day
	// that has one, in order.
	KMSDays map[string][]time.Time `json:"kms_days"`
	// Files counts objects by kind, all of them below dir/trail.
	Files map[string]int64 `json:"files"`
	// Late are objects that were delivered two days late.
	Late []string `json:"late"`
	// Bytes are those of all objects, Inflated those inside.
	Bytes    int64 `json:"bytes"`
	Inflated int64 `json:"inflated_bytes"`
}

// Day counts events.
type Day struct {
	Table   string `json:"table"`
	Account string `json:"account"`
	Region  string `json:"region"`
	Day     string `json:"day"` // 2025-08-01
	Events  int64  `json:"events"`
}

// Launch is an event that launched enclave-enabled instances.
type Launch struct {
	EventID      string    `json:"event_id"`
	Time         time.Time `json:"time"`
	Account      string    `json:"account"`
	Region       string    `json:"region"`
	InstanceIDs  []string  `json:"instance_ids"`
	InstanceType string    `json:"instance_type"`
	// Origin is one of the constants.
	Origin string `json:"origin"`
	// Principal is the ARN of the caller.
	Principal string `json:"principal"`
	// TemplateID is empty without a launch template. TemplateName is set where the request
	// names it; TemplateVersion is the resolved one, of the response's tags.
	TemplateID      string `json:"template_id"`
	TemplateName    string `json:"template_name"`
	TemplateVersion string `json:"template_version"`
}

// Touched says which events touched a resource.
type Touched struct {
	Resource string   `json:"resource"`
	Events   []string `json:"events"`
}

// Attested is a KMS call with an attestation document.
type Attested struct {
	EventID   string    `json:"event_id"`
	Time      time.Time `json:"time"`
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	Operation string    `json:"operation"`
	// Kind is enclave or nitrotpm.
	Kind       string `json:"kind"`
	InstanceID string `json:"instance_id"`
	// Slot is as the record has it, padded to 16 digits; empty for a NitroTPM.
	Slot string `json:"slot"`
	// Key is the ARN of the KMS key, empty for GenerateRandom.
	Key string `json:"key"`
	// PCR0 is the image's digest, lower-case hex; empty for a NitroTPM, which has none.
	PCR0 string `json:"pcr0"`
	// PCR8 is the certificate's digest, zeros for an unsigned image.
	PCR8      string `json:"pcr8"`
	Debug     bool   `json:"debug"`
	Principal string `json:"principal"`
	// Sender is the instance whose role made the call.
	Sender string `json:"sender"`
	// Error is the error code, empty where the call did not fail.
	Error string `json:"error"`
	// Match says how the call stands to the lives in the enclave logs of the demo: one of
	// the constants, empty for a NitroTPM.
	Match string `json:"match"`
	// Logged says that the enclave's life is in the enclave logs of the demo.
	Logged bool `json:"logged"`
	// Relayed says that another instance than the document's made the call.
	Relayed bool `json:"relayed"`
}

// How calls stand to the lives of their enclave.
const (
	MatchWithin    = "within"     // while it lived
	MatchOutside   = "outside"    // when it did not
	MatchNoSession = "no-session" // the log of its host never shows it
	MatchNoLog     = "no-log"     // its host has no log
)

// UnloggedImage is the path of the image of enclaves that no log shows.
const UnloggedImage = "/opt/eif/unlogged.eif"

// newTruth returns the truth about nothing.
func newTruth(o Options) *Truth {
	return &Truth{
		From: o.From, To: o.To, Events: map[string]int64{}, Duplicates: map[string]int64{}, Days: []Day{}, Names: map[string]int64{}, Errors: map[string]int64{},
		Users: map[string]int64{}, Launches: []Launch{}, Touched: []Touched{}, Attested: []Attested{}, KMSDays: map[string][]time.Time{}, Files: map[string]int64{}, Late: []string{},
	}
}
