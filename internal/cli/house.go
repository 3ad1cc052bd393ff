package cli

import (
	"context"
	"io"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/deliver"
)

// House is what commands act on: the opened data directory with everything that
// works on it. internal/app builds it. Errors are *trailhouse.Error.
type House interface {
	// Import reads evidence of one source and derives what follows from it. Progress
	// is called from time to time, from one goroutine at a time. The result counts
	// what was done even where the error is not nil.
	Import(ctx context.Context, r ImportRequest, progress func(Progress)) (ImportResult, error)
	// Report runs a report and writes it to w in the format.
	Report(ctx context.Context, r ReportRequest, w io.Writer) (Answer, error)
	// Export runs a report whose rows are records and writes their original bytes into
	// new files. What it wrote stays where the error is CodePartial.
	Export(ctx context.Context, r ExportRequest) (ExportResult, error)
	// Event returns all records of an event, CodeNotFound where there is none.
	Event(ctx context.Context, id string) ([]Record, error)
	// Reports lists the reports, built-in ones and the user's, by name.
	Reports() ([]ReportInfo, error)
	// CheckReports parses and binds all reports and returns how many there are. The
	// error names file and line of everything that is wrong.
	CheckReports(ctx context.Context) (int, error)
	// Describe lists the tables and views that SQL can ask; with a name that one, CodeUsage
	// where there is none.
	Describe(ctx context.Context, name string) ([]TableInfo, error)
	// SQL runs one SELECT and writes its rows to w in the format.
	SQL(ctx context.Context, r SQLRequest, w io.Writer) (Answer, error)
	// Explain says for each session of an enclave whose it is and why.
	Explain(ctx context.Context, enclave string) ([]clients.Explanation, error)
	// Acknowledge keeps that somebody knows of a finding. CodeNotFound where there is no
	// such finding.
	Acknowledge(ctx context.Context, r AcknowledgeRequest) (Acknowledged, error)
	// RunAll does one pass of everything. The result tells what was done even where the
	// error is not nil; a source or target that fails is in the result.
	RunAll(ctx context.Context, r RunRequest, progress func(Progress)) (RunResult, error)
	// Deliveries lists deliveries, oldest first.
	Deliveries(ctx context.Context, r DeliveriesRequest) ([]deliver.Outcome, error)
	// GiveUp ends the attempts of a delivery and returns for how many targets:
	// CodeNotFound where there is no such id.
	GiveUp(ctx context.Context, id string) (int64, error)
	// Lake gives the care of the tables.
	Lake() Keeper
	// Close releases everything. The House is not used afterwards.
	Close() error
}

// Keeper looks after the tables of the lake. An empty table name stands for all.
type Keeper interface {
	// Files lists the current data files.
	Files(ctx context.Context, table string) ([]LakeFile, error)
	// History lists the snapshots, table by table, oldest first.
	History(ctx context.Context, table string) ([]LakeChange, error)
	// Compact merges small files and returns what it did, table by table.
	Compact(ctx context.Context, table string) ([]Care, error)
	// Expire drops snapshots of all tables, and files that only they use, that were
	// replaced before now less lake.keep.
	Expire(ctx context.Context) (Expiry, error)
	// Check reads the tables and the accounting and returns what is wrong.
	Check(ctx context.Context) ([]Problem, error)
}

// ImportRequest says what to import.
type ImportRequest struct {
	// Source is the name of the source: enclave-log.
	Source string
	// Paths are absolute paths of files and directories.
	Paths []string
	// LogGroups are names of log groups of CloudWatch Logs, with * and ?.
	LogGroups []string
	// Instance is the host where neither path nor content names one; may be empty.
	Instance trailhouse.InstanceID
	// Year is the year of lines that print none; 0 to take it from the file's time.
	Year int
	// Zone is the time zone of lines that print none; never nil.
	Zone *time.Location
	// CompleteThrough is the instant through which the user says that the evidence is
	// complete; zero for the last record of each file.
	CompleteThrough time.Time
}

// Progress is how far an import is.
type Progress struct {
	// Object is what is read at the moment.
	Object string `json:"object,omitempty"`
	// Units and Bytes are done; UnitsTotal and BytesTotal are what is known so far of
	// the whole, 0 while nothing is.
	Units      int64 `json:"units"`
	UnitsTotal int64 `json:"units_total,omitempty"`
	Bytes      int64 `json:"bytes"`
	BytesTotal int64 `json:"bytes_total,omitempty"`
	// Records were read so far.
	Records int64 `json:"records"`
}

