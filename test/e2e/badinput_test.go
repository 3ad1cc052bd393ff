package e2e

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // opens the state as a newer program would
)

const goodHost = "i-0a1b2c3d4e5f60718"

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBadInputLosesNothingGood imports the sample log beside each kind of bad
// input: the sample's sessions stand, and the bad is told.
func TestBadInputLosesNothingGood(t *testing.T) {
	want := whole(t)
	sample := read(t, sampleLog(t))
	packed := gzipped(t, sample)
	flipped := bytes.Clone(packed)
	flipped[len(flipped)/2] ^= 0x40
	for name, bad := range map[string]struct {
		content string
		code    int
		kept    int64 // rows that quarantine gets
	}{
		"no header":      {"this is not\na record\n" + strings.SplitAfter(sample, "\n")[0], 3, 1}, // lines that follow each other are one piece
		"half record":    {strings.SplitAfter(sample, "\n")[0] + "[nitro-cli:4101][INFO][2025-11-03T08:0", 3, 1},
		"crlf":           {strings.ReplaceAll(sample, "\n", "\r\n"), 0, 0},
		"invalid utf-8":  {"[nitro-cli:1][INFO][2025-11-03T08:00:00.012Z][src/main.rs:64] Start \xff\xfe\n", 3, 1},
		"nuls":           {strings.Repeat("\x00", 4096) + strings.SplitAfter(sample, "\n")[0], 3, 1},
		"long line":      {"[nitro-cli:1][INFO][2025-11-03T08:00:00.012Z][src/main.rs:64] " + strings.Repeat("x", 3<<20) + "\n", 3, 1},
		"truncated gz":   {string(packed[:len(packed)-20]), 3, 1},
		"bit-flipped gz": {string(flipped), 3, 1},
		"gz bomb":        {string(gzipped(t, strings.Repeat("\x00", 64<<20))), 3, 1},
		"empty":          {"", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			dir := filepath.Join(t.TempDir(), goodHost)
			write(t, filepath.Join(dir, "a-bad.log"), bad.content)
			write(t, filepath.Join(dir, "nitro_enclaves.log"), sample)
			o := h.must(bad.code, "import", "enclave-log", filepath.Join(dir, "a-bad.log"), filepath.Join(dir, "nitro_enclaves.log"))
			if strings.Contains(o.err, "panic") || strings.Contains(o.err, "goroutine ") {
				t.Errorf("it crashed: %s", o.err)
			}
			if got := h.sessions(); got != want {
				t.Errorf("the good log's sessions differ:\n%s", diff(want, got))
			}
			if n := h.count("SELECT count(*) AS n FROM quarantine"); n != bad.kept {
				t.Errorf("%d rows in quarantine, want %d: %v", n, bad.kept, h.rows("SELECT object, position, reason FROM quarantine"))
			}
			if bad.kept > 0 {
				if rows := h.rows("SELECT reason FROM quarantine WHERE reason = ''"); len(rows) > 0 {
					t.Error("a row has no reason")
				}
			}
			again := h.must(0, "sql", "SELECT sum(records) - sum(written) - sum(duplicate) - sum(filtered) - sum(quarantined) AS rest FROM units", "--format", "csv")
			if !strings.HasSuffix(strings.TrimSpace(again.out), "\n0") {
				t.Errorf("records are not accounted for: %s", again.out)
			}
		})
	}
}

func TestUnreadableFileIsMissingNotZero(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("root reads everything: a dangling link stands for the unreadable file")
	}
	h := newHouse(t)
	dir := filepath.Join(t.TempDir(), goodHost)
	write(t, filepath.Join(dir, "nitro_enclaves.log"), read(t, sampleLog(t)))
	if err := os.Symlink(filepath.Join(dir, "gone"), filepath.Join(dir, "nitro_enclaves.log.1")); err != nil {
		t.Fatal(err)
	}
	h.must(3, "import", "enclave-log", dir)
	if n := h.count("SELECT count(*) AS n FROM coverage WHERE result = 'missing'"); n != 1 {
		t.Errorf("%d coverage rows say that a file is missing, want 1", n)
	}
	if n := len(h.report("enclave-usage").Rows); n != 7 {
		t.Errorf("%d sessions, want 7", n)
	}
}

