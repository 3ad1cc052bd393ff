package enclavelog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/bucket"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/cloudwatch"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/ordinals"
)

var _ trailhouse.Planner = (*Source)(nil)

// NewCloudWatch returns the store of log groups. Source and Version of the options are set
// here. No request is made.
func NewCloudWatch(o cloudwatch.Options) *cloudwatch.Store {
	o.Source, o.Version = Name, new(Source).Version()
	return cloudwatch.New(o)
}

// NewBucket returns the store of a part of a bucket. Source of the options is set here. No
// request is made.
func NewBucket(o bucket.Options) *bucket.Store {
	o.Source = Name
	return bucket.New(o)
}

// Planned has objects of a bucket fetched ahead. It implements trailhouse.Planner.
func (s *Source) Planned(units []trailhouse.Unit) {
	if s.options.Bucket == nil {
		return
	}
	plain := make([]trailhouse.Unit, len(units))
	for i := range units {
		plain[i] = stored(units[i])
	}
	s.options.Bucket.Planned(plain)
}

// Settled notes how far streams of CloudWatch Logs were read. It implements
// trailhouse.Planner.
func (s *Source) Settled(ctx context.Context) error {
	switch {
	case s.options.CloudWatch != nil:
		return s.options.CloudWatch.Settled(ctx)
	case s.options.Bucket != nil:
		s.options.Bucket.Forget()
	}
	return nil
}

// readWindow decodes what came to a stream of CloudWatch Logs, as Read does a file.
func (s *Source) readWindow(ctx context.Context, u trailhouse.Unit, sink trailhouse.Sink) (err error) {
	w, err := s.options.CloudWatch.Open(ctx, stored(u))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	pieces := func(give func(*piece) error) error { return eachMessage(w, give) }
	sv := &survey{byName: map[string]*stream{}, seen: ordinals.New(w.Bytes()), empty: w.Bytes() == 0, agent: true}
	if err := pieces(sv.piece); err != nil {
		return err
	}
	sv.seen.Done()
	if !sv.found {
		s.noLog(u, w, sv, sink)
		w.Read("")
		return nil
	}
	instances, err := s.resolve(ctx, u, sv)
	if err != nil {
		return err
	}
	r := newReader(ctx, s, u, sv, sink, len(instances))
	r.window, r.from = w, w.Address
	if err := r.run(pieces); err != nil {
		return err
	}
	r.cover(instances)
	var only trailhouse.InstanceID
	if len(instances) == 1 {
		only = instances[0]
	}
	w.Read(only)
	return nil
}

// noLog covers a window without a line of a log. Behind what was read before, that is a
// host that was silent; at the beginning of a stream, the stream is some other log.
func (s *Source) noLog(u trailhouse.Unit, w *cloudwatch.Window, sv *survey, sink trailhouse.Sink) {
	if sv.empty || !w.From.IsZero() {
		s.cover(sink, u, "no record in it")
		return
	}
	sink.Cover(trailhouse.Coverage{
		Source: Name, Object: printable(u.Object), Result: trailhouse.CoverageIgnored, Detail: sv.kindOf(),
	})
}

// eachMessage gives the lines of the events of a window. An agent that knows where records
// begin makes one event of each, another one of each line: the lines are the same.
func eachMessage(w *cloudwatch.Window, give func(*piece) error) error {
	var p piece // one for all, since it escapes
	stream := []byte(w.Name)
	return w.Each(func(e *cloudwatch.Event) error {
		p = piece{stream: stream, start: e.Position, end: e.Position, event: true, at: e.Time * 1000, hasAt: true}
		if len(e.Text) > trailhouse.MaxRejected {
			p.broken = fmt.Sprintf("message of %d bytes, longer than %d", len(e.Text), trailhouse.MaxRejected)
			p.text, p.hash = e.Text[:trailhouse.MaxRejected], sha256.Sum256(e.Text)
			return give(&p)
		}
		return messageLines(&p, e.Text, give)
	})
}
