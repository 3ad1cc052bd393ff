package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// logGroup makes a group with one stream of n events, one for each millisecond, at a real
// server, and returns the group and the time of the first.
func logGroup(t *testing.T, server string, n int) (group string, from int64) {
	t.Helper()
	group = testkit.LogGroup(t, server, "/logs/")
	testkit.LogStream(t, server, group, "s")
	from = time.Now().Add(-time.Hour).UnixMilli()
	lines := make([]testkit.LogLine, n)
	for i := range lines {
		lines[i] = testkit.LogLine{Time: from + int64(i), Text: fmt.Sprint("line ", i)}
	}
	testkit.PutLogs(t, server, group, "s", lines...)
	return group, from
}

// texts reads a stream.
func texts(ctx context.Context, s *Session, group string, from int64) ([]string, error) {
	var out []string
	err := s.Logs("us-east-1").Events(ctx, group, "s", from, func(page []LogEvent) error {
		for _, e := range page {
			out = append(out, e.Message)
		}
		return nil
	})
	return out, err
}

// paged answers FilterLogEvents from the real server's events, n at a time: page gives the
// events and token of each page, whose number is the token that was sent.
func paged(n int, token func(page int) string) testkit.Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		body, _ := io.ReadAll(r.Body) // a request of ours
		var in map[string]any
		_ = json.Unmarshal(body, &in)
		at := 0
		if text, ok := in["nextToken"].(string); ok {
			_, _ = fmt.Sscanf(text, "page %d", &at)
			delete(in, "nextToken")
		}
		plain, _ := json.Marshal(in)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(plain))), int64(len(plain))
		testkit.Change(func(a *testkit.Recorded) {
			var out struct {
				Events    []json.RawMessage `json:"events"`
				NextToken string            `json:"nextToken,omitempty"`
			}
			_ = json.Unmarshal(a.Body, &out)
			all := out.Events
			out.Events = all[min(at*n, len(all)):min((at+1)*n, len(all))]
			if (at+1)*n < len(all) {
				out.NextToken = token(at)
			}
			a.Body, _ = json.Marshal(out)
		})(w, r, next)
	}
}

func pageAfter(page int) string { return fmt.Sprint("page ", page+1) }

// TestLogEventsThroughFaults wants every event once, however badly the server answers in
// between.
func TestLogEventsThroughFaults(t *testing.T) {
	server := testkit.Moto(t)
	proxy := testkit.NewProxy(t, server)
	group, from := logGroup(t, server, 25)
	read := func(r *http.Request) bool { return testkit.IsLogs(r, "FilterLogEvents") }
	repeats := 0
	for name, rule := range map[string]func(n int, r *http.Request) testkit.Fault{
		"pages": func(int, *http.Request) testkit.Fault { return paged(10, pageAfter) },
		"throttled": func(n int, _ *http.Request) testkit.Fault {
			if n%3 != 0 {
				return testkit.LogsError(400, "ThrottlingException", "Rate exceeded")
			}
			return paged(10, pageAfter)
		},
		"unavailable as HTML": func(n int, _ *http.Request) testkit.Fault {
			if n < 3 {
				return testkit.Answer(500, "<html><title>500</title></html>")
			}
			return nil
		},
		"cut in the middle": func(n int, _ *http.Request) testkit.Fault {
			if n < 4 {
				return testkit.CutAfter(300 * n)
			}
			return nil
		},
		"shorter, nothing tells": func(n int, _ *http.Request) testkit.Fault {
			if n == 1 {
				return testkit.ShortBy(100)
			}
			return nil
		},
		"stalled": func(n int, _ *http.Request) testkit.Fault {
			if n == 1 {
				return testkit.StallAfter(100)
			}
			return nil
		},
		"a page twice, by the same token": func(n int, _ *http.Request) testkit.Fault {
			return paged(10, func(page int) string {
				if repeats++; repeats == 2 {
					return fmt.Sprint("page ", page)
				}
				return pageAfter(page)
			})
		},
		"empty pages": func(n int, _ *http.Request) testkit.Fault {
			if n < 4 {
				return testkit.Answer(200, fmt.Sprintf(`{"events":[],"nextToken":"empty %d"}`, n))
			}
			return paged(10, pageAfter)
		},
	} {
		proxy.Fail(func(n int, r *http.Request) testkit.Fault {
			if !read(r) {
				return nil
			}
			return rule(n, r)
		})
		got, err := texts(t.Context(), open(t, proxy.URL), group, 0)
		if err != nil || len(got) != 25 || got[0] != "line 0" || got[24] != "line 24" {
			t.Errorf("%s: %d events, %v", name, len(got), err)
		}
	}
	proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	if got, err := texts(t.Context(), open(t, proxy.URL), group, from+20); err != nil || len(got) != 5 {
		t.Errorf("from the 20th on: %q %v", got, err)
	}
}

