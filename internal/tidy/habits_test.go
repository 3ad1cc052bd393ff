package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"strings"
)

// The limits, from the better half of the code bases that were measured:
// facts/aesthetics.md 2.
const (
	maxFunctionLines = 60
	maxFileLines     = 500
	maxPackageLines  = 3000
)

// sizes limits functions and files. Tests are left out: a table of cases is long
// and easy to read.
func sizes(s source) []finding {
	if s.test {
		return nil
	}
	var out []finding
	if n := strings.Count(s.text, "\n"); n > maxFileLines {
		out = append(out, finding{s.name + ":1", fmt.Sprintf("file of %d lines", n),
			fmt.Sprintf("at most %d, so that one file is one concept", maxFileLines)})
	}
	for _, d := range s.tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && s.lines(f) > maxFunctionLines {
			out = append(out, finding{s.at(f), fmt.Sprintf("function %s of %d lines", f.Name, s.lines(f)),
				fmt.Sprintf("at most %d, so that a body fits a screen and a head", maxFunctionLines)})
		}
	}
	return out
}

// packageSizes limits packages, in lines that are not blank, without tests.
func packageSizes(sources []source) []finding {
	lines := map[string]int{}
	for _, s := range sources {
		if s.test {
			continue
		}
		for _, line := range strings.Split(s.text, "\n") {
			if strings.TrimSpace(line) != "" {
				lines[s.dir]++
			}
		}
	}
	var out []finding
	for dir, n := range lines {
		if n > maxPackageLines {
			out = append(out, finding{dir, fmt.Sprintf("package of %d lines", n),
				fmt.Sprintf("at most %d: a package that grows beyond hides a second one", maxPackageLines)})
		}
	}
	return out
}

// noInit refuses init functions.
func noInit(s source) []finding {
	var out []finding
	for _, d := range s.tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			out = append(out, finding{s.at(f), "init function", "order and presence of an init are invisible: build things in internal/app"})
		}
	}
	return out
}

// noMutableVariables refuses package variables but for those that nobody can
// change for the worse: sentinel errors, compiled expressions, embedded files,
// interface checks.
func noMutableVariables(s source) []finding {
	if s.test {
		return nil
	}
	var out []finding
	for _, d := range s.tree.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			v := spec.(*ast.ValueSpec)
			if !harmless(v, group) {
				out = append(out, finding{s.at(v), "package variable " + v.Names[0].Name,
					"shared state makes two houses in one process impossible: use a constant, or a function that returns the value"})
			}
		}
	}
	return out
}

// harmless reports whether a package variable is of the allowed kinds.
func harmless(v *ast.ValueSpec, group *ast.GenDecl) bool {
	if v.Names[0].Name == "_" || embedded(group.Doc) || embedded(v.Doc) {
		return true
	}
	if len(v.Values) != len(v.Names) {
		return false
	}
	for _, value := range v.Values {
		call, ok := value.(*ast.CallExpr)
		if !ok || (selector(call.Fun) != "errors.New" && selector(call.Fun) != "regexp.MustCompile") {
			return false
		}
	}
	return true
}

func embedded(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// selector returns pkg.Name of a selector expression, else "".
func selector(e ast.Expr) string {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := sel.X.(*ast.Ident); ok {
		return x.Name + "." + sel.Sel.Name
	}
	return ""
}

// uses calls fn for each mention of one of the names, such as time.Now.
func uses(s source, names string, fn func(n ast.Node, name string)) {
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if name := selector(sel); name != "" && strings.Contains(" "+names+" ", " "+name+" ") {
				fn(sel, name)
			}
		}
		return true
	})
}

// oneClock keeps the machine's clock in clock.go.
func oneClock(s source) []finding {
	if s.test || s.name == "clock.go" {
		return nil
	}
	var out []finding
	uses(s, "time.Now time.Since time.Until", func(n ast.Node, name string) {
		out = append(out, finding{s.at(n), name, "take a trailhouse.Clock, so that tests and the demo decide what time it is"})
	})
	return out
}

// noStrayContexts keeps contexts coming from above.
func noStrayContexts(s source) []finding {
	if s.test || s.dir == "internal/app" || strings.HasPrefix(s.dir, "cmd/") {
		return nil
	}
	var out []finding
	uses(s, "context.Background context.TODO", func(n ast.Node, name string) {
		out = append(out, finding{s.at(n), name, "a context made here cannot be cancelled from above: take one as the first parameter"})
	})
	return out
}

// onlyTheEdgeSpeaks keeps output, exits and logs at the edge: everything else
// returns errors and events.
func onlyTheEdgeSpeaks(s source) []finding {
	if s.test || strings.HasPrefix(s.dir, "cmd/") {
		return nil
	}
	var out []finding
	uses(s, "os.Exit os.Stdout os.Stderr log.Fatal log.Fatalf log.Printf log.Println fmt.Print fmt.Printf fmt.Println", func(n ast.Node, name string) {
		out = append(out, finding{s.at(n), name, "only cmd ends the process and names its streams: return an error or write to the io.Writer that was given"})
	})
	if s.dir == "internal/app" || s.dir == "internal/cli" {
		return out
	}
	s.imports(func(spec *ast.ImportSpec, p string) {
		if p == "log/slog" || p == "log" {
			out = append(out, finding{s.at(spec), "imports " + p, "errors are returned and logged once, at the edge"})
		}
	})
	return out
}

// onlyOurBugsPanic wants every panic to start with BUG:.
func onlyOurBugsPanic(s source) []finding {
	if s.test {
		return nil
	}
	var out []finding
	ast.Inspect(s.tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "panic" && !startsWithBug(call.Args) {
			out = append(out, finding{s.at(call), "panic without BUG:", "a panic is for our own mistakes; everything else is an error"})
		}
		return true
	})
	return out
}

// startsWithBug reports whether the first text of the arguments starts with BUG:.
func startsWithBug(args []ast.Expr) bool {
	if len(args) == 0 {
		return false
	}
	switch e := args[0].(type) {
	case *ast.BasicLit:
		return strings.HasPrefix(e.Value, `"BUG: `)
	case *ast.BinaryExpr:
		return startsWithBug([]ast.Expr{e.X})
	case *ast.CallExpr:
		return selector(e.Fun) == "fmt.Sprintf" && startsWithBug(e.Args)
	}
	return false
}

// exportedNamesAreExplained wants a comment on every exported name and package.
func exportedNamesAreExplained(s source) []finding {
	if s.test || s.tree.Name.Name == "main" {
		return nil
	}
	var out []finding
	missing := func(n ast.Node, name string) {
		out = append(out, finding{s.at(n), "exported " + name + " has no comment", "say units, errors and source where the reader meets the name"})
	}
	for _, d := range s.tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && receiverExported(d) && d.Doc == nil {
				missing(d, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if name, doc, ok := exportedSpec(spec); ok && doc == nil && d.Doc == nil {
					missing(spec, name)
				}
			}
		}
	}
	if path.Base(s.name) == "doc.go" && s.tree.Doc == nil {
		missing(s.tree, "package")
	}
	return out
}

// exportedSpec returns the name and comment of an exported type, variable or
// constant.
func exportedSpec(spec ast.Spec) (string, *ast.CommentGroup, bool) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		return spec.Name.Name, spec.Doc, spec.Name.IsExported()
	case *ast.ValueSpec:
		doc := spec.Doc
		if doc == nil {
			doc = spec.Comment
		}
		return spec.Names[0].Name, doc, spec.Names[0].IsExported()
	}
	return "", nil, false
}

func receiverExported(f *ast.FuncDecl) bool {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return true
	}
	e := f.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}
