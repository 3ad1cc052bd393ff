package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/doctor"
)

func (s *shell) doctorCommand() *cobra.Command {
	var silent int
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look at everything that a run needs, and say which permission is missing for whom",
		Long: `Looks at the configuration, the engine, the data directory, credentials, each permission
that sources and deliveries need by trying it, the clock, log groups (are they there, do
they keep lines long enough, which hosts are silent), topics and mail servers. Nothing is
written but a small file in the data directory, which is removed again; nothing is sent.

Prints a line for each check: ok, warn or fail. Exit codes: 0 all is well, 3 something
should be looked at, 1 something fails.`,
		Args: between(0, 0, ""),
	}
	c.Flags().IntVar(&silent, "silent-days", 7, "a host that wrote nothing for so many `DAYS` is told")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if silent < 1 || silent > 3650 {
			return usage("--silent-days: %d is not one of 1 to 3650", silent)
		}
		return s.doctor(c, time.Duration(silent)*24*time.Hour)
	}
	return c
}

// doctor runs the checks. A configuration that cannot be read is a check that fails.
func (s *shell) doctor(c *cobra.Command, silent time.Duration) error {
	var all []doctor.Check
	var broken error
	report := func(one doctor.Check) {
		all = append(all, one)
		if !s.flags.json && broken == nil {
			_, broken = fmt.Fprintln(s.env.Out, checkLine(one))
		}
	}
	settings, err := s.config(c)
	for _, wrong := range split(err) {
		report(doctor.Check{Result: doctor.Fail, Name: "configuration", Text: wrong.Error(), Hint: trailhouse.HintOf(wrong)})
	}
	if err == nil {
		if err := s.env.Doctor(c.Context(), settings, silent, report); err != nil {
			return err
		}
	}
	if s.flags.json {
		_, broken = fmt.Fprintf(s.env.Out, "%s\n", mustJSON(all))
	}
	if broken != nil {
		return broken
	}
	return healthy(all)
}

// checkLine is a check on one line.
func checkLine(c doctor.Check) string {
	line := fmt.Sprintf("%-4s  %s", c.Result, c.Name)
	if c.Place != "" {
		line += " (" + c.Place + ")"
	}
	line += ": " + c.Text
	if c.Hint != "" {
		line += "; " + c.Hint
	}
	return line
}

// healthy sums checks up.
func healthy(all []doctor.Check) error {
	fails, warns := 0, 0
	for _, c := range all {
		switch c.Result {
		case doctor.Fail:
			fails++
		case doctor.Warn:
			warns++
		case doctor.OK:
		}
	}
	switch {
	case fails > 0:
		return trailhouse.Errorf(trailhouse.CodeInvalid, "%s of %d failed", plural(fails, "check"), len(all)).
			WithHint("each line that begins with fail says what to do")
	case warns > 0:
		return trailhouse.Errorf(trailhouse.CodePartial, "nothing fails, and %s of %d should be looked at", plural(warns, "check"), len(all)).
			WithHint("each line that begins with warn says why")
	}
	return nil
}
