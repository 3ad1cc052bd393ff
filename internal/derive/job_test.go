package derive_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
	"github.com/trailhouse/trailhouse/internal/state"
)

const host = "i-0a1b2c3d4e5f60718"

// world is a real lake with real imports; only the commit of one table can be made
// to fail.
type world struct {
	*lake.Lake
	t      *testing.T
	job    *derive.Job
	ingest *ingest.Ingester
	fail   string // table whose commits fail
	dir    string // of the lake
}

func (w *world) Commit(ctx context.Context, c trailhouse.Commit) error {
	if c.Table.Name == w.fail {
		return errors.New("the power went out")
	}
	return w.Lake.Commit(ctx, c)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	clock := trailhouse.SystemClock{}
	st, err := state.Open(t.Context(), dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lake.Open(t.Context(), filepath.Join(dir, "lake"), clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	w := &world{Lake: l, t: t, dir: filepath.Join(dir, "lake")}
	w.ingest = ingest.New(w, st, ingest.Files{Write: columns.Write, Read: columns.Read}, clock, "test")
	w.job = &derive.Job{Lake: w, Lock: st.Lock, Logs: derive.Logs{
		Enclave: enclavelog.LogTable(), Allocator: enclavelog.AllocatorTable(), Coverage: ingest.CoverageTable(), Source: enclavelog.Name,
	}, Trail: cloudtrail.EventTable()}
	return w
}

// add imports lines of the host.
func (w *world) add(instance, name, text string) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), instance, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.ingest.Run(w.t.Context(), enclavelog.New(enclavelog.Options{Paths: []string{path}}), ingest.Options{}); err != nil {
		w.t.Fatal(err)
	}
}

// life is the log of one enclave that ran for an hour.
func life(instance string, at time.Time, slot string) string {
	line := func(after time.Duration, logger, message string) string {
		return fmt.Sprintf("[%s][INFO][%s][src/enclave_proc/mod.rs:1] %s\n", logger, at.Add(after).Format("2006-01-02T15:04:05.000Z"), message)
	}
	return line(0, "enc-xxxxxxx:41", "Enclave process PID: 41") +
		line(time.Second, "enc-xxxxxxx:41", `Run args = RunEnclavesArgs { eif_path: "a.eif", enclave_cid: None, memory_mib: 512, cpu_ids: None, debug_mode: false, attach_console: false, cpu_count: Some(2), enclave_name: Some("a") }`) +
		line(2*time.Second, "enc-xxxxxxx:41", "Enclave ID = "+instance+"-enc"+slot) +
		line(time.Hour, "enc-"+slot+":41", "Enclave has completed termination.")
}

