package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/config"
	delivery "github.com/trailhouse/trailhouse/internal/deliver"
	"github.com/trailhouse/trailhouse/internal/deliver/directory"
	"github.com/trailhouse/trailhouse/internal/deliver/mail"
	"github.com/trailhouse/trailhouse/internal/deliver/s3"
	"github.com/trailhouse/trailhouse/internal/deliver/sns"
	"github.com/trailhouse/trailhouse/internal/report"
	"github.com/trailhouse/trailhouse/internal/state"
)

// deliveries returns the configured deliveries and what sends them.
func (h *House) deliveries() ([]delivery.Plan, *delivery.Runner, error) {
	plans, err := plansOf(h.config, h.reports.Library)
	return plans, &delivery.Runner{
		State: h.state, Clock: h.clock, Dir: filepath.Join(h.config.DataDir, "deliveries"),
		Render: h.render, Open: h.sender,
	}, err
}

// plansOf reads the configured deliveries.
func plansOf(c *config.Config, reports *report.Library) ([]delivery.Plan, error) {
	plans, err := delivery.Compile(c)
	for i, d := range c.Deliver {
		for _, r := range d.Reports {
			if own := reports.ForClient(r.Report); d.ForEachClient && own != nil {
				at := fmt.Sprintf("deliver[%d]", i+1)
				err = errors.Join(err, trailhouse.Errorf(trailhouse.CodeUsage, "%s: %s: %w", c.Origin(at), at, own).WithHint("%s", trailhouse.HintOf(own)))
			}
		}
	}
	return plans, err
}

// due returns what a run would do. It reads the state where there is one, and opens
// nothing else.
func due(ctx context.Context, c *config.Config, clock trailhouse.Clock, now string) (result cli.RunResult, err error) {
	if _, err := clients.Compile(c.File(), c.Clients, c.Hosts); err != nil {
		return result, err
	}
	reports, err := library(c.Reports.Folder)
	if err != nil {
		return result, err
	}
	plans, err := plansOf(c, reports)
	if err != nil {
		return result, err
	}
	known, err := state.Peek(ctx, c.DataDir, clock)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, known.Close()) }()
	for _, kind := range kinds(c) {
		result.Imports = append(result.Imports, cli.RunImport{Source: kind})
	}
	runner := &delivery.Runner{State: known, Clock: clock}
	result.Deliveries, err = runner.Due(ctx, plans, delivery.Options{Now: now})
	return result, err
}

// sender opens the sender of a target. A new kind of target is a case here and a folder
// below internal/deliver.
func (h *House) sender(ctx context.Context, t delivery.Target) (trailhouse.Sender, error) {
	switch t.Kind() {
	case "s3":
		session, err := sessionAs(ctx, h.config.AccessS3(t.S3))
		if err != nil {
			return nil, err
		}
		return s3.New(session.Bucket(t.S3.Bucket), t.S3.KMSKeyID, h.clock), nil
	case "sns":
		session, err := sessionAs(ctx, h.config.AccessSNS(t.SNS))
		if err != nil {
			return nil, err
		}
		return sns.New(session.Topic(t.SNS.TopicARN)), nil
	case "mail":
		return mailer(t.Mail)
	}
	return directory.New(t.Directory.Path), nil
}

// mailer returns the sender of a mail server.
func mailer(m config.MailTarget) (*mail.Sender, error) {
	password, err := m.Password()
	if err != nil {
		return nil, err
	}
	return mail.New(mail.Options{
		Host: m.Host, Port: int(m.Port), TLS: m.TLS, CAFile: m.CAFile, User: m.User, Password: string(password),
		From: m.From, To: m.To, CC: m.CC, ReplyTo: m.ReplyTo,
	}), nil
}

// render runs a report once into all formats that are asked for.
func (h *House) render(ctx context.Context, q delivery.Request) (delivery.Rendered, error) {
	rep, err := h.reports.Library.Report(q.Name)
	if err != nil {
		return delivery.Rendered{}, err
	}
	if q.Client != "" {
		if err := h.reports.Library.ForClient(q.Name); err != nil {
			return delivery.Rendered{}, err
		}
		q.Parameters["client"] = q.Client
	}
	people := &report.Collector{Most: delivery.MostRows}
	writers, buffers := []report.Writer{people}, map[string]*bytes.Buffer{}
	for _, format := range q.Formats {
		buffers[format] = &bytes.Buffer{}
		w, err := report.NewWriter(format, buffers[format])
		if err != nil {
			return delivery.Rendered{}, err
		}
		writers = append(writers, w)
	}
	out := report.Tee(writers...)
	if q.Client != "" {
		out = report.Discreet(out)
	}
	if len(q.Columns) > 0 {
		out = report.Choose(out, q.Columns)
	}
	done, err := h.reports.Run(ctx, report.Request{Name: q.Name, Argument: q.Argument, Args: q.Parameters, Period: q.Period}, out)
	if err != nil {
		return delivery.Rendered{}, err
	}
	rendered := delivery.Rendered{
		Title: rep.Title, Cells: people.Cells, Rows: done.Rows, Missing: done.Missing, Lost: people.Lost,
		NoEvidence: done.NoEvidence, Limit: done.Limit, Files: map[string][]byte{},
	}
	for i, name := range people.Names {
		rendered.Columns = append(rendered.Columns, delivery.Column{Name: name, Number: people.Numbers[i]})
	}
	for format, b := range buffers {
		rendered.Files[format] = b.Bytes()
	}
	return rendered, nil
}

