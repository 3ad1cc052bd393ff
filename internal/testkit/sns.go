package testkit

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Topic makes a topic of the test's own in us-east-1, and a queue that is subscribed to
// it. It returns the topic's ARN, and a function that returns all messages that the topic
// gave on so far, in the order in which they came.
func Topic(t *testing.T, server string) (arn string, messages func() []TopicMessage) {
	t.Helper()
	name := fmt.Sprintf("t%x", time.Now().UnixNano())
	arn = snsCall(t, server+"/", "sns", url.Values{"Action": {"CreateTopic"}, "Name": {name}, "Version": {"2010-03-31"}}, "TopicArn")
	queue := snsCall(t, server+"/", "sqs", url.Values{"Action": {"CreateQueue"}, "QueueName": {name}, "Version": {"2012-11-05"}}, "QueueUrl")
	u, err := url.Parse(queue)
	if err != nil {
		t.Fatal(err)
	}
	snsCall(t, server+"/", "sns", url.Values{
		"Action": {"Subscribe"}, "TopicArn": {arn}, "Protocol": {"sqs"}, "Version": {"2010-03-31"},
		"Endpoint": {"arn:aws:sqs:us-east-1:123456789012:" + name},
	}, "SubscriptionArn")
	var got []TopicMessage
	return arn, func() []TopicMessage {
		t.Helper()
		for {
			body := snsCall(t, server+u.Path, "sqs", url.Values{"Action": {"ReceiveMessage"}, "QueueUrl": {queue}, "Version": {"2012-11-05"}}, "Body")
			if body == "" {
				return got
			}
			var m TopicMessage
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				t.Fatalf("%v in %s", err, body)
			}
			got = append(got, m)
		}
	}
}

// TopicMessage is a message as a topic gives it to a queue.
type TopicMessage struct {
	MessageID  string `json:"MessageId"`
	Subject    string
	Message    string
	Attributes map[string]struct{ Type, Value string } `json:"MessageAttributes"`
}

// snsCall makes a call of the query protocol and returns the text of the first element of
// the name in the answer, empty where there is none.
func snsCall(t *testing.T, at, service string, in url.Values, element string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(in.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s: %s %s %v", in.Get("Action"), res.Status, said, err)
	}
	d := xml.NewDecoder(strings.NewReader(string(said)))
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == element {
			var text string
			if err := d.DecodeElement(&text, &start); err != nil {
				t.Fatal(err)
			}
			return text
		}
	}
}
