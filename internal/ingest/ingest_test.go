package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/state"
)

func TestImport(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	files := []file{
		{name: "/a", records: rows(0, 40)},
		{name: "/b", records: append(rows(30, 60), record{1, 'r'}, record{2, 'f'}, record{3, 'e'}, record{4, 'r'})},
		{name: "/c"},
	}
	var events []Event
	result := w.run(&testSource{files: files}, Options{BatchRecords: 7, Progress: func(e Event) { events = append(events, e) }})
	w.wantWhole(files)
	want := Counts{Records: 74, Written: 60, Duplicate: 10, Filtered: 2, Quarantined: 2}
	if result.Counts != want || result.Result != RunPartial || !result.Partial() || result.Units.Done != 3 {
		t.Errorf("result %+v", result)
	}
	if result.ProblemCount != 1 || !strings.Contains(result.Problems[0].Text, "2 of 34 records are in quarantine") {
		t.Errorf("problems %+v", result.Problems)
	}
	first, last := events[0], events[len(events)-1]
	if first.Kind != EventPlanned || first.UnitsPlanned != 3 || first.BytesPlanned != 74 ||
		last.Kind != EventEnded || last.UnitsRead != 3 || last.Records != 74 || last.BytesRead != 74 {
		t.Errorf("events %+v to %+v", first, last)
	}
	wantUnit := []Counts{{40, 40, 0, 0, 0}, {34, 20, 10, 2, 2}, {}}
	for i, u := range w.units() {
		if u.Counts != wantUnit[i] {
			t.Errorf("unit %s: %+v, want %+v", u.object, u.Counts, wantUnit[i])
		}
	}
	if got := w.texts(RunTable(), "result"); !slices.Equal(got, []string{RunPartial}) {
		t.Errorf("runs %v", got)
	}
	w.each(RunTable(), func(b *trailhouse.Batch, row int) {
		if got := countsOf(RunTable(), b, row); got != want {
			t.Errorf("run's row %+v", got)
		}
	})
}

// TestReplayIsNoop imports the same three times: no new rows, no new snapshots.
func TestReplayIsNoop(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	files := []file{{name: "/a", records: rows(0, 40)}, {name: "/b", records: []record{{1, 'r'}}},
		{name: "/no", cover: []trailhouse.Coverage{{Object: "/no", Result: trailhouse.CoverageIgnored, Detail: "a picture"}}}}
	src := &testSource{files: files, misses: []trailhouse.Coverage{{Object: "/dev/x", Result: trailhouse.CoverageIgnored}}}
	first := w.run(src, Options{})
	before := w.snapshots()
	for range 2 {
		again := w.run(src, Options{})
		if again.Units.Known != 3 || again.Counts != (Counts{}) || again.Units.Done != 0 || again.Batches != 0 {
			t.Errorf("result %+v", again)
		}
	}
	if n := w.snapshots(); n != before {
		t.Errorf("%d snapshots became %d", before, n)
	}
	if first.Units.Ignored != 2 || first.Units.Done != 2 {
		t.Errorf("first %+v", first)
	}
}

// TestSmallUnitsShareABatch wants one commit for each table, not one for each file.
func TestSmallUnitsShareABatch(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	var files []file
	for i := range 1000 {
		files = append(files, file{name: fmt.Sprint("/f", i), records: rows(i*3, i*3+3)})
	}
	result := w.run(&testSource{files: files}, Options{})
	if result.Batches != 1 || w.snapshots() != 5 {
		t.Errorf("%d batches, %d snapshots", result.Batches, w.snapshots())
	}
	w.wantWhole(files)
}

