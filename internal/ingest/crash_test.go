package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/state"
)

// crashFiles are what the tests of this file import: several batches, rows in two
// tables and two days, quarantine.
func crashFiles() []file {
	return []file{
		{name: "/a", records: []record{{0, 'b'}, {1, 0}, {3, 'r'}}},
		{name: "/b", records: []record{{3, 0}, {4, 'b'}, {0, 0}, {6, 0}, {7, 'b'}}},
	}
}

var crashOptions = Options{BatchRecords: 4}

// crashing runs an import in a process that dies before its n-th step: from there
// on it changes nothing. It reports whether it came to its end first.
func (w *world) crashing(n int, src *testSource) bool {
	w.t.Helper()
	survived := false
	w.process(func(g *Ingester) {
		var mu sync.Mutex
		left := n
		g.step = func(string) error {
			mu.Lock()
			defer mu.Unlock()
			if left--; left < 0 {
				return errCrash
			}
			return nil
		}
		_, err := g.Run(context.Background(), src, crashOptions)
		survived = err == nil
		if err != nil && !errors.Is(err, errCrash) {
			w.t.Errorf("step %d: %v", n, err)
		}
	})
	return survived
}

// TestCrashAtEveryStep dies before each step of the protocol in turn and runs
// again: everything once.
func TestCrashAtEveryStep(t *testing.T) {
	src := &testSource{files: crashFiles()}
	for n := 0; ; n++ {
		w := newWorld(t, newTestLake(t))
		survived := w.crashing(n, src)
		w.run(src, crashOptions)
		w.wantWhole(src.files)
		if t.Failed() {
			t.Fatalf("after a crash at step %d", n)
		}
		if survived {
			if n < 20 {
				t.Errorf("only %d steps", n)
			}
			return
		}
	}
}

// TestCrashTwice dies in the import and again in the one that recovers, at drawn
// pairs of steps.
func TestCrashTwice(t *testing.T) {
	src := &testSource{files: crashFiles()}
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 1))
	for range 40 {
		first, second := r.IntN(32), r.IntN(12)
		w := newWorld(t, newTestLake(t))
		w.crashing(first, src)
		w.crashing(second, src)
		w.run(src, Options{BatchRecords: 1 + r.IntN(9)})
		w.wantWhole(src.files)
		if t.Failed() {
			t.Fatalf("after crashes at steps %d and %d", first, second)
		}
	}
}

// failing runs an import whose lake or disk fails at the n-th call of the kind, in
// the way that fail says, and reports whether it came to its end without.
func (w *world) failing(n int, src *testSource, kind string, landed bool, cause error) bool {
	w.t.Helper()
	lake := w.lake.(*testLake)
	var mu sync.Mutex
	left := n
	hit := func(call string) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		if !strings.HasPrefix(call, kind) {
			return false, nil
		}
		if left--; left != -1 {
			return false, nil
		}
		return landed, cause
	}
	lake.fault = hit
	files := w.files
	w.files.Write = func(path string, b *trailhouse.Batch, rows []int32) (trailhouse.DataFile, error) {
		if _, err := hit("write"); err != nil {
			// What a full disk leaves behind: a part of the file, aside.
			return trailhouse.DataFile{}, errors.Join(err, os.WriteFile(path+asideSuffix, []byte("half"), 0o600))
		}
		return files.Write(path, b, rows)
	}
	defer func() { lake.fault, w.files = nil, files }()
	survived := false
	w.process(func(g *Ingester) {
		result, err := g.Run(context.Background(), src, crashOptions)
		survived = err == nil
		if survived {
			return
		}
		if trailhouse.CodeOf(err) != trailhouse.CodeStorage || trailhouse.HintOf(err) == "" || !errors.Is(err, cause) || result.Result != RunFailed {
			w.t.Errorf("%s call %d: code %s, %v, result %s", kind, n, trailhouse.CodeOf(err), err, result.Result)
		}
	})
	return survived
}

// TestFailAtEveryCall fails each call to the lake and the disk in turn, then
// imports again in a new process, with other batch sizes.
func TestFailAtEveryCall(t *testing.T) {
	full := fmt.Errorf("write: %w", syscall.ENOSPC)
	cases := []struct {
		kind   string
		landed bool
		err    error
	}{
		{"write", false, full},
		{"path", false, syscall.EIO},
		{"files", false, trailhouse.Errorf(trailhouse.CodeStorage, "manifest: %w", syscall.EIO).WithHint("check the disk")},
		{"commit", false, trailhouse.Errorf(trailhouse.CodeConflict, "conflict")},
		{"commit", true, trailhouse.Errorf(trailhouse.CodeConflict, "the answer was lost")},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.kind, c.landed), func(t *testing.T) {
			src := &testSource{files: crashFiles()}
			for n := 0; n < 40; n++ {
				w := newWorld(t, newTestLake(t))
				survived := w.failing(n, src, c.kind, c.landed, c.err)
				w.run(src, Options{BatchRecords: 1 + n%5})
				w.wantWhole(src.files)
				if t.Failed() {
					t.Fatalf("after call %d of %s failed", n, c.kind)
				}
				if survived {
					return
				}
			}
			t.Error("never survived")
		})
	}
}

