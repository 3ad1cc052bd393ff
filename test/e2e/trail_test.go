package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse/internal/demo"
	"github.com/trailhouse/trailhouse/internal/demo/trail"
)

// makeTrail invents a trail of about as many events.
func makeTrail(t *testing.T, seed uint64, events int64) (dir string, truth *trail.Truth) {
	t.Helper()
	o := demo.DefaultOptions()
	o.Seed, o.Events = seed, events
	dir = t.TempDir()
	made, err := demo.GenerateTrail(t.Context(), dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, trail.Folder), made.Trail
}

// checkTrail holds a lake against the truth of what was imported.
func (h *house) checkTrail(truth *trail.Truth) {
	h.t.Helper()
	for table, want := range truth.Events {
		if n := h.count("SELECT count(*) AS n FROM " + table); n != want {
			h.t.Errorf("%s has %d rows, want %d", table, n, want)
		}
		if n := h.count("SELECT count(DISTINCT event_key) AS n FROM " + table); n != want {
			h.t.Errorf("%s has %d distinct events, want %d", table, n, want)
		}
	}
	h.must(0, "lake", "check")
}

func TestRealTrailsAreImportedOnce(t *testing.T) {
	var paths []string
	for _, name := range []string{"invictus", "stratus"} {
		path, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", "cloudtrail", name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Skip("the public sets of real events do not lie beside this checkout")
		}
		paths = append(paths, path)
	}
	h := newHouse(t)
	args := append([]string{"import", "cloudtrail"}, paths...)
	h.must(0, args...)
	for query, want := range map[string]int64{
		"SELECT count(*) AS n FROM cloudtrail":                2900 + 310,
		"SELECT count(DISTINCT eventid) AS n FROM cloudtrail": 2900 + 310,
		"SELECT count(*) AS n FROM quarantine":                0,
	} {
		if n := h.count(query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
	before := h.must(0, "lake", "history", "--json").out
	h.must(0, args...)
	if after := h.must(0, "lake", "history", "--json").out; after != before {
		t.Errorf("a re-import changed the lake:\n%s", diff(before, after))
	}
}

func TestKillNineDuringImportOfTrail(t *testing.T) {
	kills := 25
	if testing.Short() {
		kills = 5
	}
	const seed = 20251103
	t.Logf("SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	dir, truth := makeTrail(t, 1, 100_000)
	args := []string{"import", "cloudtrail", dir, "--batch-records", batchRecords}

	clean := newHouse(t)
	begun := time.Now()
	clean.must(0, args...)
	span := time.Since(begun)

	h := newHouse(t)
	for i := range kills {
		cmd := h.command(args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.Int64N(int64(span) / 2)))
		_ = cmd.Process.Signal(syscall.SIGKILL)
		err := cmd.Wait()
		if err != nil && !strings.Contains(err.Error(), "killed") {
			t.Fatalf("kill %d: %v", i, err)
		}
		if err == nil { // done before the kill: begin again on an empty house
			h.checkTrail(truth)
			h = newHouse(t)
		}
	}
	h.must(0, args...)
	h.checkTrail(truth)
}

func TestEightProcessesImportTrailWhileOthersCareForTheLake(t *testing.T) {
	dir, truth := makeTrail(t, 2, 20_000)
	var accounts []string
	found, err := filepath.Glob(filepath.Join(dir, "AWSLogs", "o-*", "*"))
	if err != nil || len(found) < 8 {
		t.Fatalf("%d accounts: %v", len(found), err)
	}
	accounts = found
	h := newHouse(t)
	var wait sync.WaitGroup
	run := func(args ...string) {
		wait.Go(func() {
			cmd := h.command(args...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v: %s", args, err, tail(string(out)))
			}
		})
	}
	for i := range 8 { // each imports its part of the accounts and half of the next one's
		args := []string{"import", "cloudtrail", "--batch-records", batchRecords}
		for j, account := range accounts {
			if j%8 == i || j%8 == (i+1)%8 {
				args = append(args, account)
			}
		}
		run(args...)
	}
	for range 2 {
		run("lake", "compact", "cloudtrail")
		run("lake", "expire")
	}
	wait.Wait()
	h.must(0, "import", "cloudtrail", dir) // what lies beside the accounts
	h.checkTrail(truth)
	h.must(0, "lake", "compact")
	h.checkTrail(truth)
	if n := h.count("SELECT sum(duplicate) AS n FROM units"); n == 0 {
		t.Error("the trail's duplicates were not counted")
	}
}

func TestTruncatedTrailTakesNothingGoodWithIt(t *testing.T) {
	dir, truth := makeTrail(t, 3, 2_000)
	bad := filepath.Join(dir, "AWSLogs", "bad_CloudTrail_us-east-1_20250801T0000Z_0000000000000000.json.gz")
	packed := gzipped(t, `{"Records":[{"eventVersion":"1.08","eventTime":"2025-08-01T00:00:00Z","eventID":"00000000-0000-0000-0000-000000000000"}]}`)
	if err := os.WriteFile(bad, packed[:len(packed)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	h.must(3, "import", "cloudtrail", dir)
	h.checkTrail(truth)
	rows := h.rows("SELECT object, reason FROM quarantine")
	if len(rows) != 1 || rows[0]["object"] != bad {
		t.Errorf("quarantine holds %v", fmt.Sprint(rows))
	}
}
