// Package bucket is where logs of enclave hosts lie on S3: trees of files as hosts have
// them, objects of export tasks of CloudWatch Logs, and what Firehose delivers. It finds
// objects and fetches them, and knows nothing of what is in them.
package bucket

import (
	"context"
	"path"
	"strings"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/objects"
)

// Options say which part of a bucket is read.
type Options struct {
	// Source is the source that reads.
	Source string
	Bucket *aws.Bucket
	// Prefix is a folder, with or without its slash, or one object. Empty is the whole
	// bucket.
	Prefix string
	// Parallel is how many objects are fetched at a time; zero stands for
	// aws.DefaultParallel.
	Parallel int
	// TempDir is where objects too large for memory are put while they are read.
	TempDir string
	// Limits bound compressed objects.
	Limits objects.Limits
}

// Store is a part of a bucket. Its methods may be called by several goroutines.
type Store struct {
	options Options
	ahead   *aws.Fetcher
}

// New returns the store. No request is made.
func New(o Options) *Store {
	return &Store{options: o, ahead: aws.NewFetcher(o.Bucket, o.Parallel, o.TempDir)}
}

// exportProbe is the object that an export task of CloudWatch Logs writes to see that it
// may (user guide, "Export log data to Amazon S3").
const exportProbe = "aws-logs-write-test"

// List gives the objects, by key. A prefix that may not be listed, or below which there is
// nothing, is missing. Only credentials that do not hold end the listing.
func (s *Store) List(ctx context.Context, visit func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error {
	found := 0
	give := func(o aws.Object, explicit bool) error {
		if path.Base(o.Key) == exportProbe || strings.HasSuffix(o.Key, "/") && o.Size == 0 {
			return nil
		}
		found++
		u := s.options.Bucket.Unit(o)
		u.Explicit = explicit
		if err := visit(u); err != nil {
			return own{err}
		}
		return nil
	}
	one, err := s.named(ctx)
	switch {
	case err != nil:
	case one != nil:
		err = give(*one, true)
	default:
		err = s.options.Bucket.List(ctx, s.folder(), "", func(o aws.Object) error { return give(o, false) })
	}
	if err == nil && found == 0 {
		err = trailhouse.Errorf(trailhouse.CodeNotFound, "there are no objects below %s", s.options.Bucket.Address(s.options.Prefix))
	}
	if ours, ok := err.(own); ok { //nolint:errorlint // ours, and never wrapped
		return ours.error
	}
	switch trailhouse.CodeOf(err) {
	case trailhouse.CodeDenied, trailhouse.CodeNotFound, trailhouse.CodeUnavailable, trailhouse.CodeInvalid:
		return miss(trailhouse.Coverage{
			Source: s.options.Source, Object: s.options.Bucket.Address(s.options.Prefix), Result: trailhouse.CoverageMissing, Detail: err.Error(), Cause: err,
		})
	}
	return err
}

// own is an error of visit, which ends the listing whatever its code.
type own struct{ error }

// folder is the prefix with its slash.
func (s *Store) folder() string {
	if s.options.Prefix == "" || strings.HasSuffix(s.options.Prefix, "/") {
		return s.options.Prefix
	}
	return s.options.Prefix + "/"
}

// named returns the object whose key is the prefix, nil where there is none. It would be
// the first of a listing.
func (s *Store) named(ctx context.Context) (*aws.Object, error) {
	if s.folder() == s.options.Prefix {
		return nil, nil
	}
	var found *aws.Object
	err := s.options.Bucket.List(ctx, s.options.Prefix, "", func(o aws.Object) error {
		if o.Key == s.options.Prefix {
			found = &o
		}
		return own{errFirst{}}
	})
	if ours, ok := err.(own); ok && ours.error == (errFirst{}) { //nolint:errorlint // ours, and never wrapped
		err = nil
	}
	return found, err
}

// errFirst ends a listing behind its first object.
type errFirst struct{}

func (errFirst) Error() string { return "only the first" }

// Open returns an object once all of its bytes are here: CodeConflict where it was replaced
// since it was listed; CodeNotFound, CodeDenied and CodeUnavailable where it is not to be
// had.
func (s *Store) Open(ctx context.Context, u trailhouse.Unit) (*objects.Object, error) {
	body, err := s.ahead.Take(ctx, s.options.Bucket.ObjectOf(u))
	if err != nil {
		return nil, err
	}
	return objects.New(objects.File{Path: u.Object, Size: body.Size(), Modified: u.Modified}, body, s.options.Limits, body.Close)
}

// Planned tells the units that will be read, in their order, so that they are fetched
// ahead.
func (s *Store) Planned(units []trailhouse.Unit) {
	list := make([]aws.Object, len(units))
	for i := range units {
		list[i] = s.options.Bucket.ObjectOf(units[i])
	}
	s.ahead.Plan(list)
}

// Forget lets go of what was fetched.
func (s *Store) Forget() { s.ahead.Forget() }
