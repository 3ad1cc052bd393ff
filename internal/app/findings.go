package app

import (
	"context"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/policy"
	"github.com/trailhouse/trailhouse/internal/report"
)

// Acknowledge keeps that somebody knows of a finding.
func (h *House) Acknowledge(ctx context.Context, r cli.AcknowledgeRequest) (cli.Acknowledged, error) {
	a := policy.Acknowledgement{FindingID: r.ID, Reason: r.Reason, By: r.By, At: h.clock.Now().UTC().Truncate(time.Millisecond)}
	if err := a.Check(); err != nil {
		return cli.Acknowledged{}, err
	}
	var found findingRow
	// The facts are those of all there is, so the question has no period.
	if _, err := h.reports.Run(ctx, report.Request{Name: "findings", Args: map[string]string{"id": r.ID}}, &found); err != nil {
		return cli.Acknowledged{}, err
	}
	if found.id != r.ID {
		return cli.Acknowledged{}, trailhouse.Errorf(trailhouse.CodeNotFound, "there is no finding %q", r.ID).
			WithHint("`trailhouse findings list` shows the findings with their ids")
	}
	done := cli.Acknowledged{ID: r.ID, Finding: found.reason, Reason: r.Reason, By: r.By, At: a.At}
	if found.state == "acknowledged" && found.said == r.Reason && found.by == r.By {
		done.Before, done.At = true, found.at
		return done, nil
	}
	a.Kind, a.Facts, a.Finding = found.kind, found.facts, found.reason
	book := policy.Book{Lake: h.lake, Write: columns.Write, Exclusive: h.ingest.Exclusive}
	return done, book.Add(ctx, a)
}

// findingRow is a report.Writer that keeps the one row of a finding.
type findingRow struct {
	columns                           []trailhouse.ResultColumn
	id, kind, state, reason, said, by string
	facts                             []string
	at                                time.Time
}

// Begin implements report.Writer. A report of the user's own may have taken the place
// of ours.
func (f *findingRow) Begin(h report.Head) error {
	f.columns = slices.Clone(h.Columns)
	for _, name := range []string{"finding_id", "kind", "state", "reason", "facts", "acknowledged_at", "acknowledged_by", "acknowledged_reason"} {
		if f.place(name) < 0 {
			return trailhouse.Errorf(trailhouse.CodeUsage, "the report findings of reports.folder has no column %s, which acknowledging needs", name).
				WithHint("give your report another name, so that the built-in one is there")
		}
	}
	return nil
}

func (f *findingRow) place(name string) int {
	return slices.IndexFunc(f.columns, func(c trailhouse.ResultColumn) bool { return c.Name == name })
}

// Row implements report.Writer.
func (f *findingRow) Row(row []any) error {
	text := func(name string) string { s, _ := row[f.place(name)].(string); return s }
	f.id, f.kind, f.state, f.reason = text("finding_id"), text("kind"), text("state"), text("reason")
	f.said, f.by = text("acknowledged_reason"), text("acknowledged_by")
	f.at, _ = row[f.place("acknowledged_at")].(time.Time)
	list, _ := row[f.place("facts")].([]any)
	f.facts = nil
	for _, fact := range list {
		s, _ := fact.(string)
		f.facts = append(f.facts, s)
	}
	return nil
}

// End implements report.Writer.
func (f *findingRow) End() error { return nil }
