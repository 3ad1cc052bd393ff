package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

// load reads content as the trailhouse.yaml of an empty working directory.
func load(t *testing.T, content string, in Input) (*Config, error) {
	t.Helper()
	in.Dir = t.TempDir()
	if content != "" {
		if err := os.WriteFile(filepath.Join(in.Dir, FileName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in.Environ = append(in.Environ, "HOME="+t.TempDir())
	return Load(in)
}

func TestSourcesGoFlagsEnvironmentFileDefault(t *testing.T) {
	file := "query:\n  rows: 5\n  threads: 3\n  timeout: 7s\n"
	env := []string{"TRAILHOUSE_QUERY_ROWS=6", "TRAILHOUSE_QUERY_THREADS=4"}
	c, err := load(t, file, Input{Environ: env, Flags: map[string]string{"query.rows": "7"}})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.Query.Rows, c.Origin("query.rows"), "; ", c.Query.Threads, c.Origin("query.threads"), "; ",
		c.Query.Timeout, " ", c.Origin("query.timeout"), "; ", c.Query.MemoryMiB, c.Origin("query.memory_mib"))
	want := "7flag; 4environment TRAILHOUSE_QUERY_THREADS; 7s trailhouse.yaml:4; 1024default"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestErrorsNameFileLineAndKey(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"unknown key", "query:\n  row: 5\n", "trailhouse.yaml:2: query.row: unknown key"},
		{"unknown section", "qeury: {}\n", "trailhouse.yaml:1: qeury: unknown key"},
		{"text for integer", "\n\nquery:\n  rows: many\n", "trailhouse.yaml:4: query.rows: is a text, must be an integer"},
		{"quoted integer", "query: {rows: \"5\"}\n", "trailhouse.yaml:1: query.rows: is a text, must be an integer"},
		{"fraction for integer", "query:\n  rows: 1.5\n", "trailhouse.yaml:2: query.rows: is a number with a fraction, must be an integer"},
		{"list for mapping", "query:\n  - rows: 5\n", "trailhouse.yaml:2: query: is a list, must be a mapping"},
		{"mapping for list", "clients:\n  client: acme\n", "trailhouse.yaml:2: clients: is a mapping, must be a list"},
		{"mapping for text", "data_dir:\n  x: 1\n", "trailhouse.yaml:2: data_dir: is a mapping, must be a text"},
		{"empty", "query:\n  rows:\n", "trailhouse.yaml:2: query.rows: is empty, must be an integer"},
		{"duration", "lake:\n  keep: 24\n", "trailhouse.yaml:2: lake.keep: \"24\" is not a duration such as 90s, 5m or 24h"},
		{"too small", "lake:\n  keep: 1m\n", "trailhouse.yaml:2: lake.keep: 1m0s is not between 1h and 87600h"},
		{"choice", "log:\n  level: loud\n", "trailhouse.yaml:2: log.level: \"loud\" is not one of debug, info, warn, error"},
		{"same key twice", "query:\n  rows: 1\n  rows: 2\n", "trailhouse.yaml:3: mapping key \"rows\" already defined at [2:3]"},
		{"anchor", "query: &q\n  rows: 1\n", "trailhouse.yaml:1: query: is an anchor, alias or tag, which is not supported, must be a mapping"},
		{"two documents", "query: {}\n---\nquery: {}\n", "trailhouse.yaml:3: a second document"},
		{"rule key", "clients:\n  - client: a\n  - client: b\n    nane: x\n", "trailhouse.yaml:4: clients[2].nane: unknown key"},
		{"rule without client", "clients:\n  - name: x\n", "trailhouse.yaml:2: clients[1].client: is missing: a rule must name its client"},
		{"rule never in force", "clients:\n  - client: a\n    from: 2025-02-01\n    to: 2025-02-01\n", "trailhouse.yaml:4: clients[1].to: is not after from, so the rule is never in force"},
		{"rule date", "clients:\n  - client: a\n    from: yesterday\n", "trailhouse.yaml:3: clients[1].from: \"yesterday\" is neither a date"},
		{"rule for nobody", "clients:\n  - client: unattributed\n", "trailhouse.yaml:2: clients[1].client: unattributed is what no rule claims"},
		{"rule instance", "clients:\n  - client: a\n    instance: web-1\n", "trailhouse.yaml:3: clients[1].instance: \"web-1\" is not an instance id"},
		{"rule instance in capitals", "clients:\n  - client: a\n    instance: i-0A\n", "trailhouse.yaml:3: clients[1].instance: \"i-0A\" is not an instance id"},
		{"host that is no instance", "hosts:\n  i-0a: {}\n  web-1:\n    account: \"111122223333\"\n", "trailhouse.yaml:3: hosts: \"web-1\" is not an instance id"},
		{"host without digits", "hosts: {i-: {}}\n", "trailhouse.yaml:1: hosts: \"i-\" is not an instance id"},
		{"host account", "hosts:\n  i-1:\n    account: 12\n", "trailhouse.yaml:3: hosts.i-1.account: \"12\" is not an account id of 12 digits"},
		{"source kind", "sources:\n  - source: cost\n    path: x\n", "trailhouse.yaml:2: sources[1].source: \"cost\" is not one of cloudtrail, enclave-log"},
		{"source without path", "sources:\n  - source: cloudtrail\n", "trailhouse.yaml:2: sources[1].path: is missing"},
		{"trail in a log group", "sources:\n  - source: cloudtrail\n    log_group: /a\n", "trailhouse.yaml:3: sources[1].log_group: only logs of enclaves"},
		{"path and log group", "sources:\n  - source: enclave-log\n    log_group: /a\n    path: x\n", "trailhouse.yaml:4: sources[1].path: a source has either path or log_group"},
		{"ARN of a log group", "sources:\n  - source: enclave-log\n    log_group: arn:aws:logs:eu-west-1:1:log-group:a\n", "trailhouse.yaml:3: sources[1].log_group: \"arn:aws:logs:eu-west-1:1:log-group:a\" is not the name"},
		{"region and regions", "sources:\n  - source: enclave-log\n    log_group: /a\n    region: x\n    regions: [y]\n", "trailhouse.yaml:5: sources[1].regions: a source has either region or regions"},
		{"regions of a path", "sources:\n  - source: enclave-log\n    path: s3://b\n    regions: [y]\n", "trailhouse.yaml:4: sources[1].regions: is of use only with log_group"},
		{"look-back", "sources:\n  - source: enclave-log\n    log_group: /a\n    look_back_days: -1\n", "trailhouse.yaml:4: sources[1].look_back_days: -1 is not between"},
		{"no bucket", "sources:\n  - source: cloudtrail\n    path: s3:///x\n", "trailhouse.yaml:3: sources[1].path: \"s3:///x\" names no bucket"},
		{"profile of a directory", "sources:\n  - source: cloudtrail\n    path: x\n    profile: p\n", "trailhouse.yaml:3: sources[1].path: profile, role_arn"},
		{"role", "sources:\n  - source: cloudtrail\n    path: s3://b\n    role_arn: Audit\n", "trailhouse.yaml:4: sources[1].role_arn: \"Audit\" is not the ARN of a role"},
		{"external id alone", "sources:\n  - source: cloudtrail\n    path: s3://b\n    external_id: x\n", "trailhouse.yaml:4: sources[1].external_id: is of use only with role_arn"},
		{"endpoint", "aws:\n  endpoint: s3.example.com\n", "trailhouse.yaml:2: aws.endpoint: \"s3.example.com\" is not a URL"},
		{"empty event rule", "sources:\n  - source: cloudtrail\n    path: x\n    include: [{name: \"\"}]\n", "trailhouse.yaml:4: sources[1].include: a rule without a key"},
		{"unknown key of an event rule", "sources:\n  - source: cloudtrail\n    path: x\n    exclude: [{nane: a}]\n", "trailhouse.yaml:4: sources[1].exclude[1].nane: unknown key"},
		{"tag value", "clients:\n  - client: a\n    tag: {env: [x]}\n", "trailhouse.yaml:3: clients[1].tag.env: is a list, must be a text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.file, Input{})
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("got  %v\nwant %s", err, tt.want)
			}
			if code := trailhouse.CodeOf(err); code != trailhouse.CodeUsage {
				t.Errorf("code is %s", code)
			}
		})
	}
}

