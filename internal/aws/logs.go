package aws

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go"

	"github.com/trailhouse/trailhouse"
)

// Logs is CloudWatch Logs of one region as a session sees it. It may be used by several
// goroutines.
type Logs struct {
	session *Session
	client  *cloudwatchlogs.Client
	region  string
}

// LogGroup is one log group.
type LogGroup struct {
	// Name is as the group is called, such as /aws/nitro/enclave.
	Name string
	// ARN ends with ":*". Account is the 12 digits in it, empty where it has none.
	ARN, Account string
	// RetentionDays is after how many days events are deleted, 0 for never.
	RetentionDays int
}

// LogStream is one stream of a group. Its times are the service's, which tells them late:
// usually within an hour (API reference of LogStream).
type LogStream struct {
	Name string
	// LastEvent and LastIngestion are in milliseconds since 1970 UTC, 0 where the service
	// tells none.
	LastEvent, LastIngestion int64
}

// LogEvent is one event of a stream.
type LogEvent struct {
	// ID is the service's name of the event: two events with equal times and texts have
	// two.
	ID string
	// Time is the writer's clock and Ingested the service's, in milliseconds since 1970
	// UTC; Ingested is 0 where it is not told.
	Time, Ingested int64
	// Message is as it was written, usually without a line feed at its end.
	Message string
}

// Logs returns CloudWatch Logs of a region, empty for the session's own. No request is
// made.
func (s *Session) Logs(region string) *Logs {
	if region == "" {
		region = s.config.Region
	}
	client := cloudwatchlogs.NewFromConfig(s.config, func(o *cloudwatchlogs.Options) {
		o.Region = region
		o.HTTPClient = whole{o.HTTPClient}
		o.Retryer = aws.NopRetryer{} // Logs.call tries again: it knows answers that were cut, too
		if s.options.Endpoint != "" {
			o.BaseEndpoint = aws.String(s.options.Endpoint)
		}
	})
	return &Logs{session: s, client: client, region: region}
}

// Region returns the region.
func (l *Logs) Region() string { return l.region }

// Endpoint returns the URL of the server, empty for AWS.
func (l *Logs) Endpoint() string { return l.session.options.Endpoint }

// Who names the session in messages.
func (l *Logs) Who() string { return l.session.who() }

// Groups calls visit for each log group whose name begins with the prefix, in the order of
// the service. It fails with CodeDenied, CodeCredentials and CodeUnavailable, the last also
// for a listing that goes in circles, and with what visit returns.
func (l *Logs) Groups(ctx context.Context, prefix string, visit func(LogGroup) error) error {
	at := target{"log groups " + prefix + "* in " + l.region, "logs:DescribeLogGroups", l.arn("*")}
	in := &cloudwatchlogs.DescribeLogGroupsInput{}
	if prefix != "" {
		in.LogGroupNamePrefix = aws.String(prefix)
	}
	pages := pager{at: at}
	for !pages.ended {
		var out *cloudwatchlogs.DescribeLogGroupsOutput
		in.NextToken = pages.token
		err := l.call(ctx, at, func(ctx context.Context) error {
			var err error
			out, err = l.client.DescribeLogGroups(ctx, in)
			return err
		})
		if err != nil {
			return err
		}
		for i := range out.LogGroups {
			g := &out.LogGroups[i]
			found := LogGroup{Name: aws.ToString(g.LogGroupName), ARN: aws.ToString(g.Arn), RetentionDays: int(aws.ToInt32(g.RetentionInDays))}
			if parts := strings.SplitN(found.ARN, ":", 6); len(parts) == 6 {
				found.Account = parts[4]
			}
			if err := visit(found); err != nil {
				return err
			}
		}
		if err := pages.next(out.NextToken, len(out.LogGroups)); err != nil {
			return err
		}
	}
	return nil
}

// Streams calls visit for each stream of a group, in the order of their names. It fails as
// Groups does, and with CodeNotFound where there is no such group.
func (l *Logs) Streams(ctx context.Context, group string, visit func(LogStream) error) error {
	at := target{"log group " + group + " in " + l.region, "logs:DescribeLogStreams", l.arn(group)}
	in := &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String(group)}
	pages := pager{at: at}
	for !pages.ended {
		var out *cloudwatchlogs.DescribeLogStreamsOutput
		in.NextToken = pages.token
		err := l.call(ctx, at, func(ctx context.Context) error {
			var err error
			out, err = l.client.DescribeLogStreams(ctx, in)
			return err
		})
		if err != nil {
			return err
		}
		for i := range out.LogStreams {
			s := &out.LogStreams[i]
			err := visit(LogStream{
				Name: aws.ToString(s.LogStreamName), LastEvent: aws.ToInt64(s.LastEventTimestamp), LastIngestion: aws.ToInt64(s.LastIngestionTime),
			})
			if err != nil {
				return err
			}
		}
		if err := pages.next(out.NextToken, len(out.LogStreams)); err != nil {
			return err
		}
	}
	return nil
}

