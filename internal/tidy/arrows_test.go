package tidy

import (
	"go/ast"
	"strings"
)

// floor is where a room stands. Imports point to a lower floor only, never up and
// never sideways (docs/ARCHITECTURE.md):
//
//	cmd → app → cli → {ingest, derive, report, deliver, setup, doctor, demo, agent} → {source/*, lake, query, state, clients, policy, dedup, access} → {columns, objects, config, aws, schedule, packaging} → trailhouse
func floor(dir string) int {
	switch first := room(dir); first {
	case ".":
		return 0
	case "columns", "objects", "config", "aws", "schedule", "packaging":
		return 1
	case "source", "lake", "query", "state", "clients", "policy", "dedup", "access":
		return 2
	case "ingest", "derive", "report", "demo", "deliver", "setup", "doctor", "agent":
		return 3
	case "cli":
		return 4
	case "app":
		return 5
	case "cmd":
		return 6
	}
	return -1
}

// room returns the first folder below internal, cmd, or "." for the root.
func room(dir string) string {
	if dir == "." || strings.HasPrefix(dir, "cmd") {
		return strings.SplitN(dir, "/", 2)[0]
	}
	return strings.SplitN(strings.TrimPrefix(dir, "internal/"), "/", 2)[0]
}

// wall is an import that the floors would allow and that must not be.
type wall struct {
	from, to string // folders, with all below them
	reason   string
}

func walls() []wall {
	return []wall{
		{"internal/ingest", "internal/source", "ingest knows no source by name: a new source is one folder and one line in a list"},
		{"internal/source", "internal/columns", "a source returns rows in a trailhouse.Batch; how they are stored is not its business"},
		{"internal/source", "internal/config", "a source is told what it needs by its Options"},
		{"internal/lake", "internal/aws", "the lake is told what it needs; it knows nothing of AWS"},
		{"internal/aws", "internal/config", "the door to AWS is told what it needs by its Options"},
		{"internal/lake", "internal/config", "the lake is told what it needs; it knows no configuration and nothing of AWS"},
		{"internal/query", "internal/config", "limits come with each Query"},
		{"internal/report", "internal/source", "a report is a question to tables and knows nothing of files"},
		{"internal/report", "internal/objects", "a report is a question to tables and knows nothing of files"},
		{"internal/cli", "internal/query", "a command holds no SQL: it asks the House"},
		{"internal/cli", "internal/state", "a command holds no logic: it asks the House"},
		{"internal/derive/sessions", "internal", "sessions are pure: from rows to rows, with the root vocabulary only"},
		{"internal/derive/attested", "internal", "calls and their lives are pure: from rows to rows, with the root vocabulary only"},
	}
}

// arrowsPointDown checks every import of ours against floors and walls.
func arrowsPointDown(s source) []finding {
	if s.test {
		return nil
	}
	var out []finding
	s.imports(func(spec *ast.ImportSpec, path string) {
		to, ours := local(path)
		if !ours || within(to, s.dir) || to == s.dir {
			return
		}
		if reason := forbidden(s.dir, to); reason != "" {
			out = append(out, finding{s.at(spec), s.dir + " imports " + to, reason})
		}
	})
	return out
}

// forbidden returns why a package must not import another, or "".
func forbidden(from, to string) string {
	for _, w := range walls() {
		if within(from, w.from) && within(to, w.to) {
			return w.reason
		}
	}
	low, high := floor(to), floor(from)
	switch {
	case room(to) == "testkit" || room(to) == "tidy" || within(to, "test"):
		return "product code never imports what is for tests"
	case low < 0 || high < 0:
		return "a room without a floor: give it one in internal/tidy and docs/ARCHITECTURE.md"
	case low >= high:
		return "arrows point to a lower floor, never up and never sideways: docs/ARCHITECTURE.md"
	}
	return ""
}

// local returns the folder of an import path of ours.
func local(path string) (string, bool) {
	if path == module {
		return ".", true
	}
	rest, ok := strings.CutPrefix(path, module+"/")
	return rest, ok
}

// within reports whether dir is the folder or below it.
func within(dir, folder string) bool {
	return dir == folder || strings.HasPrefix(dir, folder+"/")
}

// owner says which rooms may import a library.
type owner struct {
	library string // import path, with all below it
	rooms   string // folders, with all below them, separated by blanks
	reason  string
}

func owners() []owner {
	return []owner{
		{"github.com/apache/arrow-go", "internal/columns", "one place knows the column format; others use trailhouse.Batch"},
		{"github.com/apache/iceberg-go", "internal/lake", "one place knows the table format; others use trailhouse.Lake"},
		{"github.com/aws", "internal/aws", "one place knows the SDK; others ask for objects and get errors that name permissions"},
		{"github.com/duckdb/duckdb-go", "internal/query/duckdb", "cgo and the engine stay behind trailhouse.Engine"},
		{"modernc.org/sqlite", "internal/state internal/lake", "the journal and the lake's catalog are the only SQLite files"},
		{"database/sql", "internal/state internal/lake internal/query", "only the rooms with an engine speak SQL"},
		{"github.com/spf13/cobra", "internal/cli cmd", "commands are the edge"},
		{"golang.org/x/term", "internal/cli cmd", "only the edge knows a terminal"},
		{"github.com/goccy/go-yaml", "internal/config internal/report", "only what people write by hand is YAML"},
		{"github.com/rogpeppe/go-internal", "", "for tests only"},
		{"github.com/google/go-cmp", "", "for tests only"},
		{"net/http", "internal/aws internal/agent", "only the room that talks to AWS talks to a network, and the agent answers on the loopback"},
		{"golang.org/x/sys", "internal/agent", "one place asks the kernel for a descriptor of a process"},
		{"github.com/robfig/cron", "internal/schedule", "only its parser is used; when a schedule happens is ours"},
		{"github.com/wneessen/go-mail", "internal/deliver/mail", "one place sends mail"},
		{"github.com/emersion", "internal/testkit", "a mail server, for tests only"},
		{"unsafe", "internal/columns internal/objects internal/source", "only where a measured inner loop needs it"},
	}
}

// librariesHaveOneOwner keeps each library in its room; the root uses the standard
// library only.
func librariesHaveOneOwner(s source) []finding {
	if s.test {
		return nil
	}
	var out []finding
	s.imports(func(spec *ast.ImportSpec, path string) {
		if s.dir == "." && strings.Contains(strings.SplitN(path, "/", 2)[0], ".") {
			out = append(out, finding{s.at(spec), "the vocabulary imports " + path, "the root package uses nothing outside the standard library, so that everyone can import it"})
		}
		for _, o := range owners() {
			if within(path, o.library) && !anyWithin(s.dir, o.rooms) {
				out = append(out, finding{s.at(spec), s.dir + " imports " + path, o.reason})
			}
		}
	})
	return out
}

func anyWithin(dir, folders string) bool {
	for _, folder := range strings.Fields(folders) {
		if within(dir, folder) {
			return true
		}
	}
	return false
}
