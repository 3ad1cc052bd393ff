package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	manyRecords  = 100_000
	batchRecords = "2000"
)

// manyLog writes a log of one host polled by describe-enclaves, with as many
// records as asked for, each of them distinct.
func manyLog(t *testing.T, path string, instance string, records int) string {
	t.Helper()
	var text bytes.Buffer
	at := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)
	line := func(logger, file, message string) {
		fmt.Fprintf(&text, "[%s][INFO][%s][%s] %s\n", logger, at.Format("2006-01-02T15:04:05.000Z"), file, message)
		at = at.Add(3 * time.Millisecond)
		records--
	}
	const slot = "19a3d1fe0001a2b"
	line("nitro-cli:100", "src/main.rs:64", "Start Nitro CLI")
	line("enc-xxxxxxx:104", "src/enclave_proc/mod.rs:571", "Enclave process PID: 104")
	line("enc-xxxxxxx:104", "src/enclave_proc/mod.rs:272", `Run args = RunEnclavesArgs { eif_path: "/a.eif", enclave_cid: None, memory_mib: 512, cpu_ids: None, debug_mode: false, attach_console: false, cpu_count: Some(2), enclave_name: Some("a") }`)
	line("enc-xxxxxxx:104", "src/enclave_proc/mod.rs:281", "Enclave ID = "+instance+"-enc"+slot)
	for pid := 1000; records > 0; pid = 1000 + (pid-999)%30000 {
		line(fmt.Sprintf("nitro-cli:%d", pid), "src/main.rs:64", "Start Nitro CLI")
		if records > 0 {
			line(fmt.Sprintf("nitro-cli:%d", pid), "src/enclave_proc_comm.rs:100", "Connected to: /run/nitro_enclaves/"+slot+".sock")
		}
		if records > 0 {
			line("enc-"+slot+":104", "src/enclave_proc/mod.rs:479", "Received command: Describe")
		}
		if records > 0 {
			line(fmt.Sprintf("nitro-cli:%d", pid), "src/main.rs:203", "Sent command: Describe")
		}
		at = at.Add(10 * time.Second)
	}
	return write(t, path, text.String())
}

// checkWhole holds a lake against what one undisturbed import gives.
func (h *house) checkWhole(records int64) {
	h.t.Helper()
	if n := h.count("SELECT count(*) AS n FROM enclave_log"); n != records {
		h.t.Errorf("%d records, want %d", n, records)
	}
	if n := h.count("SELECT count(DISTINCT record_id) AS n FROM enclave_log"); n != records {
		h.t.Errorf("%d distinct records, want %d", n, records)
	}
	h.must(0, "lake", "check")
}

func TestKillNineDuringImport(t *testing.T) {
	kills := 25
	if testing.Short() {
		kills = 5
	}
	seed := uint64(20251103)
	t.Logf("SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	log := manyLog(t, filepath.Join(t.TempDir(), "i-0aaaaaaaaaaaaaaa1", "nitro_enclaves.log"), "i-0aaaaaaaaaaaaaaa1", manyRecords)
	args := []string{"import", "enclave-log", log, "--batch-records", batchRecords}

	clean := newHouse(t)
	begun := time.Now()
	clean.must(0, args...)
	span := time.Since(begun)
	want := clean.sessions()

	h := newHouse(t)
	landed := 0
	for i := range kills {
		cmd := h.command(args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.Int64N(int64(span))))
		_ = cmd.Process.Signal(syscall.SIGKILL)
		err := cmd.Wait()
		if err == nil {
			landed++
		} else if !strings.Contains(err.Error(), "killed") {
			t.Fatalf("kill %d: %v", i, err)
		}
		if i%5 == 4 && landed == 0 {
			h.must(0, "lake", "check")
		}
		if landed > 0 { // done before the kill: begin again on an empty house
			h.checkWhole(manyRecords)
			h, landed = newHouse(t), 0
		}
	}
	h.must(0, args...)
	h.checkWhole(manyRecords)
	if got := h.sessions(); got != want {
		t.Errorf("SEED=%d: sessions differ from those of an undisturbed import:\n%s", seed, diff(want, got))
	}
}

