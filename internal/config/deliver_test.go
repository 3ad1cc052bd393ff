package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// deliverConfig loads a file with deliveries and two clients.
func deliverConfig(t *testing.T, deliver string, environ ...string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	text := "clients:\n  - {client: acme, name: \"a*\"}\n  - {client: zeta, name: \"z*\"}\ndeliver:\n" + deliver
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(Input{Dir: dir, Environ: append([]string{"HOME=" + dir}, environ...)})
}

func TestDeliverForms(t *testing.T) {
	c, err := deliverConfig(t, `
  - name: daily
    report: client-usage
    parameters: {limit: 5}
    format: json
    schedule: daily
    target: {directory: out}
  - name: many
    reports: [host-pool, {report: who-touched, argument: ledger, as: ledger}]
    formats: [csv, table]
    targets:
      - s3: {bucket: b}
        sns: {topic_arn: "arn:aws:sns:eu-west-1:111122223333:reports"}
      - mail: {host: mail.example.com, from: a@example.com, to: b@example.com, user: u, password_env: PW}
`, "PW=hush")
	if err != nil {
		t.Fatal(err)
	}
	one, two := c.Deliver[0], c.Deliver[1]
	if len(one.Reports) != 1 || one.Reports[0].Report != "client-usage" || one.Parameters["limit"] != "5" || one.Formats[0] != "json" ||
		one.Target.Directory.Path != filepath.Join(filepath.Dir(c.File()), "out") {
		t.Errorf("%+v", one)
	}
	var kinds []string
	for _, k := range two.Kinds() {
		kinds = append(kinds, k.Kind())
	}
	if fmt.Sprint(kinds) != "[s3 sns mail]" || two.Reports[0].Report != "host-pool" || two.Reports[1].As != "ledger" {
		t.Errorf("%v %+v", kinds, two)
	}
	mail := two.Kinds()[2].Mail
	if pw, err := mail.Password(); err != nil || string(pw) != "hush" || mail.TLS != "starttls" || len(mail.To) != 1 {
		t.Errorf("%+v: %v", mail, err)
	}
	if text := fmt.Sprintf("%v %+v %#v", mail, c.Deliver, mail); strings.Contains(text, "hush") {
		t.Errorf("the password is shown: %s", text)
	}
	c.AWS.Endpoint = "https://aws.example"
	topic := two.Kinds()[1].SNS
	if a := c.AccessSNS(topic); a.Region != "eu-west-1" || a.Endpoint != "https://aws.example" {
		t.Errorf("region %q, endpoint %q", a.Region, a.Endpoint)
	}
	topic.Endpoint = "https://sns.example"
	if a := c.AccessSNS(topic); a.Endpoint != topic.Endpoint {
		t.Errorf("endpoint %q", a.Endpoint)
	}
}

