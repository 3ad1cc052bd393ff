package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// logPage is how much text a page of CloudWatch Logs holds at most, in bytes.
const logPage = 1 << 20

// logServer answers as CloudWatch Logs does for one stream, from pages that are written
// before.
type logServer struct{ pages [][]byte }

// ServeHTTP implements http.Handler.
func (s *logServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var in struct{ NextToken string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch action {
	case "DescribeLogGroups":
		_, _ = w.Write([]byte(`{"logGroups":[{"logGroupName":"/bench","arn":"arn:aws:logs:us-east-1:111122223333:log-group:/bench:*"}]}`))
	case "DescribeLogStreams":
		_, _ = w.Write([]byte(`{"logStreams":[{"logStreamName":"` + polledInstance + `"}]}`))
	default:
		n, _ := strconv.Atoi(in.NextToken) // none is the first
		_, _ = w.Write(s.pages[n])
	}
}

// logPages makes pages of events of the first lines of a log, and returns how many lines.
func logPages(path string, most int) (*logServer, int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	s := &logServer{}
	var page bytes.Buffer
	lines, text := 0, 0
	end := func(more bool) {
		page.WriteString("]")
		if more {
			fmt.Fprintf(&page, `,"nextToken":"%d"`, len(s.pages)+1)
		}
		page.WriteString("}")
		s.pages = append(s.pages, bytes.Clone(page.Bytes()))
		page.Reset()
		text = 0
	}
	in := bufio.NewScanner(f)
	for lines < most && in.Scan() {
		if text > logPage {
			end(true)
		}
		separator := ","
		if page.Len() == 0 {
			separator = `{"searchedLogStreams":[],"events":[`
		}
		message, err := json.Marshal(in.Text())
		if err != nil {
			return nil, 0, err
		}
		at := 1_762_000_000_000 + lines/7
		fmt.Fprintf(&page, `%s{"logStreamName":"%s","timestamp":%d,"message":%s,"ingestionTime":%d,"eventId":"%056d"}`, separator, polledInstance, at, message, at+900, lines)
		text += len(in.Bytes()) + 26
		lines++
	}
	end(false)
	return s, lines, in.Err()
}

// logs measures the import of a million lines through CloudWatch Logs beside that of the
// same lines from a file.
func (b *bench) logs() error {
	path, _, err := b.polled("logs", b.importMiB, 0)
	if err != nil {
		return err
	}
	server, lines, err := logPages(path, 1_000_000)
	if err != nil {
		return err
	}
	s := httptest.NewServer(server)
	defer s.Close()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1"} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	cut := filepath.Join(b.dir, "logs-file", polledInstance, "nitro_enclaves.log")
	if err := firstLines(path, cut, lines); err != nil {
		return err
	}
	var ours, file []time.Duration
	peak := 0.0
	for i := range min(3, b.rounds) {
		took, err := child([]int{0}, b.binary, "--data", filepath.Join(b.dir, fmt.Sprintf("logs-%d", i)), "import", "enclave-log", "--log-group", "/bench", "--endpoint", s.URL)
		if err != nil {
			return err
		}
		ours, peak = append(ours, took.cpu), max(peak, took.peakMiB)
		if took, err = b.importLog(fmt.Sprintf("logs-file-%d", i), cut); err != nil {
			return err
		}
		file = append(file, took.cpu)
	}
	million := func(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(lines) }
	b.add("a million lines of a log through CloudWatch Logs to sessions", "at most 5 s of CPU",
		fmt.Sprintf("%.2f s of CPU, peak %.0f MiB", million(median(ours)), peak),
		fmt.Sprintf("the same lines from a file: %.2f s; %s lines", million(median(file)), grouped(int64(lines))))
	return os.Remove(path)
}

// firstLines copies the first n lines of a file.
func firstLines(from, to string, n int) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	w := bufio.NewWriter(out)
	lines := bufio.NewScanner(in)
	for range n {
		if !lines.Scan() {
			break
		}
		if _, err := w.Write(append(lines.Bytes(), '\n')); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return w.Flush()
}