// TestFullDiskLeavesNothing wants a failed batch to free the space that it took at
// once: the disk is full.
func TestFullDiskLeavesNothing(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	w.failing(2, &testSource{files: crashFiles()}, "write", false, syscall.ENOSPC)
	w.wantClean()
	if n := w.snapshots(); n != 0 {
		t.Errorf("%d snapshots", n)
	}
}

// leaveOpen crashes before the commit of the named table and returns the intent
// that is left.
func (w *world) leaveOpen(src *testSource, step string) state.Intent {
	w.t.Helper()
	var open []state.Intent
	w.process(func(g *Ingester) {
		dead := false
		g.step = func(name string) error {
			if dead = dead || name == step; dead {
				return errCrash
			}
			return nil
		}
		if _, err := g.Run(context.Background(), src, Options{}); !errors.Is(err, errCrash) {
			w.t.Fatalf("got %v", err)
		}
		var err error
		if open, err = g.state.OpenIntents(context.Background()); err != nil || len(open) != 1 {
			w.t.Fatalf("%d open intents, %v", len(open), err)
		}
	})
	return open[0]
}

// TestRollForward dies between the commits of one batch. Maintenance of any of its
// tables, even one of a single table, finishes it in all, and its units are done.
func TestRollForward(t *testing.T) {
	src := &testSource{files: crashFiles()}
	for _, table := range []string{"quarantine", "t_day", "coverage"} {
		w := newWorld(t, newTestLake(t))
		w.leaveOpen(src, "commit t_flat")
		w.process(func(g *Ingester) {
			called := false
			err := g.Exclusive(t.Context(), []string{table}, func(context.Context) error { called = true; return nil })
			if err != nil || !called {
				t.Errorf("Exclusive: %v, called %v", err, called)
			}
		})
		w.wantWhole(src.files)
		if result := w.run(src, Options{}); result.Units.Known != 2 || result.Batches != 0 {
			t.Errorf("%s: %+v", table, result)
		}
	}
}

// TestRollForwardWithoutFiles loses the files of an open intent: what another table
// has stays, the rest is imported again.
func TestRollForwardWithoutFiles(t *testing.T) {
	src := &testSource{files: crashFiles()}
	lake := newTestLake(t)
	w := newWorld(t, lake)
	w.leaveOpen(src, "commit t_flat")
	lost, err := filepath.Glob(filepath.Join(lake.dir, "t_flat", "*"))
	if err != nil || len(lost) == 0 {
		t.Fatal("no files", err)
	}
	if err := os.Remove(lost[0]); err != nil {
		t.Fatal(err)
	}
	w.run(src, Options{})
	w.wantKeys(dayTable(), 6, nil)
	w.wantKeys(flatTable(), 3, nil)
	w.wantKeys(QuarantineTable(), 1, nil)
	w.wantClean()
}

// TestMoved moves the data directory and the lake while an intent is open.
func TestMoved(t *testing.T) {
	for _, step := range []string{"commit quarantine", "commit t_flat"} {
		src := &testSource{files: crashFiles()}
		lake := newTestLake(t)
		w := newWorld(t, lake)
		w.leaveOpen(src, step)
		elsewhere := tempDir(t)
		for _, dir := range []*string{&w.dir, &lake.dir} {
			to := filepath.Join(elsewhere, filepath.Base(*dir)+filepath.Base(filepath.Dir(*dir)))
			if err := os.Rename(*dir, to); err != nil {
				t.Fatal(err)
			}
			*dir = to
		}
		w.run(src, Options{})
		w.wantWhole(src.files)
	}
}

// TestHistoryIsGone has a landed batch whose snapshots were expired: its files are
// the table's and are not removed.
func TestHistoryIsGone(t *testing.T) {
	src := &testSource{files: crashFiles()}
	lake := newTestLake(t)
	w := newWorld(t, lake)
	w.leaveOpen(src, "done")
	for _, commits := range lake.commits {
		for i := range commits {
			commits[i].BatchID = "expired"
		}
	}
	w.run(src, Options{})
	w.wantWhole(src.files)
}
