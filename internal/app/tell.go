package app

import (
	"context"

	"github.com/trailhouse/trailhouse"
	delivery "github.com/trailhouse/trailhouse/internal/deliver"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/state"
)

// told is a source without records: what a run has to tell the table coverage that no
// other source tells.
type told struct {
	name   string
	covers []trailhouse.Coverage
}

// Name implements trailhouse.Source.
func (t told) Name() string { return t.name }

// Version implements trailhouse.Source.
func (t told) Version() string { return "told" }

// Tables implements trailhouse.Source.
func (t told) Tables() []*trailhouse.Table { return nil }

// Units implements trailhouse.Source.
func (t told) Units(_ context.Context, yield func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error {
	for _, c := range t.covers {
		var err error
		if c.Result == trailhouse.CoverageMissing {
			err = miss(c)
		} else {
			err = yield(trailhouse.Unit{ID: c.Object, Object: c.Object, Size: -1, Again: true})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Read implements trailhouse.Source.
func (t told) Read(_ context.Context, unit trailhouse.Unit, sink trailhouse.Sink) error {
	for _, c := range t.covers {
		if c.Object == unit.Object {
			sink.Cover(c)
		}
	}
	return nil
}

// tell writes rows of coverage for a source, each of which replaces what was said of its
// object before.
func (h *House) tell(ctx context.Context, source string, covers []trailhouse.Coverage) error {
	if len(covers) == 0 {
		return nil
	}
	_, err := h.ingest.Run(ctx, told{source, covers}, ingest.Options{})
	return err
}

// tellDeliveries tells what did not arrive, and what arrived after it had failed.
func (h *House) tellDeliveries(ctx context.Context, outcomes []delivery.Outcome) error {
	var covers []trailhouse.Coverage
	for _, o := range outcomes {
		scope := o.Name
		if o.Client != "" {
			scope += " for " + o.Client
		}
		for _, t := range o.Targets {
			c := trailhouse.Coverage{Scope: scope, Object: "delivery " + o.ID + " to " + t.Target + " " + t.Address}
			switch {
			case t.State == state.DeliveryFailed, t.InDoubt():
				c.Result, c.Detail = trailhouse.CoverageMissing, t.Error
			case t.Recovered:
				c.Result, c.Detail = trailhouse.CoverageRead, "arrived after it had failed"
			default:
				continue
			}
			covers = append(covers, c)
		}
	}
	return h.tell(ctx, "deliver", covers)
}

// The places of the state that remember imports which failed, one for each kind.
const (
	importsPlace   = "imports"
	importsVersion = "1"
	importFailed   = "failed"
)

// tellImport tells that an import failed as a whole, or that it came to its end after it
// had failed: reports on its evidence then say what they lack. What it could not read of
// single places, the import itself tells.
func (h *House) tellImport(ctx context.Context, source string, failure error) error {
	before, err := h.state.Positions(ctx, importsPlace, importsVersion)
	if err != nil {
		return err
	}
	c := trailhouse.Coverage{Object: "import of " + source, Result: trailhouse.CoverageRead, Detail: "came to its end after it had failed"}
	now := ""
	switch {
	case failure != nil:
		now, c.Result, c.Detail = importFailed, trailhouse.CoverageMissing, failure.Error()
	case before[source] != importFailed:
		return nil
	}
	if err := h.tell(ctx, source, []trailhouse.Coverage{c}); err != nil {
		return err
	}
	return h.state.SetPositions(ctx, importsPlace, importsVersion, map[string]string{source: now})
}
