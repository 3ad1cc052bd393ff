package enclavelog

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
)

const (
	first  = "[nitro-cli:4101][INFO][2025-11-03T08:00:00.012Z][src/main.rs:64] Start Nitro CLI\n"
	second = "[enc-xxxxxxx:4105][INFO][2025-11-03T08:00:02.421Z][src/enclave_proc/mod.rs:281] Enclave ID = i-0a1b2c3d4e5f60718-enc19a48bae81e5f1c\n"
	third  = "[enc-19a48bae81e5f1c:4105][INFO][2025-11-03T09:30:00.147Z][src/enclave_proc/mod.rs:315] Enclave has completed termination.\n"
)

// refusedAs is what a test looks at of a rejected record.
type refusedAs struct {
	Content, Reason string
}

// badInput is a log with something wrong in it, and what must come of it.
type badInput struct {
	name    string
	content string
	records int64
	refused []refusedAs
}

func badInputs() []badInput {
	long := strings.Repeat("x", trailhouse.MaxRejected+5)
	return []badInput{
		{"no header before", "rest of a record\n\nmore of it\n\n" + first + second, 2, []refusedAs{{"rest of a record\n\nmore of it", "no header before it"}}},
		{"blank before", "\n \n\t\n" + first + second, 2, nil},
		{"broken time", first + "[nitro-cli:1][INFO][2025-13-03T08:00:00.012Z][a.rs:1] x\nand more\n" + second, 2, []refusedAs{{"[nitro-cli:1][INFO][2025-13-03T08:00:00.012Z][a.rs:1] x\nand more", "broken header"}}},
		{"cut header", first + "[enc-xxxxxxx:41\n" + second, 2, []refusedAs{{"[enc-xxxxxxx:41", "broken header"}}},
		{"half header and a whole record", first + "[enc-xxxxxxx:41" + second, 2, []refusedAs{{"[enc-xxxxxxx:41", "half record: another"}}},
		{"half time and a whole record", first + "[nitro-cli:41][INFO][2025-11-03T08[" + second[1:], 2, []refusedAs{{"[nitro-cli:41][INFO][2025-11-03T08", "half record: another"}}},
		{"brackets", first + "[enc-" + strings.Repeat("[enc-", 100_000) + "\n" + second, 2, []refusedAs{{"[enc-" + strings.Repeat("[enc-", 100_000), "broken header"}}},
		{"CRLF", "[nitro-cli:4101][INFO][2025-11-03T08:00:00.012Z][src/main.rs:64] Start Nitro CLI\r\n" + second, 2, nil},
		{"no UTF-8", first + strings.Replace(first, "Nitro", "\xff\xfe", 1) + second, 2, []refusedAs{{strings.TrimSpace(strings.Replace(first, "Nitro", "\xff\xfe", 1)), "not UTF-8"}}},
		{"no UTF-8 behind", first + "and \xff more\nand good\n" + second, 2, []refusedAs{{"and \xff more", "not UTF-8"}}},
		{"zero inside", first + strings.Replace(first, "Nitro", "Ni\x00tro", 1) + second, 2, []refusedAs{{strings.TrimSpace(strings.Replace(first, "Nitro", "Ni\x00tro", 1)), "zero byte"}}},
		{"zeros before", first + "\x00\x00\x00" + second + third, 3, []refusedAs{{"\x00\x00\x00", "3 zero bytes"}}},
		{"zeros behind half", first + "[nitro-cli:41\x00\x00" + second, 2, []refusedAs{{"[nitro-cli:41\x00\x00", "zero bytes, as a loss"}}},
		{"zeros at the end", first + second + "\x00\x00", 2, []refusedAs{{"\x00\x00", "2 zero bytes"}}},
		{"long continuation", first + long + "\n" + second, 2, []refusedAs{{long[:trailhouse.MaxRejected], "line of 1048581 bytes"}}},
		{"long record", first + strings.TrimSpace(first) + long + "\nits rest\n" + second, 2, []refusedAs{
			{(strings.TrimSpace(first) + long)[:trailhouse.MaxRejected], "line of 10486"}, {"its rest", "no header before it"}}},
		{"too much behind", first + strings.Repeat(strings.Repeat("y", 1023)+"\n", 1100) + second, 2, []refusedAs{
			{strings.TrimSpace(strings.Repeat(strings.Repeat("y", 1023)+"\n", 1100-1023)), "goes on behind a record of 1 MiB"}}},
		{"half text", second + strings.TrimSpace(strings.Replace(first, "Start Nitro CLI", "Sent command: Ru", 1)), 1, []refusedAs{
			{strings.TrimSpace(strings.Replace(first, "Start Nitro CLI", "Sent command: Ru", 1)), "half record"}}},
		{"half header", second + "[nitro-cli:41", 1, []refusedAs{{"[nitro-cli:41", "half record"}}},
		{"half of half a header", second + "[ni", 1, []refusedAs{{"[ni", "half record"}}},
		{"half id", first + third + strings.TrimSpace(second), 2, []refusedAs{{strings.TrimSpace(second), "half record"}}},
		{"whole without end", second + strings.TrimSpace(third), 2, nil},
		{"continuation without end", second + "and mor", 1, nil},
		{"run args without end", second + `[enc-xxxxxxx:5][INFO][2025-11-03T08:00:00.024Z][a:272] Run args = RunEnclavesArgs { eif_path: "/a\"}.eif", cpu_count: Some(2) }`, 2, nil},
		{"half run args", second + `[enc-xxxxxxx:5][INFO][2025-11-03T08:00:00.024Z][a:272] Run args = RunEnclavesArgs { eif_path: "/a }`, 1, []refusedAs{
			{`[enc-xxxxxxx:5][INFO][2025-11-03T08:00:00.024Z][a:272] Run args = RunEnclavesArgs { eif_path: "/a }`, "half record"}}},
		{"only half a record", "[nitro-cli:4101][INFO][2025-1", 0, []refusedAs{{"[nitro-cli:4101][INFO][2025-1", "half record"}}},
		{"empty", "", 0, nil},
	}
}

