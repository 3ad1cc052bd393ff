package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// binary is the path of the product under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if given := os.Getenv("TRAILHOUSE_TEST_BINARY"); given != "" {
		binary = given
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "trailhouse-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "trailhouse")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/trailhouse")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the binary:", err)
		return 1
	}
	return m.Run()
}

// house is one data directory and what is run on it.
type house struct {
	t      *testing.T
	data   string
	cwd    string
	config string // trailhouse.yaml, empty for none
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return &house{t: t, data: filepath.Join(t.TempDir(), "data"), cwd: t.TempDir()}
}

// outcome is what one command printed and how it ended.
type outcome struct {
	args     []string
	out, err string
	code     int
}

func (h *house) command(args ...string) *exec.Cmd {
	args = append([]string{"--data", h.data}, args...)
	if h.config != "" {
		args = append([]string{"--config", h.config}, args...)
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir = h.cwd
	cmd.Env = append(os.Environ(), "HOME="+h.cwd, "XDG_DATA_HOME=", "XDG_CONFIG_HOME=")
	return cmd
}

// try runs a command and returns how it ended.
func (h *house) try(args ...string) outcome {
	h.t.Helper()
	cmd := h.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatalf("%v: %v", args, err)
	}
	return outcome{args: args, out: out.String(), err: errs.String(), code: cmd.ProcessState.ExitCode()}
}

// must runs a command that has to end with the code.
func (h *house) must(code int, args ...string) outcome {
	h.t.Helper()
	o := h.try(args...)
	if o.code != code {
		h.t.Fatalf("trailhouse %s: exit code %d, want %d\nstdout: %s\nstderr: %s",
			strings.Join(args, " "), o.code, code, tail(o.out), tail(o.err))
	}
	return o
}

// answer is what --format json prints.
type answer struct {
	Report     string           `json:"report"`
	Parameters map[string]any   `json:"parameters"`
	AsOf       string           `json:"as_of"`
	Coverage   []map[string]any `json:"coverage"`
	Rows       []map[string]any `json:"rows"`
}

// report runs a report and returns its answer. Its exit code is 3 exactly where its
// coverage tells of something missing or damaged.
func (h *house) report(args ...string) answer {
	h.t.Helper()
	o := h.try(append([]string{"report", "--format", "json"}, args...)...)
	if o.code != 0 && o.code != 3 {
		h.t.Fatalf("report %v: exit code %d: %s", args, o.code, tail(o.err))
	}
	a := decode[answer](h.t, o.out)
	incomplete := slices.ContainsFunc(a.Coverage, func(c map[string]any) bool { return c["result"] == "missing" || c["result"] == "damaged" })
	if incomplete != (o.code == 3) {
		h.t.Errorf("report %v: exit code %d with coverage %v", args, o.code, a.Coverage)
	}
	return a
}

// count returns the number that a SELECT gives.
func (h *house) count(query string) int64 {
	h.t.Helper()
	rows := h.rows(query)
	if len(rows) != 1 || len(rows[0]) != 1 {
		h.t.Fatalf("%s gave %v, want one number", query, rows)
	}
	for _, v := range rows[0] {
		n, err := v.(json.Number).Int64()
		if err != nil {
			h.t.Fatal(err)
		}
		return n
	}
	return 0
}

// rows returns what a SELECT gives.
func (h *house) rows(query string) []map[string]any {
	h.t.Helper()
	o := h.must(0, "sql", query, "--format", "jsonl")
	var rows []map[string]any
	for line := range strings.Lines(o.out) {
		rows = append(rows, decode[map[string]any](h.t, line))
	}
	return rows
}

// sessions returns the rows of enclave-usage that do not depend on when it was
// asked, as canonical JSON.
func (h *house) sessions() string {
	h.t.Helper()
	return canonical(h.t, h.report("enclave-usage").Rows)
}

func canonical(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, tail(text))
	}
	return v
}

func tail(text string) string {
	if len(text) > 900 {
		return "…" + text[len(text)-900:]
	}
	return text
}

// testdata returns the path of a sample that a package of the product keeps.
func testdata(t *testing.T, elem ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "internal"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
