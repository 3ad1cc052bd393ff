package app

import (
	"context"
	"slices"

	"github.com/trailhouse/trailhouse"
	delivery "github.com/trailhouse/trailhouse/internal/deliver"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/state"
)

// told is a source without units: what a run has to tell the table coverage that no other
// source tells. What is not missing any more is told only where an earlier run said that it
// is, as of any place.
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
func (t told) Units(_ context.Context, _ func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error {
	for _, c := range t.covers {
		if err := miss(c); err != nil {
			return err
		}
	}
	return nil
}

// Read implements trailhouse.Source.
func (t told) Read(context.Context, trailhouse.Unit, trailhouse.Sink) error { return nil }

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
		for _, t := range append(slices.Clone(o.Targets), o.Earlier...) { // the run that sent may have ended before it told
			c := trailhouse.Coverage{Scope: scope, Object: "delivery " + o.ID + " to " + t.Target + " " + t.Address}
			switch {
			case t.State == state.DeliveryFailed, t.InDoubt(), t.Stuck():
				c.Result, c.Detail = trailhouse.CoverageMissing, t.Error
			case t.State == state.DeliverySent:
				c.Result, c.Detail = trailhouse.CoverageRead, "arrived after it had failed"
			default:
				continue
			}
			covers = append(covers, c)
		}
	}
	return h.tell(ctx, "deliver", covers)
}

// tellImport tells that an import failed as a whole, or that it came to its end after it
// had failed: reports on its evidence then say what they lack. What it could not read of
// single places, the import itself tells.
func (h *House) tellImport(ctx context.Context, source string, failure error) error {
	c := trailhouse.Coverage{Object: "import of " + source, Result: trailhouse.CoverageRead, Detail: "came to its end after it had failed"}
	if failure != nil {
		c.Result, c.Detail = trailhouse.CoverageMissing, failure.Error()
	}
	return h.tell(ctx, source, []trailhouse.Coverage{c})
}
