package tidy

import (
	"strings"
	"testing"
)

// TestRulesFind shows each rule something that it must refuse and something that it
// must allow: a rule that never fails holds nothing.
func TestRulesFind(t *testing.T) {
	long := "func f() {\n" + strings.Repeat("\t_ = 1\n", maxFunctionLines) + "}\n"
	tests := []struct {
		name string
		rule func(source) []finding
		file string
		body string
		want string // place of the only finding, "" for none
	}{
		{"long function", sizes, "a/a.go", long, "a/a.go:2"},
		{"long test", sizes, "a/a_test.go", long, ""},
		{"long file", sizes, "a/a.go", strings.Repeat("\n", maxFileLines), "a/a.go:1"},
		{"init", noInit, "a/a.go", "func init() {}", "a/a.go:2"},
		{"method init", noInit, "a/a.go", "type t int\nfunc (t) init() {}", ""},
		{"variable", noMutableVariables, "a/a.go", "var n = 1", "a/a.go:2"},
		{"map", noMutableVariables, "a/a.go", "var m = map[string]int{}", "a/a.go:2"},
		{"no value", noMutableVariables, "a/a.go", "var s string", "a/a.go:2"},
		{"sentinel", noMutableVariables, "a/a.go", `var ErrX = errors.New("x")`, ""},
		{"expression", noMutableVariables, "a/a.go", "var r = regexp.MustCompile(`x`)", ""},
		{"interface check", noMutableVariables, "a/a.go", "var _ I = T{}", ""},
		{"embed", noMutableVariables, "a/a.go", "//go:embed x\nvar files embed.FS", ""},
		{"clock", oneClock, "a/a.go", "func f() { time.Now() }", "a/a.go:2"},
		{"the clock itself", oneClock, "clock.go", "func f() { time.Now() }", ""},
		{"context", noStrayContexts, "internal/lake/a.go", "func f() { context.TODO() }", "internal/lake/a.go:2"},
		{"context of main", noStrayContexts, "cmd/x/a.go", "func f() { context.Background() }", ""},
		{"panic", onlyOurBugsPanic, "a/a.go", `func f() { panic("oh") }`, "a/a.go:2"},
		{"panic with an error", onlyOurBugsPanic, "a/a.go", `func f() { panic(err) }`, "a/a.go:2"},
		{"our bug", onlyOurBugsPanic, "a/a.go", `func f() { panic("BUG: " + x) }`, ""},
		{"our bug, formatted", onlyOurBugsPanic, "a/a.go", `func f() { panic(fmt.Sprintf("BUG: %d", 1)) }`, ""},
		{"print", onlyTheEdgeSpeaks, "internal/lake/a.go", `func f() { fmt.Println() }`, "internal/lake/a.go:2"},
		{"exit", onlyTheEdgeSpeaks, "internal/cli/a.go", `func f() { os.Exit(1) }`, "internal/cli/a.go:2"},
		{"slog", onlyTheEdgeSpeaks, "internal/lake/a.go", `import "log/slog"`, "internal/lake/a.go:2"},
		{"slog at the edge", onlyTheEdgeSpeaks, "internal/app/a.go", `import "log/slog"`, ""},
		{"function without comment", exportedNamesAreExplained, "a/a.go", "func F() {}", "a/a.go:2"},
		{"type without comment", exportedNamesAreExplained, "a/a.go", "type T int", "a/a.go:2"},
		{"method of a private type", exportedNamesAreExplained, "a/a.go", "type t int\nfunc (t) F() {}", ""},
		{"group with comment", exportedNamesAreExplained, "a/a.go", "// Sizes.\nconst (\nA = 1\nB = 2\n)", ""},
		{"up", arrowsPointDown, "internal/lake/a.go", imp("internal/ingest"), "internal/lake/a.go:2"},
		{"sideways", arrowsPointDown, "internal/source/a/a.go", imp("internal/source/b"), "internal/source/a/a.go:2"},
		{"down", arrowsPointDown, "internal/lake/a.go", imp("internal/columns"), ""},
		{"to a part of its own", arrowsPointDown, "internal/derive/a.go", imp("internal/derive/sessions"), ""},
		{"to its parent", arrowsPointDown, "internal/derive/sessions/a.go", imp("internal/derive"), "internal/derive/sessions/a.go:2"},
		{"wall", arrowsPointDown, "internal/ingest/a.go", imp("internal/source/enclavelog"), "internal/ingest/a.go:2"},
		{"pure", arrowsPointDown, "internal/derive/sessions/a.go", imp("internal/columns"), "internal/derive/sessions/a.go:2"},
		{"test help", arrowsPointDown, "internal/app/a.go", imp("internal/testkit"), "internal/app/a.go:2"},
		{"unknown room", arrowsPointDown, "internal/attic/a.go", "import \"" + module + "\"", "internal/attic/a.go:2"},
		{"vocabulary", arrowsPointDown, "internal/lake/a.go", "import \"" + module + "\"", ""},
		{"arrow", librariesHaveOneOwner, "internal/lake/a.go", `import "github.com/apache/arrow-go/v18/arrow"`, "internal/lake/a.go:2"},
		{"arrow at home", librariesHaveOneOwner, "internal/columns/a.go", `import "github.com/apache/arrow-go/v18/arrow"`, ""},
		{"library in the vocabulary", librariesHaveOneOwner, "a.go", `import "example.com/x"`, "a.go:2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := parse(tt.file, "package a\n"+tt.body)
			if err != nil {
				t.Fatal(err)
			}
			expectOne(t, tt.rule(s), tt.want)
		})
	}
}

