package tidy

import (
	"strings"
	"testing"
)

// TestTidy holds the whole tree to every rule. Each finding is a failure of its
// own: file:line, what is wrong, and the reason of the rule.
func TestTidy(t *testing.T) {
	sources := load(t)
	perFile := map[string]func(source) []finding{
		"Sizes":      sizes,
		"Init":       noInit,
		"Variables":  noMutableVariables,
		"Clock":      oneClock,
		"Contexts":   noStrayContexts,
		"Panics":     onlyOurBugsPanic,
		"Output":     onlyTheEdgeSpeaks,
		"Comments":   exportedNamesAreExplained,
		"Arrows":     arrowsPointDown,
		"Belongings": librariesHaveOneOwner,
	}
	for name, rule := range perFile {
		t.Run(name, func(t *testing.T) {
			for _, s := range sources {
				report(t, rule(s))
			}
		})
	}
	t.Run("Packages", func(t *testing.T) { report(t, packageSizes(sources)) })
	t.Run("LongTests", func(t *testing.T) {
		for _, s := range sources {
			if n := strings.Count(s.text, "\n"); s.test && n > maxFileLines {
				t.Logf("%s: %d lines: a test may be that long, a reader may not like it", s.name, n)
			}
		}
	})
	t.Run("Links", func(t *testing.T) { report(t, deadLinks(t)) })
	t.Run("Dependencies", func(t *testing.T) { report(t, dependencies(read(t, "go.mod"), read(t, "docs/dependencies.md"))) })
	t.Run("Promises", func(t *testing.T) { report(t, promises(read(t, "docs/PROMISES.md"), sources)) })
	t.Run("Words", func(t *testing.T) {
		for _, name := range tracked(t) {
			report(t, machineWords(name, read(t, name)))
		}
	})
}

func report(t *testing.T, findings []finding) {
	t.Helper()
	for _, f := range findings {
		t.Error(f)
	}
}