// TestUnitsThatFail rejects units whole in the middle of a shared batch: none of
// their rows is written and none of the others is lost.
func TestUnitsThatFail(t *testing.T) {
	damaged := trailhouse.Errorf(trailhouse.CodeDamaged, "gzip: the checksum is wrong")
	for _, records := range []int{14, 1000} {
		t.Run(fmt.Sprint("batches of ", records), func(t *testing.T) {
			w := newWorld(t, newTestLake(t))
			path := filepath.Join(t.TempDir(), "damaged.gz")
			if err := os.WriteFile(path, []byte("stored"), 0o600); err != nil {
				t.Fatal(err)
			}
			good := []file{{name: "/a", records: rows(0, 10)}, {name: "/z", records: rows(10, 20)}}
			bad := []file{
				{name: path, records: []record{{100, 'b'}, {101, 'r'}}, fail: damaged, half: true},
				{name: "/invalid", fail: trailhouse.Errorf(trailhouse.CodeInvalid, "no log")},
				{name: "/denied", records: rows(110, 112), fail: trailhouse.Errorf(trailhouse.CodeDenied, "permission denied"), half: true},
				{name: "/gone", fail: trailhouse.Errorf(trailhouse.CodeNotFound, "no such file")},
			}
			src := &testSource{files: slices.Concat(good[:1], bad, good[1:]), misses: []trailhouse.Coverage{{Object: "/dir", Detail: "permission denied"}}}
			for round := range 2 {
				result := w.run(src, Options{BatchRecords: records})
				if result.Units.Quarantined != 2 || result.Units.Missing != 3 || result.Result != RunPartial || result.ProblemCount != 5 || len(result.Problems) != 5 {
					t.Errorf("round %d: %+v", round, result)
				}
				w.wantKeys(dayTable(), 20, nil)
				w.wantKeys(flatTable(), 4, nil)
				w.wantKeys(QuarantineTable(), 2, nil)
				w.wantClean()
			}
			var hashes []string
			w.each(QuarantineTable(), func(b *trailhouse.Batch, row int) {
				q := QuarantineTable()
				hashes = append(hashes, b.String(q.MustIndex("sha256"), row))
				if b.Int(q.MustIndex("position"), row) != -1 || !b.IsNull(q.MustIndex("content"), row) {
					t.Error("an object rejected whole has a position or content")
				}
			})
			slices.Sort(hashes)
			if hashes[0] != "" || !strings.HasPrefix(hashes[1], "87b04e58") {
				t.Errorf("hashes %q", hashes)
			}
			results := w.texts(UnitTable(), "result")
			slices.Sort(results)
			if diff := cmp.Diff([]string{"done", "done", "quarantined", "quarantined", "quarantined", "quarantined"}, results); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestUnitFailsAfterABatch breaks the contract of sources: rows of an earlier batch
// stay, and the counts say so.
func TestUnitFailsAfterABatch(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	f := file{name: "/a", records: rows(0, 10), fail: trailhouse.Errorf(trailhouse.CodeDamaged, "cut")}
	gone := file{name: "/b", records: rows(10, 15), fail: trailhouse.Errorf(trailhouse.CodeConflict, "replaced")}
	w.run(&testSource{files: []file{f, gone}}, Options{BatchRecords: 4})
	w.wantKeys(dayTable(), 12, nil)
	want := []unitRow{{object: "/a", result: UnitQuarantined, Counts: Counts{Records: 9, Written: 8, Quarantined: 1}},
		{object: "/b", result: UnitMissing, Counts: Counts{Records: 4, Written: 4}}}
	for i, u := range w.units() {
		u.id, u.run = "", ""
		if u != want[i] {
			t.Errorf("got %+v, want %+v", u, want[i])
		}
	}
}

func TestSourceFailureKeepsWholeUnits(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	cause := errors.New("the network is down")
	files := []file{{name: "/a", records: rows(0, 10)}, {name: "/b", records: rows(10, 20), fail: cause, half: true}, {name: "/c", records: rows(20, 30)}}
	w.process(func(g *Ingester) {
		result, err := g.Run(t.Context(), &testSource{files: files}, Options{})
		if !errors.Is(err, cause) || result.Result != RunFailed || result.Counts.Written != 10 {
			t.Errorf("%+v, %v", result, err)
		}
	})
	w.wantWhole(files[:1])
	files[1].fail, files[1].half = nil, false
	w.run(&testSource{files: files}, Options{})
	w.wantWhole(files)
	if got := w.texts(RunTable(), "result"); !slices.Equal(got, []string{RunFailed, RunDone}) {
		t.Errorf("runs %v", got)
	}
}

// TestAgain reads a known unit again: its rows are known, its coverage is new.
func TestAgain(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	src := &testSource{files: []file{{name: "/a", records: append(rows(0, 9), record{1, 'r'})}}}
	w.run(src, Options{})
	src.files[0].again = true
	result := w.run(src, Options{})
	if want := (Counts{Records: 10, Duplicate: 9, Quarantined: 1}); result.Counts != want {
		t.Errorf("%+v", result.Counts)
	}
	w.wantKeys(dayTable(), 9, nil)
	w.wantKeys(QuarantineTable(), 1, nil)
	if h, _ := w.lake.History(t.Context(), "t_day"); len(h) != 1 {
		t.Errorf("%d snapshots", len(h))
	}
}

// TestGrown imports a file at every line of its growth, and twice with content that
// changed behind the same identity: nothing twice, nothing lost.
func TestGrown(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	all := rows(0, 25)
	for n := 1; n <= len(all); n++ {
		w.run(&testSource{files: []file{{name: "/a", records: all[:n]}}}, Options{BatchRecords: 1 + n%7})
	}
	w.wantKeys(dayTable(), 25, nil)
	w.run(&testSource{files: []file{{name: "/a", records: rows(100, 125), again: true}}}, Options{})
	w.wantKeys(dayTable(), 50, nil)
}

// TestLostIndexAndState deletes what is only a cache: the lake alone decides.
func TestLostIndexAndState(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	files := []file{{name: "/a", records: append(rows(0, 50), record{7, 'r'})}}
	w.run(&testSource{files: files}, Options{})
	if err := os.RemoveAll(filepath.Join(w.dir, "index")); err != nil {
		t.Fatal(err)
	}
	files[0].again = true
	w.run(&testSource{files: files}, Options{BatchRecords: 11})
	w.dir = tempDir(t)
	result := w.run(&testSource{files: files}, Options{BatchRecords: 13})
	if want := (Counts{Records: 51, Duplicate: 50, Quarantined: 1}); result.Counts != want {
		t.Errorf("%+v", result.Counts)
	}
	w.wantKeys(dayTable(), 50, nil)
	w.wantKeys(flatTable(), 10, nil)
	w.wantKeys(QuarantineTable(), 1, nil)
}

// TestBatchIDs wants every commit of a table to have an id of its own.
func TestBatchIDs(t *testing.T) {
	lake := newTestLake(t)
	w := newWorld(t, lake)
	for n := range 3 {
		w.run(&testSource{files: []file{{name: "/a", records: rows(n*100, n*100+20), again: true}}}, Options{BatchRecords: 5})
	}
	for table, commits := range lake.commits {
		ids := map[string]bool{}
		for _, c := range commits {
			if len(c.BatchID) != 64 || ids[c.BatchID] {
				t.Errorf("%s: batch id %q twice or malformed", table, c.BatchID)
			}
			ids[c.BatchID] = true
		}
	}
}

// TestRowAccounting checks the identity for each unit of random files, with random
// batch sizes and damages.
func TestRowAccounting(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 9))
		w := newWorld(t, newTestLake(t))
		var total Counts
		want := map[string]Counts{}
		for round := range 2 {
			var files []file
			for i := range 1 + r.IntN(20) {
				f := file{name: fmt.Sprintf("/%d/%d", round, i)}
				var c Counts
				for range r.IntN(40) {
					rec := record{r.IntN(200), []byte{0, 0, 0, 'b', 'r', 'f', 'e'}[r.IntN(7)]}
					f.records = append(f.records, rec)
					c.Records++
					switch rec.kind {
					case 'r':
						c.Quarantined++
					case 'f', 'e':
						c.Filtered++
					}
				}
				want[f.name] = c
				total.add(c)
				files = append(files, f)
			}
			w.run(&testSource{files: files}, Options{BatchRecords: 10 + r.IntN(90), BatchBytes: 2000 + r.IntN(20_000)})
		}
		var written int64
		for _, u := range w.units() {
			c := want[u.object]
			c.Written, c.Duplicate = u.Written, u.Duplicate
			if u.Counts != c || u.Records != u.Written+u.Duplicate+u.Filtered+u.Quarantined {
				t.Errorf("SEED=%d: unit %s: %+v, want %+v", seed, u.object, u.Counts, want[u.object])
			}
			written += u.Written
			delete(want, u.object)
		}
		day, flat := w.keys(dayTable()), w.keys(flatTable())
		// A record is written where one of its rows is new: a number that came as a
		// plain row first and with a second row later is written twice.
		if len(want) > 0 || written < int64(len(day)) || written > int64(len(day)+len(flat)) {
			t.Errorf("SEED=%d: %d units without a row, %d written, %d keys", seed, len(want), written, len(day))
		}
		w.wantKeys(dayTable(), len(day), nil)
		w.wantClean()
	}
}

// TestEightAtOnce imports overlapping parts with eight states open at once.
func TestEightAtOnce(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			var files []file
			for i := range 12 {
				from := (p + i) * 10
				files = append(files, file{name: fmt.Sprint("/f", p+i), records: append(rows(from, from+25), record{from, 'r'})})
			}
			st, err := state.Open(context.Background(), w.dir, w.clock)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = st.Close() }()
			result, err := New(w.lake, st, w.files, w.clock, "test").Run(context.Background(), &testSource{files: files}, Options{BatchRecords: 40})
			if err != nil || result.Units.Done+result.Units.Known != 12 {
				t.Errorf("process %d: %+v, %v", p, result, err)
			}
		})
	}
	wg.Wait()
	w.wantKeys(dayTable(), 18*10+25, nil)
	w.wantKeys(flatTable(), (18*10+25)/5, nil)
	w.wantKeys(QuarantineTable(), 19, nil)
	w.wantClean()
}

