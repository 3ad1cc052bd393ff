package clients

import (
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// matches is what the SQL of a pattern asks, in Go.
func (p pattern) matches(text string) bool {
	if p.regex == "" {
		return text == p.literal
	}
	return regexp.MustCompile(p.regex).MatchString(text)
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		glob, text string
		want       bool
	}{
		{"acme-*", "acme-tokenizer", true},
		{"acme-*", "Acme-tokenizer", false},
		{"acme-*", "the-acme-tokenizer", false},
		{"acme", "acme", true},
		{"acme", "acme2", false},
		{"a.c", "abc", false},
		{"/opt/*/kyc.eif", "/opt/eif/new/kyc.eif", true},
		{"ac?e", "acme", true},
		{"ac?e", "ac\u200be", true},
		{"ac?e", "ace", false},
		{"[a-c]x", "bx", true},
		{"[^a-c]x", "bx", false},
		{"[!a-c]x", "dx", true},
		{`[\]\-]`, "-", true},
		{"[&&a]", "&", true},
		{"[[:x]", "[", true},
		{`\*`, "*", true},
		{`\*`, "x", false},
		{"*", "two\nlines", true},
		{"a$", "a\n", false},
		{"(", "(", true},
	} {
		p, err := compileGlob(c.glob)
		if err != nil {
			t.Errorf("%q: %v", c.glob, err)
			continue
		}
		if got := p.matches(c.text); got != c.want {
			t.Errorf("%q on %q: %v, want %v (%s)", c.glob, c.text, got, c.want, p.regex)
		}
	}
	for _, bad := range []string{"[", "[]", "[]a]", "[a", "[a-]", "[-a]", "[z-a]", `\`, `[\`, "[^"} {
		if p, err := compileGlob(bad); err == nil {
			t.Errorf("%q was accepted as %q %q", bad, p.literal, p.regex)
		}
	}
}

// FuzzGlob compares with path.Match, which knows the same syntax but for two
// things: there * stops at a slash, and ! has no meaning in a class.
func FuzzGlob(f *testing.F) {
	for _, glob := range []string{"acme-*", "[a-c]?*", `\[x\]*`, "[^x]y", "a*b*c", "[&-~]"} {
		f.Add(glob, "acme-tokenizer")
	}
	f.Fuzz(func(t *testing.T, glob, text string) {
		if !utf8.ValidString(glob) || !utf8.ValidString(text) || strings.ContainsAny(glob+text, "/") || strings.Contains(glob, "[!") {
			t.Skip()
		}
		want, bad := path.Match(glob, text)
		p, err := compileGlob(glob)
		if err != nil {
			// path.Match lets a range that goes downwards match nothing.
			if bad == nil && !strings.Contains(glob, "-") {
				t.Fatalf("%q refused: %v", glob, err)
			}
			return
		}
		if bad != nil {
			t.Fatalf("%q accepted as %q", glob, p.regex)
		}
		if got := p.matches(text); got != want {
			t.Fatalf("%q on %q: %v, want %v (%s)", glob, text, got, want, p.regex)
		}
	})
}
