package report

import (
	"context"
	"slices"

	"github.com/trailhouse/trailhouse"
)

// checkKnown looks, where a report has no rows, whether its arguments name things that are
// there. CodeNotFound where one does not: who mistypes an id must not read that there is
// nothing about it.
func (r *Runner) checkKnown(ctx context.Context, rep *Report, args []Argument, bound map[string]any) error {
	for _, a := range args {
		i := slices.IndexFunc(rep.Parameters, func(d Parameter) bool { return d.Name == a.Name && d.Known.SQL != "" })
		if i < 0 || a.Value == nil {
			continue
		}
		p := rep.Parameters[i]
		there, err := rep.known(ctx, p, r.Engine, r.plan(nil, trailhouse.Period{}).query(p.Known.SQL, bound))
		if err != nil {
			return err
		}
		if !there {
			return trailhouse.Errorf(trailhouse.CodeNotFound, "there is no %s %q", p.Known.As, a.Value).WithHint("%s", p.Known.Hint)
		}
	}
	return nil
}

// known runs the statement that says what a parameter can name, and reports whether it
// has a row. Errors name the file, and the line on which the statement is.
func (r *Report) known(ctx context.Context, p Parameter, engine trailhouse.Engine, q trailhouse.Query) (bool, error) {
	there := false
	err := engine.Query(ctx, q, func([]trailhouse.ResultColumn) error { return nil }, func([]any) error {
		there = true
		return nil
	})
	if code := trailhouse.CodeOf(err); code == trailhouse.CodeInvalid || code == trailhouse.CodeUsage {
		err = invalid(r.File(), p.line, "parameter %s: known.sql: %w", p.Name, err)
	}
	return there, err
}

// ForClient returns why a report cannot be given to one client as its own, CodeUsage; nil
// where it can, or where there is none of the name.
func (l *Library) ForClient(name string) error {
	r := l.reports[name]
	switch {
	case r == nil:
		return nil
	case r.SeveralClients:
		return trailhouse.Errorf(trailhouse.CodeUsage, "report %s names several clients (several_clients in its header), so no client can get it", name).
			WithHint("deliver it without for_each_client; clients can have kms-calls, kms-by-key and kms-by-image")
	case !r.Has("client"):
		return trailhouse.Errorf(trailhouse.CodeUsage, "report %s has no parameter client, so it cannot be delivered for each client", name).
			WithHint("leave for_each_client out, or take a report with that parameter")
	}
	return nil
}
