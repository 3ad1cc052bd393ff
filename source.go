package trailhouse

import (
	"context"
	"time"
)

// Unit is one piece of evidence that a source can name before it reads it: a file,
// an object of a bucket, a window of an API. A unit that is done is remembered by
// its ID and never opened again.
type Unit struct {
	// ID is equal for two units exactly where their content is the same for sure:
	// path, size and modification time of a file; bucket, key, ETag and size of an
	// object.
	ID string
	// Object is what people call it: an absolute path or an s3:// address.
	Object string
	// Size is the stored size in bytes, -1 where it is not known.
	Size int64
	// Modified is when the object was last written, zero where not known.
	Modified time.Time
	// Explicit says that the user named this very object, so that content which is
	// not evidence is an error; below a directory it is passed over and counted.
	Explicit bool
	// Again asks to read the unit although it is done: its rows are known, but what
	// the user said with it (how far it is complete) may be new.
	Again bool
}

// Source is one kind of evidence: how to find its units and how to decode a unit
// to rows. It knows nothing of the lake.
type Source interface {
	// Name is the source's name in commands, coverage and the ledger.
	Name() string
	// Tables are the tables that the source's rows go to. Ingest calls Sink.Batch
	// with these only.
	Tables() []*Table
	// Version changes when the decoder gives other rows for the same bytes.
	Version() string
	// Units calls yield for each unit, in an order that is the same at each call,
	// and stops at the first error that yield returns. A place that cannot be listed
	// is told to yield's sibling miss and does not stop the rest. A place told there with
	// CoverageRead could be listed: where an earlier import said that it is missing, that
	// is taken back with its scope and detail, as it is where a unit below the place is
	// yielded. There is no other way to take it back.
	Units(ctx context.Context, yield func(Unit) error, miss func(Coverage) error) error
	// Read decodes one unit: for each record it fills rows into the sink's batches
	// and calls Next, in the order of the unit. It may be called again for the same
	// unit after a crash and must then give the same rows. Calls for different units
	// may run at the same time.
	//
	// A damaged record is told with Reject and reading goes on. An error of
	// CodeDamaged, CodeInvalid or CodeLimit rejects the whole unit, and the source
	// must find such damage to a container (a gzip CRC) before its first Next.
	// CodeNotFound, CodeDenied, CodeUnavailable and CodeConflict (the object was replaced
	// while it was read) make the unit missing; several units in a row with
	// CodeUnavailable, and any other error, stop the run.
	Read(ctx context.Context, u Unit, sink Sink) error
}

// Planner is a Source that makes use of knowing what becomes of its units: it fetches
// ahead, and remembers how far it listed.
type Planner interface {
	// Planned is told the units that will be read, in their order, after Units and before
	// the first Read. The source must not change them.
	Planned(units []Unit)
	// Settled is called at the end of a run that came to its end: each unit is in the
	// lake, in quarantine, or missing, which the source knows from its own Read.
	Settled(ctx context.Context) error
}

// Positions keep how far places were listed or read, between runs. They are those of
// internal/state. Errors are those of the state.
type Positions interface {
	// Positions returns the positions by place. A version is that of the source's decoder:
	// another one begins anew.
	Positions(ctx context.Context, source, version string) (map[string]string, error)
	// SetPositions replaces those of the places named.
	SetPositions(ctx context.Context, source, version string, positions map[string]string) error
}

// Sink takes what a source decodes from one unit. It is used by one goroutine.
type Sink interface {
	// Batch returns the batch of one of the source's tables to fill. It may be
	// another one after each Next.
	Batch(t *Table) *Batch
	// Next ends one record, whose rows are in the batches. It may write and commit
	// them, so it takes time and may fail; the source returns its error unchanged.
	Next(ctx context.Context) error
	// Reject counts one damaged record and keeps it in quarantine.
	Reject(r Rejected)
	// Filter counts n records that a rule or the source's nature leaves out.
	Filter(n int64)
	// Cover notes how far the evidence reaches. It is stored when the unit is done.
	Cover(c Coverage)
}

// Rejected is one record, or one whole unit, that could not be used.
type Rejected struct {
	// Object is what the record is in, where that is more than the unit: a log stream of
	// which the unit is a part, that is read again with the next. Empty is the unit's own.
	Object string
	// Position is the byte offset of the record in the inflated object.
	Position int64
	// Length is its length in bytes there.
	Length int64
	// Reason says in words what is wrong.
	Reason string
	// Content is the record's first MaxRejected bytes.
	Content []byte
	// SHA256 is the hash of the whole record.
	SHA256 [32]byte
}

// MaxRejected is how much of a damaged record quarantine keeps.
const MaxRejected = 1 << 20

// The results of a Coverage row.
const (
	CoverageRead    = "read"    // was read whole
	CoverageDamaged = "damaged" // is in quarantine, in part or whole
	CoverageMissing = "missing" // could not be read
	CoverageIgnored = "ignored" // is not evidence of this source
)

// Coverage says what was read of one scope and what is missing: missing is not
// zero.
type Coverage struct {
	Source string
	// Scope is what the evidence is about: an instance id, an account and region.
	Scope string
	// Object is the file or address, empty where a scope has none.
	Object string
	// Result is one of the Coverage constants.
	Result string
	// From and Through are the first and last instant for which the evidence is
	// known to be complete; zero where it holds none.
	From, Through time.Time
	// Detail says why, and which permission is missing.
	Detail string
	// Cause, where not nil, is the error that Detail tells, with its code and hint. It is
	// for the one who runs the import and is not kept.
	Cause error
}
