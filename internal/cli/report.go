package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
)

// reportFlags are the flags of report NAME.
type reportFlags struct {
	period     periodFlags
	format     string
	parameters []string
	columns    []string
	export     string
	out        string
}

func (s *shell) reportCommand() *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use:   "report NAME [ARGUMENT]",
		Short: "Answer a question that is kept as a report",
		Long: `Runs a report and prints its rows. Without a period it covers all there is. Times
are UTC. The format json holds the report's name, parameters, the instant of the
question, what evidence was read and missing, and the rows. Some reports ask for one
thing that is named behind them. trailhouse report list lists the reports, trailhouse
report NAME --help tells what one asks for and answers.

With --export records the rows of a report on trails become evidence: a file with
their original records, in the order of the report and without its limit unless you
give one, and the file's SHA-256 beside it. No file is overwritten. A record whose
original is gone or changed is left out and listed in a file beside it.`,
		Example: `  trailhouse report client-usage --from 2025-10-01 --to 2025-11-01
  trailhouse report enclave-usage --last 4w --format json
  trailhouse report client-usage --param client=acme
  trailhouse report host-pool --columns instance_id,idle_vcpu_hours,idle_gib_hours
  trailhouse report who-touched arn:aws:s3:::ledger --last 7d
  trailhouse report events --param principal=alice --last 4w --export records --out case-17/`,
		Args: between(1, 2, "the name of a report and what it asks for"),
	}
	f.period.add(c)
	c.Flags().StringVar(&f.format, "format", "table", "`FORMAT`: table, json, jsonl, csv, or seed where the report has it")
	c.Flags().StringSliceVar(&f.columns, "columns", nil, "only these `COLUMNS`, in this order, with commas between them")
	c.Flags().StringArrayVar(&f.parameters, "param", nil, "a parameter of the report as `NAME=VALUE`; may be repeated")
	c.Flags().StringVar(&f.export, "export", "", "write `WHAT` to files instead of rows: records")
	c.Flags().StringVar(&f.out, "out", "", "the new `FILE` of an export, or a directory for it")
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := f.request(s, c, args[0])
		if err != nil {
			return err
		}
		if len(args) > 1 {
			r.Argument = args[1]
		}
		if f.export != "" || f.out != "" {
			return s.export(c, f, r)
		}
		return s.withHouse(c, func(ctx context.Context, h House) error {
			answer, err := h.Report(ctx, r, s.env.Out)
			return s.complete(answer, err)
		})
	}
	c.AddCommand(s.reportList(), s.reportCheck())
	return c
}

// request checks the flags.
func (f reportFlags) request(s *shell, c *cobra.Command, name string) (ReportRequest, error) {
	r := ReportRequest{Name: name, Parameters: map[string]string{}, Columns: f.columns}
	var err error
	if r.Period, err = f.period.period(s.env.Clock); err != nil {
		return r, err
	}
	if r.Format, err = s.format(c, f.format, "table json jsonl csv seed"); err != nil {
		return r, err
	}
	for _, p := range f.parameters {
		name, value, ok := strings.Cut(p, "=")
		if _, twice := r.Parameters[name]; !ok || name == "" || twice {
			return r, usage("--param: %q is not one NAME=VALUE, each name once", p)
		}
		r.Parameters[name] = value
	}
	return r, nil
}

// format returns the format that was asked for; --json alone asks for json.
func (s *shell) format(c *cobra.Command, given, known string) (string, error) {
	if s.flags.json && !c.Flags().Changed("format") {
		return "json", nil
	}
	for _, f := range strings.Fields(known) {
		if f == given {
			return f, nil
		}
	}
	return "", usage("--format: %q is not one of %s", given, strings.ReplaceAll(known, " ", ", "))
}

// complete tells what an answer lacks: rows behind its limit as a note, evidence that
// is missing or damaged as an error of its own exit code, so that a script which bills
// sees the difference. The rows are printed in any case.
func (s *shell) complete(a Answer, err error) error {
	if err != nil {
		return err
	}
	if a.Limit > 0 && !s.flags.quiet {
		s.note(fmt.Sprintf("these are the first %s rows, the limit of the report; there may be more: give --param limit=N or a shorter period", count(a.Limit)))
	}
	if a.NoEvidence && !s.flags.quiet {
		s.note("there is no evidence of this answer's sources for it in this house: nothing is known, which is not the same as nothing used")
	}
	if a.Missing > 0 {
		return trailhouse.Errorf(trailhouse.CodePartial, "the answer rests on incomplete evidence: %s missing, damaged or quarantined in part", objects(a.Missing)).
			WithHint("trailhouse report coverage-objects")
	}
	return nil
}

// note prints a remark that is no error.
func (s *shell) note(text string) {
	if s.flags.json {
		s.screen.line(string(mustJSON(struct {
			Note string `json:"note"`
		}{text})))
		return
	}
	s.screen.line("note: " + text)
}

func objects(n int64) string {
	if n == 1 {
		return "1 object is"
	}
	return count(n) + " objects are"
}

func (s *shell) reportList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the reports",
		Args:  between(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return s.withHouse(c, func(_ context.Context, h House) error {
				infos, err := h.Reports()
				if err != nil {
					return err
				}
				return printList(s.env.Out, s.flags.json, infos, "NAME\tQUESTION", func(i ReportInfo) string {
					return strings.TrimSpace(i.Name+" "+strings.ToUpper(i.Argument)) + "\t" + i.Question
				})
			})
		},
	}
}

func (s *shell) reportCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check all reports, the built-in and your own, without running them",
		Args:  between(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				n, err := h.CheckReports(ctx)
				if err != nil {
					return err
				}
				return s.say(fmt.Sprintf("%d reports are in order", n), struct {
					Reports int `json:"reports"`
				}{n})
			})
		},
	}
}
