package policy

import "github.com/trailhouse/trailhouse"

// AcknowledgementTable returns the table finding_acknowledgements: one row for each
// time that somebody acknowledged a finding. Rows are only ever added.
func AcknowledgementTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "finding_acknowledgements",
		Doc:  "Acknowledgements of findings. The newest one of a finding counts.",
		Columns: []trailhouse.Column{
			{Name: "acknowledgement_id", Type: trailhouse.TypeString, Required: true, Unique: true, Doc: "id of the row: hex hash of all others"},
			{Name: "finding_id", Type: trailhouse.TypeString, Required: true, Doc: "finding, as the report findings names it"},
			{Name: "kind", Type: trailhouse.TypeString, Required: true, Doc: "its kind"},
			{Name: "facts", Type: trailhouse.TypeStrings, Required: true, Doc: "its facts at that time: it comes back with another one"},
			{Name: "finding", Type: trailhouse.TypeString, Required: true, Doc: "what it said at that time, in words"},
			{Name: "reason", Type: trailhouse.TypeString, Required: true, Doc: "why it was acknowledged"},
			{Name: "acknowledged_by", Type: trailhouse.TypeString, Required: true, Doc: "who acknowledged it, as they named themselves"},
			{Name: "acknowledged_at", Type: trailhouse.TypeTimestamp, Required: true, Doc: "when, UTC"},
		},
	}
}