// RunAll does one pass of everything: import of all configured sources, derivation,
// deliveries. A source or a target that fails does not keep the others.
func (h *House) RunAll(ctx context.Context, r cli.RunRequest, progress func(cli.Progress)) (cli.RunResult, error) {
	var result cli.RunResult
	plans, runner, err := h.deliveries()
	if err != nil {
		return result, err
	}
	kinds := kinds(h.config)
	options := delivery.Options{Now: r.Now}
	if len(kinds)+len(plans) == 0 {
		return result, trailhouse.Errorf(trailhouse.CodeUsage, "there is nothing to run: the configuration names no sources and no deliveries").
			WithHint("see sources and deliver in docs/configuration.md")
	}
	if r.Now != "" && !slices.ContainsFunc(plans, func(p delivery.Plan) bool { return p.Name == r.Now }) {
		_, err := runner.Due(ctx, plans, options) // its error names the deliveries that there are
		return result, err
	}
	if options.Notes, err = h.importAll(ctx, kinds, &result, progress); err != nil {
		return result, err
	}
	if err := h.upToDate(ctx); err != nil {
		return result, err
	}
	result.Deliveries, err = runner.Run(ctx, plans, options)
	err = errors.Join(err, h.tellDeliveries(ctx, result.Deliveries))
	if err == nil {
		err = h.warnOfAbandoned(ctx, plans, runner)
	}
	return result, err
}

// importAll imports each kind of evidence and returns what the reader of a delivery must
// know of it. Its error ends the run: the machine fails, or the user wants to end.
func (h *House) importAll(ctx context.Context, kinds []string, result *cli.RunResult, progress func(cli.Progress)) ([]string, error) {
	var notes []string
	for _, kind := range kinds {
		done, err := h.Import(ctx, cli.ImportRequest{Source: kind, Zone: time.UTC}, progress)
		imported := cli.RunImport{Source: kind, ImportResult: done}
		if endsAll(err) {
			return notes, err
		}
		if err != nil {
			imported.Error, imported.Hint = err.Error(), trailhouse.HintOf(err)
			notes = append(notes, "the import of "+kind+" failed: "+err.Error())
		}
		result.Imports = append(result.Imports, imported)
	}
	return notes, nil
}

// warnOfAbandoned tells of deliveries that have not arrived and that the configuration
// does not know any more, so that no run tries them.
func (h *House) warnOfAbandoned(ctx context.Context, plans []delivery.Plan, runner *delivery.Runner) error {
	open, err := runner.List(ctx, state.DeliveryFilter{Open: true})
	for _, o := range open {
		known := slices.ContainsFunc(plans, func(p delivery.Plan) bool {
			return p.Name == o.Name && slices.ContainsFunc(p.Clients, func(c delivery.Client) bool { return c.Name == o.Client })
		})
		if !known {
			h.log.Warn("a delivery did not arrive and is not in the configuration any more", "delivery", o.Name, "client", o.Client, "delivery_id", o.ID,
				"hint", "put it back, or end this with trailhouse deliveries give-up "+o.ID)
		}
	}
	return err
}

// kinds returns the kinds of evidence that the configuration has places for, each once.
func kinds(c *config.Config) []string {
	var out []string
	for _, s := range c.Sources {
		if !slices.Contains(out, s.Source) {
			out = append(out, s.Source)
		}
	}
	return out
}

// Deliveries lists deliveries, oldest first.
func (h *House) Deliveries(ctx context.Context, r cli.DeliveriesRequest) ([]delivery.Outcome, error) {
	plans, runner, err := h.deliveries()
	if err != nil {
		return nil, err
	}
	found, err := runner.List(ctx, state.DeliveryFilter{Name: r.Name, Open: r.Open, Limit: r.Limit})
	if err != nil || len(found) > 0 || r.Name == "" || slices.ContainsFunc(plans, func(p delivery.Plan) bool { return p.Name == r.Name }) {
		return found, err
	}
	if past, err := runner.List(ctx, state.DeliveryFilter{Name: r.Name, Limit: 1}); err != nil || len(past) > 0 {
		return found, err // it was there once, and nothing of it is open
	}
	return nil, trailhouse.Errorf(trailhouse.CodeNotFound, "there is no delivery %s, and there never was", r.Name).
		WithHint("trailhouse deliveries lists all of them")
}

// GiveUp ends the attempts of a delivery.
func (h *House) GiveUp(ctx context.Context, id string) (int64, error) {
	_, runner, err := h.deliveries()
	if err != nil {
		return 0, err
	}
	return runner.GiveUp(ctx, id)
}