func TestDeliverErrors(t *testing.T) {
	const head = "  - name: d\n    report: events\n    target: "
	tests := []struct{ name, deliver, want string }{
		{"no name", "  - report: x\n    target: {directory: d}\n", "deliver[1].name"},
		{"two of a name", head + "{directory: d}\n" + head + "{directory: d}\n", "yaml:8: deliver[2].name: there are two"},
		{"no report", "  - name: d\n    target: {directory: d}\n", "deliver[1].report: is missing"},
		{"both", "  - name: d\n    report: x\n    reports: [y]\n    target: {directory: d}\n", "yaml:7: deliver[1].reports"},
		{"twice", "  - name: d\n    reports: [y, y]\n    target: {directory: d}\n", "y is there twice"},
		{"no target", "  - name: d\n    report: x\n", "deliver[1].target: is missing"},
		{"format", head + "{directory: d}\n    format: xlsx\n", `"xlsx" is not one of`},
		{"bucket", head + "{s3: {bucket: s3://b/p}}\n", "s3.bucket"},
		{"topic", head + "{sns: {topic_arn: reports}}\n", "sns.topic_arn"},
		{"link", head + "{sns: {topic_arn: \"arn:aws:sns:eu-west-1:111122223333:r\", link_expires: 200h}}\n", "168h"},
		{"mail host", head + "{mail: {from: a@b}}\n", "mail.host"},
		{"mail to", head + "{mail: {host: h, from: a@b}}\n", "nobody would get"},
		{"mail tls", head + "{mail: {host: h, from: a@b, to: c@d, tls: maybe}}\n", "mail.tls"},
		{"user alone", head + "{mail: {host: h, from: a@b, to: c@d, user: u}}\n", "never stands in this file"},
		{"user in the clear", head + "{mail: {host: h, from: a@b, to: c@d, user: u, password_env: P, tls: none}}\n", "never sent without TLS"},
		{"password", head + "{mail: {host: h, from: a@b, to: c@d, password: x}}\n", "password: unknown key"},
		{"role", head + "{s3: {bucket: b, role_arn: x}}\n", "s3.role_arn"},
		{"client", head + "{directory: d}\n    for_each_client: true\n    clients: {nobody: {to: x@y}}\n", `no rule of clients names "nobody"`},
		{"client alone", head + "{directory: d}\n    clients: {acme: {to: x@y}}\n", "for_each_client"},
		{"client parameter", head + "{directory: d}\n    for_each_client: true\n    parameters: {client: x}\n", "deliver[1].parameters"},
		{"nobody for a client", head + "{mail: {host: h, from: a@b, to: c@d}}\n    for_each_client: true\n    clients:\n      acme:\n        to: []\n", "yaml:11: deliver[1].clients.acme.to: names nobody"},
		{"mail of a client without mail", head + "{directory: d}\n    for_each_client: true\n    clients: {acme: {to: x@y}}\n", "clients.acme.to: is of use only with a target mail"},
		{"copy of a client without mail", head + "{directory: d}\n    for_each_client: true\n    clients: {acme: {cc: []}}\n", "clients.acme.cc: is of use only with a target mail"},
		{"topic of a client without sns", head + "{s3: {bucket: b}}\n    for_each_client: true\n    clients: {acme: {topic_arn: \"arn:aws:sns:eu-west-1:111122223333:r\"}}\n", "clients.acme.topic_arn: is of use only with a target sns"},
		{"empty mail beside a directory", head + "{directory: d, mail: {}}\n", "mail.host"},
		{"no copies for a client of copies", head + "{mail: {host: h, from: a@b, cc: c@d}}\n    for_each_client: true\n    clients: {acme: {cc: []}}\n", "nobody would get"},
		{"some clients", head + "{mail: {host: h, from: a@b}}\n    for_each_client: true\n    clients: {acme: {to: x@y}}\n", "nobody would get"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := deliverConfig(t, tt.deliver)
			if trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), FileName+":") {
				t.Errorf("%v does not say %q", err, tt.want)
			}
		})
	}
	if _, err := deliverConfig(t, head+"{mail: {host: h, from: a@b}}\n    for_each_client: true\n    clients: {acme: {to: x@y}, zeta: {to: [z@y]}}\n"); err != nil {
		t.Error(err)
	}
	// A topic for each client needs none of the target, and says nothing below sns.
	topics := "    for_each_client: true\n    clients: {acme: {topic_arn: \"arn:aws:sns:eu-west-1:111122223333:a\"}, zeta: {topic_arn: \"arn:aws:sns:eu-west-1:111122223333:z\"}}\n"
	if c, err := deliverConfig(t, head+"{directory: d, sns: {}}\n"+topics); err != nil || len(c.Deliver[0].Kinds()) != 2 {
		t.Errorf("a topic for each client: %v", err)
	}
	_, err := deliverConfig(t, head+"{mail: {host: h, from: a@b, to: c@d}}\n    for_each_client: true\n    clients: {acme: {to: []}}\n")
	if !strings.Contains(trailhouse.HintOf(err), "name its recipients") {
		t.Errorf("hint %q", trailhouse.HintOf(err))
	}
}

func TestPasswordIsReadWhenNeeded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pw")
	m := MailTarget{Host: "h", PasswordFile: file}
	if _, err := m.Password(); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(file, []byte("hush\r\nsecond"), 0o600); err != nil {
		t.Fatal(err)
	}
	if pw, err := m.Password(); err != nil || string(pw) != "hush" {
		t.Errorf("%q, %v", string(pw), err)
	}
	if _, err := (MailTarget{Host: "h", PasswordEnv: "PW"}).Password(); trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.Contains(err.Error(), "PW") {
		t.Errorf("no variable: %v", err)
	}
}
