package setup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// agentList is where the agent is told which files to read.
const agentList = "logs.logs_collected.files.collect_list"

// CheckAgent reads a configuration of the CloudWatch agent and says what keeps it from
// giving every record of nitro-cli whole and to the right host, in the order of the
// file. Of the options LogGroup, where not empty, is the group that the lines must go to,
// and Weeks the look-back. CodeInvalid where the text is no JSON; the error names the
// line.
func CheckAgent(text []byte, o AgentOptions) ([]Finding, error) {
	want, err := AgentOptions{Weeks: o.Weeks}.complete()
	if err != nil {
		return nil, err
	}
	var f struct {
		Agent map[string]any `json:"agent"`
		Logs  struct {
			Stream    string `json:"log_stream_name"`
			Collected struct {
				Files struct {
					List []map[string]any `json:"collect_list"`
				} `json:"files"`
			} `json:"logs_collected"`
		} `json:"logs"`
	}
	if err := decode(text, &f); err != nil {
		return nil, err
	}
	c := agentCheck{group: o.LogGroup, weeks: want.Weeks, stream: f.Logs.Stream}
	if user, ok := f.Agent["run_as_user"].(string); ok && user != "root" {
		c.add(Warn, "agent.run_as_user", fmt.Sprintf("the agent runs as %s, who may not be allowed to read %s", user, LogFile),
			"the file belongs to root and group ne; run the agent as root, or put its user into that group")
	}
	found := false
	for i, entry := range f.Logs.Collected.Files.List {
		e := agentItem{agentCheck: &c, where: fmt.Sprintf("%s[%d]", agentList, i), fields: entry}
		if e.readsLog() {
			found = true
			e.check()
		}
	}
	if !found {
		c.add(Fail, agentList, "no entry reads "+LogFile, "add the entry that trailhouse setup cloudwatch-agent prints")
	}
	return c.found, nil
}

// decode reads one JSON value and nothing behind it.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("there is more behind the end of the configuration")
	}
	at := d.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = syntax.Offset
	}
	at = min(max(at, 0), int64(len(text)))
	line := bytes.Count(text[:at], []byte("\n")) + 1
	return trailhouse.Errorf(trailhouse.CodeInvalid, "line %d: this is no configuration of the CloudWatch agent: %w", line, err).
		WithHint("the agent reads JSON without comments; trailhouse setup cloudwatch-agent prints one")
}

// agentCheck collects what is wrong with one configuration.
type agentCheck struct {
	group  string
	weeks  int
	stream string // logs.log_stream_name
	found  []Finding
}

func (c *agentCheck) add(s Severity, where, what, hint string) {
	c.found = append(c.found, Finding{s, where, what, hint})
}

// agentItem is one entry of the collect list.
type agentItem struct {
	*agentCheck
	where  string
	fields map[string]any
}

func (e agentItem) text(key string) string {
	s, _ := e.fields[key].(string)
	return s
}

func (e agentItem) at(key string) string { return e.where + "." + key }

// readsLog reports whether the entry's path, which may have wildcards, is meant to read
// logs of nitro-cli.
func (e agentItem) readsLog() bool {
	p := e.text("file_path")
	return strings.Contains(p, "nitro_enclaves")
}

// check says what is wrong with the entry of the log.
func (e agentItem) check() {
	e.checkPath()
	e.checkGroup()
	e.checkStream()
	e.checkRetention()
	e.checkPattern()
	e.checkRest()
}

// checkPath: of the files that a wildcard matches the agent reads only the one that
// changed last, and the files err*.log beside the log are no log (facts/nitro.md 2.2).
func (e agentItem) checkPath() {
	p := e.text("file_path")
	if p == LogFile {
		return
	}
	switch matches, err := path.Match(p, LogFile); {
	case strings.Contains(p, "**") || err == nil && matches && strings.ContainsAny(p, "*?["):
		e.add(Fail, e.at("file_path"), fmt.Sprintf("%s also matches rotated logs and err*.log files, and of all matches the agent reads only the one that changed last", p),
			"write "+LogFile)
	case path.Base(p) == path.Base(LogFile):
		e.add(Warn, e.at("file_path"), p+" is not where nitro-cli writes unless NITRO_CLI_LOGS_PATH says so", "write "+LogFile+" if it does not")
	case strings.HasPrefix(path.Base(p), "err"):
		e.add(Fail, e.at("file_path"), p+" are error reports, no log: in the same group they are read as damaged records", "leave this entry out, or give it another log group")
	default:
		e.add(Fail, e.at("file_path"), p+" is not the log of nitro-cli: starts and ends of enclaves are missing", "write "+LogFile)
	}
}

func (e agentItem) checkGroup() {
	name := e.text("log_group_name")
	switch {
	case name == "":
		e.add(Fail, e.at("log_group_name"), "is missing: the agent then makes up a group from the path of the file", "name the group that trailhouse reads, such as "+DefaultLogGroup)
	case e.group != "" && name != e.group:
		e.add(Fail, e.at("log_group_name"), fmt.Sprintf("the lines go to %s, not to %s", name, e.group), "write "+e.group)
	}
	if class := strings.ToUpper(e.text("log_group_class")); class != "" && class != "STANDARD" {
		e.add(Fail, e.at("log_group_class"), "a group of class "+class+" cannot be read with FilterLogEvents", "write STANDARD; the class of a group that exists cannot be changed, so take a new one")
	}
}

