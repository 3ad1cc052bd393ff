package testkit

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Fault is one way of answering a request badly. next asks the real server.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Proxy stands before a real server and fails where its rule says so.
type Proxy struct {
	// URL is where the proxy listens, on loopback.
	URL string

	next http.Handler
	mu   sync.Mutex
	rule func(n int, r *http.Request) Fault
	seen []string // "METHOD path?query" of each request
}

// NewProxy returns a proxy before the server at target, which lets everything through
// until Fail gives it a rule. It is closed with the test.
func NewProxy(t *testing.T, target string) *Proxy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{next: forward(u), rule: func(int, *http.Request) Fault { return nil }}
	server := httptest.NewServer(p)
	p.URL = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return p
}

// Fail sets the rule: for the n-th request since then, counted from 1, it returns how
// to fail, or nil to let the request through. It is asked by one goroutine at a time.
func (p *Proxy) Fail(rule func(n int, r *http.Request) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule, p.seen = rule, nil
}

// Seen returns the requests since the rule was set, as "METHOD path?query".
func (p *Proxy) Seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.seen...)
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.URL.RequestURI())
	fault := p.rule(len(p.seen), r)
	p.mu.Unlock()
	if fault == nil {
		p.next.ServeHTTP(w, r)
		return
	}
	fault(w, r, p.next)
}

// forward passes a request to the server and its answer back, headers and bytes as they
// are.
func forward(target *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host, out.RequestURI = target.Scheme, target.Host, ""
		if out.Header.Get("Accept-Encoding") == "" {
			out.Header.Set("Accept-Encoding", "identity") // or the transport would unpack
		}
		res, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer func() { _ = res.Body.Close() }()
		for name, values := range res.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	})
}

// Answer answers with a status and a body and does not ask the server.
func Answer(status int, body string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// S3Error answers with an error of S3.
func S3Error(status int, code string) Fault {
	return Answer(status, ErrorXML(code, "the proxy says so"))
}

// Reset cuts the connection before any answer.
func Reset() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { cut(w) }
}

// cut closes the connection with a reset.
func cut(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// CutAfter sends the real answer's head and n bytes of its body, then cuts the
// connection.
func CutAfter(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := Record(next, r)
		answer.head(w, len(answer.Body))
		_, _ = w.Write(answer.Body[:min(n, len(answer.Body))])
		w.(http.Flusher).Flush()
		cut(w)
	}
}

// StallAfter sends n bytes of the body and then nothing until the client goes.
func StallAfter(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := Record(next, r)
		answer.head(w, len(answer.Body))
		_, _ = w.Write(answer.Body[:min(n, len(answer.Body))])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// ShortBy sends a body that is n bytes shorter than the real one and announces the
// shorter length, so that nothing on the wire tells.
func ShortBy(n int) Fault {
	return Change(func(a *Recorded) { a.Body = a.Body[:max(len(a.Body)-n, 0)] })
}

// Change sends the real answer after fn changed it. Content-Length is that of the new
// body.
func Change(fn func(*Recorded)) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := Record(next, r)
		fn(answer)
		answer.ServeHTTP(w, r)
	}
}

// Replace replaces text in the body of the real answer.
func Replace(old, text string) Fault {
	return Change(func(a *Recorded) { a.Body = bytes.ReplaceAll(a.Body, []byte(old), []byte(text)) })
}

// Recorded is an answer of the real server.
type Recorded struct {
	Status int
	Header http.Header
	Body   []byte
}

// ServeHTTP gives the answer again.
func (a *Recorded) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	a.head(w, len(a.Body))
	_, _ = w.Write(a.Body)
}

// Record asks the real server.
func Record(next http.Handler, r *http.Request) *Recorded {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	return &Recorded{Status: rec.Code, Header: rec.Header(), Body: rec.Body.Bytes()}
}

// head sends status and headers with a length of the body.
func (a *Recorded) head(w http.ResponseWriter, length int) {
	for name, values := range a.Header {
		if !strings.EqualFold(name, "Content-Length") && !strings.EqualFold(name, "Transfer-Encoding") {
			w.Header()[name] = values
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(a.Status)
}