// rows returns the rows of a table as comparable texts, and its files by month.
func (w *world) rows(t *trailhouse.Table) (rows []string, files map[string][]string) {
	w.t.Helper()
	list, _, err := w.Files(w.t.Context(), t.Name, trailhouse.Period{})
	if err != nil {
		w.t.Fatal(err)
	}
	files = map[string][]string{}
	for _, f := range list {
		month := f.Partition.Format("2006-01")
		files[month] = append(files[month], f.Path)
		err := columns.Read(w.t.Context(), f.Path, t, nil, func(b *trailhouse.Batch) error {
			for i := range b.Len() {
				rows = append(rows, string(b.AppendRow(nil, i)))
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	slices.Sort(rows)
	return rows, files
}

func (w *world) run() derive.Result {
	w.t.Helper()
	r, err := w.job.Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func day(month time.Month, d int) time.Time { return time.Date(2025, month, d, 8, 0, 0, 0, time.UTC) }

func TestNothingNewIsNotDerivedAgain(t *testing.T) {
	w := newWorld(t)
	if r := w.run(); r != (derive.Result{}) {
		t.Errorf("an empty lake: %+v", r)
	}
	w.add(host, "a.log", life(host, day(11, 3), "19a48bae81e5f1c"))
	if r := w.run(); r.Hosts != 1 || r.Days != 1 {
		t.Errorf("first: %+v", r)
	}
	before, err := w.History(t.Context(), "enclave_sessions")
	if err != nil {
		t.Fatal(err)
	}
	if r := w.run(); r != (derive.Result{}) {
		t.Errorf("again: %+v", r)
	}
	after, err := w.History(t.Context(), "enclave_sessions")
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before) {
		t.Errorf("%d snapshots, had %d", len(after), len(before))
	}
}

func TestLateLinesReplaceOnlyWhatTheyTouch(t *testing.T) {
	w := newWorld(t)
	const other = "i-0bbbbbbbbbbbbbbb2"
	w.add(host, "sep.log", life(host, day(9, 3), "19a000000000001"))
	w.add(host, "oct.log", life(host, day(10, 3), "19a000000000002"))
	w.add(other, "oct.log", life(other, day(10, 4), "19a000000000003"))
	w.run()
	_, before := w.rows(sessions.SessionTable())
	others, _ := w.rows(sessions.SessionTable())
	w.add(host, "late.log", life(host, day(9, 20), "19a000000000004"))
	if r := w.run(); r.Days != 1 || r.Hosts != 1 {
		t.Errorf("%+v, want one day of one host", r)
	}
	rows, after := w.rows(sessions.SessionTable())
	if !slices.Equal(before["2025-10"], after["2025-10"]) {
		t.Error("October was written again for a line of September")
	}
	if slices.Equal(before["2025-09"], after["2025-09"]) {
		t.Error("September was not written")
	}
	if len(rows) != len(others)+1 {
		t.Errorf("%d sessions, want %d", len(rows), len(others)+1)
	}
}

func TestCrashBetweenTheTablesIsARedo(t *testing.T) {
	text := life(host, day(11, 3), "19a48bae81e5f1c")
	clean := newWorld(t)
	clean.add(host, "a.log", text)
	clean.run()
	want, _ := clean.rows(sessions.SessionTable())
	for _, table := range []string{"enclave_marks", "enclave_attempts", "enclave_sessions"} {
		w := newWorld(t)
		w.add(host, "a.log", text)
		w.fail = table
		if _, err := w.job.Run(t.Context()); err == nil && table != "enclave_attempts" {
			t.Errorf("%s: the failed commit was not told", table)
		}
		w.fail = ""
		w.run()
		if got, _ := w.rows(sessions.SessionTable()); len(got) != 1 || len(want) != 1 {
			t.Errorf("%s: %d sessions after the crash, want %d", table, len(got), len(want))
		}
		if stale, err := w.job.Stale(t.Context()); stale || err != nil {
			t.Errorf("%s: still stale (%v)", table, err)
		}
	}
}

func TestLongerCompletenessReachesRunningSessions(t *testing.T) {
	w := newWorld(t)
	at := day(11, 3)
	text := life(host, at, "19a48bae81e5f1c")
	w.add(host, "a.log", text[:len(text)-len("[enc-19a48bae81e5f1c:41][INFO][2025-11-03T09:00:00.000Z][src/enclave_proc/mod.rs:1] Enclave has completed termination.\n")])
	w.run()
	w.add(host, "b.log", fmt.Sprintf("[nitro-cli:9][INFO][%s][src/main.rs:64] Start Nitro CLI\n", at.Add(5*time.Hour).Format("2006-01-02T15:04:05.000Z")))
	w.run()
	files, _, err := w.Files(t.Context(), "enclave_sessions", trailhouse.Period{})
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	table := sessions.SessionTable()
	err = columns.Read(t.Context(), files[0].Path, table, nil, func(b *trailhouse.Batch) error {
		if got := b.Time(table.MustIndex("presumed_until"), 0); !got.Equal(at.Add(5 * time.Hour)) {
			t.Errorf("presumed until %v, want %v", got, at.Add(5*time.Hour))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// histories returns how many snapshots each table has.
func (w *world) histories() map[string]int {
	w.t.Helper()
	tables, err := w.Tables(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]int{}
	for _, name := range tables {
		h, err := w.History(w.t.Context(), name)
		if err != nil {
			w.t.Fatal(err)
		}
		out[name] = len(h)
	}
	return out
}

// merge merges the files of sources and derived tables, as 'lake compact' does.
func (w *world) merge() (partitions int) {
	w.t.Helper()
	for _, t := range []*trailhouse.Table{
		enclavelog.LogTable(), cloudtrail.EventTable(), ingest.CoverageTable(), sessions.MarkTable(), sessions.SessionTable(),
		attested.CallTable(), attested.HostEndTable(), attested.JoinTable(), attested.GroupTable(),
	} {
		done, err := w.Compact(w.t.Context(), t, lake.CompactOptions{All: true})
		if err != nil {
			w.t.Fatal(err)
		}
		partitions += done.Partitions
	}
	return partitions
}

// daysLater is a clock that is two days ahead.
type daysLater struct{ trailhouse.SystemClock }

func (daysLater) Now() time.Time { return time.Now().Add(48 * time.Hour) }

// expire drops every snapshot that nothing keeps, as 'lake expire' does two days later.
func (w *world) expire() {
	w.t.Helper()
	l, err := lake.Open(w.t.Context(), w.dir, daysLater{})
	if err != nil {
		w.t.Fatal(err)
	}
	done, err := l.Expire(w.t.Context(), lake.ExpireOptions{})
	if err = errors.Join(err, l.Close()); err != nil || done.Snapshots == 0 {
		w.t.Fatal(done, err)
	}
}

// TestMergedFilesAreNoChange merges the files of every table, lets the snapshots before
// that expire or not, and expects nothing to be derived and no snapshot to be made, and a
// change after it to be seen alone.
func TestMergedFilesAreNoChange(t *testing.T) {
	const other = "i-0bbbbbbbbbbbbbbb2"
	for _, expire := range []bool{false, true} {
		w := newWorld(t)
		at := day(11, 3)
		w.add(host, "a.log", life(host, at, slotA))
		w.trail(attest(host, slotA, at.Add(time.Minute), ""))
		w.run()
		w.add(other, "b.log", open(other, at, slotB))
		w.trail(attest(other, slotB, at.Add(2*time.Minute), ""))
		w.run()
		if n := w.merge(); n < 4 {
			t.Fatalf("%d partitions merged: the test shows nothing", n)
		}
		if expire {
			w.expire()
		}
		before := w.histories()
		if r := w.run(); r != (derive.Result{}) {
			t.Errorf("expire %t: derived again %+v", expire, r)
		}
		if diff := cmp.Diff(before, w.histories()); diff != "" {
			t.Errorf("expire %t: new snapshots: %s", expire, diff)
		}
		w.add(other, "c.log", life(other, at.Add(3*time.Hour), "19a000000000003"))
		w.trail(attest(other, "19a000000000003", at.Add(3*time.Hour+time.Minute), ""))
		w.merge()
		if r := w.run(); r.Hosts != 1 || r.Days != 1 || r.Calls != 1 {
			t.Errorf("expire %t: a change after the merge: %+v", expire, r)
		}
		if calls := w.calls(); len(calls) != 3 {
			t.Errorf("expire %t: calls %q", expire, calls)
		}
	}
}
