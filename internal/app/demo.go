package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/demo"
	"github.com/trailhouse/trailhouse/internal/demo/trail"
)

// generateDemo writes the demo's evidence into a directory that holds nothing yet.
func generateDemo(ctx context.Context, r cli.DemoRequest) (cli.DemoResult, error) {
	entries, err := os.ReadDir(r.Dir)
	if err == nil && len(entries) > 0 {
		return cli.DemoResult{}, trailhouse.Errorf(trailhouse.CodeUsage, "%s is not empty", r.Dir).
			WithHint("name a new directory with --out, or remove this one")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cli.DemoResult{}, trailhouse.Errorf(trailhouse.CodeStorage, "the demo's directory cannot be read: %w", err)
	}
	o := demo.DefaultOptions()
	o.Seed, o.Months, o.Hosts, o.Events = r.Seed, r.Months, r.Hosts, r.Events
	truth, err := makeDemo(ctx, r, o)
	if err != nil {
		return cli.DemoResult{}, err
	}
	result := cli.DemoResult{
		Files: int64(len(truth.Files)), Bytes: truth.Trail.Bytes, From: truth.From.Time(), To: truth.To.Time(),
		Trail: filepath.Join(r.Dir, trail.Folder), Truth: filepath.Join(r.Dir, demo.TruthName),
	}
	if !r.TrailOnly {
		result.Logs, result.Config = filepath.Join(r.Dir, "logs"), filepath.Join(r.Dir, config.FileName)
	}
	for _, n := range truth.Trail.Files {
		result.Files += n
	}
	for _, f := range truth.Files {
		info, err := os.Stat(filepath.Join(r.Dir, f.Path))
		if err != nil {
			return result, trailhouse.Errorf(trailhouse.CodeStorage, "a file of the demo is gone: %w", err)
		}
		result.Bytes += info.Size()
	}
	return result, nil
}

// makeDemo writes the whole demo or only its trail.
func makeDemo(ctx context.Context, r cli.DemoRequest, o demo.Options) (*demo.Truth, error) {
	if r.TrailOnly {
		return demo.GenerateTrail(ctx, r.Dir, o, nil)
	}
	return demo.Generate(ctx, r.Dir, o, nil)
}
