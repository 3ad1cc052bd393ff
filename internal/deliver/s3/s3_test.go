package s3

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// sender returns the sender of a bucket at a server, which may be a proxy.
func sender(t *testing.T, server, bucket string) *Sender {
	t.Helper()
	session, err := aws.Open(t.Context(), aws.Options{Endpoint: server, Region: "us-east-1", Attempts: 3, MaxBackoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return New(session.Bucket(bucket), "", trailhouse.SystemClock{})
}

func get(t *testing.T, at string) string {
	t.Helper()
	res, err := http.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", at, res.Status, text, err)
	}
	return string(text)
}

func TestConformance(t *testing.T) {
	server := testkit.Moto(t)
	testkit.Senders(t, func(t *testing.T) testkit.Target {
		bucket := testkit.Bucket(t, server)
		return testkit.Target{
			Sender: sender(t, server, bucket), Stores: true,
			Got: func() map[string]string { return testkit.Objects(t, server, bucket) },
		}
	})
}

func delivery(content string) *trailhouse.Delivery {
	return &trailhouse.Delivery{ID: "0123", Files: []trailhouse.DeliveryFile{{Key: "bill/für acme/0123.csv", MediaType: "text/csv", Content: []byte(content)}}}
}

// puts returns a rule that answers so to writes.
func puts(fault testkit.Fault) func(int, *http.Request) testkit.Fault {
	return func(_ int, r *http.Request) testkit.Fault {
		if r.Method == http.MethodPut {
			return fault
		}
		return nil
	}
}

// TestLostAnswer has the server take the object and the answer get lost: the object that
// is there is the one that was sent, so that is a success.
func TestLostAnswer(t *testing.T) {
	server := testkit.Moto(t)
	bucket := testkit.Bucket(t, server)
	p := testkit.NewProxy(t, server)
	p.Fail(func(n int, r *http.Request) testkit.Fault {
		if n > 1 {
			return nil
		}
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			testkit.Record(next, r)
			testkit.Reset()(w, r, next)
		}
	})
	receipt, err := sender(t, p.URL, bucket).Send(t.Context(), delivery("x"))
	if err != nil || receipt != "s3://"+bucket+"/bill/für acme/0123.csv" || len(p.Seen()) < 3 {
		t.Errorf("%q, %v after %q", receipt, err, p.Seen())
	}
}

func TestRefusals(t *testing.T) {
	server := testkit.Moto(t)
	if _, err := sender(t, server, "no-such-bucket-here").Send(t.Context(), delivery("x")); trailhouse.CodeOf(err) != trailhouse.CodeNotFound {
		t.Errorf("no bucket: %v", err)
	}
	p := testkit.NewProxy(t, server)
	p.Fail(puts(testkit.S3Error(http.StatusForbidden, "AccessDenied")))
	_, err := sender(t, p.URL, testkit.Bucket(t, server)).Send(t.Context(), delivery("x"))
	if trailhouse.CodeOf(err) != trailhouse.CodeDenied || !strings.Contains(err.Error(), "may not be written: permission s3:PutObject on arn:aws:s3:::") {
		t.Errorf("denied: %v", err)
	}
	p = testkit.NewProxy(t, server)
	p.Fail(puts(testkit.S3Error(http.StatusServiceUnavailable, "SlowDown")))
	if _, err := sender(t, p.URL, testkit.Bucket(t, server)).Send(t.Context(), delivery("x")); trailhouse.CodeOf(err) != trailhouse.CodeUnavailable {
		t.Errorf("throttled: %v", err)
	}
}

// TestLink fetches a delivered file by its address without being anybody.
func TestLink(t *testing.T) {
	server := testkit.Moto(t)
	bucket := testkit.Bucket(t, server)
	s, d := sender(t, server, bucket), delivery("a,b")
	if _, err := s.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	link, err := s.Link(t.Context(), d.Files[0].Key, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if text := get(t, link.URL); text != "a,b" {
		t.Errorf("%s holds %q", link.URL, text)
	}
	if !strings.Contains(link.URL, "X-Amz-Expires=3600") || link.Until.Before(before.Add(time.Hour)) || link.Until.After(time.Now().Add(time.Hour)) {
		t.Errorf("%+v", link)
	}
	if _, err := s.Link(t.Context(), "nothing", time.Hour); trailhouse.CodeOf(err) != trailhouse.CodeNotFound {
		t.Errorf("a link to nothing: %v", err)
	}
}
