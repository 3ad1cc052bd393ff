package aws

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOperationsNameEveryAction holds that there is one table: no action of IAM is named
// in this package that it does not have, and each request has its permission and reason.
func TestOperationsNameEveryAction(t *testing.T) {
	known := map[string]bool{}
	for _, o := range Operations() {
		known[o.Action] = true
		if o.Request == "" || o.Purpose == "" || !action.MatchString(`"`+o.Action+`"`) {
			t.Errorf("%+v", o)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range action.FindAllStringSubmatch(string(text), -1) {
			if !known[m[1]] {
				t.Errorf("%s names %s, which Operations does not have", file, m[1])
			}
		}
	}
}

var action = regexp.MustCompile(`"([a-z0-9]+:[A-Z][A-Za-z]+)"`)
