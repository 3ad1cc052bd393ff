package app

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/report"
)

// readerPatience is how long a reader waits for another process that derives: readers
// never wait for good.
const readerPatience = 3 * time.Second

// upToDate derives what follows from evidence that was imported and not derived from,
// because an import was stopped in between. Else it only looks. Where another process
// holds the tables, the answer rests on what is derived already, and says so.
func (h *House) upToDate(ctx context.Context) error {
	job := *h.derive
	busy := false
	job.Lock = func(ctx context.Context, table string) (func(), error) {
		patient, cancel := context.WithTimeout(ctx, readerPatience)
		defer cancel()
		unlock, err := h.state.Lock(patient, table)
		busy = err != nil && ctx.Err() == nil
		return unlock, err
	}
	done, err := job.Run(ctx)
	if busy {
		h.log.Warn("another process is deriving sessions from new evidence; this answer rests on those derived before it")
		return nil
	}
	if err == nil && done.Hosts > 0 {
		h.log.Info("derived what an earlier import had left", "hosts", done.Hosts, "host_days", done.Days)
	}
	return err
}

// Tables implements report.Planner: every table, and the views that say whose enclaves
// are.
func (h *House) Tables() ([]*trailhouse.Table, []trailhouse.DerivedView) {
	return tables(), append(h.clients.Views(), h.policy.Views(h.clients)...)
}

// Plan implements report.Planner. Where a table is derived, it is brought up to date
// first. Files of days and months come newest first: who asks for the newest rows then has them
// before the older files are opened (30 days, 2 million events, the newest 1,000:
// 0.07 s instead of 2.5 s).
func (h *House) Plan(ctx context.Context, wanted []*trailhouse.Table, within []string, p trailhouse.Period) ([]trailhouse.View, error) {
	if err := h.whole(ctx); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(wanted, isDerived) {
		if err := h.upToDate(ctx); err != nil {
			return nil, err
		}
	}
	if !slices.ContainsFunc(wanted, func(t *trailhouse.Table) bool { return t.Name == attested.GroupTable().Name }) {
		return h.views(ctx, wanted, within, p)
	}
	return h.settledViews(ctx, wanted, within, p)
}

// settledViews is views for who reads kms_call_groups. While another process is between
// two of its commits, the sums are not those of the calls, and findings would be missing
// without a word: then no answer is better.
func (h *House) settledViews(ctx context.Context, wanted []*trailhouse.Table, within []string, p trailhouse.Period) ([]trailhouse.View, error) {
	const again = 20 * time.Millisecond
	for waited := time.Duration(0); waited < readerPatience; waited += again {
		before, settled, err := h.derive.Settled(ctx)
		if err != nil {
			return nil, err
		}
		if settled {
			views, err := h.views(ctx, wanted, within, p)
			if err != nil {
				return nil, err
			}
			if after, _, err := h.derive.Settled(ctx); err != nil || after == before {
				return views, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(again):
		}
	}
	return nil, trailhouse.Errorf(trailhouse.CodeLocked, "another process is deriving the calls of enclaves from new evidence, and has not summed them up yet").
		WithHint("ask again when it is done: findings would be missing now")
}

// views gives tables with their files.
func (h *House) views(ctx context.Context, wanted []*trailhouse.Table, within []string, p trailhouse.Period) ([]trailhouse.View, error) {
	var views []trailhouse.View
	for _, t := range wanted {
		var period trailhouse.Period
		if slices.Contains(within, t.Name) {
			period = p
		}
		files, _, err := h.lake.Files(ctx, t.Name, period)
		if err != nil {
			return nil, err
		}
		if t.Transform != trailhouse.Unpartitioned {
			slices.Reverse(files)
		}
		views = append(views, trailhouse.View{Table: t, Files: files})
	}
	return views, nil
}

// isDerived reports whether the rows of a table follow from evidence.
func isDerived(t *trailhouse.Table) bool {
	return slices.ContainsFunc(derivedTables(), func(d *trailhouse.Table) bool { return d.Name == t.Name })
}

// Reports lists the reports.
func (h *House) Reports() ([]cli.ReportInfo, error) {
	var list []cli.ReportInfo
	for _, r := range h.reports.Library.Reports() {
		info := cli.ReportInfo{Name: r.Name, Title: r.Title, Question: r.Question, Argument: r.Argument}
		if !r.Builtin {
			info.File = filepath.Join(h.config.Reports.Folder, r.File())
		}
		list = append(list, info)
	}
	return list, nil
}

// CheckReports checks every report.
func (h *House) CheckReports(ctx context.Context) (int, error) {
	all, derived := h.Tables()
	return len(h.reports.Library.Reports()), errors.Join(h.reports.Library.Check(ctx, h.engine, empty(all), derived)...)
}

// Explain says whose an enclave is and why.
func (h *House) Explain(ctx context.Context, enclave string) ([]clients.Explanation, error) {
	h.engine.Warm(ctx, 1)
	views, err := h.Plan(ctx, []*trailhouse.Table{sessions.SessionTable()}, nil, trailhouse.Period{})
	if err != nil {
		return nil, err
	}
	return h.clients.Explain(ctx, h.engine, views, enclave)
}

// Report runs a report and writes its answer.
func (h *House) Report(ctx context.Context, r cli.ReportRequest, w io.Writer) (cli.Answer, error) {
	out, err := report.NewWriter(r.Format, w)
	if err != nil {
		return cli.Answer{}, err
	}
	if len(r.Columns) > 0 {
		out = report.Choose(out, r.Columns)
	}
	h.engine.Warm(ctx, 2) // its coverage and its rows
	done, err := h.reports.Run(ctx, requestOf(r), out)
	return cli.Answer{Rows: done.Rows, Missing: int64(done.Missing), NoEvidence: done.NoEvidence, Limit: done.Limit}, err
}

func requestOf(r cli.ReportRequest) report.Request {
	return report.Request{Name: r.Name, Argument: r.Argument, Args: r.Parameters, Period: r.Period}
}

// SQL runs a statement of the user's and writes its rows.
func (h *House) SQL(ctx context.Context, r cli.SQLRequest, w io.Writer) (cli.Answer, error) {
	out, err := report.NewWriter(r.Format, w)
	if err != nil {
		return cli.Answer{}, err
	}
	h.engine.Warm(ctx, 1)
	done, err := h.reports.RunSQL(ctx, r.Text, out)
	return cli.Answer{Rows: done.Rows}, err
}
