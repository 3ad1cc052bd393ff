package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// engine answers as DuckDB would.
type engine struct{ rows int }

func (e engine) Query(_ context.Context, _ trailhouse.Query, _ func([]trailhouse.ResultColumn) error, row func([]any) error) error {
	for range e.rows {
		if err := row([]any{int64(499500)}); err != nil {
			return err
		}
	}
	return nil
}

func (engine) Check(context.Context, trailhouse.Query) error { return nil }

// offset is a clock that is off by so much.
type offset time.Duration

func (o offset) Now() time.Time { return trailhouse.SystemClock{}.Now().Add(time.Duration(o)) }

// account is an account with something of everything, behind a proxy.
type account struct {
	proxy                *testkit.Proxy
	bucket, group, topic string
	config               string
	messages             func() []testkit.TopicMessage
}

const host = "i-0a1b2c3d4e5f60718"

const role = "arn:aws:iam::123456789012:role/Audit"

// newAccount makes a bucket with an object, a log group with a host, and a topic.
func newAccount(t *testing.T) *account {
	t.Helper()
	server := testkit.Moto(t)
	a := &account{proxy: testkit.NewProxy(t, server), bucket: testkit.Bucket(t, server)}
	t.Setenv("AWS_ENDPOINT_URL_STS", a.proxy.URL)
	testkit.Put(t, server, a.bucket, "AWSLogs/123456789012/x.json.gz", "x")
	a.group = testkit.LogGroup(t, server, "/aws/nitro/")
	testkit.LogsCall(t, server, "PutRetentionPolicy", map[string]any{"logGroupName": a.group, "retentionInDays": 90})
	testkit.LogStream(t, server, a.group, host)
	testkit.LogsCall(t, server, "PutLogEvents", map[string]any{
		"logGroupName": a.group, "logStreamName": host, "logEvents": []map[string]any{{"timestamp": time.Now().UnixMilli(), "message": "x"}},
	})
	a.topic, a.messages = testkit.Topic(t, server)
	a.config = fmt.Sprintf(`
data_dir: data
aws: {endpoint: %q, region: us-east-1}
sources:
  - {source: cloudtrail, path: "s3://%s/AWSLogs"}
  - {source: enclave-log, log_group: %q}
deliver:
  - name: usage
    report: client-usage
    target:
      s3: {bucket: %s, prefix: reports}
      sns: {topic_arn: %q, endpoint: %q}
`, a.proxy.URL, a.bucket, a.group, a.bucket, a.topic, a.proxy.URL)
	return a
}

// actionOf returns the permission that AWS would ask for.
func actionOf(r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return "logs:" + target[strings.LastIndex(target, ".")+1:]
	}
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		if a := form.Get("Action"); strings.HasPrefix(a, "Get") && a != "GetTopicAttributes" || a == "AssumeRole" {
			return "sts:" + a
		}
		return "sns:" + form.Get("Action")
	}
	switch {
	case r.URL.Query().Get("list-type") == "2":
		return "s3:ListBucket"
	case r.Method == http.MethodPut:
		return "s3:PutObject"
	}
	return "s3:GetObject"
}

// deny refuses an action as its service does.
func deny(action string) testkit.Fault {
	words := "User: arn:aws:iam::123456789012:user/meter is not authorized to perform: " + action + " on resource: "
	switch service, _, _ := strings.Cut(action, ":"); service {
	case "logs":
		return testkit.Answer(400, `{"__type":"AccessDeniedException","message":"`+words+`arn:aws:logs:us-east-1:123456789012:log-group:x"}`)
	case "sns":
		return testkit.Answer(403, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>`+words+`arn:aws:sns:us-east-1:123456789012:x</Message></Error></ErrorResponse>`)
	case "sts":
		return testkit.Answer(403, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>`+words+role+`</Message></Error></ErrorResponse>`)
	case "kms": // S3 says so where it may not use the key
		return testkit.Answer(403, testkit.ErrorXML("AccessDenied", words+"arn:aws:kms:us-east-1:123456789012:key/k because no identity-based policy allows the "+action+" action"))
	}
	return testkit.Answer(403, testkit.ErrorXML("AccessDenied", "Access Denied"))
}

