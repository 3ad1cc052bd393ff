package testkit

import (
	"os"
	"path/filepath"
	"testing"
)

// CfnLintVersion is the version of cfn-lint that templates are checked with. `make
// test-tools` installs it.
const CfnLintVersion = "1.58.0"

// CfnLint returns the program cfn-lint. Without it the test is skipped, unless TEST_TOOLS
// is "required", which `make test` sets.
func CfnLint(t *testing.T) string {
	t.Helper()
	program := filepath.Join(root(), ".bin", "cfn-lint-"+CfnLintVersion, "bin", "cfn-lint")
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("TEST_TOOLS") == "required" {
			t.Fatalf("cfn-lint is not installed: run make test-tools (%v)", err)
		}
		t.Skip("cfn-lint is not installed: run make test-tools")
	}
	return program
}
