package ingest

import (
	"context"
	"path"
	"path/filepath"
	"strings"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/dedup"
	"github.com/trailhouse/trailhouse/internal/state"
)

// Files writes and reads data files of tables: the functions of internal/columns.
type Files struct {
	// Write writes the rows of the batch to a new file: aside, synced, renamed. What
	// it leaves behind when it dies is called path + ".tmp".
	Write func(path string, b *trailhouse.Batch, rows []int32) (trailhouse.DataFile, error)
	// Read calls fn with batches that hold the named columns of a file.
	Read func(ctx context.Context, path string, t *trailhouse.Table, cols []string, fn func(*trailhouse.Batch) error) error
}

// asideSuffix ends the name of a file that Files.Write had not finished.
const asideSuffix = ".tmp"

// Ingester imports into one lake. It may be used by several goroutines, and beside
// other processes on the same data directory.
type Ingester struct {
	lake    trailhouse.Lake
	state   *state.State
	index   *dedup.Index
	files   Files
	clock   trailhouse.Clock
	version string
	// step is called before each step of the protocol that changes something.
	// Tests stop the world there.
	step func(name string) error
}

// New returns an Ingester that writes to the lake, journals in st and keeps the
// index of keys in the folder index of st's directory. version is Trailhouse's own,
// for the table runs.
func New(lake trailhouse.Lake, st *state.State, files Files, clock trailhouse.Clock, version string) *Ingester {
	return &Ingester{
		lake: lake, state: st, files: files, clock: clock, version: version,
		index: dedup.New(filepath.Join(st.Dir(), "index")),
		step:  func(string) error { return nil },
	}
}

// Tables returns the tables that ingest itself writes.
func Tables() []*trailhouse.Table {
	return []*trailhouse.Table{CoverageTable(), QuarantineTable(), RunTable(), UnitTable()}
}

// Options bound a run. The zero value is good.
type Options struct {
	// BatchRecords and BatchBytes end a batch; zero stands for 200,000 records and
	// 64 MB in memory. Two batches are in memory at a time, and one record is never
	// split.
	BatchRecords int
	BatchBytes   int
	// Progress, where not nil, is called from one goroutine at a time and must return
	// soon.
	Progress func(Event)
}

func (o Options) withDefaults() Options {
	if o.BatchRecords <= 0 {
		o.BatchRecords = 200_000
	}
	if o.BatchBytes <= 0 {
		o.BatchBytes = 64 << 20
	}
	if o.Progress == nil {
		o.Progress = func(Event) {}
	}
	return o
}

// EventKind says what an Event tells.
type EventKind string

// The kinds of events.
const (
	EventPlanned EventKind = "planned" // the units of the run are known
	EventUnit    EventKind = "unit"    // a unit was read; Object and Result name it
	EventBatch   EventKind = "batch"   // a batch was handed over to be written
	EventEnded   EventKind = "ended"   // everything is written
)

// Event tells how far a run is. Counts are those of the whole run so far.
type Event struct {
	Kind EventKind
	// UnitsPlanned are to be read, UnitsKnown are passed over, UnitsRead are read.
	UnitsPlanned, UnitsKnown, UnitsRead int64
	// BytesPlanned and BytesRead are stored sizes of units.
	BytesPlanned, BytesRead int64
	// Records are decoded, written or not.
	Records int64
	// Object and Result are set for EventUnit: Result is one of the unit results.
	Object, Result string
}

// The results of a unit.
const (
	UnitDone        = "done"
	UnitQuarantined = "quarantined" // rejected whole
	UnitMissing     = "missing"     // could not be read
	UnitIgnored     = "ignored"     // is not evidence of the source
)

// The results of a run.
const (
	RunDone        = "done"
	RunPartial     = "partial" // done, with quarantine or missing coverage
	RunFailed      = "failed"
	RunInterrupted = "interrupted"
)

// Counts are the accounting identity: Records = Written + Duplicate + Filtered +
// Quarantined. A unit that is rejected whole counts as one quarantined record.
type Counts struct {
	Records, Written, Duplicate, Filtered, Quarantined int64
}

func (c *Counts) add(o Counts) {
	c.Records += o.Records
	c.Written += o.Written
	c.Duplicate += o.Duplicate
	c.Filtered += o.Filtered
	c.Quarantined += o.Quarantined
}

// UnitCounts count the units of a run by what became of them.
type UnitCounts struct {
	Done, Known, Missing, Quarantined, Ignored int64
}

// Problem is one thing that a run could not use and what to do about it.
type Problem struct {
	Object string
	Code   trailhouse.Code
	Text   string
	Hint   string
	// Alike is how many more problems differ from this one only in names and numbers.
	Alike int64
	shape string
}

// maxProblems is how many different problems a Result tells in words.
const maxProblems = 20

// Result is what a run did. It counts what is in the lake: records that were read
// and not written, because the run was stopped, are not in it.
type Result struct {
	// RunID is the id in the tables. It is in runs only if the run read something.
	RunID  string
	Result string
	Units  UnitCounts
	Counts Counts
	// Batches is how many batches were committed.
	Batches int64
	// Problems are the first of their like, of ProblemCount in all.
	Problems     []Problem
	ProblemCount int64
}

// Partial reports whether something is in quarantine or missing.
func (r Result) Partial() bool {
	return r.Units.Missing > 0 || r.Units.Quarantined > 0 || r.Counts.Quarantined > 0
}

// problem counts a problem, and keeps it where it is the first of its like.
func (r *Result) problem(object string, err error) {
	r.ProblemCount++
	shape := shapeOf(object, err)
	for i := range r.Problems {
		if r.Problems[i].shape == shape {
			r.Problems[i].Alike++
			return
		}
	}
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, Problem{Object: object, Code: trailhouse.CodeOf(err), Text: err.Error(), Hint: trailhouse.HintOf(err), shape: shape})
	}
}

// shapeOf returns what is the same for problems that are alike: the words without the
// object's name and without digits.
func shapeOf(object string, err error) string {
	text := err.Error()
	for _, known := range []string{object, path.Base(object)} {
		if known != "" && known != "." {
			text = strings.ReplaceAll(text, known, "")
		}
	}
	return string(trailhouse.CodeOf(err)) + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
}
