package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// TestTwoOfAKind: of two sources or targets of one principal the second is looked at as
// the first is, also where bucket, region, host and user are the same.
func TestTwoOfAKind(t *testing.T) {
	a := newAccount(t)
	testkit.Put(t, a.proxy.URL, a.bucket, "tree/x.log", "x")
	s3 := func(prefix string) string {
		return fmt.Sprintf(`{source: enclave-log, path: "s3://%s/%s"}`, a.bucket, prefix)
	}
	target := func(kind string) string {
		return "{name: %s, report: client-usage, target: {" + kind + "}}"
	}
	cases := []struct {
		name, section, first, second string
		denied                       func(r *http.Request) string // the permission that a request lacks
		want                         string
	}{
		{
			"log groups", "sources", `{source: enclave-log, log_group: "/aws/nitro*"}`, `{source: enclave-log, log_group: /aws/gone}`,
			nil, "fail logs:DescribeLogGroups (sources[2]): there is no log group /aws/gone",
		},
		{"folders", "sources", s3("AWSLogs"), s3("tree"), func(r *http.Request) string {
			if actionOf(r) == "s3:ListBucket" && strings.HasPrefix(r.URL.Query().Get("prefix"), "tree") {
				return "s3:ListBucket"
			}
			return ""
		}, "fail s3:ListBucket (sources[2])"},
		{
			"buckets", "deliver", fmt.Sprintf(target("s3: {bucket: %s, prefix: a}"), "a", a.bucket), fmt.Sprintf(target("s3: {bucket: %s, prefix: b}"), "b", a.bucket),
			func(r *http.Request) string {
				if actionOf(r) == "s3:PutObject" && strings.Contains(r.URL.Path, "/b/") {
					return "s3:PutObject"
				}
				return ""
			}, "fail s3:PutObject (deliver[2])",
		},
		{
			"keys of one folder", "deliver", fmt.Sprintf(target("s3: {bucket: %s}"), "a", a.bucket), fmt.Sprintf(target("s3: {bucket: %s, kms_key_id: alias/no}"), "b", a.bucket),
			func(r *http.Request) string {
				if r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") != "" {
					return "kms:GenerateDataKey"
				}
				return ""
			}, "[kms:GenerateDataKey]",
		},
		{
			"topics", "deliver", fmt.Sprintf(target("sns: {topic_arn: %q}"), "a", a.topic), fmt.Sprintf(target("sns: {topic_arn: %q}"), "b", a.topic+"x"),
			nil, "fail sns:GetTopicAttributes (deliver[2])",
		},
		{
			"directories", "deliver", fmt.Sprintf(target("directory: reports"), "a"), fmt.Sprintf(target("directory: trailhouse.yaml/x"), "b"),
			nil, "fail directory (deliver[2])",
		},
		{
			"mail", "deliver", fmt.Sprintf(target("mail: {host: h, user: u, password_env: HOME, from: a@x.example, to: [b@x.example]}"), "a"),
			fmt.Sprintf(target("mail: {host: h, user: u, password_file: nowhere, from: a@x.example, to: [b@x.example]}"), "b"),
			nil, "fail mail (deliver[2]): the password of h cannot be read",
		},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			allowed := without("")
			a.proxy.Fail(func(n int, r *http.Request) testkit.Fault {
				if tt.denied != nil {
					if action := tt.denied(r); action != "" {
						return deny(action)
					}
				}
				return allowed(n, r)
			})
			text := fmt.Sprintf("aws: {endpoint: %q, region: us-east-1}\n%s:\n  - %s\n  - %s\n", a.proxy.URL, tt.section, tt.first, tt.second)
			all := examine(t, text, func(o *Options) {
				o.Greet = func(_ context.Context, m config.MailTarget) error { _, err := m.Password(); return err }
			})
			if bad := not(all); len(bad) == 0 || !strings.Contains(table(bad), tt.want) || strings.Contains(table(bad), "NoSuchKey") || strings.Contains(table(bad), tt.section+"[1]") {
				t.Errorf("no %q in\n%s", tt.want, table(all))
			}
		})
	}
}