func TestEightProcessesImportOverlappingParts(t *testing.T) {
	dir := t.TempDir()
	const host = "i-0aaaaaaaaaaaaaaa1"
	log := manyLog(t, filepath.Join(dir, "whole", host, "nitro_enclaves.log"), host, 40_000)
	lines := strings.SplitAfter(strings.TrimSuffix(read(t, log), "\n"), "\n")
	lines[len(lines)-1] += "\n"
	var parts []string
	for i := range 8 { // each part overlaps the next by half of its length
		from, to := i*len(lines)/9, (i+2)*len(lines)/9
		parts = append(parts, write(t, filepath.Join(dir, fmt.Sprintf("part%d", i), host, "nitro_enclaves.log"), strings.Join(lines[from:to], "")))
	}
	h := newHouse(t)
	var wait sync.WaitGroup
	for _, part := range parts {
		wait.Go(func() {
			cmd := h.command("import", "enclave-log", part, "--batch-records", batchRecords)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", part, err, tail(string(out)))
			}
		})
	}
	wait.Wait()
	h.checkWhole(int64(len(lines)))
	clean := newHouse(t)
	clean.must(0, "import", "enclave-log", log)
	if want, got := clean.sessions(), h.sessions(); got != want {
		t.Errorf("sessions differ from those of one import:\n%s", diff(want, got))
	}
}

func TestMovedDataDirectoryStillWorks(t *testing.T) {
	h := newHouse(t)
	h.must(0, "import", "enclave-log", sampleLog(t))
	want := h.sessions()
	moved := filepath.Join(t.TempDir(), "elsewhere", "th")
	if err := os.MkdirAll(filepath.Dir(moved), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(h.data, moved); err != nil {
		t.Fatal(err)
	}
	old := h.data
	h.data = moved
	if got := h.sessions(); got != want {
		t.Errorf("sessions differ after the move:\n%s", diff(want, got))
	}
	h.must(0, "lake", "check")
	h.must(0, "import", "enclave-log", sampleLog(t))
	if n := h.count("SELECT count(*) AS n FROM units"); n != 1 {
		t.Errorf("the unit was read %d times", n)
	}
	h.must(0, "lake", "compact")
	h.must(0, "lake", "expire")
	if got := h.sessions(); got != want {
		t.Errorf("sessions differ after compaction:\n%s", diff(want, got))
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the old place was used again: %v", err)
	}
}

func TestImportAgainAddsNoSnapshot(t *testing.T) {
	h := newHouse(t)
	h.must(0, "import", "enclave-log", halfOf(t, sampleLog(t)))
	h.must(0, "import", "enclave-log", sampleLog(t))
	before := h.must(0, "lake", "history", "--json").out
	h.must(0, "import", "enclave-log", sampleLog(t))
	if after := h.must(0, "lake", "history", "--json").out; after != before {
		t.Errorf("a re-import changed the lake:\n%s", diff(before, after))
	}
	// Nor after a merge of its files, for an import as for a reader.
	h.must(0, "lake", "compact")
	before = h.must(0, "lake", "history", "--json").out
	if !strings.Contains(before, "compact-") {
		t.Error("nothing was merged: the test shows nothing")
	}
	h.must(0, "import", "enclave-log", sampleLog(t))
	h.must(0, "report", "enclave-usage")
	if after := h.must(0, "lake", "history", "--json").out; after != before {
		t.Errorf("a merge led to snapshots:\n%s", diff(before, after))
	}
}

// halfOf returns a copy of the first lines of a file.
func halfOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	half := filepath.Join(t.TempDir(), filepath.Base(path))
	if err == nil {
		err = os.WriteFile(half, text[:bytes.LastIndexByte(text[:len(text)/2], '\n')+1], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return half
}

func TestInterruptedImportResumes(t *testing.T) {
	const host = "i-0aaaaaaaaaaaaaaa1"
	log := manyLog(t, filepath.Join(t.TempDir(), host, "nitro_enclaves.log"), host, manyRecords)
	h := newHouse(t)
	cmd := h.command("import", "enclave-log", log, "--batch-records", batchRecords)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(400 * time.Millisecond)
	_ = cmd.Process.Signal(os.Interrupt)
	err := cmd.Wait()
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("exit: %v\n%s", err, errs.String())
	}
	h.must(0, "import", "enclave-log", log, "--batch-records", batchRecords)
	h.checkWhole(manyRecords)
}