func TestAllErrorsAreCollected(t *testing.T) {
	_, err := load(t, "a: 1\nb: 2\nquery: {rows: x}\n", Input{})
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || strings.Count(err.Error(), "\n") != 2 {
		t.Fatalf("want three errors, got %v", err)
	}
}

// TestUnreadableValuesHideNothingElse has values that cannot be read beside others that
// can and are wrong: both are told, and nothing is told twice.
func TestUnreadableValuesHideNothingElse(t *testing.T) {
	_, err := load(t, `clients:
  - client: [acme]
approved_images:
  - {pcr0: [x], client: acme, from: 2025-10-02, until: 2025-10-02}
deliver:
  - name: [list]
    report: events
    formats: xlsx
    target: {directory: out}
  - {name: d, target: {directory: out}, colour: red}
`, Input{})
	for i, want := range []string{
		":2: clients[1].client: is a list", ":4: approved_images[1].pcr0: is a list", ":6: deliver[1].name: is a list", ":10: deliver[2].colour: unknown key",
		":4: approved_images[1].until: is not after", ":8: deliver[1].formats: ", ":10: deliver[2].report: is missing",
	} {
		if lines := strings.Split(err.Error(), "\n"); len(lines) != 7 || !strings.Contains(lines[i], want) {
			t.Errorf("%d errors, not %q: %v", len(lines), want, err)
		}
	}
}

