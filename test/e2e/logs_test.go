package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse/internal/testkit"
)

const sampleHost = "i-0a1b2c3d4e5f60718"

// logLines returns what an agent makes of a log: an event of each line or, with a pattern
// for the beginning of records, of each record. Times are those of an agent that caught up
// some hours ago: many events in one millisecond. Lines without text are no events.
func logLines(text string, whole bool) []testkit.LogLine {
	at := time.Now().Add(-3 * time.Hour).UnixMilli()
	var out []testkit.LogLine
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if whole && !strings.HasPrefix(line, "[") && len(out) > 0 {
			out[len(out)-1].Text += "\n" + line
			continue
		}
		if line != "" {
			out = append(out, testkit.LogLine{Time: at + int64(len(out)/7), Text: line})
		}
	}
	return out
}

// sessionsOf returns the sessions of a house as text.
func (h *house) sessionsOf() string {
	h.t.Helper()
	return h.must(0, "sql", "--format", "csv", "SELECT * FROM enclave_sessions ORDER BY enclave_id, started").out
}

// TestLogsFromCloudWatch imports a host's log through CloudWatch Logs as both kinds of
// agents write it, and wants the rows and sessions of the file; then the file, which holds
// nothing new, and what comes late.
func TestLogsFromCloudWatch(t *testing.T) {
	server := testkit.Moto(t)
	text := read(t, sampleLog(t))
	file := newHouse(t)
	file.must(0, "import", "enclave-log", "--instance", sampleHost, sampleLog(t))
	keys := "SELECT record_id, instance_id, time, logger, message, ordinal FROM enclave_log ORDER BY record_id"
	for _, whole := range []bool{false, true} {
		h := newHouse(t)
		h.config = filepath.Join(h.cwd, "trailhouse.yaml")
		group := testkit.LogGroup(t, server, "/aws/nitro/")
		settings := "sources:\n  - source: enclave-log\n    log_group: " + group[:len(group)-3] + "*\n    regions: [us-east-1]\n    endpoint: " + server + "\n"
		if err := os.WriteFile(h.config, []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
		testkit.LogStream(t, server, group, sampleHost)
		lines := logLines(text, whole)
		late := len(lines) / 2
		testkit.PutLogs(t, server, group, sampleHost, append(append([]testkit.LogLine(nil), lines[:late]...), lines[late+10:]...)...)
		h.must(0, "import", "enclave-log")
		testkit.PutLogs(t, server, group, sampleHost, lines[late:late+10]...)
		if o := h.must(0, "import", "enclave-log"); strings.Contains(o.out, " 0 written") {
			t.Errorf("late events gave nothing: %s", o.out)
		}
		if got, want := h.sessionsOf(), file.sessionsOf(); got != want {
			t.Errorf("sessions (whole records: %v)\n%s\nwant\n%s", whole, got, want)
		}
		if got, want := h.must(0, "sql", "--format", "csv", keys).out, file.must(0, "sql", "--format", "csv", keys).out; got != want {
			t.Errorf("rows (whole records: %v)\n%s\nwant\n%s", whole, got, want)
		}
		for _, again := range [][]string{{"import", "enclave-log"}, {"import", "enclave-log", "--instance", sampleHost, sampleLog(t)}} {
			if o := h.must(0, again...); !strings.Contains(o.out, " 0 written") {
				t.Errorf("%q gave %s", again, o.out)
			}
		}
		object := "cloudwatch://123456789012/us-east-1" + group + "/" + sampleHost
		if n := h.count("SELECT count(*) FROM enclave_log WHERE object <> '" + object + "' OR position < 1700000000000000000"); n != 0 {
			t.Errorf("%d rows do not say where they come from", n)
		}
	}
}

// TestLogGroupsThatAreMissing wants what can be read, a row of coverage for the rest, and
// exit code 3.
func TestLogGroupsThatAreMissing(t *testing.T) {
	server := testkit.Moto(t)
	proxy := testkit.NewProxy(t, server)
	group := testkit.LogGroup(t, server, "/aws/nitro/")
	for _, stream := range []string{sampleHost, "i-0ffffffffffffffff"} {
		testkit.LogStream(t, server, group, stream)
		testkit.PutLogs(t, server, group, stream, logLines(read(t, sampleLog(t)), true)...)
	}
	h := newHouse(t)
	args := []string{"import", "enclave-log", "--log-group", group, "--log-group", "/aws/nitro/none", "--region", "us-east-1", "--endpoint", proxy.URL}
	proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if testkit.IsLogs(r, "FilterLogEvents") && strings.Contains(bodyOf(t, r), "i-0fff") {
			return testkit.LogsError(400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: logs:FilterLogEvents on resource: arn:aws:logs:us-east-1:123456789012:log-group:x:*")
		}
		return nil
	})
	h.must(3, args...)
	if n := h.count("SELECT count(*) FROM coverage WHERE result = 'missing' AND (scope = 'i-0ffffffffffffffff' AND detail LIKE '%logs:FilterLogEvents%' OR object LIKE '%/aws/nitro/none/* as the default credentials')"); n != 2 {
		t.Errorf("%d rows of coverage", n)
	}
	proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	h.must(0, "import", "enclave-log", "--log-group", group, "--endpoint", proxy.URL)
	if n := h.count("SELECT count(DISTINCT instance_id) FROM enclave_log"); n != 2 {
		t.Errorf("%d hosts", n)
	}
	for _, operation := range []string{"DescribeLogGroups", "DescribeLogStreams"} {
		refuse(t, proxy, operation)
		h.must(3, "import", "enclave-log", "--log-group", group+"*", "--region", "us-east-1", "--endpoint", proxy.URL)
		h.must(3, "report", "enclave-usage")
		proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
		h.must(3, "report", "enclave-usage")
		h.must(0, "import", "enclave-log", "--log-group", group+"*", "--region", "us-east-1", "--endpoint", proxy.URL)
		if n := h.count(newestMissing); n != 1 {
			t.Errorf("%s is allowed again and %d places are missing, want the group that never was", operation, n)
		}
	}
	testkit.LogsCall(t, server, "DeleteLogStream", map[string]any{"logGroupName": group, "logStreamName": "i-0ffffffffffffffff"})
	h.must(3, "import", "enclave-log", "--log-group", group, "--endpoint", proxy.URL)
	if n := h.count("SELECT count(*) FROM coverage WHERE result = 'missing' AND scope = 'i-0ffffffffffffffff' AND detail LIKE '%not there any more%'"); n != 1 {
		t.Errorf("%d rows of coverage of the stream that is gone", n)
	}
	h.must(0, "import", "enclave-log", "--log-group", group, "--endpoint", proxy.URL)
}

