package state

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
)

func open(t *testing.T, dir string) *State {
	t.Helper()
	s, err := Open(t.Context(), dir, trailhouse.SystemClock{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func intent(id string, tables ...string) Intent {
	in := Intent{BatchID: id, Attempt: "run", Source: "src"}
	for _, name := range tables {
		in.Tables = append(in.Tables, IntentTable{
			Table: trailhouse.Table{Name: name, Columns: []trailhouse.Column{{Name: "k", Type: trailhouse.TypeUUID, Required: true}}, Key: "k", Transform: trailhouse.ByDay},
			Files: []IntentFile{{Name: id + ".parquet", Partition: time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC), Rows: 7}},
		})
	}
	return in
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data with space %41?#")
	s := open(t, dir)
	if err := s.Begin(t.Context(), intent("b", "a")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"": 0o700, "locks": 0o700, "state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600, "locks/state.lock": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
	var mode, sync string
	if err := s.write.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal mode %q, %v", mode, err)
	}
	if err := s.write.QueryRow("PRAGMA synchronous").Scan(&sync); err != nil || sync != "2" {
		t.Errorf("synchronous %q, %v; 2 is FULL", sync, err)
	}
}

func TestNewerIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.write.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), dir, trailhouse.SystemClock{})
	if trailhouse.CodeOf(err) != trailhouse.CodeNewer || trailhouse.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

func TestDamagedIsTold(t *testing.T) {
	cases := map[string][]byte{
		"text":      []byte("this is not a database, it is a long enough text to be read as a header of one, surely more than a hundred bytes"),
		"cut":       []byte("SQLite format 3\x00"),
		"bad pages": append([]byte("SQLite format 3\x00\x10\x00\x02\x02\x00\x40\x20\x20"), make([]byte, 8192)...),
	}
	for name, content := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "state.db"), content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), dir, trailhouse.SystemClock{})
			if code := trailhouse.CodeOf(err); code != trailhouse.CodeDamaged || trailhouse.HintOf(err) == "" {
				t.Errorf("code %s, error %v, hint %q", code, err, trailhouse.HintOf(err))
			}
		})
	}
}

func TestDirectoryThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), filepath.Join(file, "data"), trailhouse.SystemClock{})
	if trailhouse.CodeOf(err) != trailhouse.CodeStorage || trailhouse.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

func TestJournal(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := open(t, dir)
	one, two := intent("one", "a", "b"), intent("two", "c")
	for _, in := range []Intent{one, two} {
		if err := s.Begin(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	err := s.Begin(ctx, intent("three", "d", "b"))
	if trailhouse.CodeOf(err) != trailhouse.CodeLocked {
		t.Errorf("second open intent of a table: %v", err)
	}
	again := open(t, dir)
	got, err := again.OpenIntents(ctx, "b", "d")
	if diff := cmp.Diff([]Intent{one}, got); diff != "" || err != nil {
		t.Errorf("open intents (-want +got), %v:\n%s", err, diff)
	}
	done := Done{Source: "src", Version: "1", UnitID: "u", Result: "done", RunID: "run"}
	for range 2 {
		if err := again.Finish(ctx, "one", []Done{done}); err != nil {
			t.Fatal(err)
		}
	}
	if err := again.Drop(ctx, "two"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.OpenIntents(ctx); err != nil || len(got) != 0 {
		t.Errorf("still open: %v, %v", got, err)
	}
	for _, c := range []struct {
		source, version, unit string
		want                  bool
	}{{"src", "1", "u", true}, {"src", "2", "u", false}, {"other", "1", "u", false}, {"src", "1", "v", false}} {
		result, ok, err := s.UnitDone(ctx, c.source, c.version, c.unit)
		if err != nil || ok != c.want || ok && result != "done" {
			t.Errorf("UnitDone(%v) = %q %v %v", c, result, ok, err)
		}
	}
	if err := s.Begin(ctx, intent("four", "b")); err != nil {
		t.Errorf("table of a finished intent: %v", err)
	}
}

// TestOpenTogether opens fresh state from many goroutines at once: creation and
// the switch to WAL must not collide.
func TestOpenTogether(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			s, err := Open(context.Background(), dir, trailhouse.SystemClock{})
			if err == nil {
				err = errors.Join(s.Finish(context.Background(), "none", []Done{{UnitID: string(rune('a' + i))}}), s.Close())
			}
			errs[i] = err
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := open(t, dir).read.QueryRow("SELECT count(*) FROM ledger").Scan(&n); err != nil || n != len(errs) {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestFullDisk(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir())
	var pages int
	if err := s.write.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if err := s.write.QueryRow("PRAGMA max_page_count = " + string(rune('0'+pages%10))).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	var err error
	for i := 0; i < 200 && err == nil; i++ {
		err = s.Begin(ctx, intent("batch"+string(rune('a'+i)), "t"+string(rune('a'+i))))
	}
	if trailhouse.CodeOf(err) != trailhouse.CodeStorage || trailhouse.HintOf(err) == "" {
		t.Fatalf("got %v", err)
	}
	if _, err := s.OpenIntents(ctx); err != nil {
		t.Errorf("full state cannot be read: %v", err)
	}
	if _, err := s.write.Exec("PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(ctx, intent("after", "after")); err != nil {
		t.Errorf("after space came back: %v", err)
	}
}

func TestLockBetweenGoroutines(t *testing.T) {
	s := open(t, t.TempDir())
	var wg sync.WaitGroup
	inside, count := 0, 0
	for range 8 {
		wg.Go(func() {
			for range 20 {
				unlock, err := s.Lock(context.Background(), "table_a")
				if err != nil {
					t.Error(err)
					return
				}
				inside++
				if inside != 1 {
					t.Error("two hold the lock")
				}
				count++
				inside--
				unlock()
			}
		})
	}
	wg.Wait()
	if count != 160 {
		t.Errorf("count %d", count)
	}
	if _, err := s.Lock(t.Context(), "../x"); err == nil {
		t.Error("a name that leaves the folder is taken")
	}
}

func TestLockIsInterrupted(t *testing.T) {
	s := open(t, t.TempDir())
	unlock, err := s.Lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.Lock(ctx, "a"); trailhouse.CodeOf(err) != trailhouse.CodeInterrupted {
		t.Errorf("got %v", err)
	}
	unlock()
	unlock()
	if unlock, err := s.Lock(t.Context(), "a"); err != nil {
		t.Error(err)
	} else {
		unlock()
	}
}

// TestLockBetweenProcesses has a child process hold a lock, expects to be kept
// out, kills the child and expects to get in.
func TestLockBetweenProcesses(t *testing.T) {
	if dir := os.Getenv("STATE_TEST_HOLD"); dir != "" {
		s := open(t, dir)
		if _, err := s.Lock(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("held\n")
		select {}
	}
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestLockBetweenProcesses$")
	child.Env = append(os.Environ(), "STATE_TEST_HOLD="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Lock(ctx, "a"); err == nil {
		t.Fatal("the child's lock did not hold")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := s.Lock(ctx, "a"); err != nil {
		t.Errorf("the lock outlived its owner: %v", err)
	}
}

func TestErrorsOfOthersPass(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.wrap(sql.ErrConnDone); trailhouse.CodeOf(err) != trailhouse.CodeStorage {
		t.Errorf("got %v", err)
	}
	if s.wrap(nil) != nil {
		t.Error("nil became an error")
	}
}
