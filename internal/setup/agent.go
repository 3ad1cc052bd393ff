package setup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// What the CloudWatch agent of a host with enclaves is told unless someone decides
// otherwise.
const (
	// DefaultLogGroup is the log group that the agents of all hosts write to.
	DefaultLogGroup = "/aws/nitro/enclave"
	// LogFile is where nitro-cli writes on a host that sets no NITRO_CLI_LOGS_PATH
	// (facts/nitro.md 2.2).
	LogFile = "/var/log/nitro_enclaves/nitro_enclaves.log"
	// InstanceStream makes the instance id the name of the stream, which is how records
	// that name no enclave are given to their host.
	InstanceStream = "{instance_id}"
	// DefaultRetentionDays is how long CloudWatch Logs keeps lines.
	DefaultRetentionDays = 90
	// DefaultWeeks is how far reports look back.
	DefaultWeeks = 4
	// MaxWeeks is the longest look-back that can be asked for.
	MaxWeeks = 52
)

// StartPattern tells the agent where a record of nitro-cli begins: with the logger's id,
// the level and the time (facts/nitro.md 2.1). The lines of an error that follow its
// first one match nowhere, so they stay with it (facts/nitro.md 2.2); without a pattern
// the agent makes an event of each. The id may be empty and the level any word, because
// RUST_LOG and later versions may bring others.
const StartPattern = `^\[[^\]]*\]\[[A-Z]+\]\[\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z\]`

// AgentOptions say what differs from one account to the next.
type AgentOptions struct {
	// LogGroup is the name of the log group; empty stands for DefaultLogGroup.
	LogGroup string
	// RetentionDays is how long CloudWatch Logs keeps lines, one of RetentionDays, or -1
	// for ever; zero stands for the least that is neither shorter than DefaultRetentionDays
	// nor than the look-back.
	RetentionDays int
	// Weeks is how far reports look back; zero stands for DefaultWeeks.
	Weeks int
	// HostAgentGroup is the log group that trailhouse agent writes to, empty for none. It is
	// not LogGroup: in the log of nitro-cli, which anyone on the host may write, lines of
	// the agent are worth nothing.
	HostAgentGroup string
}

// agentFile is the configuration of the CloudWatch agent, in the order in which its
// manual shows the keys.
type agentFile struct {
	Agent agentSection `json:"agent"`
	Logs  agentLogs    `json:"logs"`
}

type agentSection struct {
	RunAsUser string `json:"run_as_user"`
}

type agentLogs struct {
	Collected struct {
		Files struct {
			List []agentEntry `json:"collect_list"`
		} `json:"files"`
	} `json:"logs_collected"`
}

type agentEntry struct {
	Path         string `json:"file_path"`
	Class        string `json:"log_group_class"`
	Group        string `json:"log_group_name"`
	Stream       string `json:"log_stream_name"`
	Retention    int    `json:"retention_in_days"`
	StartPattern string `json:"multi_line_start_pattern"`
}

// AgentConfig returns the configuration of the CloudWatch agent as indented JSON.
// CodeUsage where the retention is none that CloudWatch Logs knows or is shorter than the
// look-back, or the group's name is none.
//
// It sets no timestamp_format: the time of an event is then the agent's, and CloudWatch
// Logs never refuses a line whose own clock is off (events of more than 14 days ago or 2
// hours ahead are dropped). What counts is the time within the line.
func AgentConfig(o AgentOptions) ([]byte, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	var f agentFile
	f.Agent.RunAsUser = "root"
	f.Logs.Collected.Files.List = []agentEntry{{
		Path: LogFile, Class: "STANDARD", Group: o.LogGroup, Stream: InstanceStream,
		Retention: o.RetentionDays, StartPattern: StartPattern,
	}}
	return JSON(f), nil
}

// complete puts what stands for zero into the options and checks them.
func (o AgentOptions) complete() (AgentOptions, error) {
	if o.LogGroup == "" {
		o.LogGroup = DefaultLogGroup
	}
	if o.Weeks == 0 {
		o.Weeks = DefaultWeeks
	}
	if o.RetentionDays == 0 {
		o.RetentionDays = leastRetention(max(DefaultRetentionDays, 7*o.Weeks))
	}
	switch {
	case !groupName.MatchString(o.LogGroup):
		return o, badGroup(o.LogGroup)
	case o.HostAgentGroup != "" && !groupName.MatchString(o.HostAgentGroup):
		return o, badGroup(o.HostAgentGroup)
	case o.HostAgentGroup == o.LogGroup:
		return o, trailhouse.Errorf(trailhouse.CodeUsage, "trailhouse agent and the CloudWatch agent cannot both write to %s: anyone on the host may write what the latter sends", o.LogGroup).
			WithHint("give trailhouse agent a log group of its own, such as /trailhouse/agent")
	case o.Weeks < 1 || o.Weeks > MaxWeeks:
		return o, trailhouse.Errorf(trailhouse.CodeUsage, "a look-back of %d weeks is not one of 1 to %d", o.Weeks, MaxWeeks)
	case !slices.Contains(RetentionDays(), o.RetentionDays) && o.RetentionDays != -1:
		return o, trailhouse.Errorf(trailhouse.CodeUsage, "CloudWatch Logs cannot keep lines for %d days", o.RetentionDays).
			WithHint("it knows %s days, and -1 for ever", words(RetentionDays()))
	case o.RetentionDays != -1 && o.RetentionDays < 7*o.Weeks:
		return o, trailhouse.Errorf(trailhouse.CodeUsage, "a retention of %d days is shorter than the look-back of %d weeks (%d days): the oldest lines would be gone before they are read",
			o.RetentionDays, o.Weeks, 7*o.Weeks).WithHint("keep them for at least %d days", leastRetention(7*o.Weeks))
	}
	return o, nil
}

func badGroup(name string) error {
	return trailhouse.Errorf(trailhouse.CodeUsage, "%q cannot be the name of a log group", name).
		WithHint("a name has at most 512 letters, digits and any of _ - / . #")
}

var groupName = regexp.MustCompile(`^[A-Za-z0-9_\-/.#]{1,512}$`)

// RetentionDays are the retentions that the agent and CloudWatch Logs know, in days,
// ascending.
func RetentionDays() []int {
	return []int{
		1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
	}
}

// leastRetention returns the shortest retention that is not shorter than so many days.
func leastRetention(days int) int {
	for _, d := range RetentionDays() {
		if d >= days {
			return d
		}
	}
	return -1
}

func words(numbers []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(numbers), "[]"), " ", ", ")
}

// JSON encodes a value of ours for people to read; < and & stay as they are.
func JSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("BUG: %T as JSON: %v", v, err))
	}
	return b.Bytes()
}
