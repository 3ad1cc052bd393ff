package setup

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// readme is the configuration that people who followed the first recipe have.
const readme = `{
  "agent": {
    "run_as_user": "root"
  },
  "logs": {
    "logs_collected": {
      "files": {
        "collect_list": [
          {
            "file_path": "/var/log/nitro_enclaves/nitro_enclaves.log",
            "log_group_class": "STANDARD",
            "log_group_name": "/aws/nitro/enclave",
            "log_stream_name": "{instance_id}",
            "retention_in_days": 90
          }
        ]
      }
    }
  }
}`

// TestAgentKeepsEveryKnownKey holds that what was configured before is still there, and
// the start pattern is all that comes with it.
func TestAgentKeepsEveryKnownKey(t *testing.T) {
	text, err := AgentConfig(AgentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(readme), &want); err != nil {
		t.Fatal(err)
	}
	holds(t, "$", got, want)
	if n := strings.Count(string(text), ":"); !strings.Contains(string(text), `"multi_line_start_pattern": "^\\[[^\\]]*`) || n < 12 {
		t.Errorf("no start pattern:\n%s", text)
	}
	found, err := CheckAgent(text, AgentOptions{LogGroup: DefaultLogGroup})
	if err != nil || len(found) > 0 {
		t.Errorf("our own configuration: %v, %v", found, err)
	}
}

// holds fails the test where a value of want is not in got.
func holds(t *testing.T, at string, got, want any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for k, v := range w {
			holds(t, at+"."+k, g[k], v)
		}
	case []any:
		g, _ := got.([]any)
		if len(g) != len(w) {
			t.Fatalf("%s has %d elements", at, len(g))
		}
		for i := range w {
			holds(t, at, g[i], w[i])
		}
	default:
		if got != want {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	}
}

// TestStartPatternCutsTheSampleLog cuts a log as the agent does and wants each record in
// one piece.
func TestStartPatternCutsTheSampleLog(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "cli", "testdata", "sample.log"))
	if err != nil {
		t.Fatal(err)
	}
	start := regexp.MustCompile(StartPattern)
	events, lines := 0, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i, line := range lines {
		head := strings.HasPrefix(line, "[") // no continuation of the sample starts so
		if start.MatchString(line) != head {
			t.Errorf("line %d: %v for %q", i+1, !head, line)
		}
		if head {
			events++
		}
	}
	if events == 0 || events == len(lines) {
		t.Errorf("%d events of %d lines: the sample holds both kinds", events, len(lines))
	}
	for _, line := range startsOfRecords() {
		if !start.MatchString(line) {
			t.Errorf("no start: %q", line)
		}
	}
	for _, line := range continuations() {
		if start.MatchString(line) {
			t.Errorf("a start: %q", line)
		}
	}
}

func TestAgentOptions(t *testing.T) {
	cases := []struct {
		options AgentOptions
		want    string // in the configuration, or in the error where it starts with !
	}{
		{AgentOptions{Weeks: 12}, `"retention_in_days": 90`},
		{AgentOptions{Weeks: 13}, `"retention_in_days": 120`},
		{AgentOptions{Weeks: 52}, `"retention_in_days": 365`},
		{AgentOptions{RetentionDays: -1, Weeks: 52}, `"retention_in_days": -1`},
		{AgentOptions{RetentionDays: 30}, `"retention_in_days": 30`},
		{AgentOptions{LogGroup: "/mine/x"}, `"log_group_name": "/mine/x"`},
		{AgentOptions{RetentionDays: 14}, "!shorter than the look-back of 4 weeks (28 days)"},
		{AgentOptions{RetentionDays: 91}, "!cannot keep lines for 91 days"},
		{AgentOptions{Weeks: 53}, "!53 weeks"},
		{AgentOptions{Weeks: -1}, "!-1 weeks"},
		{AgentOptions{LogGroup: "a b"}, "!cannot be the name"},
	}
	for _, tt := range cases {
		text, err := AgentConfig(tt.options)
		want, bad := strings.CutPrefix(tt.want, "!")
		switch {
		case bad && (trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.Contains(err.Error(), want)):
			t.Errorf("%+v: %v, want %q", tt.options, err, want)
		case !bad && (err != nil || !strings.Contains(string(text), want)):
			t.Errorf("%+v: %v\n%s", tt.options, err, text)
		}
	}
}

