package cli

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// printList is the one way of printing a list: a table with a head, or one JSON
// array with --json.
func printList[T any](w io.Writer, asJSON bool, items []T, head string, row func(T) string) error {
	if asJSON {
		if items == nil {
			items = []T{}
		}
		_, err := fmt.Fprintf(w, "%s\n", mustJSON(items))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(t, head); err != nil {
		return err
	}
	for _, item := range items {
		if _, err := fmt.Fprintln(t, row(item)); err != nil {
			return err
		}
	}
	return t.Flush()
}

// say prints a sentence, or v with --json.
func (s *shell) say(text string, v any) error {
	if s.flags.json {
		text = string(mustJSON(v))
	}
	_, err := fmt.Fprintln(s.env.Out, text)
	return err
}
