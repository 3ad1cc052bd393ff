package aws

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/trailhouse/trailhouse"
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

// PutEvents writes events, which must be in order of their times, to a stream, and returns
// how many of them the service refused as too old or too new. A repeated call writes them
// again. CodeNotFound where there is no such group or stream, else as Groups fails.
func (l *Logs) PutEvents(ctx context.Context, group, stream string, events []LogEvent) (refused int, err error) {
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String(group), LogStreamName: aws.String(stream)}
	for i := range events {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(events[i].Time), Message: aws.String(events[i].Message)})
	}
	at := target{"log stream " + stream + " of " + group + " in " + l.region, ActionPutLogEvents, l.arn(group)}
	err = l.call(ctx, at, func(ctx context.Context) error {
		out, err := l.client.PutLogEvents(ctx, in)
		if err == nil && out.RejectedLogEventsInfo != nil {
			refused = refusedOf(out.RejectedLogEventsInfo, len(events))
		}
		return err
	})
	return refused, err
}

// refusedOf counts the events of a call that were refused: the first ones up to an end,
// the last ones from a start.
func refusedOf(r *types.RejectedLogEventsInfo, all int) int {
	from := max(int(aws.ToInt32(r.ExpiredLogEventEndIndex)), int(aws.ToInt32(r.TooOldLogEventEndIndex)))
	to := all
	if r.TooNewLogEventStartIndex != nil {
		to = int(*r.TooNewLogEventStartIndex)
	}
	return min(all, max(0, from)+max(0, all-to))
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

// InstanceID asks the metadata of the machine (IMDSv2) which instance it is.
func InstanceID(ctx context.Context) (trailhouse.InstanceID, error) {
	out, err := imds.New(imds.Options{}).GetInstanceIdentityDocument(ctx, &imds.GetInstanceIdentityDocumentInput{})
	if err != nil {
		return "", trailhouse.Errorf(trailhouse.CodeUnavailable, "the machine's metadata cannot be read: %w", err)
	}
	return trailhouse.InstanceID(out.InstanceID), nil
}