func TestSyntaxErrorNamesLine(t *testing.T) {
	_, err := load(t, "query:\n  rows: [1\n", Input{})
	if err == nil || !strings.HasPrefix(err.Error(), "trailhouse.yaml:2: ") {
		t.Errorf("got %v", err)
	}
}

func TestRulesAndHosts(t *testing.T) {
	c, err := load(t, `# head
hosts:
  i-0a1b:
    account: 011122223333
    instance_type: m5.2xlarge
    tags: {team: payments, stage: 1}
clients:
  # first
  - client: acme
    name: "acme-*"
    tag:
      team: payments
    from: 2025-03-01
    to: 2025-04-01T00:00:00+02:00
  - {client: rest}
`, Input{})
	if err != nil {
		t.Fatal(err)
	}
	if host := c.Hosts["i-0a1b"]; host.Account != "011122223333" || host.Tags["stage"] != "1" {
		t.Errorf("host: %+v", host)
	}
	rule := c.Clients[0]
	to := time.Date(2025, 3, 31, 22, 0, 0, 0, time.UTC)
	if rule.Line != 9 || rule.Name != "acme-*" || rule.Tag["team"] != "payments" || !rule.To.Equal(to) {
		t.Errorf("rule: %+v", rule)
	}
	if c.Clients[1].Line != 15 || c.Clients[1].Client != "rest" {
		t.Errorf("second rule: %+v", c.Clients[1])
	}
}

func TestSources(t *testing.T) {
	file := `aws: {profile: house, region: eu-west-1}
sources:
  - source: cloudtrail
    path: s3://trail/a/
    role_arn: arn:aws:iam::111122223333:role/Audit
    external_id: x
  - source: cloudtrail
    path: s3://trail
    endpoint: https://s3.example.com
    path_style: true
    exclude:
      - {source: kms.amazonaws.com, name: Decrypt}
  - source: enclave-log
    path: logs
`
	c, err := load(t, file, Input{})
	if err != nil {
		t.Fatal(err)
	}
	a := c.Access(c.SourceAt("cloudtrail", "s3://trail/a/AWSLogs"))
	if a.Profile != "" || a.RoleARN != "arn:aws:iam::111122223333:role/Audit" || a.ExternalID != "x" || a.Region != "eu-west-1" || a.SessionName != "trailhouse" || a.Endpoint != "" {
		t.Errorf("role: %+v", a)
	}
	s := c.SourceAt("cloudtrail", "s3://trail/abc")
	if a = c.Access(s); a.Profile != "house" || a.RoleARN != "" || a.Endpoint != "https://s3.example.com" || !a.PathStyle || len(s.Exclude) != 1 || s.Exclude[0].Name != "Decrypt" {
		t.Errorf("endpoint: %+v of %+v", a, s)
	}
	if s = c.SourceAt("cloudtrail", "s3://trails"); s.Line != 0 || s.Path != "s3://trails" || c.Access(s) != c.AWS {
		t.Errorf("elsewhere: %+v", s)
	}
	if logs := c.SourcesOf("enclave-log"); len(logs) != 1 || logs[0].Path != filepath.Join(filepath.Dir(c.File()), "logs") || logs[0].Line != 13 {
		t.Errorf("logs: %+v", logs)
	}
	if c, err = load(t, file, Input{Flags: map[string]string{"aws.profile": "mine"}}); err != nil {
		t.Fatal(err)
	}
	if a = c.Access(c.SourceAt("cloudtrail", "s3://trail/a")); a.Profile != "mine" || a.RoleARN != "" {
		t.Errorf("flag: %+v", a)
	}
}

