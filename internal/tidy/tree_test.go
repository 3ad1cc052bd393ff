package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// module is the import path that ours start with.
const module = "github.com/trailhouse/trailhouse"

// source is one parsed Go file.
type source struct {
	dir  string // directory relative to the root, "." for the root
	name string // path relative to the root
	test bool
	fset *token.FileSet
	tree *ast.File
	text string
}

// at returns the place of a node as file:line.
func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.name, s.fset.Position(n.Pos()).Line)
}

// lines returns how many lines a node covers.
func (s source) lines(n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

// imports calls fn for each import with its path.
func (s source) imports(fn func(spec *ast.ImportSpec, path string)) {
	for _, spec := range s.tree.Imports {
		fn(spec, strings.Trim(spec.Path.Value, `"`))
	}
}

// finding is one broken rule.
type finding struct {
	place, what, reason string
}

func (f finding) String() string { return f.place + ": " + f.what + " (" + f.reason + ")" }

// parse reads one Go file from text; name is relative to the root.
func parse(name, text string) (source, error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, name, text, parser.ParseComments)
	return source{
		dir: filepath.ToSlash(filepath.Dir(name)), name: name, test: isTest(name),
		fset: fset, tree: tree, text: text,
	}, err
}

// isTest reports whether a file is no product code: a test, the benchmarks in test/,
// the fakes in testkit.
func isTest(name string) bool {
	return strings.HasSuffix(name, "_test.go") || within(name, "test") || within(name, "internal/testkit")
}

// root returns the directory of go.mod.
func root() string { return filepath.Join("..", "..") }

// load parses every Go file of the tree.
func load(t *testing.T) []source {
	t.Helper()
	var out []source
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".go") || strings.Contains(name, "testdata/") {
			continue
		}
		s, err := parse(name, read(t, name))
		if err != nil {
			t.Errorf("%s: does not parse: %v", name, err)
			continue
		}
		out = append(out, s)
	}
	return out
}

// read returns a file's text.
func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// tracked returns the files of the repository, relative to the root: what git
// tracks and still exists, or every file outside build outputs where there is no
// git.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root()
	listed, err := cmd.Output()
	if err != nil || len(listed) == 0 {
		return walked(t)
	}
	var out []string
	for _, name := range strings.Split(strings.TrimRight(string(listed), "\x00"), "\x00") {
		if _, err := os.Stat(filepath.Join(root(), name)); err == nil {
			out = append(out, name)
		}
	}
	return out
}

// walked returns every file below the root without hidden and output directories.
func walked(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root()+string(filepath.Separator)))
		if d.IsDir() && (name == ".git" || name == ".bin" || name == "bin" || name == "demo-data") {
			return filepath.SkipDir
		}
		if !d.IsDir() {
			out = append(out, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