// ImportResult is what became of an import. Records = Written + Duplicate +
// Filtered + Quarantined.
type ImportResult struct {
	RunID string `json:"run_id"`
	// Units were read; UnitsKnown were done before and not opened; UnitsMissing could
	// not be read; UnitsQuarantined were rejected whole; UnitsIgnored are no evidence
	// of the source.
	Units            int64 `json:"units"`
	UnitsKnown       int64 `json:"units_known"`
	UnitsMissing     int64 `json:"units_missing"`
	UnitsQuarantined int64 `json:"units_quarantined"`
	UnitsIgnored     int64 `json:"units_ignored"`
	Records          int64 `json:"records"`
	Written          int64 `json:"written"`
	Duplicate        int64 `json:"duplicate"`
	Filtered         int64 `json:"filtered"`
	Quarantined      int64 `json:"quarantined"`
}

// ReportRequest says which report to run.
type ReportRequest struct {
	Name       string
	Argument   string // of the report, empty where none was given
	Period     trailhouse.Period
	Parameters map[string]string // as given, checked by the report
	Format     string            // table, json, jsonl, csv or seed
	Columns    []string          // of the answer, in this order; nil for all
}

// SQLRequest is one statement of the user's.
type SQLRequest struct {
	Text   string
	Name   string // file of the text for messages, empty for the command line
	Format string // table, json, jsonl or csv
}

// Answer is what is known of rows that were written.
type Answer struct {
	Rows int64
	// Missing counts scopes whose evidence is missing or damaged within the period:
	// the answer holds less than there was.
	Missing int64
	// NoEvidence says that nothing of the answer's sources was ever read.
	NoEvidence bool
	// Limit is the report's limit on rows where it was reached, so that there may be
	// more; else 0.
	Limit int64
}

// ReportInfo is one report in the list.
type ReportInfo struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Question string `json:"question"`
	// Argument is what must be given behind the name, empty where nothing must.
	Argument string `json:"argument,omitempty"`
	// File is where it stands, empty for a built-in one.
	File string `json:"file,omitempty"`
}

// LakeFile is one data file of a table.
type LakeFile struct {
	Table     string `json:"table"`
	Partition string `json:"partition,omitempty"` // day or month
	Rows      int64  `json:"rows"`
	Bytes     int64  `json:"bytes"`
	Path      string `json:"path"`
}

// LakeChange is one snapshot of one table.
type LakeChange struct {
	Table    string
	Snapshot trailhouse.Snapshot
}

// Care is what compaction did to one table.
type Care struct {
	Table      string `json:"table"`
	Partitions int64  `json:"partitions"`
	Files      int64  `json:"files_merged"`
	Into       int64  `json:"files_written"`
	Rows       int64  `json:"rows"`
}

// Expiry is what expiry removed from all tables.
type Expiry struct {
	Snapshots int64 `json:"snapshots_removed"`
	Files     int64 `json:"files_removed"`
	Orphans   int64 `json:"orphans_removed"` // files that no snapshot named
	Bytes     int64 `json:"bytes_removed"`
}

// Problem is one thing that is wrong with the lake.
type Problem struct {
	Table string `json:"table,omitempty"`
	Text  string `json:"problem"`
	Hint  string `json:"hint,omitempty"`
	// Evidence says that records contradict each other; the lake itself is in order.
	Evidence bool `json:"evidence,omitempty"`
}

// DemoRequest says what evidence to invent.
type DemoRequest struct {
	Dir    string // absolute
	Seed   uint64
	Months int // calendar months
	Hosts  int
	// Events is how many events the trail has; zero for a small one.
	Events int64
	// TrailOnly leaves the logs and trailhouse.yaml out.
	TrailOnly bool
}

// DemoResult says what was invented and where it is.
type DemoResult struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
	// Logs and Trail are the directories to import, Config the trailhouse.yaml, Truth the
	// file with what reports must come to. Logs and Config are empty for a trail alone.
	Logs   string `json:"logs,omitempty"`
	Trail  string `json:"trail"`
	Config string `json:"config,omitempty"`
	Truth  string `json:"truth"`
	// From and To bound the evidence, half-open, in UTC.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}
