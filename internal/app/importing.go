package app

import (
	"context"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/objects"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
)

// source returns the source that an import asks for. A new kind of evidence is a
// case here and a folder below internal/source.
func (h *House) source(r cli.ImportRequest) (trailhouse.Source, error) {
	switch r.Source {
	case enclavelog.Name:
		return enclavelog.New(enclavelog.Options{
			Paths: r.Paths, Instance: r.Instance, Year: r.Year, Location: r.Zone, CompleteThrough: r.CompleteThrough,
			Limits: objects.Limits{InflatedBytes: h.config.Limits.InflatedMiB << 20, Ratio: h.config.Limits.Ratio},
		}), nil
	}
	return nil, trailhouse.Errorf(trailhouse.CodeUsage, "there is no source %q", r.Source)
}

// Import reads the evidence and derives the sessions that it changes. What was
// imported is derived from even where the import ended early.
func (h *House) Import(ctx context.Context, r cli.ImportRequest, progress func(cli.Progress)) (cli.ImportResult, error) {
	src, err := h.source(r)
	if err != nil {
		return cli.ImportResult{}, err
	}
	done, err := h.ingest.Run(ctx, src, ingest.Options{
		BatchRecords: int(h.config.Ingest.BatchRecords),
		BatchBytes:   int(h.config.Ingest.BatchMiB) << 20,
		Progress:     func(e ingest.Event) { progress(progressOf(e)) },
	})
	for _, p := range done.Problems {
		h.log.Warn(p.Text, "object", p.Object, "code", string(p.Code), "hint", p.Hint)
	}
	if more := done.ProblemCount - int64(len(done.Problems)); more > 0 {
		h.log.Warn("further objects could not be used; the tables quarantine and coverage hold them", "count", more)
	}
	if err != nil {
		return resultOf(done), err
	}
	_, err = h.derive.Run(ctx)
	return resultOf(done), err
}

func progressOf(e ingest.Event) cli.Progress {
	return cli.Progress{
		Object: e.Object, Units: e.UnitsRead, UnitsTotal: e.UnitsPlanned,
		Bytes: e.BytesRead, BytesTotal: e.BytesPlanned, Records: e.Records,
	}
}

func resultOf(r ingest.Result) cli.ImportResult {
	return cli.ImportResult{
		RunID: r.RunID, Units: r.Units.Done, UnitsKnown: r.Units.Known, UnitsMissing: r.Units.Missing,
		UnitsQuarantined: r.Units.Quarantined, UnitsIgnored: r.Units.Ignored,
		Records: r.Counts.Records, Written: r.Counts.Written, Duplicate: r.Counts.Duplicate,
		Filtered: r.Counts.Filtered, Quarantined: r.Counts.Quarantined,
	}
}