// TestCheckAgentFinds changes a good configuration in one place and wants that place
// named, and no other.
func TestCheckAgentFinds(t *testing.T) {
	good, err := AgentConfig(AgentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	entry := agentList + "[0]."
	cases := []struct {
		name, old, text string
		severity        Severity
		where, what     string
	}{
		{"rotated files too", LogFile + `"`, LogFile + `*"`, Fail, entry + "file_path", "rotated"},
		{"all files", LogFile, "/var/log/nitro_enclaves/*", Fail, entry + "file_path", "err*.log"},
		{"all folders", LogFile, "/var/log/nitro_enclaves/**.log", Fail, entry + "file_path", "err*.log"},
		{"error reports", LogFile, "/var/log/nitro_enclaves/err*.log", Fail, entry + "file_path", "error reports"},
		{"misspelt", "nitro_enclaves.log", "nitro_enclave.log", Fail, entry + "file_path", "not the log"},
		{"elsewhere", LogFile, "/data/nitro_enclaves/nitro_enclaves.log", Warn, entry + "file_path", "NITRO_CLI_LOGS_PATH"},
		{"another log", LogFile, "/var/log/messages", Fail, agentList, "no entry reads"},
		{"another group", DefaultLogGroup, "/other", Fail, entry + "log_group_name", "/other, not to /aws/nitro/enclave"},
		{"no group", `"log_group_name": "/aws/nitro/enclave",`, "", Fail, entry + "log_group_name", "missing"},
		{"class", "STANDARD", "INFREQUENT_ACCESS", Fail, entry + "log_group_class", "FilterLogEvents"},
		{"stream of the host's name", `"{instance_id}"`, `"{hostname}"`, Fail, entry + "log_stream_name", "several hosts"},
		{"stream with more", `"{instance_id}"`, `"enclave-{instance_id}"`, Fail, entry + "log_stream_name", "alone"},
		{"no stream", `"log_stream_name": "{instance_id}",`, "", Warn, entry + "log_stream_name", "missing"},
		{"too short", ": 90", ": 14", Fail, entry + "retention_in_days", "28 days"},
		{"no such retention", ": 90", ": 100", Fail, entry + "retention_in_days", "100 is no retention"},
		{"retention as text", ": 90", `: "90"`, Fail, entry + "retention_in_days", "no retention"},
		{"no pattern", `"multi_line_start_pattern"`, `"trimmed"`, Fail, entry + "multi_line_start_pattern", "missing"},
		{"pattern of the time", jsonText(StartPattern), `"{timestamp_format}"`, Fail, entry + "multi_line_start_pattern", "err2025"},
		{"pattern of any time", jsonText(StartPattern), `"\\d{4}-\\d\\d-\\d\\dT"`, Fail, entry + "multi_line_start_pattern", "goes on"},
		{"pattern that wants a pid", jsonText(StartPattern), `"^\\[[a-z]"`, Fail, entry + "multi_line_start_pattern", "does not match"},
		{"pattern that is none", jsonText(StartPattern), `"(?<=x)["`, Fail, entry + "multi_line_start_pattern", "no regular expression"},
		{"simple pattern", jsonText(StartPattern), `"^\\["`, "", "", ""},
		{"removal", `"log_group_class"`, `"auto_removal": true, "log_group_class"`, Fail, entry + "auto_removal", "go on writing"},
		{"filters", `"log_group_class"`, `"filters": [{"type": "exclude", "expression": "x"}], "log_group_class"`, Fail, entry + "filters", "left out"},
		{"time of the line", `"log_group_class"`, `"timestamp_format": "%Y", "log_group_class"`, Warn, entry + "timestamp_format", "14 days"},
		{"no time", `"log_group_class"`, `"trim_timestamp": true, "log_group_class"`, Fail, entry + "trim_timestamp", "cuts"},
		{"UTF-16", `"log_group_class"`, `"encoding": "utf-16", "log_group_class"`, Fail, entry + "encoding", "UTF-8"},
		{"user", `"root"`, `"cwagent"`, Warn, "agent.run_as_user", "cwagent"},
		{"default of the stream", `"log_stream_name": "{instance_id}",`, "", Warn, entry + "log_stream_name", ""},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(string(good), tt.old, tt.text, 1)
			if text == string(good) {
				t.Fatal("nothing was changed")
			}
			found, err := CheckAgent([]byte(text), AgentOptions{LogGroup: DefaultLogGroup})
			if err != nil {
				t.Fatal(err)
			}
			if tt.severity == "" && len(found) == 0 {
				return
			}
			if len(found) != 1 || found[0].Severity != tt.severity || found[0].Where != tt.where || !strings.Contains(found[0].What, tt.what) {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// TestCheckAgentOfTheReadme: the configuration of the first recipe lacks the pattern, and
// its 90 days do not bear the longest look-back.
func TestCheckAgentOfTheReadme(t *testing.T) {
	for weeks, want := range map[int]int{0: 1, 12: 1, 13: 2, 52: 2} {
		found, err := CheckAgent([]byte(readme), AgentOptions{Weeks: weeks})
		if err != nil || len(found) != want {
			t.Errorf("%d weeks: %+v, %v", weeks, found, err)
		}
	}
	twice := strings.Replace(readme, `"log_stream_name": "{instance_id}",`, "", 1)
	twice = strings.Replace(twice, `"logs": {`, `"logs": {"log_stream_name": "{instance_id}",`, 1)
	if found, err := CheckAgent([]byte(twice), AgentOptions{}); err != nil || len(found) != 1 {
		t.Errorf("a stream for all: %+v, %v", found, err)
	}
}

func TestCheckAgentRefusesWhatIsNoJSON(t *testing.T) {
	for text, line := range map[string]string{
		"":                                   "line 1",
		"{\n\n  // a comment\n}":             "line 3",
		"{}\n{}":                             "line 2",
		`{"logs": []}`:                       "line 1",
		strings.Replace(readme, "90", "", 1): "line 1",
	} {
		_, err := CheckAgent([]byte(text), AgentOptions{})
		if trailhouse.CodeOf(err) != trailhouse.CodeInvalid || trailhouse.HintOf(err) == "" || !strings.Contains(err.Error(), line) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestHostRole(t *testing.T) {
	p, err := HostRole(AgentOptions{}, "aws", "*", "*")
	if err != nil {
		t.Fatal(err)
	}
	text := string(p.JSON())
	for _, want := range []string{`"2012-10-17"`, `"logs:PutLogEvents"`, `"logs:PutRetentionPolicy"`, `"arn:aws:logs:*:*:log-group:/aws/nitro/enclave:*"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, `"*"`) || strings.Contains(text, "HostAgent") {
		t.Errorf("a right to everything, or to what is not asked for:\n%s", text)
	}
	p, err = HostRole(AgentOptions{HostAgentGroup: "/trailhouse/agent"}, "aws", "eu-west-1", "111122223333")
	if err != nil || len(p.Statements) != 3 {
		t.Fatalf("%+v, %v", p, err)
	}
	want := Statement{
		Sid: "WriteLinesOfHostAgent", Effect: "Allow", Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Resources: []string{"arn:aws:logs:eu-west-1:111122223333:log-group:/trailhouse/agent:*"},
	}
	if got := p.Statements[2]; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{"a group", DefaultLogGroup} {
		if _, err := HostRole(AgentOptions{HostAgentGroup: bad}, "aws", "*", "*"); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