// newestMissing counts the places of which the newest word is that they are missing.
const newestMissing = `SELECT count(*) FROM (SELECT object, result, row_number() OVER (PARTITION BY source, object ORDER BY found_at DESC) AS n FROM coverage) WHERE n = 1 AND result = 'missing'`

// refuse lets the server deny an operation of CloudWatch Logs.
func refuse(t *testing.T, proxy *testkit.Proxy, operation string) {
	t.Helper()
	proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if testkit.IsLogs(r, operation) {
			return testkit.LogsError(400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: logs:"+operation)
		}
		return nil
	})
}

// bodyOf reads a request's body and puts it back.
func bodyOf(t *testing.T, r *http.Request) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	r.Body = io.NopCloser(strings.NewReader(string(text)))
	return string(text)
}

// TestLogsFromABucket imports what lies in a bucket in all the forms that there are: a tree
// of a host's files, the objects of an export task, and what Firehose delivered. All are the
// same log, so that it counts once.
func TestLogsFromABucket(t *testing.T) {
	server := testkit.Moto(t)
	bucket, text := testkit.Bucket(t, server), read(t, sampleLog(t))
	half := strings.Index(text[len(text)/2:], "\n[") + len(text)/2 + 1
	at := time.Date(2025, 11, 3, 20, 0, 0, 0, time.UTC)
	var export, envelope strings.Builder
	for i, line := range logLines(text, false) {
		export.WriteString(at.Add(time.Duration(i)*time.Millisecond).Format("2006-01-02T15:04:05.000Z") + " " + line.Text + "\n")
	}
	lines := logLines(text, true)
	for i := range lines {
		if i%50 == 0 {
			envelope.WriteString(`{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"` + sampleHost + `","subscriptionFilters":[],"logEvents":[`)
		}
		event, _ := json.Marshal(map[string]any{"id": fmt.Sprint(i), "timestamp": lines[i].Time, "message": lines[i].Text}) // texts and numbers
		envelope.Write(event)
		envelope.WriteString(map[bool]string{true: "]}", false: ","}[i%50 == 49 || i == len(lines)-1])
	}
	for key, content := range map[string]string{
		"tree/" + sampleHost + "/nitro_enclaves.log":                                                text[half:],
		"tree/" + sampleHost + "/nitro_enclaves.log.1.gz":                                           gz(text[:half]),
		"export/aws-logs-write-test":                                                                "Permission Check Successful",
		"export/5c4d3a1e-0000-4000-8000-000000000001/" + sampleHost + "/000000.gz":                  gz(export.String()),
		"firehose/2025/11/03/20/logs-1-2025-11-03-20-00-00-5c4d3a1e-0000-4000-8000-000000000002.gz": gz(envelope.String()),
		"firehose/2025/11/03/20/other.txt":                                                          "some other file\n",
	} {
		testkit.Put(t, server, bucket, key, content)
	}
	file := newHouse(t)
	file.must(0, "import", "enclave-log", "--instance", sampleHost, sampleLog(t))
	for _, folder := range []string{"tree", "export/", "firehose", ""} {
		h := newHouse(t)
		place := "s3://" + bucket + "/" + folder
		h.must(0, "import", "enclave-log", place, "--endpoint", server)
		if got, want := h.sessionsOf(), file.sessionsOf(); got != want {
			t.Errorf("%s: sessions\n%s\nwant\n%s", folder, got, want)
		}
		if o := h.must(0, "import", "enclave-log", place, "--endpoint", server); !strings.Contains(o.out, "units    0 read") {
			t.Errorf("%s again: %s", folder, o.out)
		}
		if n := h.count("SELECT count(*) FROM enclave_log WHERE object NOT LIKE 's3://" + bucket + "/%'"); n != 0 {
			t.Errorf("%s: %d rows do not say where they come from", folder, n)
		}
		if o := h.must(0, "import", "enclave-log", "--instance", sampleHost, sampleLog(t)); !strings.Contains(o.out, " 0 written") {
			t.Errorf("%s, then the file: %s", folder, o.out)
		}
	}
	newHouse(t).must(3, "import", "enclave-log", "s3://"+bucket+"/none", "--endpoint", server)
}

