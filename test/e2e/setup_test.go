package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse/internal/testkit"
)

// TestSetUpIsChecked holds what the program writes against the real cfn-lint, and its
// agent's configuration against its own check.
func TestSetUpIsChecked(t *testing.T) {
	h := newHouse(t)
	h.must(0, "setup", "aws", "-o", "stack.yaml")
	lint := exec.CommandContext(t.Context(), testkit.CfnLint(t), "--", filepath.Join(h.cwd, "stack.yaml"))
	if said, err := lint.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("cfn-lint: %v\n%s", err, said)
	}
	agent := h.must(0, "setup", "cloudwatch-agent", "--weeks", "13").out
	if err := os.WriteFile(filepath.Join(h.cwd, "agent.json"), []byte(agent), 0o600); err != nil {
		t.Fatal(err)
	}
	h.must(0, "setup", "cloudwatch-agent", "--weeks", "13", "--check", "agent.json")
	if said := h.must(1, "setup", "cloudwatch-agent", "--weeks", "52", "--check", "agent.json").out; !strings.Contains(said, "retention_in_days") {
		t.Errorf("a longer look-back:\n%s", said)
	}
}

// TestDoctorNamesTheMissingPermission runs the binary in an account in which everything is
// allowed, and then one thing less at a time: it names that, and nothing else.
func TestDoctorNamesTheMissingPermission(t *testing.T) {
	server := testkit.Moto(t)
	proxy, bucket := testkit.NewProxy(t, server), testkit.Bucket(t, server)
	testkit.Put(t, server, bucket, "AWSLogs/x.json.gz", "x")
	group := testkit.LogGroup(t, server, "/aws/nitro/")
	testkit.LogStream(t, server, group, "i-0a1b2c3d4e5f60718")
	t.Setenv("AWS_ENDPOINT_URL_STS", proxy.URL)
	h := newHouse(t)
	h.config = filepath.Join(h.cwd, "trailhouse.yaml")
	text := fmt.Sprintf(`
aws: {endpoint: %q, region: us-east-1}
sources:
  - {source: cloudtrail, path: "s3://%s/AWSLogs"}
  - {source: enclave-log, log_group: %q}
`, proxy.URL, bucket, group)
	if err := os.WriteFile(h.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	type check struct {
		Result             string
		Action             string `json:"missing_action"`
		Account, Principal string
	}
	logs := func(action string) func(*http.Request) bool {
		return func(r *http.Request) bool { return testkit.IsLogs(r, action) }
	}
	listing := func(r *http.Request) bool { return r.URL.Query().Get("list-type") == "2" }
	refused := testkit.LogsError(400, "AccessDeniedException", "not authorized")
	for action, denial := range map[string]struct {
		asks func(*http.Request) bool
		with testkit.Fault
	}{
		"":                       {func(*http.Request) bool { return false }, nil},
		"s3:ListBucket":          {listing, testkit.S3Error(403, "AccessDenied")},
		"s3:GetObject":           {func(r *http.Request) bool { return r.Method == http.MethodGet && !listing(r) }, testkit.S3Error(403, "AccessDenied")},
		"logs:DescribeLogGroups": {logs("DescribeLogGroups"), refused}, "logs:DescribeLogStreams": {logs("DescribeLogStreams"), refused},
		"logs:FilterLogEvents": {logs("FilterLogEvents"), refused},
	} {
		proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
			if denial.asks(r) {
				return denial.with
			}
			return nil
		})
		o := h.try("doctor", "--json")
		var missing []string
		for _, c := range decode[[]check](t, o.out) {
			if c.Action != "" {
				missing = append(missing, c.Action)
				if c.Account != "123456789012" || !strings.HasPrefix(c.Principal, "arn:aws:") || c.Result != "fail" {
					t.Errorf("%+v", c)
				}
			} else if c.Result == "fail" {
				t.Errorf("without %q: %+v", action, c)
			}
		}
		want := map[bool]int{true: 1, false: 3}[action != ""] // 3: the host of this account has written nothing yet
		if strings.Join(missing, " ") != action || o.code != want {
			t.Errorf("without %q: missing %v, exit code %d\n%s", action, missing, o.code, o.out)
		}
	}
}
