package app

import (
	"context"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
)

// sources returns the sources that an import asks for: at the places that it names,
// else at all places of the configuration with that kind of evidence. A new kind of
// evidence is a case here and a folder below internal/source.
func (h *House) sources(ctx context.Context, r cli.ImportRequest) ([]trailhouse.Source, error) {
	switch r.Source {
	case enclavelog.Name:
		src, err := h.enclaveLogs(r)
		return []trailhouse.Source{src}, err
	case cloudtrail.Name:
		return h.trailSources(ctx, r.Paths)
	}
	return nil, trailhouse.Errorf(trailhouse.CodeUsage, "there is no source %q", r.Source)
}

func (h *House) enclaveLogs(r cli.ImportRequest) (trailhouse.Source, error) {
	o := enclavelog.Options{
		Paths: r.Paths, Instance: r.Instance, Year: r.Year, Location: r.Zone, CompleteThrough: r.CompleteThrough,
		Limits: h.objectLimits(),
	}
	if len(o.Paths) == 0 {
		for _, place := range h.config.SourcesOf(enclavelog.Name) {
			o.Paths = append(o.Paths, place.Path)
		}
	}
	if len(o.Paths) == 0 {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "there is nothing to import: neither the command nor sources in the configuration name a place").
			WithHint("name files or directories with logs of nitro-cli")
	}
	return enclavelog.New(o), nil
}
