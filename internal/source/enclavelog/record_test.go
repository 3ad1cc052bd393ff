package enclavelog

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var reference = regexp.MustCompile(`(?s)^\[([^\]]*)\]\[([A-Z]+)\]\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)\]\[([^\]]+):(\d+)\] (.*)$`)

var loggerReference = regexp.MustCompile(`(?s)^(?:enc-([0-9a-fA-F]+)|.*):(\d{1,18})$`)

// parseByRegexp is the format as facts/nitro.md 2.1 writes it down.
func parseByRegexp(line []byte) (Record, bool) {
	m := reference.FindSubmatch(line)
	if m == nil || len(m[5]) > 18 {
		return Record{}, false
	}
	at := string(m[3])
	var leap time.Duration
	if at[17:19] == "60" {
		at, leap = at[:17]+"59"+at[19:], time.Second
	}
	if dot := strings.IndexByte(at, '.'); dot > 0 { // time.Parse reads at most nine digits
		at = at[:min(dot+10, len(at)-1)] + "Z"
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return Record{}, false
	}
	r := Record{Micros: t.Add(leap).UnixMicro(), Logger: m[1], Level: m[2], File: m[4], Message: m[6]}
	r.Line, _ = strconv.ParseInt(string(m[5]), 10, 64)
	if l := loggerReference.FindSubmatch(m[1]); l != nil {
		r.Pid, _ = strconv.ParseInt(string(l[2]), 10, 64)
		r.HasPid = true
	}
	if l := regexp.MustCompile(`(?s)^enc-([0-9a-fA-F]+):[^:]*$`).FindSubmatch(m[1]); l != nil {
		r.Slot = l[1]
	}
	return r, true
}

func same(a, b Record) bool {
	return a.Micros == b.Micros && bytes.Equal(a.Logger, b.Logger) && bytes.Equal(a.Level, b.Level) &&
		bytes.Equal(a.File, b.File) && a.Line == b.Line && bytes.Equal(a.Message, b.Message) &&
		a.Pid == b.Pid && a.HasPid == b.HasPid && bytes.Equal(a.Slot, b.Slot)
}

func TestParseRecord(t *testing.T) {
	cases := []struct {
		line string
		want bool
	}{
		{"[nitro-cli:4101][INFO][2025-11-03T08:00:00.012Z][src/main.rs:64] Start Nitro CLI", true},
		{"[enc-19a48bae81e5f1c:4105][WARN][2025-11-03T08:00:00.012Z][src/a.rs:1] x", true},
		{"[enc-19a48bae81e5f1c123:4105][INFO][2025-11-03T08:00:00.012Z][src/a.rs:1] 18 digits", true},
		{"[][ERROR][2025-11-03T08:00:00.012Z][src/a.rs:1] no logger", true},
		{"[nitro-cli:1][NOTICE][2025-11-03T08:00:00Z][C:/x/y.rs:1] no fraction, unknown level", true},
		{"[nitro-cli:1][INFO][2025-11-03T08:00:00.123456789Z][a:1] nanoseconds", true},
		{"[nitro-cli:1][INFO][2016-12-31T23:59:60.5Z][a:1] leap second", true},
		{"[nitro-cli:1][INFO][2024-02-29T00:00:00.0Z][a:1] ", true},
		{"[nitro-cli:1][INFO][0000-01-01T00:00:00.0Z][a:1] the year 0", true},
		{"[nitro-cli:1][INFO][2023-02-29T00:00:00.0Z][a:1] no such day", false},
		{"[nitro-cli:1][info][2025-11-03T08:00:00.012Z][a:1] lower case", false},
		{"[nitro-cli:1][INFO][2025-11-03T08:00:00.012+00:00][a:1] other zone", false},
		{"[nitro-cli:1][INFO][2025-11-03T08:00:00.Z][a:1] empty fraction", false},
		{"[nitro-cli:1][INFO][2025-11-03T24:00:00.012Z][a:1] no such hour", false},
		{"[nitro-cli:1][INFO][2025-11-03T08:00:00.012Z][a] no line", false},
		{"[nitro-cli:1][INFO][2025-11-03T08:00:00.012Z][a:1]no space", false},
		{"[nitro-cli:1][INFO][2025-11-03T08:00:00.012Z][:1] no file", false},
		{"[nitro-cli:1][INFO][2025-11", false},
		{"", false},
	}
	for _, c := range cases {
		got, ok := ParseRecord([]byte(c.line))
		want, wantOK := parseByRegexp([]byte(c.line))
		if ok != c.want || wantOK != c.want {
			t.Errorf("%q: parsed %v, by regexp %v, want %v", c.line, ok, wantOK, c.want)
		} else if ok && !same(got, want) {
			t.Errorf("%q: %+v, by regexp %+v", c.line, got, want)
		}
	}
}

func TestParseRecordAllocatesNothing(t *testing.T) {
	line := []byte("[enc-19a48bae81e5f1c:4105][INFO][2025-11-03T08:05:10.410Z][src/enclave_proc/mod.rs:479] Received command: GetEnclaveName")
	if n := testing.AllocsPerRun(100, func() { ParseRecord(line) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseRecord(f *testing.F) {
	sample, err := os.ReadFile("testdata/nitro_enclaves.sample.log")
	if err != nil {
		f.Fatal(err)
	}
	for i, line := range bytes.Split(sample, []byte("\n")) {
		if i < 60 {
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := ParseRecord(line)
		want, wantOK := parseByRegexp(line)
		if ok != wantOK || ok && !same(got, want) {
			t.Errorf("%q: %v %+v, by regexp %v %+v", line, ok, got, wantOK, want)
		}
	})
}

func BenchmarkParseRecord(b *testing.B) {
	sample, err := os.ReadFile("testdata/nitro_enclaves.sample.log")
	if err != nil {
		b.Fatal(err)
	}
	lines := bytes.Split(sample, []byte("\n"))
	b.SetBytes(int64(len(sample)))
	b.ReportAllocs()
	for b.Loop() {
		for _, l := range lines {
			ParseRecord(l)
		}
	}
}
