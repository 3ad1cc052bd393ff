package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/deliver"
)

// RunRequest says what one pass does.
type RunRequest struct {
	// Now is a delivery to send at once, and alone; empty for all that are due.
	Now string
}

// RunResult is what became of one pass.
type RunResult struct {
	// Imports are the kinds of evidence that the configuration has places for.
	Imports    []RunImport       `json:"imports"`
	Deliveries []deliver.Outcome `json:"deliveries"`
}

// RunImport is the import of one kind of evidence.
type RunImport struct {
	Source string `json:"source"`
	ImportResult
	// Error says why it did not come to its end, Hint what to do.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

func (s *shell) runCommand() *cobra.Command {
	var r RunRequest
	var dryRun bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Do one pass of everything: import, derive, deliver what is due",
		Long: `Imports from all sources of trailhouse.yaml, derives what follows, and sends the
deliveries that are due: what cron, a systemd timer or the scheduler of containers
calls, as often as you like. Nothing is imported or sent twice, also where two runs
overlap or one is killed.

A delivery is due where an instant of its schedule has passed and nothing was sent
for it; of several such instants the last one counts, and the text says that there
were others. What could not be sent is tried again, under the same id, and only that
is said of it then; trailhouse deliveries has what was sent before. A delivery
that is new in the configuration is sent at once for its last instant. With --now
that one delivery is sent for this instant, due or not, and no other.

Exit code 3 where a source or target failed, or a report lacks evidence: the rest is
done.`,
		Example: `  trailhouse run
  trailhouse run --dry-run
  trailhouse run --now bill`,
		Args: between(0, 0, ""),
	}
	c.Flags().StringVar(&r.Now, "now", "", "send the delivery `NAME` for this instant, and no other")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what is due, and write nothing")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if dryRun {
			return s.due(c, r.Now)
		}
		return s.withHouse(c, func(ctx context.Context, h House) error { return s.runAll(ctx, h, r) })
	}
	return c
}

// due says what a run would do.
func (s *shell) due(c *cobra.Command, now string) error {
	settings, err := s.config(c)
	if err != nil {
		return err
	}
	result, err := s.env.Due(c.Context(), settings, now)
	if err == nil {
		s.printRun(true, result)
	}
	return err
}

// runAll runs and prints what became of it, also where it failed midway.
func (s *shell) runAll(ctx context.Context, h House, r RunRequest) error {
	result, err := h.RunAll(ctx, r, s.progress())
	s.screen.finish()
	if err == nil || len(result.Imports)+len(result.Deliveries) > 0 {
		s.printRun(false, result)
	}
	return errors.Join(err, result.partial())
}

// printRun prints imports and deliveries: those that are due, or what became of them.
func (s *shell) printRun(due bool, result RunResult) {
	if s.flags.json {
		if result.Imports == nil {
			result.Imports = []RunImport{}
		}
		if result.Deliveries == nil {
			result.Deliveries = []deliver.Outcome{}
		}
		fmt.Fprintf(s.env.Out, "%s\n", mustJSON(result))
		return
	}
	for _, i := range result.Imports {
		if due {
			fmt.Fprintf(s.env.Out, "would import %s\n", i.Source)
			continue
		}
		fmt.Fprintf(s.env.Out, "import %s\n", i.Source)
		s.printImport(i.ImportResult)
	}
	for _, d := range result.Deliveries {
		fmt.Fprintf(s.env.Out, "deliver %s\n", titleOf(d))
		for _, t := range d.Targets {
			state := t.State
			if due && !t.Stuck() {
				state = "is due"
			}
			fmt.Fprintf(s.env.Out, "  %s %s %s\n", state, t.Target, strings.TrimSpace(printableOr(t.Receipt, t.Address)))
		}
	}
	if len(result.Deliveries) == 0 {
		fmt.Fprintln(s.env.Out, "no delivery is due")
	}
}

