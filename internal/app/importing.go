package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/ingest"
)

// Import implements cli.House. An import of all configured places that fails is told to
// the table coverage too, so that reports say what they lack.
func (h *House) Import(ctx context.Context, r cli.ImportRequest, progress func(cli.Progress)) (cli.ImportResult, error) {
	total, err := h.importPlaces(ctx, r, progress)
	if len(r.Paths)+len(r.LogGroups) > 0 || len(h.config.SourcesOf(r.Source)) == 0 || endsAll(err) {
		return total, err
	}
	return total, errors.Join(err, h.tellImport(ctx, r.Source, err))
}

// endsAll reports whether an error is not about a place: the machine fails, or the user
// wants to end.
func endsAll(err error) bool {
	switch trailhouse.CodeOf(err) {
	case trailhouse.CodeInterrupted, trailhouse.CodeStorage, trailhouse.CodeLocked, trailhouse.CodeNewer:
		return true
	}
	return false
}

// importPlaces reads the evidence and derives the sessions that it changes. What was
// imported is derived from even where the import ended early. A place that fails does
// not keep the others from being read, unless the machine itself fails.
func (h *House) importPlaces(ctx context.Context, r cli.ImportRequest, progress func(cli.Progress)) (cli.ImportResult, error) {
	var total cli.ImportResult
	sources, err := h.sources(ctx, r)
	if err != nil {
		return total, err
	}
	if err := h.whole(ctx); err != nil {
		return total, err
	}
	var failed error
	for _, src := range sources {
		done, err := h.importFrom(ctx, src, progress)
		total.Add(done)
		failed = errors.Join(failed, err)
		if code := trailhouse.CodeOf(err); code == trailhouse.CodeInterrupted || code == trailhouse.CodeStorage {
			return total, failed
		}
	}
	_, err = h.derive.Run(ctx)
	if err == nil && total.Written > 0 {
		err = h.maintain(ctx)
	}
	return total, errors.Join(failed, err)
}

// importFrom imports from one source and logs what it could not use.
func (h *House) importFrom(ctx context.Context, src trailhouse.Source, progress func(cli.Progress)) (cli.ImportResult, error) {
	done, err := h.ingest.Run(ctx, src, ingest.Options{
		BatchRecords: int(h.config.Ingest.BatchRecords),
		BatchBytes:   int(h.config.Ingest.BatchMiB) << 20,
		Progress:     func(e ingest.Event) { progress(progressOf(e)) },
	})
	more := done.ProblemCount
	for _, p := range done.Problems {
		text := p.Text
		if p.Alike > 0 {
			text += fmt.Sprintf(" (and %d more like it)", p.Alike)
		}
		h.log.Warn(text, "object", p.Object, "code", string(p.Code), "hint", p.Hint)
		more -= 1 + p.Alike
	}
	if more > 0 {
		h.log.Warn("further objects could not be used; the tables quarantine and coverage hold them", "count", more)
	}
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
