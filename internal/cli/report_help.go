package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse/internal/report"
)

// helpOfReports makes report NAME --help tell of that report.
func (s *shell) helpOfReports(c *cobra.Command) {
	usual := c.HelpFunc()
	c.SetHelpFunc(func(c *cobra.Command, args []string) {
		names := c.Flags().Args()
		if c.HasParent() && c.Name() != "report" || len(names) == 0 {
			usual(c, args)
			return
		}
		settings, err := s.config(c)
		var r *report.Report
		if err == nil {
			r, err = s.env.Report(settings, names[0])
		}
		if err == nil {
			err = s.printReportHelp(c, r)
		}
		s.printErrors(err)
	})
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