func (e agentItem) checkStream() {
	name := e.text("log_stream_name")
	if name == "" {
		name = e.stream
	}
	switch {
	case name == InstanceStream:
	case name == "":
		e.add(Warn, e.at("log_stream_name"), "is missing: what the agent then writes depends on its version", "write "+InstanceStream)
	case strings.Contains(name, InstanceStream):
		e.add(Fail, e.at("log_stream_name"), fmt.Sprintf("%s is not the instance id alone, so records that name no enclave belong to no host", name), "write "+InstanceStream)
	default:
		e.add(Fail, e.at("log_stream_name"), fmt.Sprintf("%s is not the instance id: records of several hosts run together, and those that name no enclave belong to no host", name), "write "+InstanceStream)
	}
}

func (e agentItem) checkRetention() {
	key := e.at("retention_in_days")
	given, ok := e.fields["retention_in_days"]
	if !ok {
		return // kept for ever, or as the group says
	}
	days, number := given.(float64)
	d := int(days)
	least := leastRetention(7 * e.weeks)
	switch {
	case !number || float64(d) != days || d != -1 && !slices.Contains(RetentionDays(), d):
		e.add(Fail, key, fmt.Sprintf("%v is no retention that CloudWatch Logs knows, so the agent does not start", given), "write one of "+words(RetentionDays()))
	case d != -1 && d < 7*e.weeks:
		e.add(Fail, key, fmt.Sprintf("%d days are shorter than the look-back of %d weeks (%d days): the oldest lines are gone before they are read", d, e.weeks, 7*e.weeks),
			fmt.Sprintf("write %d or more", least))
	}
}

// startsOfRecords and continuations are lines as nitro-cli writes them (facts/nitro.md
// 2.1 to 2.4), among them the third line of an error with a time of its own.
func startsOfRecords() []string {
	return []string{
		"[nitro-cli:2191][INFO][2025-01-06T08:00:02.101Z][src/main.rs:64] Start Nitro CLI",
		"[enc-xxxxxxx:2210][INFO][2025-01-06T08:00:02.105Z][src/enclave_proc/mod.rs:571] Enclave process PID: 2210",
		"[enc-192c49814d5d5f9:2210][WARN][2025-12-31T23:59:59.999Z][src/enclave_proc/mod.rs:207] Received hang-up event from the enclave. Enclave process will shut down.",
		"[][ERROR][2025-01-06T08:00:03.000Z][src/common/mod.rs:475] [ E27 ] Insufficient memory available.",
		"[nitro-cli:9][DEBUG][2025-01-06T08:00:03.000Z][src/enclave_proc/resource_manager.rs:353] Added CPU with ID 1.",
	}
}

func continuations() []string {
	return []string{
		"For more details, please visit https://docs.aws.amazon.com/enclaves/latest/user/cli-errors.html#E27",
		`If you open a support ticket, please provide the error log found at "/var/log/nitro_enclaves/err2025-01-06T08:00:03.000000000+00:00.log"`,
		"You can increase the available memory by editing the `memory_mib` value from '/etc/nitro_enclaves/allocator.yaml' and then restart the nitro-enclaves-allocator.service.",
		"",
	}
}

// checkPattern tries the pattern on lines of nitro-cli. The agent's expressions are Go's.
func (e agentItem) checkPattern() {
	key, hint := e.at("multi_line_start_pattern"), "write "+jsonText(StartPattern)
	pattern := e.text("multi_line_start_pattern")
	if pattern == "" {
		e.add(Fail, key, "is missing: an error of several lines becomes several events, and a line without its head belongs to no record", hint)
		return
	}
	if pattern == "{timestamp_format}" {
		e.add(Fail, key, "a line of an error that names its report (err2025-01-06T….log) holds a time too, and would start a record", hint)
		return
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		e.add(Fail, key, fmt.Sprintf("%s is no regular expression of Go's, which the agent reads: %v", pattern, err), hint)
		return
	}
	for _, line := range startsOfRecords() {
		if !re.MatchString(line) {
			e.add(Fail, key, fmt.Sprintf("%s does not match the record %q, which would be hung onto the one before", pattern, line), hint)
			return
		}
	}
	for _, line := range continuations() {
		if re.MatchString(line) {
			e.add(Fail, key, fmt.Sprintf("%s matches %q, which goes on with the record before", pattern, line), hint)
			return
		}
	}
}

// jsonText is a text as it stands in a file of JSON.
func jsonText(s string) string { return strings.TrimSpace(string(JSON(s))) }

// checkRest finds keys that lose lines.
func (e agentItem) checkRest() {
	if on, _ := e.fields["auto_removal"].(bool); on {
		e.add(Fail, e.at("auto_removal"), "the agent removes logs that were rotated, into which enclaves that still run go on writing", "leave it out")
	}
	if list, ok := e.fields["filters"].([]any); ok && len(list) > 0 {
		e.add(Fail, e.at("filters"), "lines are left out before anyone can count them", "leave filters out; trailhouse needs every line of the log")
	}
	if e.text("timestamp_format") != "" {
		e.add(Warn, e.at("timestamp_format"), "CloudWatch Logs drops lines whose own time is more than 14 days old or 2 hours ahead", "leave it out: what counts is the time within the line")
	}
	if on, _ := e.fields["trim_timestamp"].(bool); on {
		e.add(Fail, e.at("trim_timestamp"), "the agent cuts the time out of each line", "leave it out")
	}
	if code := strings.ToLower(e.text("encoding")); code != "" && code != "utf-8" && code != "utf_8" && code != "ascii" {
		e.add(Fail, e.at("encoding"), "nitro-cli writes UTF-8, not "+code, "leave it out")
	}
}