// without answers as an account in which an action is not allowed; as SNS does, it refuses
// a message whose structure is not what it says (the emulator would send it).
func without(denied string) func(int, *http.Request) testkit.Fault {
	return func(_ int, r *http.Request) testkit.Fault {
		action := actionOf(r)
		switch {
		case action == denied,
			denied == aws.ActionDecrypt && action == aws.ActionGetObject,
			denied == aws.ActionGenerateDataKey && action == aws.ActionPutObject:
			return deny(denied)
		case action == aws.ActionGetTopicAttributes: // the emulator counts no subscription
			return testkit.Replace("<key>SubscriptionsConfirmed</key><value>0</value>", "<key>SubscriptionsConfirmed</key><value>1</value>")
		case action == aws.ActionPublish:
			return testkit.Answer(400, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>Invalid parameter: Message Structure - JSON message body failed to parse</Message></Error></ErrorResponse>`)
		}
		return nil
	}
}

// examine runs doctor with a configuration.
func examine(t *testing.T, text string, change func(*Options)) []Check {
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
	o := Options{
		Config: c, Clock: trailhouse.SystemClock{}, Engine: engine{1}, SilentAfter: 7 * 24 * time.Hour,
		Settings: func() error { return nil },
		Open:     func(context.Context) error { return nil },
		Greet:    func(context.Context, config.MailTarget) error { return errors.New("nobody greets") },
	}
	if change != nil {
		change(&o)
	}
	var all []Check
	if err := Run(t.Context(), o, func(one Check) { all = append(all, one) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// table is checks for people to read.
func table(all []Check) string {
	var b strings.Builder
	for _, c := range all {
		fmt.Fprintf(&b, "%s %s (%s): %s; %s [%s]\n", c.Result, c.Name, c.Place, c.Text, c.Hint, c.Action)
	}
	return b.String()
}

// not returns the checks that did not end well.
func not(all []Check) []Check {
	var out []Check
	for _, c := range all {
		if c.Result != OK {
			out = append(out, c)
		}
	}
	return out
}

// TestAllIsWell: an account with everything has nothing to say, and nothing was written or
// sent.
func TestAllIsWell(t *testing.T) {
	a := newAccount(t)
	a.proxy.Fail(without(""))
	all := examine(t, a.config, nil)
	if len(not(all)) > 0 {
		t.Errorf("\n%s", table(all))
	}
	for _, action := range []string{
		aws.ActionListBucket, aws.ActionGetObject, aws.ActionPutObject, aws.ActionDescribeLogGroups, aws.ActionDescribeLogStreams,
		aws.ActionFilterLogEvents, aws.ActionGetTopicAttributes, aws.ActionPublish, "credentials", "clock", "disk", "data directory", "engine", "configuration",
	} {
		if !strings.Contains(table(all), "ok "+action+" (") {
			t.Errorf("no check %s in\n%s", action, table(all))
		}
	}
	session, err := aws.Open(t.Context(), aws.Options{Endpoint: a.proxy.URL})
	if err != nil {
		t.Fatal(err)
	}
	if sent := a.messages(); len(sent) > 0 {
		t.Errorf("messages %v were sent", sent)
	}
	n := 0
	if err := session.Bucket(a.bucket).List(t.Context(), "", "", func(aws.Object) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d objects are in the bucket, %v", n, err)
	}
}

// TestEachMissingPermissionIsNamed takes one permission away after the other and wants
// exactly that one named, with account and principal.
func TestEachMissingPermissionIsNamed(t *testing.T) {
	a := newAccount(t)
	for _, operation := range aws.Operations() {
		action, text := operation.Action, a.config
		switch action {
		case aws.ActionGetCallerIdentity, aws.ActionGetResources:
			continue // needed by no policy; asked for by setup clean-up alone
		case "logs:CreateLogStream", "logs:PutLogEvents":
			continue // the agent of a host writes; what the configuration says only reads
		case aws.ActionAssumeRole:
			text = strings.Replace(text, "aws: {", `aws: {role_arn: "`+role+`", `, 1)
		}
		t.Run(operation.Request, func(t *testing.T) {
			a.proxy.Fail(without(action))
			all := examine(t, text, nil)
			missing := map[string]bool{}
			for _, c := range not(all) {
				if c.Action == "" {
					t.Errorf("more than a permission: %s", table([]Check{c}))
				}
				missing[c.Action] = true
				sure := c.Place != "deliver[1]" || action != aws.ActionGetObject // no object is there that could be read
				if sure != (c.Result == Fail) || c.Account != "123456789012" || !strings.HasPrefix(c.Principal, "arn:aws:") || c.Resource == "" || c.Hint == "" {
					t.Errorf("%+v", c)
				}
				if !strings.Contains(c.Text, "permission "+action+" on arn:aws:") || !strings.Contains(c.Text, "of account 123456789012") {
					t.Errorf("text: %s", c.Text)
				}
			}
			if len(missing) != 1 || !missing[action] {
				t.Errorf("missing %v, want %s\n%s", missing, action, table(all))
			}
		})
	}
}

func TestAccountThatIsNotAsConfigured(t *testing.T) {
	a := newAccount(t)
	a.proxy.Fail(without(""))
	cases := []struct {
		name, old, text string
		result          Result
		check, words    string
	}{
		{"no bucket", "s3://" + a.bucket, "s3://nobody-" + a.bucket, Fail, "s3:ListBucket", "is not there"},
		{"empty folder", "/AWSLogs", "/elsewhere", Warn, "s3:ListBucket", "is empty"},
		{"no group", a.group, a.group + "x", Fail, "logs:DescribeLogGroups", "there is no log group"},
		{"no group of a pattern", a.group, "/none/*", Fail, "logs:DescribeLogGroups", "there is no log group /none/*"},
		{"a pattern", a.group, a.group[:len(a.group)-1] + "?", "", "", ""},
		{"short retention", "region: us-east-1}", "region: us-east-1, look_back_days: 91}", Fail, "retention", "90 days, and 91 are looked at"},
		{"no topic", a.topic, a.topic + "x", Fail, "sns:GetTopicAttributes", "is not there"},
		{"server is not there", "endpoint: \"" + a.proxy.URL + "\", region", "endpoint: \"http://127.0.0.1:1\", region", Fail, "s3:ListBucket", "could not be read"},
		{"no directory", "      s3:", "      directory: trailhouse.yaml/x\n      s3:", Fail, "directory", "must be a directory"},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(a.config, tt.old, tt.text, 1)
			if text == a.config {
				t.Fatal("nothing was changed")
			}
			all := examine(t, text, nil)
			found := tt.result == "" && len(not(all)) == 0
			for _, c := range not(all) {
				if c.Action != "" || c.Hint == "" {
					t.Errorf("%+v", c)
				}
				found = found || c.Result == tt.result && c.Name == tt.check && strings.Contains(c.Text, tt.words)
			}
			if !found {
				t.Errorf("not told:\n%s", table(all))
			}
		})
	}
}

// TestReadingWithoutListing: S3 does not tell those who may not list a bucket that an object
// is not there, but names the listing where reading is allowed.
func TestReadingWithoutListing(t *testing.T) {
	a := newAccount(t)
	allowed := without("")
	words := testkit.Answer(403, testkit.ErrorXML("AccessDenied", "User: arn:aws:iam::123456789012:user/meter is not authorized to perform: "+
		"s3:ListBucket on resource: \"arn:aws:s3:::b\" because no identity-based policy allows the s3:ListBucket action"))
	a.proxy.Fail(func(n int, r *http.Request) testkit.Fault {
		if strings.HasSuffix(r.URL.Path, "/reports/"+nobody) && r.Method == http.MethodGet {
			return words
		}
		return allowed(n, r)
	})
	if all := not(examine(t, a.config, nil)); len(all) > 0 {
		t.Errorf("\n%s", table(all))
	}
}

// TestNobodyListens: a topic whose subscriptions nobody confirmed.
func TestNobodyListens(t *testing.T) {
	a := newAccount(t)
	all := not(examine(t, a.config, nil))
	if len(all) != 1 || all[0].Result != Warn || !strings.Contains(all[0].Text, "nobody would hear of a report") {
		t.Errorf("\n%s", table(all))
	}
}

func TestSilentHosts(t *testing.T) {
	a := newAccount(t)
	a.proxy.Fail(without(""))
	testkit.LogStream(t, a.proxy.URL, a.group, "host-7")
	for days, want := range map[int]string{0: "", 3: "", 8: "1 of 2 hosts wrote nothing for more than 7 days: i-0a1b2c3d4e5f60718 since ", 80: "no host has written to"} {
		later := time.Duration(days) * 24 * time.Hour
		all := examine(t, a.config, func(o *Options) { o.Clock = offset(later) })
		told := table(not(all))
		if !strings.Contains(told, "1 of 2 streams are not named after an instance") || !strings.Contains(told, want) || want == "" && strings.Contains(told, "wrote nothing") {
			t.Errorf("after %d days:\n%s", days, told)
		}
	}
}

// TestSilentAgents tells of hosts whose agent went silent long before the log of nitro-cli
// would count as silent.
func TestSilentAgents(t *testing.T) {
	a := newAccount(t)
	now := time.Now()
	wrote := map[string]time.Duration{
		"i-0a1b2c3d4e5f60710": time.Minute, "i-0a1b2c3d4e5f60711": 5 * time.Hour, "i-0a1b2c3d4e5f60712": 9 * 24 * time.Hour,
	}
	for stream, ago := range wrote {
		testkit.LogStream(t, a.proxy.URL, a.group, stream)
		testkit.PutLogs(t, a.proxy.URL, a.group, stream, testkit.LogLine{Time: now.Add(-ago).UnixMilli(), Text: trailhouse.AgentPrefix + `"event":"heartbeat"}`})
	}
	allowed := without("")
	a.proxy.Fail(func(n int, r *http.Request) testkit.Fault {
		if !testkit.IsLogs(r, "DescribeLogStreams") {
			return allowed(n, r)
		}
		return testkit.Change(func(answer *testkit.Recorded) { // the emulator took them all just now
			var all struct {
				Streams []map[string]any `json:"logStreams"`
			}
			if err := json.Unmarshal(answer.Body, &all); err != nil {
				t.Error(err)
			}
			for _, s := range all.Streams {
				ago, ok := wrote[s["logStreamName"].(string)]
				if !ok { // the group's own
					ago = time.Hour
					s["lastEventTimestamp"] = now.Add(-ago).UnixMilli()
				}
				s["lastIngestionTime"] = now.Add(-ago).UnixMilli()
			}
			answer.Body, _ = json.Marshal(all) // as it came
		})
	})
	told := table(not(examine(t, a.config, nil)))
	if !strings.Contains(told, "warn agents") || !strings.Contains(told, "1 of 4 agents") || !strings.Contains(told, "i-0a1b2c3d4e5f60711 since ") {
		t.Errorf("\n%s", told)
	}
}

func TestClockOff(t *testing.T) {
	a := newAccount(t)
	a.proxy.Fail(without(""))
	for off, want := range map[time.Duration]string{
		0: "ok clock", 10 * time.Second: "ok clock", -2 * time.Minute: "warn clock", 2 * time.Minute: "warn clock",
		26 * time.Hour: "fail clock (sources[1]): this machine's clock is 26h0m0s ahead of the one of AWS", -10 * time.Minute: "10m0s behind",
	} {
		all := examine(t, a.config, func(o *Options) { o.Clock = offset(off) })
		if !strings.Contains(table(all), want) {
			t.Errorf("%s off:\n%s", off, table(all))
		}
	}
	// A server that refuses requests for their clock tells its own all the same.
	a.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Date", time.Now().Add(26*time.Hour).UTC().Format(http.TimeFormat))
			testkit.Answer(403, `<ErrorResponse><Error><Code>RequestTimeTooSkewed</Code><Message>too far off</Message></Error></ErrorResponse>`)(w, r, next)
		}
	})
	all := examine(t, strings.ReplaceAll(a.config, `endpoint: "`+a.proxy.URL+`"`, `endpoint: ""`), nil)
	if said := table(all); !strings.Contains(said, "fail clock") || !strings.Contains(said, "behind the one of AWS, which refuses") || !strings.Contains(said, "fail credentials") {
		t.Errorf("\n%s", said)
	}
}

func TestTargets(t *testing.T) {
	const text = `
deliver:
  - name: usage
    report: client-usage
    target:
      directory: reports
      mail: {host: mail.example, from: a@example.com, to: [b@example.com]}
`
	said := table(examine(t, text, nil))
	if !strings.Contains(said, "ok directory (deliver[1])") || !strings.Contains(said, "fail mail (deliver[1]): nobody greets") {
		t.Errorf("\n%s", said)
	}
	var asked []string
	said = table(examine(t, text, func(o *Options) {
		o.Greet = func(_ context.Context, m config.MailTarget) error {
			asked = append(asked, m.Host)
			return nil
		}
	}))
	if !strings.Contains(said, "ok mail (deliver[1]): mail.example greets") || len(asked) != 1 {
		t.Errorf("asked %v\n%s", asked, said)
	}
}

func TestMachine(t *testing.T) {
	full := trailhouse.Errorf(trailhouse.CodeLocked, "held by another").WithHint("wait")
	cases := []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"not there yet", func(o *Options) { o.Config.DataDir = filepath.Join(o.Config.DataDir, "a", "b") }, "ok data directory"},
		{"a file", func(o *Options) { o.Config.DataDir = o.Config.File() }, "fail data directory"},
		{"below a file", func(o *Options) { o.Config.DataDir = filepath.Join(o.Config.File(), "x") }, "fail data directory"},
		{"held", func(o *Options) {
			o.Config.DataDir = filepath.Dir(o.Config.File())
			o.Open = func(context.Context) error { return full }
		}, "fail data directory (): held by another; wait"},
		{"engine", func(o *Options) { o.Engine = engine{0} }, "fail engine"},
		{"settings", func(o *Options) { o.Settings = func() error { return errors.Join(full, errors.New("and more")) } }, "fail configuration (): and more"},
		{"open to all", func(o *Options) {
			o.Config.DataDir = filepath.Join(filepath.Dir(o.Config.File()), "open")
			_ = os.MkdirAll(o.Config.DataDir, 0o755)
		}, "chmod 700"},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			if all := examine(t, "query: {rows: 5}", tt.change); !strings.Contains(table(all), tt.want) {
				t.Errorf("no %q in\n%s", tt.want, table(all))
			}
		})
	}
}
