package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse/internal/clients"
)

func (s *shell) clientsCommand() *cobra.Command {
	return group("clients", "Whom enclaves belong to", s.clientsExplain())
}

func (s *shell) clientsExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain ENCLAVE",
		Short: "Say which rule gave an enclave its client, and why",
		Long: `Shows for each session of the enclave every rule of clients: in trailhouse.yaml up
to the one that matched, and which of its conditions hold. ENCLAVE is an enclave id,
a session id or a name.`,
		Args: between(1, 1, "an enclave id, a session id or a name"),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				explained, err := h.Explain(ctx, args[0])
				if err != nil {
					return err
				}
				if s.flags.json {
					_, err = fmt.Fprintf(s.env.Out, "%s\n", mustJSON(explained))
					return err
				}
				for _, e := range explained {
					printExplanation(s.env.Out, e)
				}
				return nil
			})
		},
	}
}

// printExplanation prints one session: whose it is, then the rules up to the one
// that decided.
func printExplanation(w io.Writer, e clients.Explanation) {
	fmt.Fprintf(w, "%s  %s  ready %s\n", e.SessionID, named(e.Name), e.At.UTC().Format(clients.Millis))
	if e.Rule == 0 {
		fmt.Fprintf(w, "  belongs to %s: no rule matched\n", e.Client)
	} else {
		fmt.Fprintf(w, "  belongs to %s by rule %d\n", e.Client, e.Rule)
	}
	for _, rule := range e.Rules {
		if e.Rule > 0 && rule.Index > e.Rule {
			break
		}
		fmt.Fprintf(w, "  rule %d (line %d, %s): %s\n", rule.Index, rule.Line, rule.Client, verdict(rule))
	}
}

func named(name string) string {
	if name == "" {
		return "(name not in the log)"
	}
	return name
}

// verdict says which conditions of a rule decided.
func verdict(rule clients.RuleVerdict) string {
	if rule.Matched && len(rule.Conditions) == 0 {
		return "matches everything"
	}
	var parts []string
	for _, c := range rule.Conditions {
		if rule.Matched {
			parts = append(parts, c.Text)
		} else if !c.Holds {
			parts = append(parts, "not "+c.Text)
		}
	}
	if rule.Matched {
		return "matches " + strings.Join(parts, ", ")
	}
	return strings.Join(parts, ", ")
}
