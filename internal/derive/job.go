package derive

import (
	"context"
	"strconv"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

// The keys under which a derived table's snapshot names what it was derived from.
const (
	sourceKey  = "trailhouse.source." // + table name = snapshot id
	versionKey = "trailhouse.derive.version"
)

// Job derives enclave_marks from the two logs, and enclave_sessions and
// enclave_attempts from the marks and the coverage of the logs.
type Job struct {
	Lake trailhouse.Lake
	// Lock takes a table's lock, which imports and maintenance take too. It waits.
	Lock func(ctx context.Context, table string) (unlock func(), err error)
	Logs Logs
	// Progress, where not nil, is told how many of the host-days that changed are
	// folded.
	Progress func(done, total int)
}

// Logs are the tables that are derived from: enclave_log and allocator_log, both
// partitioned by day, and coverage.
type Logs struct {
	Enclave, Allocator, Coverage *trailhouse.Table
	// Source is the name under which coverage says how far the logs of nitro-cli are
	// complete. Other evidence of the same host says nothing about that.
	Source string
}

// lines returns the tables that hold log lines.
func (l Logs) lines() []*trailhouse.Table { return []*trailhouse.Table{l.Enclave, l.Allocator} }

// all returns every table that sessions depend on.
func (l Logs) all() []*trailhouse.Table { return append(l.lines(), l.Coverage) }

// Result counts what a run derived again. The zero Result means that nothing was
// out of date.
type Result struct {
	Days      int // host-days folded again
	Hosts     int // hosts whose sessions were derived again
	Rewritten int // partitions that changed
}

// Stale reports whether a source has changed since the sessions were derived.
func (j *Job) Stale(ctx context.Context) (bool, error) {
	now, err := j.watermark(ctx, j.Logs.all())
	if err != nil || now.empty() {
		return false, err
	}
	was, err := j.stored(ctx, sessions.SessionTable().Name, j.Logs.all())
	return !was.equal(now), err
}

// Run brings the derived tables up to date. It does nothing, and takes no lock,
// where they are.
func (j *Job) Run(ctx context.Context) (Result, error) {
	stale, err := j.Stale(ctx)
	if err != nil || !stale {
		return Result{}, err
	}
	// Names in order: who takes several locks takes them in this order.
	for _, t := range []*trailhouse.Table{sessions.AttemptTable(), sessions.MarkTable(), sessions.SessionTable()} {
		unlock, err := j.Lock(ctx, t.Name)
		if err != nil {
			return Result{}, err
		}
		defer unlock()
		if err := j.Lake.Ensure(ctx, t); err != nil {
			return Result{}, err
		}
	}
	p := &pass{Job: j}
	if err := p.foldMarks(ctx); err != nil {
		return p.result, err
	}
	return p.result, p.deriveSessions(ctx)
}

// pass is one run of a Job under its locks.
type pass struct {
	*Job
	result Result
	// days are the host-days that changed since the watermark since: marks and
	// sessions mostly go on from the same one.
	days  dirtyDays
	since watermark
}

// watermark says from which snapshots a table was derived, and by which code.
type watermark struct {
	version string
	at      map[string]int64
}

func (w watermark) empty() bool {
	for _, id := range w.at {
		if id != 0 {
			return false
		}
	}
	return true
}

func (w watermark) equal(o watermark) bool {
	if w.version != o.version {
		return false
	}
	for table, id := range w.at {
		if o.at[table] != id {
			return false
		}
	}
	return len(w.at) == len(o.at)
}

// only returns the watermark of some of its tables.
func (w watermark) only(tables []*trailhouse.Table) watermark {
	part := watermark{version: w.version, at: map[string]int64{}}
	for _, t := range tables {
		if id, ok := w.at[t.Name]; ok {
			part.at[t.Name] = id
		}
	}
	return part
}

func (w watermark) summary() map[string]string {
	s := map[string]string{versionKey: w.version}
	for table, id := range w.at {
		s[sourceKey+table] = strconv.FormatInt(id, 10)
	}
	return s
}

// watermark returns the sources as they are now.
func (j *Job) watermark(ctx context.Context, tables []*trailhouse.Table) (watermark, error) {
	w := watermark{version: sessions.Version, at: map[string]int64{}}
	for _, t := range tables {
		id, err := j.Lake.Current(ctx, t.Name)
		if err != nil {
			return w, err
		}
		w.at[t.Name] = id
	}
	return w, nil
}

// stored returns the sources as the derived table's newest snapshot names them; a
// table that was never derived has none.
func (j *Job) stored(ctx context.Context, derived string, tables []*trailhouse.Table) (watermark, error) {
	w := watermark{at: map[string]int64{}}
	summary, err := j.Lake.Summary(ctx, derived, versionKey)
	if err != nil || summary == nil {
		return w, err
	}
	w.version = summary[versionKey]
	for _, t := range tables {
		id, err := strconv.ParseInt(summary[sourceKey+t.Name], 10, 64)
		if err != nil {
			return watermark{at: map[string]int64{}}, nil //nolint:nilerr // a summary that cannot be read counts as none: everything is derived again
		}
		w.at[t.Name] = id
	}
	return w, nil
}
