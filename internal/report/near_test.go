package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// TestNear asks for reports that are not there and wants the names that were meant.
func TestNear(t *testing.T) {
	library, err := NewLibrary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"finding":      "did you mean findings",
		"client-usge":  "did you mean client-usage",
		"enclave":      "did you mean enclave-launches or enclave-usage",
		"WHO-touched":  "did you mean who-touched",
		"kms-by-imgae": "did you mean kms-by-image",
		"zzzzzzzz":     "there are acknowledgements, client-usage, ",
		"x":            "there are acknowledgements, client-usage, ",
	} {
		_, err := library.Report(name)
		if trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.HasPrefix(trailhouse.HintOf(err), want) {
			t.Errorf("%s: hint %q, want %q", name, trailhouse.HintOf(err), want)
		}
	}
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"ab", "ba", 2}, {"events", "events", 0}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
	if got := near("abcd", []string{"b", "abce", "abcd", "xabcdx", "ccc"}); !slices.Equal(got, []string{"abcd", "abce", "xabcdx"}) {
		t.Errorf("%q", got)
	}
}
