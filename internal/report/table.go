package report

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trailhouse/trailhouse"
)

const (
	// measured is how many rows are held back to find the columns' widths; later
	// cells may stand out.
	measured = 1000
	// listed is how many missing or damaged objects are shown below a table.
	listed = 10
)

// TableWriter writes columns for a terminal: texts to the left, numbers to the
// right, null as -, nothing cut; columns of the format origin are left out. Characters that could steer a terminal are written
// as escapes. Below stands what of the evidence is missing or damaged.
type TableWriter struct {
	out    *bufio.Writer
	head   Head
	shown  []int // columns that are printed
	held   [][]string
	widths []int
	flowed bool
}

// Begin implements Writer.
func (w *TableWriter) Begin(h Head) error {
	w.head = h
	for i := range h.Columns {
		if h.Formats == nil || h.Formats[i] != formatOrigin {
			w.shown = append(w.shown, i)
		}
	}
	w.widths = make([]int, len(w.shown))
	names := make([]string, len(w.shown))
	for i, column := range w.shown {
		names[i] = printable(h.Columns[column].Name)
	}
	w.hold(names)
	return nil
}

// Row implements Writer.
func (w *TableWriter) Row(row []any) error {
	cells := make([]string, len(w.shown))
	for i, column := range w.shown {
		cells[i] = "-"
		if v := row[column]; v != nil {
			cells[i] = printable(FormatText(v, w.head.Columns[column].Type))
		}
	}
	if w.flowed {
		return w.print(cells)
	}
	w.hold(cells)
	if len(w.held) <= measured {
		return nil
	}
	return w.flow()
}

// End implements Writer.
func (w *TableWriter) End() error {
	if err := w.flow(); err != nil {
		return err
	}
	w.missing()
	return w.out.Flush()
}

// hold keeps a row until the widths are known.
func (w *TableWriter) hold(cells []string) {
	for i, c := range cells {
		w.widths[i] = max(w.widths[i], utf8.RuneCountInString(c))
	}
	w.held = append(w.held, cells)
}

// flow prints the rows that were held.
func (w *TableWriter) flow() error {
	w.flowed = true
	for _, cells := range w.held {
		if err := w.print(cells); err != nil {
			return err
		}
	}
	w.held = nil
	return nil
}

// print writes one line, without blanks at its end.
func (w *TableWriter) print(cells []string) error {
	var line strings.Builder
	for i, c := range cells {
		if i > 0 {
			line.WriteString("  ")
		}
		blanks := strings.Repeat(" ", max(0, w.widths[i]-utf8.RuneCountInString(c)))
		if rightAligned(w.head.Columns[w.shown[i]].Type) {
			line.WriteString(blanks + c)
		} else {
			line.WriteString(c + blanks)
		}
	}
	_, err := w.out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	return err
}

// missing lists what the rows do not know of. Flush gives its error.
func (w *TableWriter) missing() {
	n := 0
	for _, c := range w.head.Coverage {
		if !incomplete(c) {
			continue
		}
		if n++; n == 1 {
			_, _ = w.out.WriteString("\nMissing or damaged evidence:\n")
		}
		if n <= listed {
			_, _ = w.out.WriteString("  " + printable(describe(c)) + "\n")
		}
	}
	if n > listed {
		_, _ = fmt.Fprintf(w.out, "  and %d more: see report coverage\n", n-listed)
	}
}

// describe says in a line what is missing.
func describe(c trailhouse.Coverage) string {
	text := c.Source + " " + c.Result
	for _, part := range []string{c.Scope, c.Object} {
		if part != "" {
			text += " " + part
		}
	}
	if c.Detail != "" {
		text += ": " + c.Detail
	}
	return text
}

// rightAligned reports whether a column holds numbers.
func rightAligned(columnType string) bool {
	switch columnType {
	case "bigint", "integer", "smallint", "tinyint", "double", "real":
		return true
	}
	return strings.HasPrefix(columnType, "decimal(")
}

// printable writes control characters, and those that change the direction of
// writing, as escapes.
func printable(s string) string {
	unsafe := func(r rune) bool { return !unicode.IsPrint(r) && r != ' ' }
	if strings.IndexFunc(s, unsafe) < 0 {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if unsafe(r) {
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}