func TestUsageErrors(t *testing.T) {
	h := newHouse(t)
	for _, args := range [][]string{
		{"import", "enclave-log"},
		{"import", "enclave-log", ""},
		{"import", "enclave-log", "not-there.log"},
		{"import", "cloudtrail", "not-there"},
		{"import", "enclave-log", ".", "--complete-through", "2999-01-01"},
		{"import", "enclave-log", "x.log", "--year", "abc"},
		{"report", "no-such-report"},
		{"report", "enclave-usage", "--format", "pdf"},
		{"report", "enclave-usage", "--from", "yesterday-ish"},
		{"report", "enclave-usage", "--from", "2025-11-01", "--last", "4w"},
		{"sql"},
		{"sql", "DELETE FROM enclave_log"},
		{"sql", "SELECT 1; SELECT 2"},
		{"sql", "COPY (SELECT 1) TO '/tmp/x.csv'"},
		{"sql", "SELECT * FROM read_text('/etc/passwd')"},
		{"sql", "SELECT * FROM '/etc/passwd'"},
		{"sql", "SELECT nothing FROM enclave_log"},
		{"nonsense"},
	} {
		o := h.must(2, args...)
		if !strings.Contains(o.err, "error") || strings.Contains(o.out, "root:") {
			t.Errorf("%v: stdout %q stderr %q", args, o.out, o.err)
		}
	}
}

func TestConfigCheckNamesLineAndKey(t *testing.T) {
	h := newHouse(t)
	file := write(t, filepath.Join(h.cwd, "bad.yaml"), "clients:\n  - client: acme\n    nmae: acme-*\n")
	o := h.must(2, "--config", file, "config", "check")
	if !strings.Contains(o.err, "bad.yaml:3") || !strings.Contains(o.err, "nmae") {
		t.Errorf("the message names neither line nor key: %s", o.err)
	}
}

func TestStateIsPrivateAndNewerStateIsRefused(t *testing.T) {
	h := newHouse(t)
	h.must(0, "import", "enclave-log", sampleLog(t))
	state := filepath.Join(h.data, "state.db")
	for path, want := range map[string]os.FileMode{h.data: 0o700, state: 0o600, filepath.Join(h.data, "lake", "catalog.db"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != want {
			t.Errorf("%s has mode %o, want %o", path, mode, want)
		}
	}
	db, err := sql.Open("sqlite", state)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	o := h.must(4, "report", "enclave-usage")
	if !strings.Contains(o.err, "newer Trailhouse") {
		t.Errorf("the refusal does not say why: %s", o.err)
	}
}

func TestVersionAndHelp(t *testing.T) {
	h := newHouse(t)
	if o := h.must(0, "version"); !strings.Contains(o.out, "trailhouse") {
		t.Errorf("version printed %q", o.out)
	}
	for _, command := range []string{"import enclave-log", "report", "sql", "clients explain", "lake check", "config check"} {
		if o := h.must(0, append(strings.Fields(command), "--help")...); !strings.Contains(o.out, "Usage") {
			t.Errorf("%s --help printed %q", command, fmt.Sprint(o))
		}
	}
}

func TestLakeThatIsGoneIsTold(t *testing.T) {
	h := newHouse(t)
	h.must(0, "import", "enclave-log", sampleLog(t))
	if err := os.RemoveAll(filepath.Join(h.data, "lake")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"import", "enclave-log", sampleLog(t)}, {"report", "enclave-usage"}, {"lake", "check"}} {
		if o := h.must(1, args...); !strings.Contains(o.err, "lake") {
			t.Errorf("%v: %s", args, o.err)
		}
	}
}

func TestCheckReadsEveryPage(t *testing.T) {
	h := newHouse(t)
	h.must(0, "import", "enclave-log", sampleLog(t))
	files, err := filepath.Glob(filepath.Join(h.data, "lake", "enclave_log", "data", "*", "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v %v", files, err)
	}
	content := []byte(read(t, files[0]))
	for i := 4; i < 120; i++ { // the first page with its header: the footer stays whole
		content[i] ^= 0xff
	}
	if err := os.Chmod(files[0], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	if o := h.must(1, "lake", "check"); !strings.Contains(o.out, "enclave_log") {
		t.Errorf("check does not name the table: %s %s", o.out, o.err)
	}
}

func TestOnlyOtherFilesAreNoLoss(t *testing.T) {
	h := newHouse(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "LICENSE"), "words\n")
	h.must(0, "import", "cloudtrail", dir)
	h.must(0, "report", "events")
	h.must(0, "import", "cloudtrail", dir)
}
