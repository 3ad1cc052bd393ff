package head

import (
	"strings"
	"testing"
	"testing/iotest"
)

// TestSkip wants the first bytes behind any white space, however they come.
func TestSkip(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing": {"", ""}, "blanks": {strings.Repeat(" \n", 100), ""}, "text": {"abc", "abc"}, "more than fits": {"abcdefghijkl", "abcdefgh"},
		"behind blanks": {strings.Repeat(" ", 100) + "abc", "abc"}, "across a piece": {strings.Repeat(" ", 7) + "abcdefghijkl", "abcdefgh"}, "behind a mark": {"\xef\xbb\xbf \t{", "{"},
	} {
		if got := Skip(iotest.OneByteReader(strings.NewReader(c.text)), make([]byte, 8)); string(got) != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
