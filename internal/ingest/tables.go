package ingest

import "github.com/trailhouse/trailhouse"

// counts are the columns of the accounting identity:
// records = written + duplicate + filtered + quarantined.
func counts() []trailhouse.Column {
	return []trailhouse.Column{
		{Name: "records", Type: trailhouse.TypeInt64, Required: true, Doc: "records read = written + duplicate + filtered + quarantined"},
		{Name: "written", Type: trailhouse.TypeInt64, Required: true, Doc: "records that were new to this run; those that a killed run had written count as duplicate, so sums may be less than the rows of the lake"},
		{Name: "duplicate", Type: trailhouse.TypeInt64, Required: true, Doc: "records that the lake had already: of another unit, of an earlier import, or of a run that was killed within this unit"},
		{Name: "filtered", Type: trailhouse.TypeInt64, Required: true, Doc: "records left out by a rule or because they are not of this source"},
		{Name: "quarantined", Type: trailhouse.TypeInt64, Required: true, Doc: "records kept in quarantine"},
	}
}

// RunTable returns the table runs: one row for each import that came to its end.
func RunTable() *trailhouse.Table {
	columns := []trailhouse.Column{
		{Name: "run_id", Type: trailhouse.TypeString, Required: true, Doc: "id of the run"},
		{Name: "source", Type: trailhouse.TypeString, Required: true, Doc: "name of the source"},
		{Name: "started", Type: trailhouse.TypeTimestamp, Required: true, Doc: "UTC"},
		{Name: "ended", Type: trailhouse.TypeTimestamp, Required: true, Doc: "UTC"},
		{Name: "result", Type: trailhouse.TypeString, Required: true, Doc: "done, partial, failed or interrupted"},
		{Name: "version", Type: trailhouse.TypeString, Required: true, Doc: "version of Trailhouse"},
		{Name: "units_done", Type: trailhouse.TypeInt64, Required: true, Doc: "units read"},
		{Name: "units_known", Type: trailhouse.TypeInt64, Required: true, Doc: "units passed over because they were done before"},
		{Name: "units_missing", Type: trailhouse.TypeInt64, Required: true, Doc: "units or places that could not be read"},
		{Name: "units_quarantined", Type: trailhouse.TypeInt64, Required: true, Doc: "units rejected whole"},
		{Name: "units_ignored", Type: trailhouse.TypeInt64, Required: true, Doc: "objects that are not evidence of this source"},
	}
	return &trailhouse.Table{Name: "runs", Doc: "Imports and what became of them.", Columns: append(columns, counts()...)}
}

// UnitTable returns the table units: one row for each unit that was read.
func UnitTable() *trailhouse.Table {
	columns := []trailhouse.Column{
		{Name: "unit_id", Type: trailhouse.TypeString, Required: true, Doc: "hash of the unit's identity: path, size and modification time, or bucket, key, ETag and size"},
		{Name: "run_id", Type: trailhouse.TypeString, Required: true, Doc: "run that read it"},
		{Name: "source", Type: trailhouse.TypeString, Required: true, Doc: "name of the source"},
		{Name: "object", Type: trailhouse.TypeString, Required: true, Doc: "file or address"},
		{Name: "bytes", Type: trailhouse.TypeInt64, Doc: "stored size"},
		{Name: "modified", Type: trailhouse.TypeTimestamp, Doc: "when the object was last written"},
		{Name: "read_at", Type: trailhouse.TypeTimestamp, Required: true, Doc: "when it was read, UTC"},
		{Name: "result", Type: trailhouse.TypeString, Required: true, Doc: "done, quarantined where it was rejected whole, or missing where it could not be read to its end"},
	}
	return &trailhouse.Table{Name: "units", Doc: "Units of evidence that were read, with their record counts.", Columns: append(columns, counts()...)}
}

// CoverageTable returns the table coverage: what was read of each scope, and what
// is missing.
func CoverageTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "coverage",
		Doc:  "What was read and what is missing: missing is not zero.",
		Columns: []trailhouse.Column{
			{Name: "run_id", Type: trailhouse.TypeString, Required: true, Doc: "run that says so"},
			{Name: "found_at", Type: trailhouse.TypeTimestamp, Required: true, Doc: "when it was found, UTC"},
			{Name: "source", Type: trailhouse.TypeString, Required: true, Doc: "name of the source"},
			{Name: "scope", Type: trailhouse.TypeString, Required: true, Doc: "what the evidence is about: an instance id, an account and region"},
			{Name: "object", Type: trailhouse.TypeString, Required: true, Doc: "file or address, empty where a scope has none"},
			{Name: "result", Type: trailhouse.TypeString, Required: true, Doc: "read, damaged, missing or ignored"},
			{Name: "covered_from", Type: trailhouse.TypeTimestamp, Doc: "first instant of the evidence"},
			{Name: "covered_through", Type: trailhouse.TypeTimestamp, Doc: "last instant for which the evidence is known to be complete"},
			{Name: "detail", Type: trailhouse.TypeString, Required: true, Doc: "why, and which permission is missing"},
		},
	}
}

// QuarantineTable returns the table quarantine: records and objects that could not
// be used, each once.
func QuarantineTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "quarantine",
		Doc:  "Damaged records and objects with their reason; nothing is lost quietly.",
		Columns: []trailhouse.Column{
			{Name: "quarantine_id", Type: trailhouse.TypeUUID, Required: true, Doc: "128 bits of SHA-256 over source, object, position, length and content hash"},
			{Name: "run_id", Type: trailhouse.TypeString, Required: true, Doc: "run that found it first"},
			{Name: "found_at", Type: trailhouse.TypeTimestamp, Required: true, Doc: "when it was found, UTC"},
			{Name: "source", Type: trailhouse.TypeString, Required: true, Doc: "name of the source"},
			{Name: "object", Type: trailhouse.TypeString, Required: true, Doc: "file or address"},
			{Name: "unit_id", Type: trailhouse.TypeString, Required: true, Doc: "unit, see units"},
			{Name: "position", Type: trailhouse.TypeInt64, Required: true, Doc: "byte offset in the inflated object; -1 where the whole object is rejected"},
			{Name: "length", Type: trailhouse.TypeInt64, Required: true, Doc: "length in bytes; the stored size of an object rejected whole"},
			{Name: "reason", Type: trailhouse.TypeString, Required: true, Doc: "what is wrong, in words"},
			{Name: "sha256", Type: trailhouse.TypeString, Required: true, Doc: "hex hash of the whole record or stored object"},
			{Name: "content", Type: trailhouse.TypeBinary, Doc: "first MiB of the record; null where the whole object is rejected"},
		},
		Key: "quarantine_id",
	}
}
