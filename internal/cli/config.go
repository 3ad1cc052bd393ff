package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/deliver"
	"github.com/trailhouse/trailhouse/internal/report"
)

func (s *shell) configCommand() *cobra.Command {
	return group("config", "Look at the configuration", s.configCheck(), s.configShow())
}

func (s *shell) configCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check flags, environment and trailhouse.yaml and say everything that is wrong",
		Args:  between(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := config.Check(s.input(c))
			if err := errors.Join(err, checkMeaning(settings)); err != nil {
				return err
			}
			for _, name := range settings.UnknownVariables() {
				s.note(name + " is set and is not a setting; it does nothing")
			}
			return s.say(inOrder(settings), struct {
				File string `json:"file"`
			}{settings.File()})
		},
	}
}

// checkMeaning finds what is wrong beside keys and types: rules of clients, folders, and
// of deliveries schedules, periods, templates, and that each report has what is asked of
// it.
func checkMeaning(c *config.Config) error {
	var wrong []error
	if c.Sound("clients") && c.Sound("hosts") {
		_, err := clients.Compile(c.File(), c.Clients, c.Hosts)
		wrong = append(wrong, err)
	}
	plans, err := deliver.Compile(c)
	wrong = append(wrong, err, c.CheckFolders())
	var own fs.FS
	if c.Reports.Folder != "" {
		own = os.DirFS(c.Reports.Folder)
	}
	library, err := report.NewLibrary(own)
	if err != nil {
		if c.CheckFolders() == nil {
			wrong = append(wrong, err)
		}
		return errors.Join(wrong...)
	}
	for i, p := range plans {
		for _, r := range p.Reports {
			if r.Name == "" {
				continue // told as missing
			}
			found := library.CheckRequest(report.Request{Name: r.Name, Argument: r.Argument, Args: r.Parameters}, p.Formats, r.Columns)
			if c.Deliver[i].ForEachClient {
				found = append(found, library.ForClient(r.Name))
			}
			at := fmt.Sprintf("deliver[%d]", i+1)
			for _, err := range found {
				if err != nil {
					wrong = append(wrong, usage("%s: %s: %w", c.Origin(at), at, err).WithHint("%s", trailhouse.HintOf(err)))
				}
			}
		}
	}
	return errors.Join(wrong...)
}

func inOrder(c *config.Config) string {
	if c.File() == "" {
		return "there is no " + config.FileName + "; the configuration is in order"
	}
	return c.File() + " is in order"
}

// settingLine is a setting as JSON.
type settingLine struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

func (s *shell) configShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Print the settings in force and where each comes from",
		Args:  between(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := s.config(c)
			if err != nil {
				return err
			}
			var lines []settingLine
			for _, setting := range settings.Settings() {
				lines = append(lines, settingLine(setting))
			}
			return printList(s.env.Out, s.flags.json, lines, "KEY\tVALUE\tFROM", func(l settingLine) string {
				return fmt.Sprintf("%s\t%s\t%s", l.Key, l.Value, l.Origin)
			})
		},
	}
}
