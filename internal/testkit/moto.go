package testkit

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// MotoVersion is the version of moto[server] that the tests were written against
// (facts/inventory.md 3.1). `make test-tools` installs it.
const MotoVersion = "5.2.1"

// moto is the one server of a test process.
var moto struct {
	once sync.Once
	url  string
	err  error
}

// Moto returns the URL of a moto server on loopback, which is started for the first
// test of the process that asks and dies with the process. Tests share it: they use
// buckets of their own. Without moto the test is skipped, unless TEST_TOOLS is
// "required", which `make test` sets.
//
// It also gives the process credentials that moto takes, and keeps the SDK from looking
// for others.
func Moto(t *testing.T) string {
	t.Helper()
	Credentials(t)
	program := filepath.Join(root(), ".bin", "moto-"+MotoVersion, "bin", "python")
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("TEST_TOOLS") == "required" {
			t.Fatalf("moto is not installed: run make test-tools (%v)", err)
		}
		t.Skip("moto is not installed: run make test-tools")
	}
	moto.once.Do(func() { moto.url, moto.err = startMoto(program) })
	if moto.err != nil {
		t.Fatal(moto.err)
	}
	return moto.url
}

// Credentials sets an environment in which the SDK finds static test credentials and
// nothing of the machine's.
func Credentials(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_STS": "", "NO_PROXY": "127.0.0.1",
	} {
		t.Setenv(name, value)
	}
}

// root returns the root of the repository: a test runs in the folder of its package,
// and what the compiler knows of its place is gone where it trims paths.
func root() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// motoMain runs the server until its standard input ends, so that it never outlives
// the tests, however they end.
const motoMain = `
import os, sys, threading
def watch():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", "0"])
`

var running = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// startMoto starts a server on a port that the system chooses.
func startMoto(program string) (string, error) {
	cmd := exec.Command(program, "-c", motoMain)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") { // the tests' own settings confuse the library inside
			cmd.Env = append(cmd.Env, v)
		}
	}
	if _, err := cmd.StdinPipe(); err != nil {
		return "", err
	}
	out, err := cmd.StderrPipe()
	if err != nil {
		return "", err
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("moto: %w", err)
	}
	go func() { _ = cmd.Wait() }()
	found, said := make(chan string, 1), strings.Builder{}
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := running.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
			said.WriteString(lines.Text() + "\n")
		}
		_, _ = io.Copy(io.Discard, out)
		close(found)
	}()
	select {
	case at, ok := <-found:
		if !ok {
			return "", fmt.Errorf("moto did not start: %s", said.String())
		}
		return at, nil
	case <-time.After(time.Minute):
		return "", fmt.Errorf("moto did not start within a minute")
	}
}

// Bucket makes a bucket of the test's own on a server that speaks S3 without asking for
// signatures, and returns its name.
func Bucket(t *testing.T, server string) string {
	t.Helper()
	name := "b" + strings.ToLower(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(t.Name(), "-"))
	name = strings.Trim(name[:min(len(name), 40)], "-") + fmt.Sprintf("-%x", time.Now().UnixNano())
	request(t, http.MethodPut, server+"/"+name, "")
	return name
}

// Put stores an object and returns its ETag without quotes.
func Put(t *testing.T, server, bucket, key, content string) string {
	t.Helper()
	return strings.Trim(request(t, http.MethodPut, server+"/"+bucket+"/"+escape(key), content).Get("ETag"), `"`)
}

// Delete removes an object.
func Delete(t *testing.T, server, bucket, key string) {
	t.Helper()
	request(t, http.MethodDelete, server+"/"+bucket+"/"+escape(key), "")
}

// escape writes a key into a URL so that each slash stays one.
func escape(key string) string {
	parts := strings.Split(key, "/")
	for i := range parts {
		parts[i] = strings.ReplaceAll(url.QueryEscape(parts[i]), "+", "%20")
	}
	return strings.Join(parts, "/")
}

// request makes a request of a test's own preparations.
func request(t *testing.T, method, at, body string) http.Header {
	t.Helper()
	header, _ := exchange(t, method, at, body)
	return header
}

// fetch returns the body of a GET.
func fetch(t *testing.T, at string) string {
	t.Helper()
	_, said := exchange(t, http.MethodGet, at, "")
	return said
}

// exchange makes a request that needs no true signature and returns the head and the body
// of its answer; one that is not of the 2xx ends the test.
func exchange(t *testing.T, method, at, body string) (http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %s %v", method, at, res.Status, said, err)
	}
	return res.Header, string(said)
}

// ErrorXML is the body of an error of S3.
func ErrorXML(code, message string) string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code><Message>")
	_ = xml.EscapeText(&b, []byte(message)) // a Builder takes everything
	b.WriteString("</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>")
	return b.String()
}