func imp(folder string) string { return `import "` + module + "/" + folder + `"` }

func expectOne(t *testing.T, got []finding, want string) {
	t.Helper()
	if want == "" && len(got) > 0 {
		t.Fatalf("found %v", got)
	}
	if want != "" && (len(got) != 1 || got[0].place != want || got[0].reason == "") {
		t.Fatalf("found %v, want one finding at %s", got, want)
	}
}

func TestDocumentRulesFind(t *testing.T) {
	s, err := parse("internal/a/a_test.go", "package a\nfunc TestHere(t *testing.T) {}")
	if err != nil {
		t.Fatal(err)
	}
	head := "| promise | test |\n|---|---|\n"
	expectOne(t, promises(head+"| it holds | `internal/a.TestHere` |", []source{s}), "")
	expectOne(t, promises(head+"| it holds | `internal/a.TestGone` |", []source{s}), "docs/PROMISES.md:3")
	expectOne(t, promises(head+"| it holds | trust us |", []source{s}), "docs/PROMISES.md:3")

	gomod := "require (\n\texample.com/x v1.2.3\n\texample.com/y v1.0.0 // indirect\n)\n"
	expectOne(t, dependencies(gomod, "| `example.com/x` | v1.2.3 | MIT | for x |"), "")
	expectOne(t, dependencies(gomod, "| `example.com/x` | v1.2.2 | MIT | for x |"), "go.mod:2")

	exists := func(target string) bool { return target == "docs/a.md" }
	expectOne(t, linksOf("docs/b.md", "[a](a.md#part) [w](https://example.com) [p](#part)", exists), "")
	expectOne(t, linksOf("docs/b.md", "\n[a](../a.md)", exists), "docs/b.md:2")

	expectOne(t, machineWords("a.md", "see https://example.com/home/x/ and ../shared/data"), "")
	expectOne(t, machineWords("a.md", "\nsee /ro"+"ot/go/x"), "a.md:2")
	expectOne(t, machineWords("a.md", "GOPROXY"+"=https://x"), "a.md:1")
}

func TestPackageSizes(t *testing.T) {
	s, err := parse("a/a.go", "package a\n"+strings.Repeat("// x\n\n", maxPackageLines-1))
	if err != nil {
		t.Fatal(err)
	}
	expectOne(t, packageSizes([]source{s}), "")
	expectOne(t, packageSizes([]source{s, s}), "a")
}
