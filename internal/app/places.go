package app

import (
	"context"
	"path/filepath"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
)

// trailSources returns the sources that read trails at paths and s3:// addresses, or,
// where there are none, at the places of the configuration. Each address is a source of
// its own, so that one whose credentials do not hold does not end the others; paths
// with the same rules are one.
func (h *House) trailSources(ctx context.Context, paths []string) ([]trailhouse.Source, error) {
	var places []config.Source
	for _, path := range paths {
		places = append(places, h.config.SourceAt(cloudtrail.Name, path))
	}
	if len(paths) == 0 {
		places = h.config.SourcesOf(cloudtrail.Name)
	}
	if len(places) == 0 {
		return nil, cli.NothingToImport(cloudtrail.Name)
	}
	var out []trailhouse.Source
	var files cloudtrail.Options
	for _, p := range places {
		o := cloudtrail.Options{Include: eventRules(p.Include), Exclude: eventRules(p.Exclude), Limits: h.objectLimits()}
		switch _, _, onS3 := aws.SplitAddress(p.Path); {
		case onS3:
			store, err := h.bucket(ctx, p)
			if err != nil {
				return nil, err
			}
			o.Store = store
		case len(o.Include)+len(o.Exclude) == 0:
			o.Paths = append(files.Paths, p.Path)
			files = o
			continue
		default:
			o.Paths = []string{p.Path}
		}
		out = append(out, cloudtrail.New(o))
	}
	if len(files.Paths) > 0 {
		out = append(out, cloudtrail.New(files))
	}
	return out, nil
}

// bucket returns the store of a place on S3, as the configuration says that it is
// reached.
func (h *House) bucket(ctx context.Context, place config.Source) (cloudtrail.Store, error) {
	name, prefix, _ := aws.SplitAddress(place.Path)
	session, a, err := h.session(ctx, place)
	if err != nil {
		return nil, err
	}
	return cloudtrail.NewS3(cloudtrail.S3Options{
		Bucket: session.Bucket(name), Prefix: prefix, Parallel: int(a.Parallel), LookBackDays: int(a.LookBackDays),
		Positions: h.state, TempDir: filepath.Join(h.config.DataDir, "tmp"),
	}), nil
}

// session returns who we are at a place, and the settings that say so.
func (h *House) session(ctx context.Context, place config.Source) (*aws.Session, config.AWS, error) {
	a := h.config.Access(place)
	s, err := sessionAs(ctx, a)
	return s, a, err
}

// sessionAs returns who the settings say that we are.
func sessionAs(ctx context.Context, a config.AWS) (*aws.Session, error) {
	return aws.Open(ctx, aws.Options{
		Profile: a.Profile, RoleARN: a.RoleARN, ExternalID: a.ExternalID, SessionName: a.SessionName,
		Region: a.Region, Endpoint: a.Endpoint, PathStyle: a.PathStyle,
		Attempts: int(a.Attempts), IdleTimeout: a.IdleTimeout,
	})
}

func eventRules(rules []config.EventRule) []cloudtrail.Rule {
	out := make([]cloudtrail.Rule, len(rules))
	for i, r := range rules {
		out[i] = cloudtrail.Rule{Category: r.Category, Source: r.Source, Name: r.Name, Account: r.Account}
	}
	return out
}
