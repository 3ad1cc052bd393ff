package tidy

import (
	"go/ast"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// deadLinks checks that relative links of Markdown files lead somewhere.
func deadLinks(t *testing.T) []finding {
	var out []finding
	for _, name := range tracked(t) {
		if strings.HasSuffix(name, ".md") {
			out = append(out, linksOf(name, read(t, name), func(target string) bool {
				_, err := os.Stat(filepath.Join(root(), target))
				return err == nil
			})...)
		}
	}
	return out
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// linksOf returns the relative links of one Markdown text whose target is not
// there.
func linksOf(name, text string, exists func(string) bool) []finding {
	var out []finding
	for i, line := range strings.Split(text, "\n") {
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			u, err := url.Parse(m[1])
			if err != nil || u.Scheme != "" || u.Path == "" {
				continue
			}
			if target := path.Join(path.Dir(name), u.Path); !exists(target) {
				out = append(out, finding{place(name, i), "link to " + m[1] + " leads nowhere", "a dead link is a page that lies"})
			}
		}
	}
	return out
}

func place(name string, line int) string { return name + ":" + strconv.Itoa(line+1) }

var requirement = regexp.MustCompile(`^\s+(\S+) (v\S+)$`)

// dependencies checks that each direct dependency of go.mod has its line, with its
// version, in docs/dependencies.md.
func dependencies(gomod, page string) []finding {
	var out []finding
	for i, line := range strings.Split(gomod, "\n") {
		m := requirement.FindStringSubmatch(line)
		if m == nil {
			continue // indirect ones end in a comment
		}
		if !strings.Contains(page, "`"+m[1]+"` | "+m[2]+" |") {
			out = append(out, finding{place("go.mod", i), m[1] + " " + m[2] + " has no line in docs/dependencies.md",
				"a dependency is a promise to read its releases: write down reason, licence and version"})
		}
	}
	return out
}

var reference = regexp.MustCompile("`([a-z][a-z0-9_/]*|\\.)\\.((?:Test|Fuzz|Benchmark)\\w+)`")

// promises checks that each line of the table in docs/PROMISES.md names tests that
// exist, as `folder.TestName`.
func promises(page string, sources []source) []finding {
	tests := testNames(sources)
	var out []finding
	for i, line := range strings.Split(page, "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|-") || strings.HasPrefix(line, "| promise") {
			continue
		}
		refs := reference.FindAllStringSubmatch(line, -1)
		if len(refs) == 0 {
			out = append(out, finding{place("docs/PROMISES.md", i), "a promise without a test", "a promise that nothing checks is a wish"})
		}
		for _, m := range refs {
			if !tests[m[1]+"."+m[2]] {
				out = append(out, finding{place("docs/PROMISES.md", i), "there is no test " + m[2] + " in " + m[1], "a promise names the test that holds it"})
			}
		}
	}
	return out
}

// testNames returns the tests of the tree as folder.TestName.
func testNames(sources []source) map[string]bool {
	out := map[string]bool{}
	for _, s := range sources {
		for _, d := range s.tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				out[s.dir+"."+f.Name.Name] = true
			}
		}
	}
	return out
}

// words that only one machine understands: home directories and private mirrors of
// registries. The patterns are broken up so that they do not match this file.
var machine = regexp.MustCompile(`(^|[\s"'=:(])/(` + `root|work|home/[a-z]+|Users/[A-Za-z]+` + `)/` +
	`|\b(` + `goproxy|nexus|artifactory|verdaccio` + `)[.-][a-z0-9.-]+\.[a-z]+\b|GOPROXY` + `=http`)

// machineWords refuses paths of one machine and host names of registries.
func machineWords(name, text string) []finding {
	if !utf8.ValidString(text) || strings.Contains(name, "testdata/") {
		return nil
	}
	var out []finding
	for i, line := range strings.Split(text, "\n") {
		if word := machine.FindString(line); word != "" {
			out = append(out, finding{place(name, i), "names " + strings.TrimSpace(word), "a path or registry of one machine means nothing on another"})
		}
	}
	return out
}
