package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (s *shell) demoCommand() *cobra.Command {
	return group("demo", "Invented evidence to try things with", s.demoGenerate())
}

func (s *shell) demoGenerate() *cobra.Command {
	var r DemoRequest
	c := &cobra.Command{
		Use:   "generate --out DIR",
		Short: "Write the evidence of an invented organisation, with a trailhouse.yaml and the truth about it",
		Long: `Writes months of logs of invented enclave hosts below a new directory, the CloudTrail
files of their organisation, the trailhouse.yaml that belongs to them, and the truth
that reports must come to. Equal flags give equal bytes. A trail may be as large as the
disk allows: memory does not grow with it.`,
		Example: "  trailhouse demo generate --out demo-data --seed 7 --months 2\n  trailhouse demo generate --out big --trail-only --events 20000000",
		Args:    between(0, 0, ""),
	}
	c.Flags().StringVar(&r.Dir, "out", "", "directory `DIR` to write to, new or empty")
	c.Flags().Uint64Var(&r.Seed, "seed", 1, "decides everything that is left to chance")
	c.Flags().IntVar(&r.Months, "months", 3, "calendar months, from August 2025")
	c.Flags().IntVar(&r.Hosts, "hosts", 6, "number of hosts")
	c.Flags().Int64Var(&r.Events, "events", 0, "events of the trail; 0 for some 20,000 in small files")
	c.Flags().BoolVar(&r.TrailOnly, "trail-only", false, "write the trail and its truth, no logs")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if r.Dir == "" {
			return usage("demo generate needs --out DIR")
		}
		r.Dir = s.absolute(r.Dir)
		made, err := s.env.Demo(c.Context(), r)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%d files, %s, of evidence from %s to %s\n", made.Files, size(made.Bytes), made.From.Format(time.DateOnly), made.To.Format(time.DateOnly))
		if !r.TrailOnly {
			text += fmt.Sprintf("logs    %s\nconfig  %s\n", made.Logs, made.Config)
		}
		text += fmt.Sprintf("trail   %s\ntruth   %s", made.Trail, made.Truth)
		return s.say(text, made)
	}
	return c
}
