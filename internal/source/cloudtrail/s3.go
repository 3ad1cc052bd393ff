package cloudtrail

import (
	"context"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/bucket"
)

// S3Options say which part of a bucket is read. Source and Version are set by NewS3, and
// Version again by New, which knows the rules.
type S3Options = bucket.Options

var (
	_ Store              = (*bucket.Store)(nil)
	_ trailhouse.Planner = (*Source)(nil)
)

// NewS3 returns the Store of a bucket, or of a part of it. No request is made.
func NewS3(o S3Options) *bucket.Store {
	o.Source, o.Version = Name, decoder
	return bucket.New(o)
}

// Planned tells a store that fetches ahead which units will be read. It implements
// trailhouse.Planner.
func (s *Source) Planned(units []trailhouse.Unit) {
	if p, ok := s.store.(trailhouse.Planner); ok {
		p.Planned(units)
	}
}

// Settled tells a store that remembers how far it listed that the run ended well. It
// implements trailhouse.Planner.
func (s *Source) Settled(ctx context.Context) error {
	if p, ok := s.store.(trailhouse.Planner); ok {
		return p.Settled(ctx)
	}
	return nil
}
