package cli

import "github.com/spf13/cobra"

func (s *shell) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print which build this is",
		Args:  between(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			v := s.env.Version
			text := "trailhouse " + v.Version
			if v.Commit != "" {
				text += " (" + v.Commit + ", " + v.Built + ")"
			}
			return s.say(text+" "+v.Go, v)
		},
	}
}
