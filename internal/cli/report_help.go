package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse/internal/report"
)

// help makes --help, and the command help, tell of what is named: report NAME --help of
// that report. A name that nothing has is the error that it is without --help.
func (s *shell) help(root *cobra.Command) {
	usual := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { s.helpFailed = s.helpOf(c, c.Flags().Args(), usual) })
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil {
				return usage("%w", err).WithHint("see trailhouse --help")
			}
			c.InitDefaultHelpFlag()
			return s.helpOf(c, rest, usual)
		},
	})
}

// helpOf prints the help of a command, given the words behind it.
func (s *shell) helpOf(c *cobra.Command, words []string, usual func(*cobra.Command, []string)) error {
	switch {
	case len(words) > 0 && c.Name() == "report":
		settings, err := s.config(c)
		if err != nil {
			return err
		}
		r, err := s.env.Report(settings, words[0])
		if err != nil {
			return err
		}
		return s.printReportHelp(c, r)
	case len(words) > 0 && c.HasSubCommands() && (c.Annotations[groupKey] != "" || !c.Runnable()):
		return noCommand(c, words[0])
	}
	usual(c, words)
	return nil
}

// reportHelp is what a report asks for and answers, as JSON.
type reportHelp struct {
	Name       string            `json:"name"`
	Title      string            `json:"title"`
	Question   string            `json:"question"`
	Argument   string            `json:"argument,omitempty"`
	Parameters []reportParameter `json:"parameters"`
	Columns    []reportColumn    `json:"columns"`
}

type reportParameter struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Default *string  `json:"default"`
	Choices []string `json:"choices,omitempty"`
	Doc     string   `json:"meaning"`
}

type reportColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Unit string `json:"unit,omitempty"`
	Doc  string `json:"meaning"`
}

// helpOf describes a report.
func helpOf(r *report.Report) reportHelp {
	h := reportHelp{
		Name: r.Name, Title: r.Title, Question: r.Question, Argument: r.Argument,
		Parameters: []reportParameter{}, Columns: []reportColumn{},
	}
	for _, p := range r.Parameters {
		h.Parameters = append(h.Parameters, reportParameter{Name: p.Name, Type: p.Type, Default: p.Default, Choices: p.Choices, Doc: p.Doc})
	}
	for _, c := range r.Columns {
		h.Columns = append(h.Columns, reportColumn{Name: c.Name, Type: c.Type, Unit: c.Unit, Doc: c.Doc})
	}
	return h
}

// doc is what a parameter does and may be.
func (p reportParameter) doc() string {
	text := p.Doc
	if len(p.Choices) > 0 {
		text += "; one of " + strings.Join(p.Choices, ", ")
	}
	if p.Default != nil {
		text += " (default " + cmp.Or(*p.Default, "empty") + ")"
	}
	return strings.TrimPrefix(text, "; ")
}

// printReportHelp prints the help of one report.
func (s *shell) printReportHelp(c *cobra.Command, r *report.Report) error {
	h := helpOf(r)
	if s.flags.json {
		return s.say("", h)
	}
	out := s.env.Out
	line := strings.TrimSpace("trailhouse report " + h.Name + " " + strings.ToUpper(h.Argument))
	if _, err := fmt.Fprintf(out, "%s: %s\n\nUsage:\n  %s [flags]\n", h.Title, h.Question, line); err != nil {
		return err
	}
	if len(h.Parameters) > 0 {
		head := "\nParameters, as --param NAME=VALUE"
		if h.Argument != "" {
			head += "; " + h.Argument + " must be given, here or behind the report's name"
		}
		if err := section(out, head, h.Parameters, func(p reportParameter) string { return p.Name + "\t" + p.Type + "\t" + p.doc() }); err != nil {
			return err
		}
	}
	err := section(out, "\nColumns", h.Columns, func(c reportColumn) string {
		return c.Name + "\t" + c.Type + "\t" + c.Doc + unitOf(c)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nFlags:\n%s\nGlobal Flags:\n%s", c.LocalFlags().FlagUsages(), c.InheritedFlags().FlagUsages())
	return err
}

// unitOf returns the unit where there is one.
func unitOf(c reportColumn) string {
	if c.Unit == "" {
		return ""
	}
	return " [" + c.Unit + "]"
}

// section prints a list below its head, indented.
func section[T any](out io.Writer, head string, items []T, row func(T) string) error {
	return printList(out, false, items, head+":", func(item T) string { return "  " + row(item) })
}