// TestLogsThatNeverEnd wants an error, not a loop.
func TestLogsThatNeverEnd(t *testing.T) {
	for name, answer := range map[string]func(n int) string{
		"one token": func(int) string { return `{"events":[],"nextToken":"again"}` },
		"a circle":  func(n int) string { return fmt.Sprintf(`{"events":[{"eventId":"%d"}],"nextToken":"%d"}`, n%7, n%7) },
	} {
		n := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			n++
			_, _ = io.WriteString(w, answer(n))
		}))
		testkit.Credentials(t)
		_, err := texts(t.Context(), open(t, server.URL), "g", 0)
		server.Close()
		if expect(t, err, trailhouse.CodeUnavailable, "does not come to an end"); n > 100 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// TestLogsErrors wants each refusal told as what it is.
func TestLogsErrors(t *testing.T) {
	for _, c := range []struct {
		status        int
		code, message string
		want          trailhouse.Code
		words         []string
	}{
		{400, "AccessDeniedException", "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: logs:FilterLogEvents on resource: arn:aws:logs:us-east-1:111122223333:log-group:g:* because", trailhouse.CodeDenied,
			[]string{"log stream s of g in us-east-1", "logs:FilterLogEvents", "arn:aws:logs:us-east-1:111122223333:log-group:g:*"}},
		{400, "ResourceNotFoundException", "The specified log group does not exist.", trailhouse.CodeNotFound, []string{"log stream s of g"}},
		{400, "ThrottlingException", "Rate exceeded", trailhouse.CodeUnavailable, []string{"however often"}},
		{503, "ServiceUnavailableException", "", trailhouse.CodeUnavailable, nil},
		{404, "", "", trailhouse.CodeNotFound, nil},
		{400, "UnrecognizedClientException", "The security token included in the request is invalid.", trailhouse.CodeCredentials, nil},
		{400, "InvalidSignatureException", "Signature not yet current", trailhouse.CodeCredentials, nil},
		{400, "ExpiredTokenException", "The security token included in the request is expired", trailhouse.CodeCredentials, []string{"expired"}},
	} {
		testkit.Credentials(t)
		proxy := testkit.NewProxy(t, "http://127.0.0.1:1")
		proxy.Fail(func(int, *http.Request) testkit.Fault { return testkit.LogsError(c.status, c.code, c.message) })
		_, err := texts(t.Context(), open(t, proxy.URL), "g", 0)
		expect(t, err, c.want, c.words...)
	}
}

// TestLogsExpiredInMidRun wants fresh credentials to be used where there are some.
func TestLogsExpiredInMidRun(t *testing.T) {
	server := testkit.Moto(t)
	group, _ := logGroup(t, server, 25)
	proxy := testkit.NewProxy(t, server)
	path := filepath.Join(t.TempDir(), "credentials")
	keys := func(name string) {
		if err := os.WriteFile(path, []byte("[default]\naws_access_key_id="+name+"\naws_secret_access_key=x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys("OLD")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", path)
	proxy.Fail(func(n int, r *http.Request) testkit.Fault {
		if n >= 2 && strings.Contains(r.Header.Get("Authorization"), "Credential=OLD/") {
			keys("NEW")
			return testkit.LogsError(400, "ExpiredTokenException", "The security token included in the request is expired")
		}
		return paged(10, pageAfter)
	})
	got, err := texts(t.Context(), open(t, proxy.URL), group, 0)
	if err != nil || len(got) != 25 {
		t.Errorf("%d events, %v", len(got), err)
	}
}

// TestLogGroupsAndStreams lists through pages.
func TestLogGroupsAndStreams(t *testing.T) {
	server := testkit.Moto(t)
	group, from := logGroup(t, server, 3)
	for i := range 60 {
		testkit.LogStream(t, server, group, fmt.Sprintf("t%02d", i))
	}
	logs := open(t, server).Logs("us-east-1")
	var groups []LogGroup
	err := logs.Groups(t.Context(), group[:len(group)-2], func(g LogGroup) error {
		groups = append(groups, g)
		return nil
	})
	if err != nil || len(groups) != 1 || groups[0].Name != group || groups[0].Account != "123456789012" {
		t.Errorf("groups %+v %v", groups, err)
	}
	var names []string
	err = logs.Streams(t.Context(), group, func(s LogStream) error {
		if names = append(names, s.Name); s.Name == "s" && (s.LastEvent != from+2 || s.LastIngestion == 0) {
			t.Errorf("stream %+v", s)
		}
		return nil
	})
	if err != nil || len(names) != 61 || !slices.IsSorted(names) {
		t.Errorf("streams %q %v", names, err)
	}
}
