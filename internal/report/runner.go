package report

import (
	"context"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Planner gives the tables that statements see.
type Planner interface {
	// Tables are all tables, and views of ours over them.
	Tables() ([]*trailhouse.Table, []trailhouse.DerivedView)
	// Plan gives tables with their data files as they are now. Of those that within
	// names, only the files whose partitions the period touches need to be among the
	// files.
	Plan(ctx context.Context, tables []*trailhouse.Table, within []string, p trailhouse.Period) ([]trailhouse.View, error)
}

// Runner runs reports and statements.
type Runner struct {
	Library *Library
	Engine  trailhouse.Engine
	Planner Planner
	Clock   trailhouse.Clock
	// Limits bound each statement.
	Limits trailhouse.Limits
}

// Request is a report with its arguments.
type Request struct {
	// Name is the report's.
	Name string
	// Argument is the value of the parameter that the report's header calls its
	// argument; empty where it is among Args, or where the report has none.
	Argument string
	// Args are the values of its parameters as text.
	Args map[string]string
	// Period is from and to; a zero side is open.
	Period trailhouse.Period
}

// Outcome says what a report came to.
type Outcome struct {
	// Rows is how many rows were written.
	Rows int64
	// Missing is how many coverage rows of the report tell of evidence that is missing
	// or damaged.
	Missing int
	// NoEvidence says that the report has sources and no coverage row tells of any.
	NoEvidence bool
	// Limit is the value of the parameter limit where it was reached, so that there may
	// be more rows; else 0.
	Limit int64
}

// Head is what a Writer learns before the first row.
type Head struct {
	// Report is the report's name, empty for a statement of the user's own.
	Report string
	// Arguments are the parameters with their values, from and to first.
	Arguments []Argument
	// AsOf is the instant of the question.
	AsOf time.Time
	// Coverage belongs to the answer.
	Coverage []trailhouse.Coverage
	// Columns are the columns of the rows.
	Columns []trailhouse.ResultColumn
	// Formats are the formats of the columns, nil for a statement of the user's own.
	Formats []string
	// Seed says that the report has the columns that SeedWriter needs.
	Seed bool
}

// Writer writes one result. Begin comes first, End last; the values of a row are
// those of trailhouse.Engine, and the slice is reused.
type Writer interface {
	Begin(h Head) error
	Row(row []any) error
	End() error
}

// plan is what one question sees. Files are planned when a statement of it is known to
// need them.
type plan struct {
	engine  trailhouse.Engine
	limits  trailhouse.Limits
	views   []trailhouse.View
	derived []trailhouse.DerivedView
	files   func(ctx context.Context, tables []*trailhouse.Table) ([]trailhouse.View, error)
}

// plan asks the planner.
func (r *Runner) plan(within []string, period trailhouse.Period) *plan {
	p := &plan{engine: r.Engine, limits: r.Limits, files: func(ctx context.Context, tables []*trailhouse.Table) ([]trailhouse.View, error) {
		return r.Planner.Plan(ctx, tables, within, period)
	}}
	var tables []*trailhouse.Table
	tables, p.derived = r.Planner.Tables()
	for _, t := range tables {
		p.views = append(p.views, trailhouse.View{Table: t})
	}
	return p
}

// query returns a query over the plan.
func (p *plan) query(text string, parameters map[string]any) trailhouse.Query {
	return trailhouse.Query{SQL: text, Parameters: parameters, Views: p.views, Plan: p.files, Derived: p.derived, Limits: p.limits}
}

// Run runs a report: CodeUsage where there is none of the name and for a wrong
// argument, CodeInvalid with file and line where the report itself is wrong,
// CodeNotFound where there are no rows because an argument names something that is not
// there. Nothing is written before the first row, or before it is known that there is none.
func (r *Runner) Run(ctx context.Context, q Request, w Writer) (Outcome, error) {
	rep, err := r.Library.Report(q.Name)
	if err != nil {
		return Outcome{}, err
	}
	texts, err := rep.withArgument(q)
	if err != nil {
		return Outcome{}, err
	}
	args, err := rep.arguments(texts, q.Period)
	if err != nil {
		return Outcome{}, err
	}
	p := r.plan(rep.Within, q.Period)
	covered, err := p.coverage(ctx, rep, q.Period)
	if err != nil {
		return Outcome{}, err
	}
	head := Head{
		Report: rep.Name, Arguments: args, AsOf: r.Clock.Now().UTC().Truncate(time.Millisecond),
		Coverage: covered, Columns: rep.resultColumns(), Formats: rep.formats(), Seed: rep.Seed,
	}
	out := Outcome{NoEvidence: len(rep.Coverage) > 0 && len(covered) == 0}
	for _, c := range covered {
		if incomplete(c) {
			out.Missing++
		}
	}
	bound := bindings(args, head.AsOf)
	out.Rows, err = rep.write(ctx, p.engine, p.query(rep.SQL, bound), head, w, func() error { return r.checkKnown(ctx, rep, args, bound) })
	out.Limit = reached(args, out.Rows)
	return out, err
}

// write runs the report's query into the writer and returns how many rows it wrote. Where
// there are none, the answer depends on empty.
func (r *Report) write(ctx context.Context, engine trailhouse.Engine, q trailhouse.Query, head Head, w Writer, empty func() error) (int64, error) {
	var rows int64
	var writing error // the writer's errors are not about the report's file
	err := engine.Query(ctx, q, r.checkColumns, func(row []any) error {
		if err := r.coerce(row); err != nil {
			return err
		}
		if rows++; rows == 1 {
			writing = w.Begin(head)
		}
		if writing == nil {
			writing = w.Row(row)
		}
		return writing
	})
	switch {
	case writing != nil:
		return rows, writing
	case err != nil:
		return rows, r.located(err)
	}
	if rows == 0 {
		if err := empty(); err != nil {
			return 0, err
		}
		if err := w.Begin(head); err != nil {
			return 0, err
		}
	}
	return rows, w.End()
}

// RunSQL runs a statement of the user's own. It has no parameters.
func (r *Runner) RunSQL(ctx context.Context, text string, w Writer) (Outcome, error) {
	p := r.plan(nil, trailhouse.Period{})
	var out Outcome
	asOf := r.Clock.Now().UTC().Truncate(time.Millisecond)
	err := p.engine.Query(ctx, p.query(text, nil),
		func(c []trailhouse.ResultColumn) error { return w.Begin(Head{AsOf: asOf, Columns: slices.Clone(c)}) },
		func(row []any) error {
			out.Rows++
			return w.Row(row)
		})
	if err != nil {
		return out, err
	}
	return out, w.End()
}

// epoch stands for the instant where a statement has none.
func epoch() time.Time { return time.Unix(0, 0).UTC() }
