package report

import (
	"context"
	_ "embed"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
)

//go:embed coverage.sql
var coverageSQL string

// coverage asks the table coverage for the rows that belong to the report: those of
// its sources that touch the period, and those without a time.
func (p *plan) coverage(ctx context.Context, r *Report, period trailhouse.Period) ([]trailhouse.Coverage, error) {
	has := slices.ContainsFunc(p.views, func(v trailhouse.View) bool { return v.Table.Name == "coverage" })
	if len(r.Coverage) == 0 || !has {
		return nil, nil
	}
	args := []Argument{{Name: "from", Type: "timestamp", Value: instant(period.From)}, {Name: "to", Type: "timestamp", Value: instant(period.To)}}
	var out []trailhouse.Coverage
	q := p.query(coverageSQL, bindings(args, epoch()))
	err := p.engine.Query(ctx, q, func([]trailhouse.ResultColumn) error { return nil }, func(row []any) error {
		c := coverageRow(row)
		if slices.Contains(r.Coverage, "*") || slices.Contains(r.Coverage, c.Source) {
			out = append(out, c)
		}
		return nil
	})
	return out, err
}

// coverageRow reads a row of coverage.sql.
func coverageRow(row []any) trailhouse.Coverage {
	text := func(i int) string { s, _ := row[i].(string); return s }
	when := func(i int) time.Time { t, _ := row[i].(time.Time); return t }
	return trailhouse.Coverage{
		Source: text(0), Scope: text(1), Object: text(2), Result: text(3),
		From: when(4), Through: when(5), Detail: text(6),
	}
}

// incomplete reports whether a row tells of evidence that is missing or damaged.
func incomplete(c trailhouse.Coverage) bool {
	return c.Result == trailhouse.CoverageMissing || c.Result == trailhouse.CoverageDamaged
}