func TestBadInput(t *testing.T) {
	for _, c := range badInputs() {
		t.Run(c.name, func(t *testing.T) {
			m, err := read(t, "nitro.log", c.content, Options{Instance: host})
			if err != nil {
				t.Fatal(err)
			}
			var refused []refusedAs
			for i, r := range m.rejected {
				reason := r.Reason
				if i < len(c.refused) && strings.HasPrefix(reason, c.refused[i].Reason) {
					reason = c.refused[i].Reason
				}
				refused = append(refused, refusedAs{string(r.Content), reason})
				inFile := strings.TrimRight(c.content[r.Position:r.Position+r.Length], "\r")
				if !strings.HasPrefix(inFile, string(r.Content)) || r.SHA256 != sha(inFile) {
					t.Errorf("%s: position, length or hash do not name the content", r.Reason)
				}
			}
			if diff := cmp.Diff(c.refused, refused); diff != "" {
				t.Error(diff)
			}
			if m.records != c.records || m.log.Len() != int(c.records) {
				t.Errorf("%d records, want %d", m.records, c.records)
			}
			if m.covered[0].Result != trailhouse.CoverageRead || len(m.covered) != 1+min(len(m.rejected), 1) ||
				len(m.covered) > 1 && m.covered[1].Result != trailhouse.CoverageDamaged {
				t.Errorf("coverage %v", m.covered)
			}
		})
	}
}

