package enclavelog

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// streams is what filter-log-events prints of lines, each with the name of its stream.
func streams(t *testing.T, lines ...[2]string) string {
	var events []map[string]any
	for i, l := range lines {
		events = append(events, map[string]any{"logStreamName": l[0], "timestamp": 1762156800000 + i, "message": strings.TrimSpace(l[1])})
	}
	b, err := json.Marshal(map[string]any{"events": events})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStreamWithoutAHostIsNobodys(t *testing.T) {
	content := streams(t, [2]string{"web-1", second}, [2]string{"web-2", first}, [2]string{"web-2", "and more"}, [2]string{"web-1", third})
	m, err := read(t, "filter.json", content, Options{})
	if err != nil || m.records != 2 || len(m.rejected) != 1 {
		t.Fatalf("%v, %d records, %v", err, m.records, m.rejected)
	}
	r := m.rejected[0]
	if !strings.Contains(r.Reason, "web-2") || !strings.Contains(r.Reason, "--instance") || string(r.Content) != first+"and more" || r.SHA256 != sha(first+"and more") {
		t.Errorf("%+v", r)
	}
	if len(m.covered) != 2 || m.covered[0].Result != trailhouse.CoverageRead || m.covered[1].Result != trailhouse.CoverageDamaged || m.covered[1].Scope != "" {
		t.Errorf("%v", m.covered)
	}
	const given = "i-0bbbbbbbbbbbbbbb2"
	m, err = read(t, "filter.json", content, Options{Instance: given})
	if err != nil || m.records != 3 || len(m.rejected) != 0 || m.text("instance_id", 2) != given {
		t.Errorf("with --instance: %v, %d records, %v", err, m.records, m.rejected)
	}
}

func TestNeighboursOnlyOfARotatedSet(t *testing.T) {
	for _, c := range []struct {
		beside, name string
		adopted      bool
	}{
		{"nitro_enclaves.log.1", "nitro_enclaves.log", true},
		{"nitro_enclaves.log", "nitro_enclaves.log.2", true},
		{"nitro_enclaves.log-20250301", "nitro_enclaves.log", true},
		{"host1.log", "host2.log", false},
		{"nitro.log.10.0.0.1", "nitro.log.10.0.0.2", false},
		{"h1/nitro_enclaves.log", "h2/nitro_enclaves.log", false},
		{"h1/nitro_enclaves.log.1", "nitro_enclaves.log", false},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{c.beside: second + third, c.name: first} {
			path := filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		m, err := readFile(t, filepath.Join(dir, c.name), Options{})
		switch {
		case c.adopted && (err != nil || m.text("instance_id", 0) != host):
			t.Errorf("%s beside %s: %v", c.name, c.beside, err)
		case !c.adopted && (code(err) != "invalid" || m.records != 0 || !strings.Contains(trailhouse.HintOf(err), "--instance")):
			t.Errorf("%s beside %s: %v, %d records", c.name, c.beside, err, m.records)
		}
	}
}

func TestInstanceMakesAnotherUnit(t *testing.T) {
	path := absolute(t, "testdata/nitro_enclaves.sample.log")
	plain := New(Options{Paths: []string{path}})
	named := New(Options{Paths: []string{path}, Instance: host})
	if unitOf(t, plain, path).ID == unitOf(t, named, path).ID {
		t.Error("what was rejected for want of an instance is not read again with one")
	}
}

func TestPathWinsOverEnclaveIDsAndSaysSo(t *testing.T) {
	const other = "i-0bbbbbbbbbbbbbbb2"
	m, err := read(t, other+"/nitro.log", second+third, Options{})
	if err != nil || len(m.covered) != 1 || m.covered[0].Scope != other || !strings.Contains(m.covered[0].Detail, "enclave ids name "+host) {
		t.Errorf("%v, %v", err, m.covered)
	}
	m, err = read(t, host+"/nitro.log", second+third, Options{})
	if err != nil || m.covered[0].Detail != "" {
		t.Errorf("%v, %v", err, m.covered)
	}
}
