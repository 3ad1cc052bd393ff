package enclavelog

import (
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

func TestHoles(t *testing.T) {
	bad := strings.Replace(third, "completed", "\x00", 1)
	for _, c := range []struct{ name, content, from, through string }{
		{"between", first + second + bad + third, "2025-11-03T08:00:02.421Z", "2025-11-03T09:30:00.147Z"},
		{"at the beginning", bad + third, "", "2025-11-03T09:30:00.147Z"},
		{"at the end", first + second + bad, "2025-11-03T08:00:02.421Z", "modified"},
		{"twice", first + bad + second + bad + third, "2025-11-03T08:00:00.012Z", "2025-11-03T09:30:00.147Z"},
		{"in one millisecond", first + bad + first, "2025-11-03T08:00:00.012Z", "2025-11-03T08:00:00.013Z"},
		{"only the rest of a record", "rest of it\n" + first + second, "2025-11-03T08:00:00.012Z", "2025-11-03T08:00:00.012Z"},
		{"nothing else", bad, "", "modified"},
	} {
		m, err := read(t, host+"/nitro.log", c.content, Options{})
		if err != nil || len(m.covered) != 2 {
			t.Errorf("%s: %v, %v", c.name, err, m.covered)
			continue
		}
		got := m.covered[1]
		if got.Result != trailhouse.CoverageDamaged || got.Scope != host || got.Source != Name || got.Detail == "" {
			t.Errorf("%s: %v", c.name, got)
		}
		from, through := "", got.Through.Format("2006-01-02T15:04:05.000Z")
		if !got.From.IsZero() {
			from = got.From.Format("2006-01-02T15:04:05.000Z")
		}
		if c.through == "modified" && got.Through.Year() > 2025 {
			through = c.through
		}
		if from != c.from || through != c.through {
			t.Errorf("%s: from %q to %q, want %q to %q", c.name, from, through, c.from, c.through)
		}
	}
}