// TestInterrupt stops an import at every third record; the next run resumes.
func TestInterrupt(t *testing.T) {
	files := []file{{name: "/a", records: rows(0, 6)}, {name: "/b", records: append(rows(6, 20), record{1, 'r'})}, {name: "/c", records: rows(20, 24)}}
	for at := 0; at < 28; at += 3 {
		w := newWorld(t, newTestLake(t))
		w.process(func(g *Ingester) {
			ctx, cancel := context.WithCancel(context.Background())
			n := 0
			src := &testSource{files: files, next: func() {
				if n == at {
					cancel()
				}
				n++
			}}
			result, err := g.Run(ctx, src, Options{BatchRecords: 4})
			cancel()
			if at < 25 && (trailhouse.CodeOf(err) != trailhouse.CodeInterrupted || result.Result != RunInterrupted) {
				t.Errorf("at %d: %+v, %v", at, result, err)
			}
		})
		w.wantClean()
		w.run(&testSource{files: files}, Options{BatchRecords: 5})
		w.wantWhole(files)
	}
}

func TestNewerLakeStopsBeforeAnything(t *testing.T) {
	lake := newTestLake(t)
	lake.fault = func(call string) (bool, error) {
		if strings.HasPrefix(call, "ensure") {
			return false, trailhouse.Errorf(trailhouse.CodeNewer, "table runs is newer")
		}
		return false, nil
	}
	w := newWorld(t, lake)
	w.process(func(g *Ingester) {
		_, err := g.Run(t.Context(), &testSource{files: []file{{name: "/a", records: rows(0, 3)}}}, Options{})
		if trailhouse.CodeOf(err) != trailhouse.CodeNewer {
			t.Errorf("got %v", err)
		}
	})
	if w.snapshots() != 0 {
		t.Error("something was written")
	}
}

