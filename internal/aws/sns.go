package aws

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/trailhouse/trailhouse"
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
// repeated call is a second message, so only what SNS has surely not taken is asked again.
// CodeUncertain where it may have taken it and its answer was lost; CodeDenied,
// CodeNotFound, CodeCredentials and CodeUnavailable as of the request.
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
		var wrote wire
		out, err := t.client.Publish(wrote.trace(ctx), in, func(o *sns.Options) { o.Retryer = careful{o.Retryer, &wrote} })
		switch {
		case err == nil:
			id = aws.ToString(out.MessageId)
		case wrote.lost(err) && ctx.Err() != context.Canceled:
			return trailhouse.Errorf(trailhouse.CodeUncertain, "topic %s got the message, and its answer was lost: %w", t.arn, cause(err))
		}
		return err
	})
	return id, err
}

// wire remembers whether the last request had a connection to be written to.
type wire struct{ written atomic.Bool }

// trace returns a context whose requests are watched.
func (w *wire) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.written.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { w.written.Store(true) }, // how far it got from here on, nobody can tell
	})
}

// lost reports whether the service may have done what was asked although there is an
// error: the request went out and no answer came back, or one that blames the service.
func (w *wire) lost(err error) bool {
	code, _, status := answer(err)
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case status == 0:
		return w.written.Load()
	case status >= 400 && status < 500, throttled, status == http.StatusServiceUnavailable && code == "ServiceUnavailable":
		return false
	}
	return true
}

// careful is a retryer that repeats nothing that may have been done.
type careful struct {
	aws.Retryer
	wrote *wire
}

// IsErrorRetryable implements aws.Retryer.
func (c careful) IsErrorRetryable(err error) bool {
	return !c.wrote.lost(err) && c.Retryer.IsErrorRetryable(err)
}
