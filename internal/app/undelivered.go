package app

import (
	"context"

	"github.com/trailhouse/trailhouse"
	delivery "github.com/trailhouse/trailhouse/internal/deliver"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/state"
)

// undelivered tells the table coverage what did not arrive, as a source without records:
// a target that failed is missing, and one that failed before and has arrived is read.
type undelivered []delivery.Outcome

// Name implements trailhouse.Source.
func (u undelivered) Name() string { return "deliver" }

// Version implements trailhouse.Source.
func (u undelivered) Version() string { return "1" }

// Tables implements trailhouse.Source.
func (u undelivered) Tables() []*trailhouse.Table { return nil }

// Units implements trailhouse.Source.
func (u undelivered) Units(_ context.Context, yield func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error {
	for _, o := range u {
		for _, t := range o.Targets {
			object := "delivery " + o.ID + " to " + t.Target + " " + t.Address
			var err error
			switch {
			case t.State == state.DeliveryFailed:
				err = miss(trailhouse.Coverage{Scope: scopeOf(o.Name, o.Client), Object: object, Result: trailhouse.CoverageMissing, Detail: t.Error})
			case t.Recovered:
				err = yield(trailhouse.Unit{ID: object, Object: object, Size: -1})
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Read implements trailhouse.Source.
func (u undelivered) Read(_ context.Context, unit trailhouse.Unit, sink trailhouse.Sink) error {
	sink.Cover(trailhouse.Coverage{Object: unit.Object, Result: trailhouse.CoverageRead, Detail: "arrived after it had failed"})
	return nil
}

func scopeOf(name, client string) string {
	if client != "" {
		return name + " for " + client
	}
	return name
}

// tell writes what did not arrive, and what arrived after all, into the table coverage.
func (h *House) tell(ctx context.Context, outcomes []delivery.Outcome) error {
	told := false
	for _, o := range outcomes {
		for _, t := range o.Targets {
			told = told || t.Recovered || t.State == state.DeliveryFailed
		}
	}
	if !told {
		return nil
	}
	_, err := h.ingest.Run(ctx, undelivered(outcomes), ingest.Options{})
	return err
}