// gz packs a text.
func gz(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text)) // into memory
	_ = z.Close()
	return b.String()
}

// TestLogsOfSeveralAccounts imports a group of the same name in two accounts by roles, of
// which one cannot be assumed at first: the other is read all the same.
func TestLogsOfSeveralAccounts(t *testing.T) {
	server := testkit.Moto(t)
	proxy := testkit.NewProxy(t, server)
	t.Setenv("AWS_ENDPOINT_URL_STS", proxy.URL)
	group := fmt.Sprintf("/aws/nitro/accounts-%x", time.Now().UnixNano())
	settings := "sources:\n"
	for i, account := range []string{"111122223333", "444455556666"} {
		role := "arn:aws:iam::" + account + ":role/Audit"
		settings += "  - source: enclave-log\n    log_group: " + group + "\n    region: us-east-1\n    endpoint: " + server + "\n    role_arn: " + role + "\n"
		key, stream := testkit.RoleKey(t, server, role), fmt.Sprintf("i-0000000000000000%d", i+1)
		testkit.LogsCallAs(t, server, key, "CreateLogGroup", map[string]any{"logGroupName": group})
		testkit.LogsCallAs(t, server, key, "CreateLogStream", map[string]any{"logGroupName": group, "logStreamName": stream})
		testkit.LogsCallAs(t, server, key, "PutLogEvents", map[string]any{
			"logGroupName": group, "logStreamName": stream, "logEvents": logLines(read(t, sampleLog(t)), true),
		})
	}
	h := newHouse(t)
	h.config = filepath.Join(h.cwd, "trailhouse.yaml")
	if err := os.WriteFile(h.config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if strings.Contains(bodyOf(t, r), "111122223333") {
			return testkit.Answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
		}
		return nil
	})
	if o := h.must(3, "import", "enclave-log"); !strings.Contains(o.err, "sts:AssumeRole") {
		t.Errorf("stderr does not name the permission: %s", o.err)
	}
	if n := h.count("SELECT count(DISTINCT instance_id) FROM enclave_log WHERE object LIKE 'cloudwatch://444455556666/%'"); n != 1 {
		t.Errorf("%d hosts of the account that can be read", n)
	}
	proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	h.must(0, "import", "enclave-log")
	if n := h.count("SELECT count(DISTINCT object) FROM enclave_log"); n != 2 {
		t.Errorf("%d streams", n)
	}
}

// TestDamageInALogStream wants a damaged record that the next import meets again to be in
// quarantine once.
func TestDamageInALogStream(t *testing.T) {
	server := testkit.Moto(t)
	group := testkit.LogGroup(t, server, "/aws/nitro/")
	testkit.LogStream(t, server, group, sampleHost)
	at := time.Now().UnixMilli()
	line := "[nitro-cli:%d][INFO][2026-11-03T08:00:00.000Z][src/main.rs:64] Start Nitro CLI"
	testkit.PutLogs(t, server, group, sampleHost,
		testkit.LogLine{Time: at - 9000, Text: fmt.Sprintf(line, 1)}, testkit.LogLine{Time: at - 8000, Text: "[nitro-cli:12][INFO][2026-"}, testkit.LogLine{Time: at - 7000, Text: fmt.Sprintf(line, 2)})
	h := newHouse(t)
	args := []string{"import", "enclave-log", "--log-group", group, "--endpoint", server}
	h.must(3, args...)
	testkit.PutLogs(t, server, group, sampleHost, testkit.LogLine{Time: at - 1000, Text: fmt.Sprintf(line, 3)})
	h.must(3, args...)
	if n := h.count("SELECT count(*) FROM quarantine WHERE object LIKE 'cloudwatch://%/" + sampleHost + "'"); n != 1 {
		t.Errorf("%d rows in quarantine", n)
	}
	if n := h.count("SELECT count(*) FROM enclave_log"); n != 3 {
		t.Errorf("%d records", n)
	}
}
