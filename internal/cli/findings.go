package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// AcknowledgeRequest says that somebody knows of a finding.
type AcknowledgeRequest struct {
	// ID is the finding's.
	ID string
	// Reason and By are why and who.
	Reason, By string
}

// Acknowledged is what became of an AcknowledgeRequest.
type Acknowledged struct {
	ID string `json:"finding_id"`
	// Finding is what the finding says, in words.
	Finding string    `json:"finding"`
	Reason  string    `json:"reason"`
	By      string    `json:"acknowledged_by"`
	At      time.Time `json:"acknowledged_at"`
	// Before says that the very same was said before, and the finding had not changed
	// since: nothing was written.
	Before bool `json:"before"`
}

func (s *shell) findingsCommand() *cobra.Command {
	return group("findings", "What nobody allowed, or what the logs do not explain", s.findingsList(), s.findingsAcknowledge())
}

// listed are the columns of findings list where none are asked for.
func listed() []string {
	return []string{"finding_id", "state", "severity", "kind", "client", "calls", "last_seen", "reason"}
}

func (s *shell) findingsList() *cobra.Command {
	var f reportFlags
	var state, kind, severity, client string
	c := &cobra.Command{
		Use:   "list",
		Short: "List findings, acknowledged ones too",
		Long: `Lists what the report findings finds, worst first and acknowledged ones last. The
report has more columns and filters: trailhouse report findings. Acknowledgements of what
is found no more are in another: trailhouse report acknowledgements.`,
		Example: "  trailhouse findings list --state open --last 4w\n  trailhouse findings list --severity critical --format json",
		Args:    between(0, 0, ""),
	}
	f.period.add(c)
	c.Flags().StringVar(&f.format, "format", "table", "`FORMAT`: table, json, jsonl or csv")
	c.Flags().StringVar(&state, "state", "", "only findings in this `STATE`: open, acknowledged or returned")
	c.Flags().StringVar(&kind, "kind", "", "only this `KIND`, such as debug-attestation")
	c.Flags().StringVar(&severity, "severity", "", "only this `SEVERITY`: critical, high, medium or low")
	c.Flags().StringVar(&client, "client", "", "only findings that this `CLIENT` has a part in")
	c.RunE = func(c *cobra.Command, _ []string) error {
		r, err := f.request(s, c, "findings")
		if err != nil {
			return err
		}
		for name, value := range map[string]string{"state": state, "kind": kind, "severity": severity, "client": client} {
			if value != "" {
				r.Parameters[name] = value
			}
		}
		if r.Format == "table" {
			r.Columns = listed()
		}
		return s.withHouse(c, func(ctx context.Context, h House) error {
			answer, err := h.Report(ctx, r, s.env.Out)
			return s.complete(answer, err)
		})
	}
	return c
}

func (s *shell) findingsAcknowledge() *cobra.Command {
	var r AcknowledgeRequest
	c := &cobra.Command{
		Use:   "acknowledge ID --reason TEXT",
		Short: "Say that a finding is known, and why",
		Long: `Keeps in the lake that somebody knows of a finding, why, and what its facts were. The
finding stays listed as acknowledged. It comes back as returned when it has a fact that
it had not: another image, key, client, caller or error code.`,
		Example: `  trailhouse findings acknowledge 535827d563ec0600 --reason "load test, ticket 1207" --by ann`,
		Args:    between(1, 1, "the id of a finding"),
	}
	c.Flags().StringVar(&r.Reason, "reason", "", "why, as one line of `TEXT`")
	c.Flags().StringVar(&r.By, "by", "", "the `NAME` of who says so (default the user's name of the environment)")
	c.RunE = func(c *cobra.Command, args []string) error {
		r.ID = strings.ToLower(strings.TrimSpace(args[0]))
		if r.By == "" {
			r.By = s.userName()
		}
		switch {
		case strings.TrimSpace(r.Reason) == "":
			return usage("findings acknowledge needs --reason: whoever reads the findings next will want to know why")
		case r.By == "":
			return usage("findings acknowledge needs --by: the environment has no user's name")
		}
		return s.withHouse(c, func(ctx context.Context, h House) error {
			done, err := h.Acknowledge(ctx, r)
			if err != nil {
				return err
			}
			text := fmt.Sprintf("acknowledged by %s: %s", done.By, done.Finding)
			if done.Before {
				text = fmt.Sprintf("was acknowledged by %s at %s already: %s", done.By, done.At.UTC().Format(time.RFC3339), done.Finding)
			}
			return s.say(text, done)
		})
	}
	return c
}

// userName is who runs the program, as the environment tells.
func (s *shell) userName() string {
	for _, name := range []string{"USER", "LOGNAME"} {
		for _, pair := range s.env.Environ {
			if value, ok := strings.CutPrefix(pair, name+"="); ok && value != "" {
				return value
			}
		}
	}
	return ""
}
