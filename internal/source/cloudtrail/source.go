package cloudtrail

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/rule"
)

// Name is the source's name.
const Name = "cloudtrail"

// Rule picks events by their fields.
type Rule = rule.Rule

// Options say where to read and what to leave out.
type Options struct {
	// Paths are files and directory trees. They are not looked at where Store is set.
	Paths []string
	// Store is where the objects are, where that is not Paths.
	Store Store
	// Include and Exclude pick events. Without an Include rule every event is read; an
	// event that is left out is counted as filtered.
	Include, Exclude []Rule
	// Limits bound compressed objects.
	Limits objects.Limits
}

// Source reads CloudTrail. Its methods may be called by several goroutines.
type Source struct {
	store      Store
	rules      rule.Rules
	limits     objects.Limits
	event      *eventTable
	network    *eventTable
	insight    *insightTable
	aggregated *aggregatedTable
	tables     []*trailhouse.Table
	memory     sync.Pool // of *memory
}

var _ trailhouse.Source = (*Source)(nil)

// New returns a source. It opens nothing yet.
func New(o Options) *Source {
	s := &Source{
		store: o.Store, rules: rule.Rules{Include: o.Include, Exclude: o.Exclude}, limits: o.Limits,
		event: newEventTable(EventTable()), network: newEventTable(NetworkTable()),
		insight: newInsightTable(InsightTable()), aggregated: newAggregatedTable(AggregatedTable()),
	}
	if s.store == nil {
		s.store = Files{Paths: o.Paths}
	}
	if store, ok := s.store.(interface{ SetVersion(string) }); ok {
		store.SetVersion(s.Version())
	}
	s.tables = []*trailhouse.Table{s.event.table, s.insight.table, s.network.table, s.aggregated.table}
	return s
}

// Name returns "cloudtrail".
func (s *Source) Name() string { return Name }

// Tables returns cloudtrail, cloudtrail_insight, cloudtrail_network_activity and
// cloudtrail_aggregated.
func (s *Source) Tables() []*trailhouse.Table { return slices.Clone(s.tables) }

// decoder is the version of the decoder.
const decoder = "2"

// Version returns the version of the decoder, and with it the hash of the rules where there
// are any: what was read under other rules is to be read again.
func (s *Source) Version() string {
	if !s.rules.Any() {
		return decoder
	}
	return decoder + " " + s.rules.Hash()
}

// Units finds the objects and gives them by the day of their delivery, then by account,
// so that a batch touches few days. Objects whose names say no day come first.
func (s *Source) Units(ctx context.Context, yield func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error {
	type planned struct {
		unit         trailhouse.Unit
		day, account string
	}
	var plan []planned
	err := s.store.List(ctx, func(u trailhouse.Unit) error {
		d := parseName(u.Object)
		plan = append(plan, planned{u, d.day, d.account})
		return nil
	}, miss)
	if err != nil {
		return err
	}
	slices.SortStableFunc(plan, func(a, b planned) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.account, b.account), cmp.Compare(a.unit.Object, b.unit.Object))
	})
	for i := range plan {
		if err := yield(plan[i].unit); err != nil {
			return err
		}
	}
	return nil
}
