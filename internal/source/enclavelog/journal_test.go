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
)

func journalSample(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/nitro_allocator.journal.sample.log")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// readWritten reads a journal that was last written at an instant.
func readWritten(t *testing.T, content string, written time.Time, o Options) (*memory, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.log")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, written, written); err != nil {
		t.Fatal(err)
	}
	return readFile(t, path, o)
}

func entryTimes(m *memory) []string {
	var out []string
	for i := range m.allocator.Len() {
		out = append(out, m.allocator.Time(2, i).Format(time.RFC3339))
	}
	return out
}

func TestJournalSample(t *testing.T) {
	for name, content := range map[string]string{
		"plain":      journalSample(t),
		"dos":        strings.ReplaceAll(journalSample(t), "\n", "\r\n"),
		"marks":      "-- Logs begin at Mon 2025-11-03. --\n" + journalSample(t),
		"cloudwatch": jsonLines(cloudEvents(journalSample(t), host)),
		"export":     exported(journalSample(t)),
	} {
		m, err := readWritten(t, content, time.Date(2025, 11, 20, 0, 0, 0, 0, time.UTC), Options{Instance: host})
		if err != nil {
			t.Fatal(name, err)
		}
		if m.allocator.Len() != 12 || m.records != 12 || len(idsOf(m.allocator)) != 12 || len(m.rejected) != 0 || m.log.Len() != 0 {
			t.Errorf("%s: %d rows, %d ids, rejected %v", name, m.allocator.Len(), len(idsOf(m.allocator)), m.rejected)
		}
		if got := m.entry("identifier", 0) + " " + m.entry("host", 1) + " " + m.entry("message", 10); got !=
			"systemd ip-10-0-1-23.ec2.internal Successfully allocated Nitro Enclaves resources: 4096 MiB, 6 CPUs" {
			t.Error(name, got)
		}
		if m.allocator.Int(5, 1) != 1187 || m.allocator.Int(7, 6) != 0 || m.allocator.Int(7, 9) != 1 {
			t.Errorf("%s: pid %d, ordinals of Done. %d %d", name, m.allocator.Int(5, 1), m.allocator.Int(7, 6), m.allocator.Int(7, 9))
		}
		if got := entryTimes(m)[11]; got != "2025-11-03T15:30:12Z" {
			t.Error(name, got)
		}
		if len(m.covered) != 1 || m.covered[0].Source != JournalName || m.covered[0].Scope != host {
			t.Errorf("%s: coverage %v", name, m.covered)
		}
	}
}

func TestJournalYears(t *testing.T) {
	line := func(at string) string { return at + " h nitro-enclaves-allocator[1]: Done.\n" }
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no zones on this machine")
	}
	written := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name  string
		lines []string
		o     Options
		want  []string
	}{
		{"this year", []string{"Jan 03 10:00:00", "Feb 04 10:00:00"}, Options{}, []string{"2025-01-03T10:00:00Z", "2025-02-04T10:00:00Z"}},
		{"a day of clocks", []string{"Mar 02 11:00:00"}, Options{}, []string{"2025-03-02T11:00:00Z"}},
		{"the year before", []string{"Mar 02 13:00:00"}, Options{}, []string{"2024-03-02T13:00:00Z"}},
		{"over new year", []string{"Nov 30 10:00:00", "Dec 31 23:59:59", "Jan  1 00:00:00"}, Options{}, []string{"2024-11-30T10:00:00Z", "2024-12-31T23:59:59Z", "2025-01-01T00:00:00Z"}},
		{"two years back", []string{"Dec 31 10:00:00", "Jun 01 00:00:00", "Feb 01 00:00:00"}, Options{}, []string{"2023-12-31T10:00:00Z", "2024-06-01T00:00:00Z", "2025-02-01T00:00:00Z"}},
		{"small step back", []string{"Feb 04 10:00:00", "Feb 04 09:59:00"}, Options{}, []string{"2025-02-04T10:00:00Z", "2025-02-04T09:59:00Z"}},
		{"step back over new year", []string{"Dec 31 23:59:58", "Jan 01 00:00:05", "Dec 31 23:59:59", "Jan 01 00:00:06"}, Options{},
			[]string{"2024-12-31T23:59:58Z", "2025-01-01T00:00:05Z", "2024-12-31T23:59:59Z", "2025-01-01T00:00:06Z"}},
		{"given", []string{"Nov 03 10:00:00", "Jan 04 10:00:00"}, Options{Year: 2019}, []string{"2019-11-03T10:00:00Z", "2020-01-04T10:00:00Z"}},
		{"leap day", []string{"Feb 28 10:00:00", "Feb 29 10:00:00", "Mar 01 10:00:00"}, Options{Year: 2024}, []string{"2024-02-28T10:00:00Z", "2024-02-29T10:00:00Z", "2024-03-01T10:00:00Z"}},
		{"zone", []string{"Jan 01 00:30:00"}, Options{Location: berlin}, []string{"2024-12-31T23:30:00Z"}},
	}
	for _, c := range cases {
		content := ""
		for _, at := range c.lines {
			content += line(at)
		}
		c.o.Instance = host
		m, err := readWritten(t, content, written, c.o)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if diff := cmp.Diff(c.want, entryTimes(m)); diff != "" || len(m.rejected) != 0 {
			t.Errorf("%s: %s %v", c.name, diff, m.rejected)
		}
	}
	m, err := readWritten(t, line("Feb 28 10:00:00")+line("Feb 29 10:00:00")+line("Mar 01 10:00:00"), written, Options{Instance: host})
	if err != nil || m.records != 2 || len(m.rejected) != 1 || !strings.Contains(m.rejected[0].Reason, "no 29 February in 2025") || !strings.Contains(m.rejected[0].Reason, "--year") {
		t.Errorf("%v, %d records, %v", err, m.records, m.rejected)
	}
}

