// Package bucket is where a trail keeps its objects on S3: it finds them by account,
// kind and region, remembers the delivery day up to which it listed, and fetches them
// whole, several ahead of the one that is read. It knows the folders of CloudTrail
// (facts/cloudtrail.md 2.2) and nothing of what is in its files.
package bucket

import (
	"context"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// Options say which part of a bucket is read.
type Options struct {
	// Source and Version are the source that reads, and its decoder's version.
	Source, Version string
	Bucket          *aws.Bucket
	// Prefix is the part of the bucket: the folder that holds AWSLogs or one above or
	// below it, a folder of copies, one object. Empty is the whole bucket.
	Prefix string
	// Parallel is how many requests are under way at most; zero stands for 8.
	Parallel int
	// LookBackDays is how many delivery days before the newest one known are listed
	// again, because files come late (facts/cloudtrail.md 2.2); zero stands for 2.
	LookBackDays int
	// Positions, where not nil, let a listing begin where the last one ended.
	Positions trailhouse.Positions
	// TempDir is where objects too large for memory are put while they are read.
	TempDir string
}

// Store is a bucket, or a part of it. Its methods may be called by several goroutines.
type Store struct {
	options Options
	ahead   *aws.Fetcher

	mu     sync.Mutex
	newest map[string]string // by place that was listed to its end: the newest delivery day
	before map[string]string // the positions that the listing began with
	failed map[string]string // by place: the earliest delivery day with an object that was not read
}

// New returns the store. No request is made.
func New(o Options) *Store {
	if o.Parallel <= 0 {
		o.Parallel = aws.DefaultParallel
	}
	if o.LookBackDays <= 0 {
		o.LookBackDays = 2
	}
	return &Store{options: o, failed: map[string]string{}, ahead: aws.NewFetcher(o.Bucket, o.Parallel, o.TempDir)}
}

// SetVersion says anew as what the source reads, before the first call of List: positions
// are kept for each.
func (s *Store) SetVersion(version string) { s.options.Version = version }

// Open returns an object's bytes once all of them are here. A unit of which only Object
// is set is the object as it is now. CodeConflict where the object was replaced since it
// was listed; CodeNotFound, CodeDenied and CodeUnavailable where it is not to be had.
func (s *Store) Open(ctx context.Context, u trailhouse.Unit) (io.ReadCloser, error) {
	if u.ID == "" {
		key := s.options.Bucket.ObjectOf(u).Key
		o, err := s.options.Bucket.Stat(ctx, key)
		if err != nil {
			return nil, err
		}
		return opened(s.ahead.Fetch(ctx, o))
	}
	body, err := s.ahead.Take(ctx, s.options.Bucket.ObjectOf(u))
	if err == nil {
		return body, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	place, day := placeAndDay(s.options.Bucket.ObjectOf(u).Key)
	if was, ok := s.failed[place]; !ok || day < was {
		s.failed[place] = day
	}
	return nil, err
}

// opened keeps a nil body from being an io.ReadCloser.
func opened(b *aws.Body, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	return b, nil
}

// placeAndDay takes a key apart where it lies in the folder of a delivery day: the
// place is the folder of the region, with its slash. The day is empty where it does
// not.
func placeAndDay(key string) (place, day string) {
	dir := path.Dir(key)
	const form = "/2006/01/02"
	if len(dir) <= len(form) {
		return dir + "/", ""
	}
	cut := len(dir) - len(form)
	at, err := time.Parse(form, dir[cut:])
	if err != nil {
		return dir + "/", ""
	}
	return dir[:cut] + "/", at.Format(time.DateOnly)
}

// Planned tells the units that will be read, in their order, so that they are asked
// for ahead.
func (s *Store) Planned(units []trailhouse.Unit) {
	objects := make([]aws.Object, len(units))
	for i := range units {
		objects[i] = s.options.Bucket.ObjectOf(units[i])
	}
	s.ahead.Plan(objects)
}

// Settled notes how far the listing came. It is called when everything that it gave is
// in the lake, in quarantine or known to be missing; days with an object that is missing
// are listed again.
func (s *Store) Settled(ctx context.Context) error {
	s.ahead.Forget()
	s.mu.Lock()
	changed := map[string]string{}
	for prefix, newest := range s.newest {
		place := s.place(prefix)
		value := max(newest, s.before[place])
		if day, ok := s.failed[prefix]; ok && day != "" {
			value = min(value, day)
		}
		if value != "" && value != s.before[place] {
			changed[place] = value
		}
	}
	s.mu.Unlock()
	if s.options.Positions == nil || len(changed) == 0 {
		return nil
	}
	return s.options.Positions.SetPositions(ctx, s.options.Source, s.options.Version, changed)
}

// place names a folder among those of all servers and buckets.
func (s *Store) place(prefix string) string {
	return strings.TrimSpace(s.options.Bucket.Endpoint() + " " + s.options.Bucket.Address(prefix))
}
