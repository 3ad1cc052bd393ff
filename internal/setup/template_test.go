package setup

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse/internal/access"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/report"
	"github.com/trailhouse/trailhouse/internal/schedule"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// TestTemplatePassesCfnLint asks cfn-lint itself, and that it would find a mistake.
func TestTemplatePassesCfnLint(t *testing.T) {
	program := testkit.CfnLint(t)
	lint := func(text string) (string, error) {
		file := filepath.Join(t.TempDir(), "stack.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.CommandContext(t.Context(), program, "--include-checks", "I", "--", file).CombinedOutput()
		return string(said), err
	}
	text := string(StackTemplate())
	if said, err := lint(text); err != nil || said != "" {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err := lint(strings.Replace(text, "HttpTokens:", "HttpToken:", 1)); err == nil || !strings.Contains(said, "HttpToken") {
		t.Errorf("a mistake passes: %v\n%s", err, said)
	}
}

// blocks returns the entries of a section of the template by name.
func blocks(t *testing.T, section string) map[string]string {
	t.Helper()
	_, rest, ok := strings.Cut(string(StackTemplate()), "\n"+section+":\n")
	if !ok {
		t.Fatalf("no section %s", section)
	}
	if end := regexp.MustCompile(`(?m)^[A-Z]`).FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	head := regexp.MustCompile(`(?m)^  (\w+):\n`)
	at := head.FindAllStringSubmatchIndex(rest, -1)
	out := map[string]string{}
	for i, m := range at {
		end := len(rest)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		out[rest[m[2]:m[3]]] = rest[m[1]:end]
	}
	return out
}

// TestTemplateParameters holds that the parameters that people know are there.
func TestTemplateParameters(t *testing.T) {
	parameters := blocks(t, "Parameters")
	for name, want := range map[string]string{"Weeks": "Default: 4", "Email": "Type: String", "BucketPrefix": "Default: trailhouse", "BinarySha256": "{64}"} {
		if !strings.Contains(parameters[name], want) {
			t.Errorf("parameter %s does not say %q:\n%s", name, want, parameters[name])
		}
	}
	for name, text := range parameters {
		if !strings.Contains(text, "Description: ") {
			t.Errorf("parameter %s has no description", name)
		}
	}
}

// TestDeletionKeepsTheDataAlone: what holds data, and what protects it, stays; all the
// rest goes.
func TestDeletionKeepsTheDataAlone(t *testing.T) {
	var kept []string
	for name, text := range blocks(t, "Resources") {
		retain := strings.Count(text, "    DeletionPolicy: Retain\n") + strings.Count(text, "    UpdateReplacePolicy: Retain\n")
		if retain == 1 {
			t.Errorf("%s is kept in one case only", name)
		}
		if retain == 2 {
			kept = append(kept, name)
		}
	}
	slices.Sort(kept)
	if want := []string{"AgentLogGroup", "Bucket", "BucketPolicy", "DataVolume", "LogGroup"}; !slices.Equal(kept, want) {
		t.Errorf("kept are %v, want %v", kept, want)
	}
}

func TestTemplateIsClosed(t *testing.T) {
	text, resources := string(StackTemplate()), blocks(t, "Resources")
	for _, bad := range []string{"Ingress", "KeyName", "AdministratorAccess", `Action: "*"`, `Resource: "*"`} {
		if strings.Contains(text, bad) {
			t.Errorf("the template says %s", bad)
		}
	}
	for name, want := range map[string][]string{
		"Bucket":         {"BlockPublicAcls: true", "BlockPublicPolicy: true", "IgnorePublicAcls: true", "RestrictPublicBuckets: true", "SSEAlgorithm", "Status: Enabled", "BucketOwnerEnforced"},
		"BucketPolicy":   {"Effect: Deny", `"aws:SecureTransport": "false"`},
		"DataVolume":     {"Encrypted: true"},
		"LaunchTemplate": {"HttpTokens: required", "Encrypted: true"},
		"SecurityGroup":  {"SecurityGroupEgress"},
		"Topic":          {"KmsMasterKeyId", "Protocol: email"},
	} {
		for _, w := range want {
			if !strings.Contains(resources[name], w) {
				t.Errorf("%s does not say %s", name, w)
			}
		}
	}
}

// TestRetentionIsNeverShorterThanTheLookBack reads the table of the template.
func TestRetentionIsNeverShorterThanTheLookBack(t *testing.T) {
	rows := regexp.MustCompile(`"(\d+)": \{Days: (\d+)\}`).FindAllStringSubmatch(string(StackTemplate()), -1)
	if len(rows) != MaxWeeks {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows {
		days := number(t, row[2])
		if weeks := number(t, row[1]); weeks != i+1 || days < 7*weeks || days < DefaultRetentionDays || !slices.Contains(RetentionDays(), days) {
			t.Errorf("%d weeks: %d days", weeks, days)
		}
	}
}

func number(t *testing.T, digits string) int {
	t.Helper()
	n := 0
	for _, c := range digits {
		n = 10*n + int(c-'0')
	}
	return n
}

// stackParameters stand for what CloudFormation fills in.
func stackParameters(text string) string {
	return regexp.MustCompile(`\$\{!?([A-Za-z:]+)([^}]*)\}`).ReplaceAllStringFunc(text, func(mark string) string {
		if rest, ok := strings.CutPrefix(mark, "${!"); ok {
			return "${" + rest
		}
		return map[string]string{
			"AWS::Region": "eu-west-1", "AWS::StackName": "meter", "AWS::AccountId": "111122223333",
			"Volume": "vol-0123456789abcdef0", "BinaryBucket": "programs", "BinaryKey": "trailhouse",
			"BinarySha256": strings.Repeat("a", 64), "ConfigKey": "", "LogGroupName": DefaultLogGroup, "AgentLogGroupName": "/trailhouse/agent", "AgentSource": "",
			"BucketPrefix": "trailhouse", "Weeks": "4", "Schedule": "weekly on monday at 06:00",
			"Topic": "arn:aws:sns:eu-west-1:111122223333:meter-Topic-1",
		}[mark[2:len(mark)-1]]
	})
}

// stackAgentSource is what the stack puts into the trailhouse.yaml for hosts with trailhouse
// agent.
func stackAgentSource(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`- !Sub ("\\n  - source: .*")`).FindSubmatch(StackTemplate())
	if m == nil {
		t.Fatal("the template has no source for the lines of hosts' agents")
	}
	text, err := strconv.Unquote(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// stackSettings loads the trailhouse.yaml of the instance as the program does.
func stackSettings(t *testing.T, agentSource string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, config.FileName)
	text := stackParameters(strings.Replace(stackConfig, "${AgentSource}", agentSource, 1))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Input{File: file, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestStackMayDoWhatItsConfigurationNeeds compares the role of the instance with the
// needs of its own trailhouse.yaml, both ways.
func TestStackMayDoWhatItsConfigurationNeeds(t *testing.T) {
	c := stackSettings(t, stackAgentSource(t))
	if len(c.Sources) != 2 || c.Sources[1].LogGroup != "/trailhouse/agent" || len(stackSettings(t, "").Sources) != 1 {
		t.Errorf("sources %+v", c.Sources)
	}
	var need, may []string
	for _, n := range access.Needs(c) {
		need = append(need, n.Action)
	}
	for _, m := range regexp.MustCompile(`"([a-z0-9]+:[A-Z]\w+)"`).FindAllStringSubmatch(blocks(t, "Resources")["Role"], -1) {
		if m[1] != "sts:AssumeRole" && m[1] != "ec2:AttachVolume" { // the instance's own
			may = append(may, m[1])
		}
	}
	need, may = slices.Compact(slices.Sorted(slices.Values(need))), slices.Compact(slices.Sorted(slices.Values(may)))
	if !slices.Equal(need, may) || len(need) == 0 {
		t.Errorf("needs %v, may %v", need, may)
	}
	sent := c.Deliver[0]
	if when, err := schedule.Parse(sent.Schedule, time.UTC); err != nil {
		t.Errorf("schedule %q: %v, %v", sent.Schedule, when, err)
	}
	if period, err := schedule.ParsePeriod(sent.Period); err != nil {
		t.Errorf("period %q: %v, %v", sent.Period, period, err)
	}
	library, err := report.NewLibrary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range sent.Reports {
		if _, err := library.Report(r.Report); err != nil {
			t.Errorf("report %s: %v", r.Report, err)
		}
	}
}

// TestUserDataIsAScript has bash read what an instance runs, and looks for marks that
// CloudFormation would not know.
func TestUserDataIsAScript(t *testing.T) {
	script := blocks(t, "Resources")["LaunchTemplate"]
	_, script, _ = strings.Cut(script, "Fn::Base64: !Sub\n            - |\n")
	script, _, _ = strings.Cut(script, "\n            - Volume:")
	script = stackParameters(regexp.MustCompile(`(?m)^ {14}`).ReplaceAllString(script, ""))
	if len(script) > 16<<10 || !strings.HasPrefix(script, "#!/bin/bash\n") {
		t.Errorf("user data of %d bytes:\n%.200s", len(script), script)
	}
	bash := exec.CommandContext(t.Context(), "bash", "-n")
	bash.Stdin = strings.NewReader(script)
	if said, err := bash.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	for _, want := range []string{"disk=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volume/-/}", "sha256sum --check", "topic_arn: arn:aws:sns:", "OnCalendar=hourly", "ProtectSystem=strict"} {
		if !strings.Contains(script, want) {
			t.Errorf("the script does not say %s", want)
		}
	}
}