// Events calls visit with each page of a stream's events from an instant on (milliseconds
// since 1970 UTC, 0 for all there are), in the order of the service: by time. Pages may be
// empty. An event that the service gives again with the page after is given once. It fails
// as Streams does.
func (l *Logs) Events(ctx context.Context, group, stream string, from int64, visit func([]LogEvent) error) error {
	at := target{"log stream " + stream + " of " + group + " in " + l.region, "logs:FilterLogEvents", l.arn(group)}
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(group), LogStreamNames: []string{stream}}
	if from > 0 {
		in.StartTime = aws.Int64(from)
	}
	var seen recent
	var page []LogEvent
	pages := pager{at: at}
	for !pages.ended {
		var out *cloudwatchlogs.FilterLogEventsOutput
		in.NextToken = pages.token
		err := l.call(ctx, at, func(ctx context.Context) error {
			var err error
			out, err = l.client.FilterLogEvents(ctx, in)
			return err
		})
		if err != nil {
			return err
		}
		page = page[:0]
		seen.turn()
		for i := range out.Events {
			e := &out.Events[i]
			if id := aws.ToString(e.EventId); seen.fresh(id) && (e.LogStreamName == nil || *e.LogStreamName == stream) {
				page = append(page, LogEvent{ID: id, Time: aws.ToInt64(e.Timestamp), Ingested: aws.ToInt64(e.IngestionTime), Message: aws.ToString(e.Message)})
			}
		}
		if err := visit(page); err != nil {
			return err
		}
		if err := pages.next(out.NextToken, len(page)); err != nil {
			return err
		}
	}
	return nil
}

// recent knows the ids of the last pages: a page that is given twice follows itself.
type recent struct{ pages [3]map[string]struct{} }

// turn begins a page.
func (r *recent) turn() {
	last := len(r.pages) - 1
	copy(r.pages[:last], r.pages[1:])
	r.pages[last] = make(map[string]struct{}, len(r.pages[last-1]))
}

// fresh notes an id and reports whether it is new. An event without one is.
func (r *recent) fresh(id string) bool {
	if id == "" {
		return true
	}
	for _, page := range r.pages {
		if _, ok := page[id]; ok {
			return false
		}
	}
	r.pages[len(r.pages)-1][id] = struct{}{}
	return true
}

// maxSameToken is how often a listing may give a token that it gave before. One that does
// so once repeats a page, which harms nobody; one that goes on so would keep us for ever.
const maxSameToken = 5

// pager goes from token to token.
type pager struct {
	at    target
	token *string
	ended bool
	given map[string]struct{}
	same  int // tokens in a row that were given before, with nothing new
	idle  int // pages in a row with nothing new
}

// next takes the token of a page with so many new entries. An empty page with a token is
// no end: CloudWatch Logs gives many where it searches long.
func (p *pager) next(token *string, fresh int) error {
	p.token = token
	if aws.ToString(token) == "" {
		p.ended = true
		return nil
	}
	if p.given == nil {
		p.given = map[string]struct{}{}
	}
	_, known := p.given[*token]
	p.given[*token] = struct{}{}
	p.idle++
	if fresh > 0 {
		p.idle = 0
	}
	if !known {
		p.same = 0
		if p.idle > maxIdleLogPages {
			return p.endless("page after page with nothing new")
		}
		return nil
	}
	if p.same++; p.same > maxSameToken {
		return p.endless("the same page tokens again and again")
	}
	return nil
}

// maxIdleLogPages bounds empty pages in a row. A search through years of a large group has
// thousands.
const maxIdleLogPages = 100_000

func (p *pager) endless(why string) error {
	return trailhouse.Errorf(trailhouse.CodeUnavailable, "reading %s does not come to an end: the server gave %s", p.at.what, why).
		WithHint("this is a fault of the server at the endpoint, or of a proxy before it; import again later")
}

// arn returns the name of a group for policies.
func (l *Logs) arn(group string) string {
	return "arn:" + partition(l.region) + ":logs:" + l.region + ":*:log-group:" + group + ":*"
}

// call makes a request until it is answered whole, with pauses between the attempts, and
// returns the errors of fault. A body that was cut, or that is no JSON, is no answer.
func (l *Logs) call(ctx context.Context, at target, request func(context.Context) error) error {
	again := retry.NewStandard(func(o *retry.StandardOptions) {
		o.Retryables = append(o.Retryables, retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{429: {}}})
	})
	return l.session.call(ctx, at, func() error {
		for try := 1; ; try++ {
			err := l.attempt(ctx, request)
			if err == nil || ctx.Err() != nil || try >= l.session.options.Attempts || !(again.IsErrorRetryable(err) || cut(err)) {
				return err
			}
			if stop := l.session.pause(ctx, try); stop != nil {
				return err
			}
		}
	})
}

// whole is a client for requests with small bodies. The SDK closes a request's body as soon
// as the answer begins; where a server near by answers before the transport has seen the
// body's end, that cuts the connection within the answer. A body in memory is not cut.
type whole struct{ next cloudwatchlogs.HTTPClient }

// Do implements the SDK's client.
func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return w.next.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.WithContext(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return w.next.Do(r)
}

// attempt makes a request once. A server may take its time, but not for ever.
func (l *Logs) attempt(ctx context.Context, request func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, slowest*l.session.options.IdleTimeout)
	defer cancel()
	return request(ctx)
}

// slowest is how many idle timeouts a page of 1 MB may take.
const slowest = 4

// cut reports whether an answer came that cannot be read to its end.
func cut(err error) bool {
	var broken *smithy.DeserializationError
	if errors.As(err, &broken) {
		var api smithy.APIError
		return !errors.As(err, &api) || api.ErrorCode() == "UnknownError"
	}
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}