func TestFileIsFoundInWorkingThenDataDirectory(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, FileName), []byte("reports: {folder: mine}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := map[string]string{"data_dir": data}
	c, err := load(t, "", Input{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	if c.Reports.Folder != filepath.Join(data, "mine") {
		t.Errorf("folder is not relative to the file: %s", c.Reports.Folder)
	}
	c, err = load(t, "query: {}", Input{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	if c.Reports.Folder != "" {
		t.Error("the working directory's file must come first")
	}
}

func TestNamedFileMustExist(t *testing.T) {
	_, err := load(t, "", Input{File: "absent.yaml"})
	if trailhouse.CodeOf(err) != trailhouse.CodeUsage || trailhouse.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

func TestDataDirectory(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		file string
		want string
	}{
		{"home", []string{"HOME=/h"}, "", "/h/.local/share/trailhouse"},
		{"xdg", []string{"HOME=/h", "XDG_DATA_HOME=/x"}, "", "/x/trailhouse"},
		{"relative xdg is not valid", []string{"HOME=/h", "XDG_DATA_HOME=x"}, "", "/h/.local/share/trailhouse"},
		{"tilde", []string{"HOME=/h"}, "data_dir: ~/lake", "/h/lake"},
		{"variable", []string{"HOME=/h", "TRAILHOUSE_DATA_DIR=/v"}, "", "/v"},
		{"short variable", []string{"HOME=/h", "TRAILHOUSE_DATA=/v"}, "data_dir: /f", "/v"},
		{"both variables", []string{"TRAILHOUSE_DATA=/w", "TRAILHOUSE_DATA_DIR=/v"}, "", "/v"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, FileName), []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := Load(Input{Environ: tt.env, Dir: dir})
			if err != nil || c.DataDir != tt.want || len(c.UnknownVariables()) > 0 {
				t.Errorf("got %v, %v, want %s", c, err, tt.want)
			}
		})
	}
	if _, err := Load(Input{Dir: t.TempDir()}); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
		t.Errorf("without a home: %v", err)
	}
}

func TestDataDirectoryThatIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "notes")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		_, err := load(t, "", Input{Environ: []string{"TRAILHOUSE_DATA=" + dir}})
		want := "environment TRAILHOUSE_DATA: data_dir: " + dir + " is a file or lies below one"
		if err == nil || !strings.HasPrefix(err.Error(), want) || trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestCheckFolders(t *testing.T) {
	for folder, want := range map[string]string{
		"here": "", "none": "trailhouse.yaml:1: reports.folder: stat ", FileName: "trailhouse.yaml:1: reports.folder: ",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte("reports: {folder: "+folder+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, "here"), 0o700); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Input{Environ: []string{"HOME=/h"}, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		err = c.CheckFolders()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", folder, err, want)
		}
	}
}

func TestUnknownVariablesAreToldNotRefused(t *testing.T) {
	c, err := load(t, "", Input{Environ: []string{"TRAILHOUSE_QUERY_ROW=1", "TRAILHOUSE_QUERY_ROWS="}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.UnknownVariables(), " "); got != "TRAILHOUSE_QUERY_ROW" {
		t.Errorf("got %q", got)
	}
}

func TestSecretsAreStars(t *testing.T) {
	s := Secret("hunter2")
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%v %s %q %#v", s, s, s, s), string(text)} {
		if strings.Contains(shown, "hunter") || !strings.Contains(shown, "********") {
			t.Errorf("shown as %s", shown)
		}
	}
	if Secret("").String() != "" {
		t.Error("no secret is shown as one")
	}
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte("query:\n  rows: 5\n"))
	f.Add([]byte("clients:\n  - {client: a, tag: {x: 1}, from: 2025-01-01}\nhosts: {i-1: {tags: {}}}\n"))
	f.Add([]byte("a: &b [*b, !!str 1]\n? x\n: y\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		err := decodeYAML(Default("/data"), "f.yaml", content)
		if err != nil && trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("code %s of %v", trailhouse.CodeOf(err), err)
		}
	})
}
