package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/bucket"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/cloudwatch"
)

// sources returns the sources that an import asks for: at the places that it names,
// else at all places of the configuration with that kind of evidence. A new kind of
// evidence is a case here and a folder below internal/source.
func (h *House) sources(ctx context.Context, r cli.ImportRequest) ([]trailhouse.Source, error) {
	switch r.Source {
	case enclavelog.Name:
		return h.logSources(ctx, r)
	case cloudtrail.Name:
		return h.trailSources(ctx, r.Paths)
	}
	return nil, trailhouse.Errorf(trailhouse.CodeUsage, "there is no source %q", r.Source)
}

// logSources returns the sources that read logs of enclaves at the places that an import
// names, or, where it names none, at those of the configuration. Files are one source; each
// log group and address on S3 is one of its own, so that one whose credentials do not hold
// does not end the others.
func (h *House) logSources(ctx context.Context, r cli.ImportRequest) ([]trailhouse.Source, error) {
	var places []config.Source
	for _, path := range r.Paths {
		places = append(places, h.config.SourceAt(enclavelog.Name, path))
	}
	for _, group := range r.LogGroups {
		places = append(places, h.config.SourceOfGroup(enclavelog.Name, group))
	}
	if len(places) == 0 {
		places = h.config.SourcesOf(enclavelog.Name)
	}
	if len(places) == 0 {
		return nil, cli.NothingToImport(enclavelog.Name)
	}
	o := enclavelog.Options{
		Instance: r.Instance, Year: r.Year, Location: r.Zone, CompleteThrough: r.CompleteThrough, Limits: h.objectLimits(),
	}
	var out []trailhouse.Source
	files := o
	for _, p := range places {
		logs := o
		var err error
		switch _, _, onS3 := aws.SplitAddress(p.Path); {
		case p.LogGroup != "":
			logs.CloudWatch, err = h.logGroup(ctx, p)
		case onS3:
			logs.Bucket, err = h.logBucket(ctx, p)
		default:
			files.Paths = append(files.Paths, p.Path)
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, enclavelog.New(logs))
	}
	if len(files.Paths) > 0 {
		out = append([]trailhouse.Source{enclavelog.New(files)}, out...)
	}
	return out, nil
}

// logGroup returns the store of a place in CloudWatch Logs, as the configuration says that
// it is reached.
func (h *House) logGroup(ctx context.Context, place config.Source) (*cloudwatch.Store, error) {
	session, a, err := h.session(ctx, place)
	if err != nil {
		return nil, err
	}
	o := cloudwatch.Options{
		Groups: []string{place.LogGroup}, LookBack: time.Duration(a.LookBackDays) * 24 * time.Hour,
		Positions: h.state, TempDir: filepath.Join(h.config.DataDir, "tmp"),
	}
	for _, region := range h.config.RegionsOf(place) {
		o.Regions = append(o.Regions, session.Logs(region))
	}
	return enclavelog.NewCloudWatch(o), nil
}

// logBucket returns the store of a place on S3.
func (h *House) logBucket(ctx context.Context, place config.Source) (*bucket.Store, error) {
	name, prefix, _ := aws.SplitAddress(place.Path)
	session, a, err := h.session(ctx, place)
	if err != nil {
		return nil, err
	}
	return enclavelog.NewBucket(bucket.Options{
		Bucket: session.Bucket(name), Prefix: prefix, Parallel: int(a.Parallel),
		TempDir: filepath.Join(h.config.DataDir, "tmp"), Limits: h.objectLimits(),
	}), nil
}