// TestProblemsAlike tells what differs only in names and numbers once.
func TestProblemsAlike(t *testing.T) {
	var r Result
	for i := range 40 {
		name := fmt.Sprintf("/logs/host-%d/a.json", i)
		r.problem(name, trailhouse.Errorf(trailhouse.CodeDamaged, "%s is cut at byte %d", name, 7*i).WithHint("copy a.json again"))
	}
	r.problem("/logs/x", trailhouse.Errorf(trailhouse.CodeDenied, "/logs/x is cut at byte 9"))
	for i := range maxProblems + 5 {
		r.problem("", trailhouse.Errorf(trailhouse.CodeInvalid, "reason %s", strings.Repeat("x", i+1)))
	}
	if r.ProblemCount != 41+maxProblems+5 || len(r.Problems) != maxProblems {
		t.Fatalf("%d problems, %d told", r.ProblemCount, len(r.Problems))
	}
	if p := r.Problems[0]; p.Alike != 39 || p.Object != "/logs/host-0/a.json" || p.Text != "/logs/host-0/a.json is cut at byte 0" {
		t.Errorf("%+v", p)
	}
	if p := r.Problems[1]; p.Alike != 0 || p.Code != trailhouse.CodeDenied {
		t.Errorf("another code is another problem: %+v", p)
	}
}