func printableOr(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// titleOf names a delivery on one line.
func titleOf(d deliver.Outcome) string {
	text := d.Name
	if d.Client != "" {
		text += " for " + d.Client
	}
	text += " of " + d.Scheduled.Format("2006-01-02 15:04 UTC")
	switch {
	case d.Forced:
		text += ", asked for now"
	case d.Again:
		text += ", again"
	}
	if d.Missed > 0 {
		text += fmt.Sprintf(", %d earlier missed", d.Missed)
	}
	return text + ", id " + d.ID
}

// partial is the error of a run that is done but for named parts.
func (r RunResult) partial() error {
	var parts []error
	for _, i := range r.Imports {
		if i.Error != "" {
			parts = append(parts, trailhouse.Errorf(trailhouse.CodePartial, "the import of %s failed: %s", i.Source, i.Error).WithHint("%s", i.Hint))
		} else if err := i.ImportResult.partial(); err != nil {
			parts = append(parts, err)
		}
	}
	for _, d := range r.Deliveries {
		for _, t := range d.Targets {
			if t.Error == "" {
				continue
			}
			parts = append(parts, notArrived(d.ID, t))
		}
		if d.Incomplete > 0 {
			parts = append(parts, trailhouse.Errorf(trailhouse.CodePartial, "delivery %s rests on incomplete evidence: %s missing, damaged or quarantined in part",
				d.ID, objects(int64(d.Incomplete))).WithHint("trailhouse report coverage-objects"))
		}
	}
	return errors.Join(parts...)
}

// notArrived is the error of a target that has not got a delivery, or perhaps has.
func notArrived(id string, t deliver.TargetOutcome) error {
	if t.InDoubt() {
		return trailhouse.Errorf(trailhouse.CodePartial, "it is not known whether delivery %s reached %s %s: %s", id, t.Target, t.Address, t.Error).WithHint("%s", t.Hint)
	}
	hint := "the next run tries it again"
	if t.Stuck() {
		hint = t.Hint
	} else if t.Hint != "" {
		hint = t.Hint + "; " + hint
	}
	return trailhouse.Errorf(trailhouse.CodePartial, "delivery %s did not reach %s %s: %s", id, t.Target, t.Address, t.Error).WithHint("%s", hint)
}

// DeliveriesRequest says which deliveries to list.
type DeliveriesRequest struct {
	Name string // empty for all
	Open bool   // only those that have not arrived everywhere
	// Limit is the most, newest first; 0 for no limit.
	Limit int
}

func (s *shell) deliveriesCommand() *cobra.Command {
	var r DeliveriesRequest
	c := &cobra.Command{
		Use:   "deliveries [NAME]",
		Short: "List what was sent and what could not be",
		Long: `Lists deliveries with their ids, targets, states, attempts and errors, the newest
last. A target is open (not tried, or the run was killed in an attempt), failed (tried
again by the next run), unknown (sent, and the answer was lost: sent once more by the
next run), uncertain (that was so twice: sent no more), refused (for good: sent no
more), sent or given-up.`,
		Example: `  trailhouse deliveries
  trailhouse deliveries bill --open
  trailhouse deliveries give-up 4b1f0c9a6f7e21d3a95c5f0d7e8b3a46`,
		Args: between(0, 1, "the name of a delivery"),
	}
	c.Flags().BoolVar(&r.Open, "open", false, "only those that have not arrived everywhere")
	c.Flags().IntVar(&r.Limit, "limit", 100, "the newest `N` deliveries; 0 for all")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			r.Name = args[0]
		}
		if r.Limit < 0 {
			return usage("--limit: %d is negative", r.Limit)
		}
		return s.withHouse(c, func(ctx context.Context, h House) error {
			list, err := h.Deliveries(ctx, r)
			if err != nil {
				return err
			}
			return s.printDeliveries(list)
		})
	}
	c.AddCommand(s.giveUpCommand())
	return c
}

// deliveryLine is one target of one delivery.
type deliveryLine struct {
	deliver.Outcome
	deliver.TargetOutcome
}

// printDeliveries prints a line for each target, or with --json an object for each
// delivery.
func (s *shell) printDeliveries(list []deliver.Outcome) error {
	if s.flags.json {
		return printList(s.env.Out, true, list, "", nil)
	}
	var lines []deliveryLine
	for _, d := range list {
		for _, t := range d.Targets {
			lines = append(lines, deliveryLine{d, t})
		}
	}
	return printList(s.env.Out, false, lines, "DELIVERY\tCLIENT\tSCHEDULED\tTARGET\tSTATE\tATTEMPTS\tID\tRECEIPT OR ERROR", func(l deliveryLine) string {
		client := printableOr(l.Client, "-")
		return strings.Join([]string{
			l.Name, client, l.Scheduled.Format(time.RFC3339), l.Target, l.State, fmt.Sprint(l.Attempts), l.ID,
			strings.Join(strings.Fields(printableOr(l.Error, printableOr(l.Receipt, l.Address))), " "),
		}, "\t")
	})
}

func (s *shell) giveUpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "give-up ID",
		Short: "Try a delivery no more",
		Long: `Ends the attempts for the targets of a delivery that it has not reached. What it holds
is in the reports at any time; --now sends them under a new id.`,
		Args: between(1, 1, "the id of a delivery"),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				n, err := h.GiveUp(ctx, args[0])
				if err != nil {
					return err
				}
				return s.say(fmt.Sprintf("%d targets are given up", n), struct {
					Targets int64 `json:"targets_given_up"`
				}{n})
			})
		},
	}
}
