// Package enclavelog reads what nitro-cli and the enclave allocator leave on a host:
// the log of nitro-cli as files, plain or gzip, rotated or copied, as exports of
// CloudWatch Logs in JSON or as text, and the journal of the allocator.
//
// A log belongs to one host, and what does not name its host is never given to one
// that is merely near. In this order, a file or a log stream belongs to the last
// instance id in its path and name, to the one that its own enclave ids name, to
// Options.Instance. A file that has none of these belongs to the one host of its
// rotated set: the files of the same directory whose names are equal once the suffix
// of rotation (.1, .2.gz, -20250101) is cut off; an allocator's journal, which never
// names a host, to the one host of its directory. Else the file is rejected, and so
// are the records of a log stream among others.
package enclavelog

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/bucket"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/cloudwatch"
)

// Name is the source's name, and that of coverage of nitro-cli logs.
const Name = "enclave-log"

// JournalName is the source in coverage of the allocator's journal. It is a name of
// its own because a journal says nothing of how far the log is complete.
const JournalName = "enclave-allocator-journal"

// Options say where to read and what the files do not tell themselves.
type Options struct {
	// Paths are files and directory trees. They are not looked at where CloudWatch or Bucket is
	// set.
	Paths []string
	// CloudWatch is where the logs are, where that is not Paths; see NewCloudWatch.
	CloudWatch *cloudwatch.Store
	// Bucket is where the files are, where that is not Paths; see NewBucket.
	Bucket *bucket.Store
	// Instance is the instance of units that name none.
	Instance trailhouse.InstanceID
	// Year is the year of the first line of a journal; zero takes it from the time of
	// the file's last write.
	Year int
	// Location is the zone that a journal was printed in; nil is UTC.
	Location *time.Location
	// CompleteThrough is the instant through which the logs are known to be complete;
	// zero leaves it at each log's last record.
	CompleteThrough time.Time
	// Limits bound compressed files.
	Limits objects.Limits
}

// Source reads enclave logs. Its methods may be called by several goroutines.
type Source struct {
	options    Options
	log        *trailhouse.Table
	allocator  *trailhouse.Table
	columns    columns
	mu         sync.Mutex
	neighbours map[string]trailhouse.InstanceID // by rotated set or directory, guarded by mu
	folders    map[string][]trailhouse.Unit     // of Bucket, without an instance in their names; guarded by mu
}

var _ trailhouse.Source = (*Source)(nil)

// New returns a source. It opens nothing yet.
func New(o Options) *Source {
	if o.Location == nil {
		o.Location = time.UTC
	}
	s := &Source{options: o, log: LogTable(), allocator: AllocatorTable(), neighbours: map[string]trailhouse.InstanceID{}}
	s.columns = columnsOf(s.log, s.allocator)
	return s
}

// Name returns "enclave-log".
func (s *Source) Name() string { return Name }

// Tables returns enclave_log and allocator_log.
func (s *Source) Tables() []*trailhouse.Table { return []*trailhouse.Table{s.log, s.allocator} }

// Version returns the version of the decoder.
func (s *Source) Version() string { return "3" }

