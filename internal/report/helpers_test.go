package report_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; -update writes it anew (-want +got):\n%s", name, diff)
	}
}

// fixedClock is a clock that stands still.
type fixedClock time.Time

func (c fixedClock) Now() time.Time { return time.Time(c) }

// instant reads RFC 3339.
func instant(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Tables implements report.Planner.
func (p fixedPlanner) Tables() ([]*trailhouse.Table, []trailhouse.DerivedView) {
	var tables []*trailhouse.Table
	for _, v := range p.views {
		tables = append(tables, v.Table)
	}
	return tables, p.derived
}

// Plan implements report.Planner. Files without a partition are planned always.
func (p fixedPlanner) Plan(_ context.Context, tables []*trailhouse.Table, within []string, period trailhouse.Period) ([]trailhouse.View, error) {
	var views []trailhouse.View
	for _, v := range p.views {
		if !slices.Contains(tables, v.Table) {
			continue
		}
		planned := v
		if p.prune && slices.Contains(within, v.Table.Name) {
			planned.Files = nil
			for _, f := range v.Files {
				from, day := f.Partition, 24*time.Hour
				before := !period.To.IsZero() && !from.Before(period.To)
				after := !period.From.IsZero() && !from.Add(day).After(period.From)
				if from.IsZero() || !before && !after {
					planned.Files = append(planned.Files, f)
				}
			}
		}
		views = append(views, planned)
	}
	return views, nil
}
