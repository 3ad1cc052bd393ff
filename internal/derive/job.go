package derive

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

// The keys under which a derived table's snapshot names what it was derived from.
const (
	sourceKey  = "trailhouse.source." // + table name = snapshot id
	versionKey = "trailhouse.derive.version"
)

// Job derives, in this order, each from what stands before it:
//
//	enclave_marks                      from the two logs
//	attested_calls, host_ends          from the trail
//	enclave_sessions, enclave_attempts from the marks, the coverage of the logs, the
//	                                   attested calls and the ends of hosts
//	kms_calls                          from the attested calls, the sessions and the marks
//	kms_call_groups                    from the same; the sums of kms_calls
//
// Every table is the same in whatever order the evidence came.
type Job struct {
	Lake trailhouse.Lake
	// Lock takes a table's lock, which imports and maintenance take too. It waits.
	Lock func(ctx context.Context, table string) (unlock func(), err error)
	Logs Logs
	// Trail is the table cloudtrail, partitioned by day.
	Trail *trailhouse.Table
	// Fresh, where not nil, knows what this process wrote to the trail.
	Fresh *Fresh
	// Progress, where not nil, is told how many of the host-days that changed are
	// folded.
	Progress func(done, total int)

	maxGroups int // 0 for the usual
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

// all returns every table that sessions depend on and that holds logs.
func (l Logs) all() []*trailhouse.Table { return append(l.lines(), l.Coverage) }

// roots are the tables that everything is derived from.
func (j *Job) roots() []*trailhouse.Table { return append(j.Logs.all(), j.Trail) }

// The versions of derived tables: each changes with those that it is derived from.
const (
	marksVersion    = sessions.Version
	trailVersion    = attested.Version
	sessionsVersion = sessions.Version + " " + attested.Version
	joinVersion     = sessionsVersion + " " + attested.JoinVersion
)

// Result counts what a run derived again. The zero Result means that nothing was
// out of date.
type Result struct {
	Days      int // host-days folded again
	Hosts     int // hosts whose sessions were derived again
	Calls     int // attested calls that are new
	Rewritten int // partitions that changed
}

// Stale reports whether a source has changed since the tables were derived. The last
// of them names all roots, so that this takes a look at few tables.
func (j *Job) Stale(ctx context.Context) (bool, error) {
	now, err := j.watermark(ctx, joinVersion, j.roots())
	if err != nil || now.empty() {
		return false, err
	}
	was, err := j.stored(ctx, groupTable(), joinVersion, j.roots())
	if err != nil || !was.equal(now) {
		return true, err
	}
	_, settled, err := j.Settled(ctx)
	return !settled, err
}

// Settled reports whether kms_calls and kms_call_groups are of the same evidence. They are
// written one after the other, and a call without its group looks as if it were no
// finding: who reads both waits until they are. state names what the two hold; a table
// that was read between two equal answers was read at that state.
func (j *Job) Settled(ctx context.Context) (state string, settled bool, err error) {
	var of [2]map[string]string
	for i, table := range []string{attested.JoinTable().Name, groupTable()} {
		id, err := j.Lake.Current(ctx, table)
		if err != nil {
			return "", false, err
		}
		summary, err := j.Lake.Summary(ctx, table, versionKey)
		if err != nil {
			return "", false, err
		}
		state += strconv.FormatInt(id, 10) + " "
		of[i] = maps.Clone(summary)
		maps.DeleteFunc(of[i], func(key, _ string) bool { return key != versionKey && !strings.HasPrefix(key, sourceKey) })
	}
	return state, maps.Equal(of[0], of[1]), nil
}

// derived are the tables that a Job writes, in the order of their names: who takes
// several locks takes them in this order.
func derived() []*trailhouse.Table {
	return []*trailhouse.Table{
		attested.CallTable(), sessions.AttemptTable(), sessions.MarkTable(), sessions.SessionTable(), attested.HostEndTable(), attested.GroupTable(), attested.JoinTable(),
	}
}

// groupTable is the table that is derived last.
func groupTable() string { return attested.GroupTable().Name }

// Run brings the derived tables up to date. It does nothing, and takes no lock,
// where they are.
func (j *Job) Run(ctx context.Context) (Result, error) {
	stale, err := j.Stale(ctx)
	if err != nil || !stale {
		return Result{}, err
	}
	for _, t := range derived() {
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
	for _, step := range []func(context.Context) error{p.foldMarks, p.takeFromTrail, p.deriveSessions, p.joinCalls} {
		if err := step(ctx); err != nil {
			return p.result, err
		}
	}
	j.Fresh.forget()
	return p.result, nil
}

// pass is one run of a Job under its locks.
type pass struct {
	*Job
	result Result
	// days are the host-days that changed since the watermark since: marks and
	// sessions mostly go on from the same one.
	days  dirtyDays
	since watermark
	// logged are the hosts with a log of nitro-cli, once they are known.
	logged hosts
	// glances are what files of the trail hold, by path.
	glances map[string]attested.Glance
	// changed are the hosts whose sessions this pass derived, and before the snapshot of
	// the sessions that it did so upon.
	changed hosts
	before  int64
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
	return w.version == o.version && maps.Equal(w.at, o.at)
}

// only returns what the watermark says of some of its tables, whatever the code.
func (w watermark) only(tables []*trailhouse.Table) watermark {
	part := watermark{at: map[string]int64{}}
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

// watermark returns the sources as they are now. A merge of their files is no change.
func (j *Job) watermark(ctx context.Context, version string, tables []*trailhouse.Table) (watermark, error) {
	w := watermark{version: version, at: map[string]int64{}}
	for _, t := range tables {
		id, err := j.Lake.Content(ctx, t.Name)
		if err != nil {
			return w, err
		}
		w.at[t.Name] = id
	}
	return w, nil
}

// stored returns the sources as the derived table's newest snapshot names them. A table
// that was never derived, or by other code, has none.
func (j *Job) stored(ctx context.Context, derived, version string, tables []*trailhouse.Table) (watermark, error) {
	w := watermark{version: version, at: map[string]int64{}}
	summary, err := j.Lake.Summary(ctx, derived, versionKey)
	if err != nil || summary == nil || summary[versionKey] != version {
		return w, err
	}
	for _, t := range tables {
		id, err := strconv.ParseInt(summary[sourceKey+t.Name], 10, 64)
		if err != nil {
			return watermark{version: version, at: map[string]int64{}}, nil //nolint:nilerr // a summary that cannot be read counts as none: everything is derived again
		}
		w.at[t.Name] = id
	}
	return w, nil
}

// added returns the files that a table got since the watermark, all of them where the
// history no longer reaches back. whole says that they are all.
func (j *Job) added(ctx context.Context, t *trailhouse.Table, was watermark) (files []trailhouse.DataFile, whole bool, err error) {
	if since := was.at[t.Name]; since != 0 {
		files, ok, err := j.Lake.Added(ctx, t.Name, since)
		if err != nil || ok {
			return files, false, err
		}
	}
	files, _, err = j.Lake.Files(ctx, t.Name, trailhouse.Period{})
	return files, true, err
}