func TestFilesThatAreNoLog(t *testing.T) {
	report := "  Action: Run Enclave\n  Subactions:\n    Failed to handle all enclave process replies\n  Root error file: src/enclave_proc_comm.rs\n"
	cloudTrail := `{"Records":[{"eventVersion":"1.08","message":"x"}]}`
	for name, content := range map[string]string{
		"err2025-11-03T08:10:02.135245671+00:00.log": report, "binary": "\x7fELF\x00\x01\x02\n\n", "other.json": cloudTrail,
		"broken.json": cloudTrail[:30], "words.txt": "hello\nworld", "empty.json": "{}", "list.json": "[]", "bracket": "[[[[", "open": "[",
	} {
		m, err := read(t, name, content, Options{Instance: host})
		if err != nil || m.records+m.filtered+int64(len(m.rejected)) != 0 || len(m.covered) != 1 || m.covered[0].Result != trailhouse.CoverageIgnored {
			t.Errorf("%s below a directory: %v, %v, %v", name, err, m.covered, m.rejected)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s := New(Options{Paths: []string{path}, Instance: host})
		m = newMemory(s)
		err = s.Read(context.Background(), unitOf(t, s, path), m)
		if code(err) != "invalid" || !strings.Contains(err.Error(), "is not a nitro-cli log") || len(m.covered) != 0 {
			t.Errorf("%s named: %v", name, err)
		}
	}
}

func TestDamagedGzipGivesNothing(t *testing.T) {
	whole := zipped(sample(t)[:9000], sample(t)[9000:])
	try := func(content string) {
		t.Helper()
		m, err := read(t, "nitro.log.1.gz", content, Options{})
		if c := code(err); c == "damaged" || err == nil && m.covered[0].Result == trailhouse.CoverageIgnored {
			if m.records == 0 && len(m.rejected) == 0 && m.log.Len() == 0 {
				return
			}
		}
		t.Errorf("%d bytes: %v, %d records", len(content), err, m.records)
	}
	for cut := 2; cut < len(whole)-1; cut += 37 {
		if cut != len(zipped(sample(t)[:9000])) { // there it is whole
			try(whole[:cut])
		}
	}
	for at := 20; at < len(whole); at += 41 {
		flipped := []byte(whole)
		flipped[at] ^= 0x10
		m, err := read(t, "x.gz", string(flipped), Options{})
		if code(err) == "damaged" && m.records == 0 || err == nil && m.records == 190 { // a bit of a header's time does no harm
			continue
		}
		t.Errorf("bit %d: %v, %d records", at, err, m.records)
	}
}

func TestGzipBombGivesNothing(t *testing.T) {
	bomb := zipped(strings.Repeat(first, 100_000))
	m, err := read(t, "bomb.gz", bomb, Options{Instance: host})
	if code(err) != "limit" || m.records != 0 {
		t.Errorf("%v, %d records", err, m.records)
	}
	m, err = read(t, "large.gz", zipped(sample(t)), Options{Limits: objects.Limits{InflatedBytes: 20_000}})
	if code(err) != "limit" || m.records != 0 {
		t.Errorf("%v, %d records", err, m.records)
	}
	m, err = read(t, "bomb.gz", bomb, Options{Instance: host, Limits: objects.Limits{Ratio: 2000}})
	if err != nil || m.records != 100_000 || len(m.ids()) != 100_000 {
		t.Errorf("%v, %d records, %d ids", err, m.records, len(m.ids()))
	}
}

func TestUnreadable(t *testing.T) {
	s := New(Options{Paths: []string{filepath.Join(t.TempDir(), "none")}})
	var missed []trailhouse.Coverage
	err := s.Units(context.Background(), func(trailhouse.Unit) error { return nil }, func(c trailhouse.Coverage) error {
		missed = append(missed, c)
		return nil
	})
	if err != nil || len(missed) != 1 || missed[0].Result != trailhouse.CoverageMissing || missed[0].Source != Name || missed[0].Detail == "" {
		t.Errorf("%v, %v", err, missed)
	}
	err = s.Read(context.Background(), trailhouse.Unit{Object: filepath.Join(t.TempDir(), "gone")}, newMemory(s))
	if code(err) != "not_found" {
		t.Error(err)
	}
}

func TestCompleteThrough(t *testing.T) {
	late := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m, err := read(t, "nitro.log", second+third, Options{CompleteThrough: late})
	if err != nil || len(m.covered) != 1 || !m.covered[0].Through.Equal(late) {
		t.Errorf("%v, %v", err, m.covered)
	}
	early := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	m, err = read(t, "nitro.log", second+third, Options{CompleteThrough: early})
	if err != nil || m.covered[0].Through.Year() != 2025 {
		t.Errorf("%v, %v", err, m.covered)
	}
	path := absolute(t, "testdata/nitro_enclaves.sample.log")
	for _, o := range []Options{{Paths: []string{path}}, {Paths: []string{path}, CompleteThrough: late}} {
		if s := New(o); unitOf(t, s, path).Again == o.CompleteThrough.IsZero() {
			t.Errorf("again with %v", o.CompleteThrough)
		}
	}
}
