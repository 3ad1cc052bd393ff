package sns

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

func sender(t *testing.T, server, arn string) *Sender {
	t.Helper()
	session, err := aws.Open(t.Context(), aws.Options{Endpoint: server, Region: "us-east-1", Attempts: 3, MaxBackoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return New(session.Topic(arn))
}

func TestConformance(t *testing.T) {
	server := testkit.Moto(t)
	testkit.Senders(t, func(t *testing.T) testkit.Target {
		arn, messages := testkit.Topic(t, server)
		return testkit.Target{
			Sender: sender(t, server, arn),
			Got: func() map[string]string {
				got := map[string]string{}
				for i, m := range messages() {
					got[fmt.Sprint(i+1)] = m.Message + fmt.Sprint(m.Attributes)
				}
				return got
			},
		}
	})
}

func TestMessage(t *testing.T) {
	server := testkit.Moto(t)
	arn, messages := testkit.Topic(t, server)
	d := &trailhouse.Delivery{
		ID: "0123", Name: "bill", Subject: strings.Repeat("ü", 120), Summary: "Client usage\n", Scheduled: time.Date(2025, 11, 3, 5, 0, 0, 0, time.UTC),
		Links: []trailhouse.DeliveryLink{{Key: "a.csv", URL: "https://example.com/a", Until: time.Date(2025, 11, 10, 5, 0, 0, 0, time.UTC)}},
	}
	receipt, err := sender(t, server, arn).Send(t.Context(), d)
	got := messages()
	if err != nil || len(got) != 1 || got[0].MessageID != receipt {
		t.Fatalf("%q, %v, %+v", receipt, err, got)
	}
	m := got[0]
	if m.Subject != strings.Repeat("ü", 99) || m.Attributes["delivery_id"].Value != "0123" || m.Attributes["delivery"].Value != "bill" || m.Attributes["scheduled"].Value != "2025-11-03T05:00:00Z" {
		t.Errorf("%+v", m)
	}
	if m.Message != "Client usage\n\na.csv\nhttps://example.com/a\nuntil 2025-11-10 05:00 UTC\n" {
		t.Errorf("text %q", m.Message)
	}
	if _, ok := m.Attributes["client"]; ok {
		t.Error("an empty attribute was sent")
	}
}

func TestLongTextsAreCutBetweenLinks(t *testing.T) {
	d := &trailhouse.Delivery{ID: "0123", Summary: strings.Repeat("ü", 200_000)}
	for range 500 {
		d.Links = append(d.Links, trailhouse.DeliveryLink{Key: "k", URL: "https://example.com/" + strings.Repeat("x", 1500)})
	}
	got := text(d)
	if len(got) > aws.MaxMessage-4096 || !strings.Contains(got, "Delivery 0123") || !strings.Contains(got, "further files beside it") || strings.ContainsRune(got, '\ufffd') {
		t.Errorf("%d bytes: …%s", len(got), got[len(got)-200:])
	}
}

func TestRefusals(t *testing.T) {
	server := testkit.Moto(t)
	d := &trailhouse.Delivery{ID: "0123", Summary: "x"}
	if _, err := sender(t, server, "arn:aws:sns:us-east-1:123456789012:nothing").Send(t.Context(), d); trailhouse.CodeOf(err) != trailhouse.CodeNotFound {
		t.Errorf("no topic: %v", err)
	}
	arn, messages := testkit.Topic(t, server)
	p := testkit.NewProxy(t, server)
	p.Fail(func(int, *http.Request) testkit.Fault {
		return testkit.Answer(http.StatusForbidden, `<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code>`+
			`<Message>User: x is not authorized to perform: SNS:Publish on resource: `+arn+`</Message></Error></ErrorResponse>`)
	})
	_, err := sender(t, p.URL, arn).Send(t.Context(), d)
	if trailhouse.CodeOf(err) != trailhouse.CodeDenied || !strings.Contains(err.Error(), "topic "+arn+" may not be written to: permission sns:Publish on "+arn) {
		t.Errorf("denied: %v", err)
	}
	if n := len(messages()); n != 0 {
		t.Errorf("%d messages", n)
	}
}

// TestOnlyWhatWasSurelyNotTakenIsRepeated counts requests and messages by how the server
// fails.
func TestOnlyWhatWasSurelyNotTakenIsRepeated(t *testing.T) {
	server := testkit.Moto(t)
	p := testkit.NewProxy(t, server)
	said := func(status int, code string) testkit.Fault {
		return testkit.Answer(status, `<ErrorResponse><Error><Code>`+code+`</Code><Message>no</Message></Error></ErrorResponse>`)
	}
	cases := map[string]struct {
		fault    testkit.Fault
		requests int
		code     trailhouse.Code
	}{
		"throttled":          {said(400, "Throttling"), 3, trailhouse.CodeUnavailable},
		"too many":           {said(429, "TooManyRequests"), 3, trailhouse.CodeUnavailable},
		"come later":         {said(503, "ServiceUnavailable"), 3, trailhouse.CodeUnavailable},
		"reset":              {testkit.Reset(), 1, trailhouse.CodeUncertain},
		"cut behind sending": {testkit.CutAfter(0), 1, trailhouse.CodeUncertain},
		"fails inside":       {said(500, "InternalFailure"), 1, trailhouse.CodeUncertain},
		"bad gateway":        {testkit.Answer(502, "<html>"), 1, trailhouse.CodeUncertain},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			arn, _ := testkit.Topic(t, server)
			p.Fail(func(int, *http.Request) testkit.Fault { return tt.fault })
			_, err := sender(t, p.URL, arn).Send(t.Context(), &trailhouse.Delivery{ID: "0123", Summary: "x"})
			if trailhouse.CodeOf(err) != tt.code || len(p.Seen()) != tt.requests {
				t.Errorf("%d requests, %v", len(p.Seen()), err)
			}
		})
	}
	if _, err := sender(t, "http://127.0.0.1:1", "arn:aws:sns:us-east-1:123456789012:x").Send(t.Context(), &trailhouse.Delivery{ID: "0123"}); trailhouse.CodeOf(err) != trailhouse.CodeUnavailable {
		t.Errorf("nobody there: %v", err)
	}
}
