package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// CloudOptions say where lines go in CloudWatch Logs.
type CloudOptions struct {
	Clock         trailhouse.Clock
	Logs          *aws.Logs
	Group, Stream string
	// Dir is the directory of the spool and Most its bound in bytes.
	Dir  string
	Most int64
	// Metrics count what is lost; Say takes what an operator should know.
	Metrics *Metrics
	Say     func(text string)
	// Backoff is the pause behind the first failure, which doubles up to maxRest times that.
	Backoff time.Duration
}

// CloudSink writes lines to a spool and from there to CloudWatch Logs.
type CloudSink struct {
	options CloudOptions
	spool   *spool
	wake    chan struct{}
	stop    context.CancelFunc
	ended   chan struct{}
	skew    time.Duration // of the service's clock to this machine's, of run's goroutine only
}

// lastWords is how long the end may take to send what is left. What is not sent then is
// sent by the next run.
const lastWords = 5 * time.Second

// maxRest is the longest pause behind failures, in Backoffs: at most a minute passes behind
// an outage.
const maxRest = 12

// NewCloudSink opens the spool and begins to send what is in it.
func NewCloudSink(ctx context.Context, o CloudOptions) (*CloudSink, error) {
	sp, err := openSpool(o.Dir, o.Most, o.Metrics.Drop)
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeStorage, "the spool of the agent cannot be opened: %w", err).
			WithHint("name another directory with --dir")
	}
	s := &CloudSink{options: o, spool: sp, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	// The end of the run must not cut what is being sent: Close ends it.
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	go s.run(ctx)
	return s, nil
}

// Write keeps lines in the spool.
func (s *CloudSink) Write(lines []Line) error {
	err := s.spool.add(lines)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return err
}

// Room reports whether the spool is less than half full: what more there is in the log
// waits there, and the other half is for what stands nowhere else.
func (s *CloudSink) Room() bool { return s.spool.size() < s.options.Most/2 }

// Close sends what is left for a few seconds.
func (s *CloudSink) Close() error {
	close(s.wake)
	select {
	case <-s.ended:
	case <-time.After(lastWords):
	}
	s.stop()
	<-s.ended
	return nil
}

// run sends until the sink is closed and nothing is left, or the context ends.
func (s *CloudSink) run(ctx context.Context) {
	defer close(s.ended)
	pause := s.options.Backoff
	closed := false
	for ctx.Err() == nil {
		more, err := s.send(ctx)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				s.options.Metrics.errorOf("cloudwatch")
				s.options.Say(fmt.Sprintf("lines wait in the spool: %v; %s", err, cmp.Or(trailhouse.HintOf(err), "they are sent later")))
			}
			if closed {
				return
			}
			closed = s.rest(ctx, pause)
			pause = min(2*pause, maxRest*s.options.Backoff)
		case more:
			pause = s.options.Backoff
		case closed:
			return
		default:
			pause = s.options.Backoff
			select {
			case _, open := <-s.wake:
				closed = !open
			case <-ctx.Done():
			}
		}
	}
}

// rest waits behind a failure and reports whether the sink was closed meanwhile.
func (s *CloudSink) rest(ctx context.Context, pause time.Duration) (closed bool) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return false
		case <-ctx.Done():
			return true
		case _, open := <-s.wake:
			if !open {
				return true
			}
		}
	}
}

// send sends the oldest lines of the spool and reports whether there were any.
func (s *CloudSink) send(ctx context.Context) (more bool, err error) {
	lines, through, err := s.spool.take(aws.MaxPutBytes)
	if err != nil || through == 0 {
		return false, err
	}
	var events []aws.LogEvent
	for _, text := range lines {
		l, ok := trailhouse.ParseAgentLine(text)
		switch {
		case !ok: // was cut by a loss of power, and is copied again
		case len(text)+aws.PutOverhead > aws.MaxPutBytes:
			s.drop(1, "no call of CloudWatch Logs holds")
		default:
			events = append(events, aws.LogEvent{Time: s.stamp(l.Time), Message: string(text)})
		}
	}
	slices.SortStableFunc(events, func(a, b aws.LogEvent) int { return cmp.Compare(a.Time, b.Time) })
	for len(events) > 0 {
		n := batch(events)
		if err := s.put(ctx, events[:n]); err != nil {
			return false, err
		}
		events = events[n:]
	}
	return true, s.spool.sent(through)
}

// maxLag is how far from the service's time an event may be. An import reads what comes to
// a stream from the newest event that it knows, less a look-back of a day at least: an older
// one behind a newer one would not be met again.
const maxLag = 20 * time.Hour

// stamp returns the time of an event, in milliseconds: that of its line, which holds it
// anyway, or the service's where that is far from it.
func (s *CloudSink) stamp(at time.Time) int64 {
	now := s.options.Clock.Now().Add(s.skew)
	if now.Sub(at).Abs() > maxLag {
		return now.UnixMilli()
	}
	return at.UnixMilli()
}

// batch returns how many events fit one call.
func batch(events []aws.LogEvent) int {
	size := 0
	for i := range events {
		size += len(events[i].Message) + aws.PutOverhead
		if i > 0 && (size > aws.MaxPutBytes || i == aws.MaxPutEvents || events[i].Time-events[0].Time >= aws.MaxPutSpan) {
			return i
		}
	}
	return len(events)
}

// put writes events, and makes the stream where it is missing. What the service refuses as
// too old or too new, behind a long outage or where this machine's clock is wrong, is put
// again under the service's own time: the line holds its own.
func (s *CloudSink) put(ctx context.Context, events []aws.LogEvent) error {
	refused, err := s.putOnce(ctx, events)
	late := refused.Events
	if err != nil || len(late) == 0 {
		return err
	}
	s.options.Say(fmt.Sprintf("CloudWatch Logs finds %d lines too old or too new: this machine's clock is wrong, or they waited for long", len(late)))
	if !refused.Now.IsZero() {
		for i := range late {
			late[i].Time = refused.Now.UnixMilli()
		}
		again, err := s.putOnce(ctx, late)
		if err != nil {
			return err
		}
		late = again.Events
	}
	if len(late) > 0 {
		s.drop(len(late), "CloudWatch Logs refuses")
	}
	return nil
}

// drop counts lines that can be put nowhere, and says why.
func (s *CloudSink) drop(lines int, why string) {
	s.options.Metrics.Drop(int64(lines))
	s.options.Metrics.errorOf("cloudwatch")
	s.options.Say(fmt.Sprintf("%d lines are lost: %s them", lines, why))
}

// putOnce writes events, and makes the stream where it is missing.
func (s *CloudSink) putOnce(ctx context.Context, events []aws.LogEvent) (aws.Refused, error) {
	refused, err := s.options.Logs.PutEvents(ctx, s.options.Group, s.options.Stream, events)
	if trailhouse.CodeOf(err) == trailhouse.CodeNotFound {
		if err := s.options.Logs.CreateStream(ctx, s.options.Group, s.options.Stream); err != nil {
			return aws.Refused{}, err
		}
		refused, err = s.options.Logs.PutEvents(ctx, s.options.Group, s.options.Stream, events)
	}
	if !refused.Now.IsZero() {
		s.skew = refused.Now.Sub(s.options.Clock.Now())
	}
	return refused, err
}
