package aws

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// Limits of one call of PutEvents: so many events, so many bytes of messages with 26 for
// each, and so many milliseconds between the first and the last (API reference of
// PutLogEvents).
const (
	MaxPutEvents = 10_000
	MaxPutBytes  = 1 << 20
	PutOverhead  = 26
	MaxPutSpan   = 24 * 60 * 60 * 1000
)

// How old and how far ahead of the service's clock an event may be (API reference of
// PutLogEvents).
const (
	maxPutAge   = 14 * 24 * time.Hour
	maxPutAhead = 2 * time.Hour
)

// Refused are the events of a call that the service did not take: too old, or too new.
type Refused struct {
	Events []LogEvent
	// Now is the time of the service, zero where it does not tell. It tells with errors too.
	Now time.Time
}

// PutEvents writes events, which must be in order of their times, to a stream, and returns
// which of them the service refused. A repeated call writes them again. CodeNotFound where
// there is no such group or stream, else as Groups fails.
func (l *Logs) PutEvents(ctx context.Context, group, stream string, events []LogEvent) (refused Refused, err error) {
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String(group), LogStreamName: aws.String(stream)}
	for i := range events {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(events[i].Time), Message: aws.String(events[i].Message)})
	}
	at := target{"log stream " + stream + " of " + group + " in " + l.region, ActionPutLogEvents, l.arn(group)}
	err = l.call(ctx, at, func(ctx context.Context) error {
		out, err := l.client.PutLogEvents(ctx, in)
		if err != nil {
			refused.Now = dateOf(err)
			return err
		}
		refused.Now, _ = middleware.GetServerTime(out.ResultMetadata)
		if out.RejectedLogEventsInfo != nil {
			refused.Events = refusedOf(out.RejectedLogEventsInfo, events, refused.Now)
		}
		return nil
	})
	return refused, err
}

// refusedOf returns the events of a call that were refused: the first ones up to an end,
// the last ones from a start, and those that the service's clock rules out, because not
// every server that speaks this protocol counts alike.
func refusedOf(r *types.RejectedLogEventsInfo, events []LogEvent, now time.Time) (out []LogEvent) {
	old := max(int(aws.ToInt32(r.ExpiredLogEventEndIndex)), int(aws.ToInt32(r.TooOldLogEventEndIndex)))
	from := len(events)
	if r.TooNewLogEventStartIndex != nil {
		from = int(*r.TooNewLogEventStartIndex)
	}
	for i, e := range events {
		at := time.UnixMilli(e.Time)
		outside := !now.IsZero() && (at.Before(now.Add(-maxPutAge)) || at.After(now.Add(maxPutAhead)))
		if i < old || i >= from || outside {
			out = append(out, e)
		}
	}
	return out
}

// CreateStream makes a stream of a group. One that is there is no error.
func (l *Logs) CreateStream(ctx context.Context, group, stream string) error {
	at := target{"log group " + group + " in " + l.region, ActionCreateLogStream, l.arn(group)}
	return l.call(ctx, at, func(ctx context.Context) error {
		_, err := l.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(group), LogStreamName: aws.String(stream)})
		var there *types.ResourceAlreadyExistsException
		if errors.As(err, &there) {
			return nil
		}
		return err
	})
}
