package access

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse/internal/config"
)

// load reads a configuration as the program does.
func load(t *testing.T, text string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, config.FileName)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Input{File: file, Environ: []string{"HOME=" + dir}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// line is a need on one line.
func (n Need) line() string {
	text := n.Place + " " + n.Principal() + ": " + n.Action + " " + strings.Join(n.Resources, ",")
	if len(n.Prefixes) > 0 {
		text += " if " + strings.Join(n.Prefixes, ",")
	}
	return text
}

func TestNeeds(t *testing.T) {
	const audit = "arn:aws:iam::111122223333:role/Audit"
	cases := []struct{ name, config, want string }{
		{"nothing", "", ""},
		{"files", "sources: [{source: cloudtrail, path: /trails}]", ""},
		{"a whole bucket", "sources: [{source: cloudtrail, path: s3://trail}]", `
			sources[1] default credentials: s3:ListBucket arn:aws:s3:::trail
			sources[1] default credentials: s3:GetObject arn:aws:s3:::trail/*`},
		{"a folder, with and without its slash", "sources: [{source: cloudtrail, path: s3://trail/a/b}, {source: cloudtrail, path: s3://trail/c/}]", `
			sources[1] default credentials: s3:ListBucket arn:aws:s3:::trail if a/b/,a/b/*
			sources[1] default credentials: s3:GetObject arn:aws:s3:::trail/a/b/*
			sources[2] default credentials: s3:ListBucket arn:aws:s3:::trail if c/,c/*
			sources[2] default credentials: s3:GetObject arn:aws:s3:::trail/c/*`},
		{"one object", "sources: [{source: cloudtrail, path: s3://trail/a/b.json.gz}]", `
			sources[1] default credentials: s3:GetObject arn:aws:s3:::trail/a/b.json.gz`},
		{"China", "sources: [{source: cloudtrail, path: s3://trail/a.gz, region: cn-north-1}]", `
			sources[1] default credentials: s3:GetObject arn:aws-cn:s3:::trail/a.gz`},
		{"a role and a profile", `
aws: {profile: desk}
sources:
  - {source: cloudtrail, path: s3://trail/a.gz, role_arn: ` + audit + `}
  - {source: cloudtrail, path: s3://trail/b.gz, role_arn: ` + audit + `, external_id: x}
  - {source: cloudtrail, path: s3://trail/c.gz}`, `
			sources[1] default credentials: sts:AssumeRole ` + audit + `
			sources[1] ` + audit + `: s3:GetObject arn:aws:s3:::trail/a.gz
			sources[2] ` + audit + `: s3:GetObject arn:aws:s3:::trail/b.gz
			sources[3] profile desk: s3:GetObject arn:aws:s3:::trail/c.gz`},
		{"log groups", `
aws: {region: eu-west-1}
sources:
  - {source: enclave-log, log_group: /aws/nitro/*}
  - {source: enclave-log, log_group: /mine, regions: [cn-north-1, eu-west-3], role_arn: ` + audit + `}`, `
			sources[1] default credentials: logs:DescribeLogGroups arn:aws:logs:eu-west-1:*:log-group:*
			sources[1] default credentials: logs:DescribeLogStreams arn:aws:logs:eu-west-1:*:log-group:/aws/nitro/*:*
			sources[1] default credentials: logs:FilterLogEvents arn:aws:logs:eu-west-1:*:log-group:/aws/nitro/*:*
			sources[2] default credentials: sts:AssumeRole ` + audit + `
			sources[2] ` + audit + `: logs:DescribeLogGroups arn:aws-cn:logs:cn-north-1:111122223333:log-group:*
			sources[2] ` + audit + `: logs:DescribeLogStreams arn:aws-cn:logs:cn-north-1:111122223333:log-group:/mine:*
			sources[2] ` + audit + `: logs:FilterLogEvents arn:aws-cn:logs:cn-north-1:111122223333:log-group:/mine:*
			sources[2] ` + audit + `: logs:DescribeLogGroups arn:aws:logs:eu-west-3:111122223333:log-group:*
			sources[2] ` + audit + `: logs:DescribeLogStreams arn:aws:logs:eu-west-3:111122223333:log-group:/mine:*
			sources[2] ` + audit + `: logs:FilterLogEvents arn:aws:logs:eu-west-3:111122223333:log-group:/mine:*`},
		{"deliveries", `
deliver:
  - name: usage
    report: client-usage
    target:
      directory: /reports
      s3: {bucket: reports, prefix: usage/}
      sns: {topic_arn: "arn:aws:sns:eu-west-1:111122223333:ready"}
  - name: own
    report: client-usage
    targets:
      - s3: {bucket: reports, kms_key_id: "arn:aws:kms:eu-west-1:111122223333:key/k"}
      - s3: {bucket: more, region: eu-west-3, kms_key_id: alias/mine}`, `
			deliver[1] default credentials: s3:GetObject arn:aws:s3:::reports/usage/*
			deliver[1] default credentials: s3:PutObject arn:aws:s3:::reports/usage/*
			deliver[1] default credentials: sns:GetTopicAttributes arn:aws:sns:eu-west-1:111122223333:ready
			deliver[1] default credentials: sns:Publish arn:aws:sns:eu-west-1:111122223333:ready
			deliver[2] default credentials: s3:GetObject arn:aws:s3:::reports/*
			deliver[2] default credentials: s3:PutObject arn:aws:s3:::reports/*
			deliver[2] default credentials: kms:Decrypt arn:aws:kms:eu-west-1:111122223333:key/k
			deliver[2] default credentials: kms:GenerateDataKey arn:aws:kms:eu-west-1:111122223333:key/k
			deliver[2] default credentials: s3:GetObject arn:aws:s3:::more/*
			deliver[2] default credentials: s3:PutObject arn:aws:s3:::more/*
			deliver[2] default credentials: kms:Decrypt arn:aws:kms:eu-west-3:*:key/*
			deliver[2] default credentials: kms:GenerateDataKey arn:aws:kms:eu-west-3:*:key/*`},
		{"topics of clients", `
clients: [{client: acme, name: "acme-*"}, {client: zeta, name: "z*"}]
deliver:
  - name: each
    report: client-usage
    for_each_client: true
    target: {sns: {topic_arn: "arn:aws:sns:eu-west-1:111122223333:b"}}
    clients:
      acme: {topic_arn: "arn:aws:sns:eu-west-1:111122223333:a"}`, `
			deliver[1] default credentials: sns:GetTopicAttributes arn:aws:sns:eu-west-1:111122223333:a
			deliver[1] default credentials: sns:Publish arn:aws:sns:eu-west-1:111122223333:a
			deliver[1] default credentials: sns:GetTopicAttributes arn:aws:sns:eu-west-1:111122223333:b
			deliver[1] default credentials: sns:Publish arn:aws:sns:eu-west-1:111122223333:b`},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, n := range Needs(load(t, tt.config)) {
				got = append(got, n.line())
			}
			want := strings.ReplaceAll(strings.TrimSpace(tt.want), "\n\t\t\t", "\n")
			if strings.Join(got, "\n") != want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
			}
		})
	}
}

// TestNeedsOfLogsInBuckets: whether an address is a folder or one object is for a listing to
// say, which asks for the address as it is.
func TestNeedsOfLogsInBuckets(t *testing.T) {
	for path, want := range map[string]string{
		"s3://logs":      "s3:ListBucket arn:aws:s3:::logs|s3:GetObject arn:aws:s3:::logs/*",
		"s3://logs/a/b/": "s3:ListBucket arn:aws:s3:::logs if a/b/,a/b/*|s3:GetObject arn:aws:s3:::logs/a/b/*",
		"s3://logs/a/x.gz": "s3:ListBucket arn:aws:s3:::logs if a/x.gz/,a/x.gz/*,a/x.gz|" +
			"s3:GetObject arn:aws:s3:::logs/a/x.gz/*,arn:aws:s3:::logs/a/x.gz",
	} {
		var got []string
		for _, n := range Needs(&config.Config{Sources: []config.Source{{Source: "enclave-log", Path: path}}}) {
			got = append(got, strings.TrimPrefix(n.line(), "sources[1] default credentials: "))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: %s", path, strings.Join(got, "|"))
		}
	}
}
