package aws

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// Limits of a message: a subject has fewer than 100 characters, and text and attributes
// together at most 256 KiB (API reference of Publish).
const (
	MaxSubject = 99
	MaxMessage = 256 << 10
)

// Message is a message of SNS.
type Message struct {
	// Subject is one line, which mail shows; longer than MaxSubject it is cut.
	Subject, Text string
	// Attributes are texts that subscriptions can filter by.
	Attributes map[string]string
	// Group and Deduplication are of use with FIFO topics, which want both: messages of
	// one group keep their order, one of the same deduplication id within five minutes is
	// dropped.
	Group, Deduplication string
}

// Topic is one topic of SNS as a session sees it.
type Topic struct {
	session *Session
	client  *sns.Client
	arn     string
}

// Topic returns the topic of an ARN, in whose region it is. No request is made.
func (s *Session) Topic(arn string) *Topic {
	client := sns.NewFromConfig(s.config, func(o *sns.Options) {
		if parts := strings.Split(arn, ":"); len(parts) == 6 && parts[3] != "" {
			o.Region = parts[3]
		}
		if s.options.Endpoint != "" {
			o.BaseEndpoint = aws.String(s.options.Endpoint)
		}
	})
	return &Topic{session: s, client: client, arn: arn}
}

// Publish gives a message to the topic and returns the id that the service gave it. A
// repeated call is a second message. CodeDenied, CodeNotFound, CodeCredentials and
// CodeUnavailable as of the request.
func (t *Topic) Publish(ctx context.Context, m Message) (string, error) {
	in := &sns.PublishInput{TopicArn: aws.String(t.arn), Message: aws.String(m.Text), MessageAttributes: map[string]types.MessageAttributeValue{}}
	if subject := []rune(m.Subject); len(subject) > 0 {
		in.Subject = aws.String(string(subject[:min(len(subject), MaxSubject)]))
	}
	for name, value := range m.Attributes {
		if value != "" { // the service refuses empty ones
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
	}
	if strings.HasSuffix(t.arn, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = aws.String(m.Group), aws.String(m.Deduplication)
	}
	var id string
	err := t.session.call(ctx, target{"topic " + t.arn, ActionPublish, t.arn}, func() error {
		out, err := t.client.Publish(ctx, in)
		if err == nil {
			id = aws.ToString(out.MessageId)
		}
		return err
	})
	return id, err
}