// Units finds the files. What cannot be read is missing, and so is what the user named
// and is no file; what is no file below a directory is ignored.
func (s *Source) Units(ctx context.Context, yield func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error {
	switch {
	case s.options.CloudWatch != nil:
		return s.options.CloudWatch.List(ctx, s.asked(yield), miss)
	case s.options.Bucket != nil:
		s.mu.Lock()
		s.folders = map[string][]trailhouse.Unit{}
		s.mu.Unlock()
		return s.options.Bucket.List(ctx, func(u trailhouse.Unit) error {
			s.note(u)
			return s.asked(yield)(u)
		}, miss)
	}
	named := map[string]bool{}
	for _, p := range s.options.Paths {
		if abs, err := filepath.Abs(p); err == nil {
			named[abs] = true
		}
	}
	return objects.Walk(ctx, s.options.Paths, func(f objects.File) error {
		return yield(trailhouse.Unit{
			ID: s.unitID(f), Object: f.Path, Size: f.Size, Modified: f.Modified, Explicit: f.Explicit,
			Again: !s.options.CompleteThrough.IsZero(),
		})
	}, func(path string, err error) error {
		c := trailhouse.Coverage{
			Source: Name, Scope: string(instanceIn(path)), Object: printable(path), Result: trailhouse.CoverageMissing, Detail: err.Error(), Cause: err,
		}
		if trailhouse.CodeOf(err) == trailhouse.CodeNotFound {
			c.Scope = "" // a place that never was is no part of a host's log
		}
		if trailhouse.CodeOf(err) == trailhouse.CodeInvalid && !named[path] {
			c.Result = trailhouse.CoverageIgnored
		}
		return miss(c)
	})
}

// asked adds to units of a store what the user asks of all.
func (s *Source) asked(yield func(trailhouse.Unit) error) func(trailhouse.Unit) error {
	return func(u trailhouse.Unit) error {
		u.Again = u.Again || !s.options.CompleteThrough.IsZero()
		if s.options.Instance != "" {
			u.ID += "@" + string(s.options.Instance)
		}
		return yield(u)
	}
}

// stored returns a unit as its store gave it, without what asked added.
func stored(u trailhouse.Unit) trailhouse.Unit {
	u.ID, _, _ = strings.Cut(u.ID, "@")
	return u
}

// note keeps an object of a folder that names no instance: the objects beside it may.
func (s *Source) note(u trailhouse.Unit) {
	dir, _ := filepath.Split(u.Object)
	if instanceIn(dir) != "" {
		return
	}
	s.mu.Lock()
	s.folders[dir] = append(s.folders[dir], u)
	s.mu.Unlock()
}

// open opens a file or object.
func (s *Source) open(ctx context.Context, u trailhouse.Unit) (*objects.Object, error) {
	if s.options.Bucket != nil {
		return s.options.Bucket.Open(ctx, stored(u))
	}
	return objects.Open(u.Object, s.options.Limits)
}

// unitID returns the id of a file as a unit. What could not be given to a host without
// Options.Instance is read again with it.
func (s *Source) unitID(f objects.File) string {
	if s.options.Instance == "" {
		return f.ID()
	}
	return f.ID() + "@" + string(s.options.Instance)
}

// Read decodes one file. The first pass finds out what it is, whether its container
// is whole and which instance it comes from; the second reads the same bytes again
// and gives the rows. A file that grows meanwhile is read to where it ended.
func (s *Source) Read(ctx context.Context, u trailhouse.Unit, sink trailhouse.Sink) error {
	if s.options.CloudWatch != nil {
		return s.readWindow(ctx, u, sink)
	}
	o, err := s.open(ctx, u)
	if err != nil {
		return err
	}
	defer o.Close()
	sv, err := inspect(o)
	if err != nil {
		return err
	}
	if sv.empty {
		s.cover(sink, u, "empty file")
		return nil
	}
	if !sv.found {
		return s.ignore(u, sv, sink)
	}
	instances, err := s.resolve(ctx, u, sv)
	if err != nil {
		return err
	}
	for _, st := range sv.streams {
		st.date(s.options.Year, o.File().Modified, s.options.Location)
	}
	r := newReader(ctx, s, u, sv, sink, len(instances))
	if err := r.run(func(give func(*piece) error) error { return sv.pieces(o, give) }); err != nil {
		return err
	}
	r.cover(instances)
	return nil
}

// ignore passes over a file that is no log, which is an error where the user named it.
// What is gzip twice is what a Firehose stream makes of logs where it compresses them
// again: evidence, so that it is told and not passed over.
// A file that is named as the log is and packed in a way that is not read is missing.
func (s *Source) ignore(u trailhouse.Unit, sv *survey, sink trailhouse.Sink) error {
	if u.Explicit {
		return trailhouse.Errorf(trailhouse.CodeInvalid, "%s is not a nitro-cli log: %s", u.Object, sv.kindOf()).
			WithHint("name the log, usually /var/log/nitro_enclaves/nitro_enclaves.log, or its export from CloudWatch Logs, as text, JSON or gzip")
	}
	if sv.packed == gzipTwice {
		return trailhouse.Errorf(trailhouse.CodeInvalid, "%s is %s, which is not read", u.Object, gzipTwice).
			WithHint("turn the compression of the Firehose stream off, since CloudWatch Logs compresses already, and unpack the object once with gunzip")
	}
	c := trailhouse.Coverage{Source: Name, Object: printable(u.Object), Result: trailhouse.CoverageIgnored, Detail: sv.kindOf()}
	if sv.packed != "" && strings.Contains(filepath.Base(u.Object), "nitro_enclaves") {
		c.Result, c.Scope = trailhouse.CoverageMissing, s.Scope(u)
		if c.Scope != "" {
			c.Through = u.Modified.UTC() // its lines are from before its last write
		}
	}
	sink.Cover(c)
	return nil
}

// cover notes a unit that was read and holds no row.
func (s *Source) cover(sink trailhouse.Sink, u trailhouse.Unit, detail string) {
	sink.Cover(trailhouse.Coverage{
		Source: Name, Scope: string(instanceIn(u.Object)), Object: printable(u.Object), Result: trailhouse.CoverageRead, Detail: detail,
	})
}

// printable returns a path as UTF-8, which Unix does not ask of it.
func printable(path string) string { return strings.ToValidUTF8(path, "\ufffd") }
