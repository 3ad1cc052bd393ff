package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func sampleLog(t *testing.T) string {
	return testdata(t, "source", "enclavelog", "testdata", "nitro_enclaves.sample.log")
}

func expectedSessions(t *testing.T) []map[string]any {
	t.Helper()
	text := read(t, testdata(t, "source", "enclavelog", "testdata", "sessions.expected.json"))
	return decode[struct{ Sessions []map[string]any }](t, text).Sessions
}

func TestSampleLogGivesTheExpectedSessions(t *testing.T) {
	h := newHouse(t)
	h.must(0, "import", "enclave-log", sampleLog(t))
	rows := h.report("enclave-usage").Rows
	want := expectedSessions(t)
	if len(rows) != len(want) {
		t.Fatalf("%d sessions, want %d", len(rows), len(want))
	}
	for i, session := range want {
		for field, value := range session {
			if got := canonical(t, rows[i][field]); got != canonical(t, value) {
				t.Errorf("%v %s = %s, want %s", session["enclave_id"], field, got, canonical(t, value))
			}
		}
	}
	if failed := h.report("failed-starts").Rows; len(failed) != 5 {
		t.Errorf("%d failed starts, want 5", len(failed))
	}
}

// seedKeys are the keys of seed 000's objects in their order.
var seedKeys = regexp.MustCompile(`(?s)^\{\s*"enclave_number": \d+,\s*"instance_id": "i-[0-9a-f]+",\s*"instance_type": (null|"[^"]+"),` +
	`\s*"enclave_id": "i-[0-9a-f]+-enc[0-9a-f]+",\s*"start_time": "\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}",` +
	`\s*"end_time": (null|"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"),\s*"duration": (null|"(\d+ days?, )?\d+:\d\d:\d\d(\.\d{6})?"),` +
	`\s*"run_args": \{\s*"eif_path": "[^\n]*",\s*"enclave_cid": (null|\d+),\s*"memory_mib": \d+,\s*"cpu_ids": (null|\[[^\]]*\]),` +
	`\s*"debug_mode": (true|false),\s*"attach_console": (true|false|null),\s*"cpu_count": (null|\d+),\s*"enclave_name": "[^"]*"\s*\}\s*\}$`)

func TestSeedFormatHasSeedKeysAndValueForms(t *testing.T) {
	h := newHouse(t)
	h.must(0, "import", "enclave-log", sampleLog(t))
	objects := decode[[]json.RawMessage](t, h.must(0, "report", "enclave-usage", "--format", "seed").out)
	if len(objects) != 7 {
		t.Fatalf("%d objects, want 7", len(objects))
	}
	for i, o := range objects {
		if !seedKeys.Match(o) {
			t.Errorf("object %d is not in seed 000's form: %s", i, o)
		}
		if got := decode[map[string]any](t, string(o))["enclave_number"]; got != json.Number(fmt.Sprint(i+1)) {
			t.Errorf("object %d has number %v", i, got)
		}
	}
	first := decode[map[string]any](t, string(objects[0]))
	if first["start_time"] != "2025-11-03 08:00:02.421" || first["end_time"] != "2025-11-03 09:30:00.147" || first["duration"] != "1:29:57.726000" {
		t.Errorf("first object: %v", first)
	}
}

// whole returns the sessions of the sample read as it is.
func whole(t *testing.T) string {
	h := newHouse(t)
	h.must(0, "import", "enclave-log", sampleLog(t))
	return h.sessions()
}

func TestShuffledLinesInFiveFilesImportedTwice(t *testing.T) {
	want := whole(t)
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		lines := slices.Collect(strings.Lines(read(t, sampleLog(t))))
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		h := newHouse(t)
		dir := t.TempDir()
		for i := range 5 {
			part := lines[i*len(lines)/5 : (i+1)*len(lines)/5]
			write(t, filepath.Join(dir, "i-0a1b2c3d4e5f60718", fmt.Sprintf("part%d.log", i)), strings.Join(part, ""))
		}
		for range 2 {
			if o := h.try("import", "enclave-log", dir); o.code != 0 && o.code != 3 {
				t.Fatalf("seed %d: exit code %d: %s", seed, o.code, o.err)
			}
		}
		if got := h.sessions(); got != want {
			t.Errorf("SEED=%d: sessions differ from those of the log as it is:\n%s", seed, diff(want, got))
		}
	}
}

func TestGrowingLogImportedAtEveryTenthLine(t *testing.T) {
	want := whole(t)
	h := newHouse(t)
	lines := slices.Collect(strings.Lines(read(t, sampleLog(t))))
	path := filepath.Join(t.TempDir(), "i-0a1b2c3d4e5f60718", "nitro_enclaves.log")
	for n := 10; n < len(lines)+10; n += 10 {
		write(t, path, strings.Join(lines[:min(n, len(lines))], ""))
		h.must(0, "import", "enclave-log", path)
	}
	if got := h.sessions(); got != want {
		t.Errorf("sessions differ from those of the log read once:\n%s", diff(want, got))
	}
	single := newHouse(t)
	single.must(0, "import", "enclave-log", path)
	if a, b := h.count("SELECT count(*) AS n FROM enclave_log"), single.count("SELECT count(*) AS n FROM enclave_log"); a != b {
		t.Errorf("%d records after growing, %d read once", a, b)
	}
}

// diff names the first lines that differ.
func diff(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d: want %s\n         got %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(b), len(a))
}
