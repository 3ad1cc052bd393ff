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
			settings, err := s.config(c)
			if err != nil {
				return err
			}
			if _, err := clients.Compile(settings.File(), settings.Clients, settings.Hosts); err != nil {
				return err
			}
			if err := settings.CheckFolders(); err != nil {
				return err
			}
			if err := checkDeliveries(settings); err != nil {
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

// checkDeliveries checks schedules, periods, templates, and that each report has what is
// asked of it.
func checkDeliveries(c *config.Config) error {
	plans, err := deliver.Compile(c)
	if err != nil {
		return err
	}
	var own fs.FS
	if c.Reports.Folder != "" {
		own = os.DirFS(c.Reports.Folder)
	}
	library, err := report.NewLibrary(own)
	if err != nil {
		return err
	}
	var wrong []error
	for i, p := range plans {
		for _, r := range p.Reports {
			err := library.CheckRequest(report.Request{Name: r.Name, Argument: r.Argument, Args: r.Parameters}, p.Formats, r.Columns)
			if err == nil && c.Deliver[i].ForEachClient {
				err = library.ForClient(r.Name)
			}
			if err != nil {
				wrong = append(wrong, usage("%s: deliver[%d]: %w", c.Origin(fmt.Sprintf("deliver[%d]", i+1)), i+1, err).WithHint("%s", trailhouse.HintOf(err)))
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
