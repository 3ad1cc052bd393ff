package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// TestParseEnclaves reads what nitro-cli prints, and what it does not (facts/nitro.md 2.7).
func TestParseEnclaves(t *testing.T) {
	const good = `{"EnclaveName":"a","EnclaveID":"i-0a1b2c3d4e5f60718-enc19a48bae81e5f1c","ProcessID":41,"EnclaveCID":16,"NumberOfCPUs":2,"CPUIDs":[1,3],"MemoryMiB":512,"State":"RUNNING","Flags":"DEBUG_MODE","Measurements":{"HashAlgorithm":"Sha384 { ... }","PCR0":"AB","PCR8":"zz"},"Metadata":{"x":1}}`
	for _, c := range []struct {
		name, text string
		enclaves   int
		fails      bool
	}{
		{"none", "[]", 0, false}, {"one", "[" + good + "]", 1, false}, {"old", `[{"EnclaveID":"i-1-enc1","ProcessID":5,"State":"RUNNING"}]`, 1, false},
		{"nothing", "", 0, true}, {"null", "null", 0, true}, {"cut", "[" + good, 0, true}, {"object", good, 0, true},
		{"one of two", "[" + good + `,{"EnclaveID":"x"}]`, 1, true}, {"no number", `[{"EnclaveID":"i-1-enc1","ProcessID":"five"}]`, 0, true},
	} {
		got, err := parseEnclaves([]byte(c.text))
		if len(got) != c.enclaves || (err != nil) != c.fails {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
	got, _ := parseEnclaves([]byte("[" + good + "]"))
	if e := got[0]; !e.Debug || e.PCR0 != "ab" || e.PCR8 != "" || e.VCPUs != 2 || len(e.CPUIDs) != 2 {
		t.Errorf("%+v", e)
	}
}

// TestParseEnclavesBounds keeps one enclave of an odd name from making a heartbeat that
// nobody takes.
func TestParseEnclavesBounds(t *testing.T) {
	one := func(id, name, more string) string {
		return `{"EnclaveID":"i-0a1b2c3d4e5f60718-enc` + id + `","EnclaveName":"` + name + `","ProcessID":41,"State":"RUNNING"` + more + `}`
	}
	text := "[" + one("1", strings.Repeat(`\u0001`, 500_000), `,"NumberOfCPUs":-2,"MemoryMiB":9223372036854775807`) + "," +
		one("2", "fine", `,"CPUIDs":[`+strings.Repeat("1,", 9999)+`1]`) + "]"
	got, err := parseEnclaves([]byte(text))
	if err != nil || len(got) != 2 || got[0].Name != "" || got[0].VCPUs != 0 || got[0].MemoryMiB != 0 || got[1].Name != "fine" || got[1].CPUIDs != nil {
		t.Errorf("%+v, %v", got, err)
	}
	many := make([]string, 1000)
	for i := range many {
		many[i] = one(fmt.Sprintf("%x", i+1), strings.Repeat(`\u0001`, 1000), `,"CPUIDs":[`+strings.Repeat("123456789,", 200)+`1]`)
	}
	got, err = parseEnclaves([]byte("[" + strings.Join(many, ",") + "]"))
	line, jsonErr := json.Marshal(got)
	if err == nil || jsonErr != nil || len(got) == 0 || len(line) > 1<<20-1000 {
		t.Errorf("%d enclaves, %d bytes, %v", len(got), len(line), err)
	}
	if got, err := parseEnclaves([]byte("[" + one(strings.Repeat("1", 200), "a", "") + "]")); err == nil || len(got) != 0 {
		t.Errorf("an endless id: %v, %v", got, err)
	}
}

// TestLock lets one agent into a directory, and one process write to a file.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); trailhouse.CodeOf(err) != trailhouse.CodeLocked {
		t.Errorf("%v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = Lock(dir); err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
	path := filepath.Join(dir, "agent.jsonl")
	a, b := NewFileSink(path, 1<<20, 1, nil), NewFileSink(path, 1<<20, 1, nil)
	if err := a.Write([]Line{{Text: []byte("{}")}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Write([]Line{{Text: []byte("{}")}}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("%v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Write([]Line{{Text: []byte("{}")}}), b.Close()); err != nil {
		t.Error(err)
	}
}

// TestPool reads the pool of a host that has all, or only the file of the allocator.
func TestPool(t *testing.T) {
	root := t.TempDir()
	put := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h := Host{Root: root}
	if got := h.pool(); got != (pool{-1, -1, -1}) {
		t.Errorf("nothing: %v", got)
	}
	put("etc/nitro_enclaves/allocator.yaml", "---\n# a comment\nmemory_mib: 4096\ncpu_count: 6 # six\n")
	if got := h.pool(); got != (pool{6, 4096, -1}) {
		t.Errorf("the allocator's file: %v", got)
	}
	put("sys/module/nitro_enclaves/parameters/ne_cpus", "1-2,5\n")
	for node, free := range []string{"3", "1"} {
		dir := filepath.Join("sys/devices/system/node", "node"+string(rune('0'+node)), "hugepages/hugepages-1048576kB")
		put(dir+"/nr_hugepages", "3\n")
		put(dir+"/free_hugepages", free+"\n")
	}
	if got := h.pool(); got != (pool{3, 6144, 4096}) {
		t.Errorf("live: %v", got)
	}
	put("proc/stat", "cpu 1\nbtime 1762156800\n")
	put("proc/sys/kernel/random/boot_id", "b-1\n")
	put("sys/devices/virtual/dmi/id/board_asset_tag", "i-0a1b2c3d4e5f60718\n")
	if got := Look(root, root); got.Instance != "i-0a1b2c3d4e5f60718" || got.BootID != "b-1" || got.Booted.Unix() != 1762156800 || got.scope() == "" {
		t.Errorf("%+v", got)
	}
}

// TestFileSinkMends takes off half a line that a kill left, and nothing else.
func TestFileSinkMends(t *testing.T) {
	const line = `{"trailhouse_agent":1,"event":"start"}` + "\n"
	for _, c := range []struct{ name, before, after string }{
		{"whole", line, line}, {"empty", "", ""}, {"half", line + line[:30], line}, {"a bracket", line + "{", line}, {"half alone", line[:30], ""},
		{"of somebody", line + "{\"a\"", line + "{\"a\"\n"}, {"of somebody alone", "half", "half\n"},
	} {
		path := filepath.Join(t.TempDir(), "agent.jsonl")
		if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		s := NewFileSink(path, 1<<20, 2, nil)
		if err := errors.Join(s.Write([]Line{{Text: []byte("{}")}}), s.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.after+"{}\n" {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

// TestFileSink rotates by size, begins behind a line that was cut, and counts what falls
// off the end.
func TestFileSink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.jsonl")
	if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	var removed int64
	s := NewFileSink(path, 100, 2, func(n int64) { removed += n })
	for range 10 {
		if err := s.Write([]Line{{Text: bytes.Repeat([]byte("x"), 39)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var kept int64
	for _, name := range []string{"", ".1", ".2"} {
		text, err := os.ReadFile(path + name)
		if err != nil || len(text) > 100 || !bytes.HasSuffix(text, []byte("\n")) {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
		kept += int64(bytes.Count(text, []byte("\n")))
	}
	if _, err := os.Stat(path + ".3"); err == nil || kept+removed != 11 {
		t.Errorf("%d lines kept and %d removed, want 11", kept, removed)
	}
}

// TestTail reads records, their ordinals, damaged and endless lines.
func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nitro_enclaves.log")
	const a, b = "[nitro-cli:1][INFO][2025-11-03T08:00:00.000Z][a:1] x", "[nitro-cli:1][ERROR][2025-11-03T08:00:00.000Z][a:1] [ E27 ] y"
	text := a + "\n" + b + "\n\nmore\n" + a + "\n[\xff\n[" + strings.Repeat("z", maxRecord) + "\nhalf"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tl := newTail(path)
	got, err := tl.next()
	if err != nil || len(got) != 5 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	if string(got[1].text) != b+"\n\nmore" || got[2].ordinal != 1 || got[2].offset != int64(len(a)+len(b)+8) || !got[4].cut {
		t.Errorf("%q, %+v", got[1].text, got[2])
	}
	if l := got[3].line(); l.Line != "" || string(l.Raw) != "[\xff" {
		t.Errorf("%+v", l)
	}
	tl.back() // they could not be kept
	if again, err := tl.next(); err != nil || len(again) != 5 || again[2].ordinal != 1 || again[0].ordinal != 0 {
		t.Errorf("%v, %v", again, err)
	}
	state := path + ".position"
	if err := tl.save(state); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text+" one\n"+a+"\n"), 0o600); err != nil { // the same inode
		t.Fatal(err)
	}
	tl = newTail(path)
	if err := tl.load(state); err != nil {
		t.Fatal(err)
	}
	if got, err := tl.next(); err != nil || len(got) != 2 || string(got[0].text) != "half one" || got[1].ordinal != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := tl.next(); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
