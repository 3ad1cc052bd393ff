package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse/internal/aws"
)

// TestPathsOfThisMachine looks at sources that are files and folders.
func TestPathsOfThisMachine(t *testing.T) {
	dir := t.TempDir()
	file, empty := filepath.Join(dir, "x.log"), filepath.Join(dir, "empty")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file: "ok path (sources[1]): ", dir: "ok path (sources[1]): ", empty: "warn path (sources[1]): ", dir + "/nope": "fail path (sources[1]): " + dir + "/nope cannot be read",
		file + "/below": "fail path (sources[1]): ",
	} {
		all := table(examine(t, "sources: [{source: enclave-log, path: "+path+"}]\n", nil))
		if !strings.Contains(all, want) {
			t.Errorf("%s: no %q in\n%s", path, want, all)
		}
	}
}

// TestWhoWeAreIsDenied: that nobody may be told who we are keeps no permission from being
// tried, and is not laid on a role that nobody configured.
func TestWhoWeAreIsDenied(t *testing.T) {
	a := newAccount(t)
	a.proxy.Fail(without(aws.ActionGetCallerIdentity))
	all := examine(t, a.config, nil)
	bad := not(all)
	if len(bad) != 1 || bad[0].Result != Warn || bad[0].Action != aws.ActionGetCallerIdentity || strings.Contains(table(bad), "AssumeRole") || strings.Contains(table(bad), "bucket") {
		t.Errorf("\n%s", table(bad))
	}
	for _, action := range []string{aws.ActionListBucket, aws.ActionFilterLogEvents, aws.ActionPublish} {
		if !strings.Contains(table(all), "ok "+action+" (") {
			t.Errorf("%s was not tried:\n%s", action, table(all))
		}
	}
}