func TestJournalYearFromCloudWatch(t *testing.T) {
	events := cloudEvents("Dec 31 23:59:59 h nitro-enclaves-allocator[1]: Done.\n", host)
	events[0].Timestamp = time.Date(2022, 1, 1, 0, 0, 3, 0, time.UTC).UnixMilli()
	m, err := read(t, "x.json", marshal(page(events), ""), Options{})
	if err != nil || len(entryTimes(m)) != 1 || entryTimes(m)[0] != "2021-12-31T23:59:59Z" {
		t.Error(err, entryTimes(m))
	}
}

func TestJournalFilters(t *testing.T) {
	content := "-- Boot 0123456789abcdef --\n" +
		"Nov 03 14:31:39 h kernel: Linux version\n" +
		"Nov 03 14:31:40 h systemd[1]: Starting OpenSSH...\n  and more of it\n" +
		"Nov 03 14:31:40 h systemd[1]: Starting Nitro Enclaves Resource Allocator...\n" +
		"Nov 03 14:31:41 h nitro-enclaves-allocator[7]: two\n      lines\n" +
		"-- Reboot --\n" + first
	m, err := readWritten(t, content, time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), Options{Instance: host})
	if err != nil || m.allocator.Len() != 2 || m.log.Len() != 1 || m.filtered != 4 || len(m.rejected) != 0 || m.records != 3 {
		t.Fatalf("%v: %d entries, %d records, %d filtered, %v", err, m.allocator.Len(), m.log.Len(), m.filtered, m.rejected)
	}
	if got := m.entry("message", 1); got != "two\n      lines" {
		t.Errorf("%q", got)
	}
	m, err = readWritten(t, "Nov 03 14:31:39 h kernel: Linux version\n", time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), Options{})
	if err != nil || m.filtered != 1 || m.records != 0 {
		t.Error("a journal of others:", err, m.filtered)
	}
}

func TestInstance(t *testing.T) {
	other := strings.ReplaceAll(second, host, "i-0ffffffffffffffff")
	unknown := strings.ReplaceAll(second, host, string(trailhouse.UnknownInstance))
	cases := []struct {
		name, path, content string
		o                   Options
		want                string // or the beginning of the error's text
	}{
		{"path before log", "i-0123456789abcdef0/nitro.log", second, Options{}, "i-0123456789abcdef0"},
		{"last in the path", "i-0123456789abcdef0/i-0aaaaaaaaaaaaaaaa.log.1", second, Options{}, "i-0aaaaaaaaaaaaaaaa"},
		{"old id", "nitro_i-1234abcd_2019.log", second, Options{}, "i-1234abcd"},
		{"image is none", "ami-0123456789abcdef0/nitro.log", second, Options{}, host},
		{"too long", "i-0123456789abcdef01/nitro.log", second, Options{}, host},
		{"own before option", "nitro.log", second, Options{Instance: "i-0bbbbbbbbbbbbbbbb"}, host},
		{"option", "nitro.log", first, Options{Instance: "i-0bbbbbbbbbbbbbbbb"}, "i-0bbbbbbbbbbbbbbbb"},
		{"unknown is none", "nitro.log", unknown, Options{Instance: "i-0bbbbbbbbbbbbbbbb"}, "i-0bbbbbbbbbbbbbbbb"},
		{"several and option", "nitro.log", second + other, Options{Instance: "i-0bbbbbbbbbbbbbbbb"}, "i-0bbbbbbbbbbbbbbbb"},
		{"several", "nitro.log", second + other, Options{}, "PATH holds enclaves of several instances: " + host + ", i-0ffffffffffffffff"},
		{"none", "nitro.log", first, Options{}, "PATH does not tell which instance"},
	}
	for _, c := range cases {
		dir := t.TempDir()
		path := filepath.Join(dir, c.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := readFile(t, path, c.o)
		if err != nil {
			if code(err) != "invalid" || !strings.HasPrefix(strings.ReplaceAll(err.Error(), path, "PATH"), c.want) || !strings.Contains(trailhouse.HintOf(err), "--instance") || m.records != 0 {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		for i := range m.log.Len() {
			if got := m.text("instance_id", i); got != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}
	}
}

// TestJournalBesideLog reads a directory as the host has it.
func TestJournalBesideLog(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"allocator.log": journalSample(t), "nitro.log": sample(t), "nitro.log.1": first} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"allocator.log", "nitro.log.1"} {
		m, err := readFile(t, filepath.Join(dir, name), Options{})
		if err != nil || m.covered[0].Scope != host {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := filepath.Join(dir, "allocator.log")
	s := New(Options{Paths: []string{path}})
	if err := s.Read(context.Background(), unitOf(t, s, path), newMemory(s)); code(err) != "invalid" {
		t.Error("a file that was named alone takes its instance from files that were not:", err)
	}
}
