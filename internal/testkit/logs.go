package testkit

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// LogLine is one event of a log stream.
type LogLine struct {
	// Time is in milliseconds since 1970 UTC. The service takes events of the last 14 days
	// and of the next 2 hours, in one call in the order of their times.
	Time int64  `json:"timestamp"`
	Text string `json:"message"`
}

// LogGroup makes a log group of the test's own in us-east-1 on a server that speaks
// CloudWatch Logs without asking for signatures, and returns its name, which begins with
// the prefix.
func LogGroup(t *testing.T, server, prefix string) string {
	t.Helper()
	name := prefix + strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(t.Name(), "-"), "-") + fmt.Sprintf("-%x", time.Now().UnixNano())
	LogsCall(t, server, "CreateLogGroup", map[string]any{"logGroupName": name})
	return name
}

// LogStream makes a stream.
func LogStream(t *testing.T, server, group, stream string) {
	t.Helper()
	LogsCall(t, server, "CreateLogStream", map[string]any{"logGroupName": group, "logStreamName": stream})
}

// PutLogs adds events to a stream, in calls of at most 1,000.
func PutLogs(t *testing.T, server, group, stream string, lines ...LogLine) {
	t.Helper()
	for len(lines) > 0 {
		n := min(len(lines), 1000)
		LogsCall(t, server, "PutLogEvents", map[string]any{"logGroupName": group, "logStreamName": stream, "logEvents": lines[:n]})
		lines = lines[n:]
	}
}

// LogsCall makes a call of CloudWatch Logs of a test's own preparations.
func LogsCall(t *testing.T, server, action string, in any) {
	t.Helper()
	LogsCallAs(t, server, "testing", action, in)
}

// LogsCallAs is LogsCall in the account of an access key, see RoleKey.
func LogsCallAs(t *testing.T, server, key, action string, in any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Logs_20140328."+action)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 || strings.Contains(string(said), "rejectedLogEventsInfo") {
		t.Fatalf("%s: %s %s %v", action, res.Status, said, err)
	}
}

// RoleKey assumes a role at the emulator, which takes any, and returns the access key by
// which calls are made in the role's account.
func RoleKey(t *testing.T, server, arn string) string {
	t.Helper()
	form := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {arn}, "RoleSessionName": {"test"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	key := regexp.MustCompile(`<AccessKeyId>([^<]+)<`).FindSubmatch(said)
	if err != nil || key == nil {
		t.Fatalf("AssumeRole: %s %s %v", res.Status, said, err)
	}
	return string(key[1])
}

// LogsError answers with an error of CloudWatch Logs.
func LogsError(status int, code, message string) Fault {
	body, _ := json.Marshal(map[string]string{"__type": code, "message": message}) // strings only
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-ErrorType", code)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// IsLogs reports whether a request is that action of CloudWatch Logs.
func IsLogs(r *http.Request, action string) bool {
	return r.Header.Get("X-Amz-Target") == "Logs_20140328."+action
}
