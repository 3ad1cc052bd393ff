package report

import "errors"

// Collector keeps the first rows of a result as text, for people. Columns of the format
// origin are left out, as in a table.
type Collector struct {
	// Most is how many rows are kept.
	Most int

	// Names are the columns' names; Numbers says of each whether it holds numbers.
	Names   []string
	Numbers []bool
	// Cells are the rows, null as empty text.
	Cells [][]string
	// Lost says in a line each what of the evidence is missing or damaged, the first ten.
	Lost []string

	head  Head
	shown []int
}

var _ Writer = (*Collector)(nil)

// Begin implements Writer.
func (w *Collector) Begin(h Head) error {
	w.head = h
	for i, c := range h.Columns {
		if h.Formats == nil || h.Formats[i] != formatOrigin {
			w.shown = append(w.shown, i)
			w.Names = append(w.Names, c.Name)
			w.Numbers = append(w.Numbers, rightAligned(c.Type))
		}
	}
	for _, c := range h.Coverage {
		if incomplete(c) && len(w.Lost) < listed {
			w.Lost = append(w.Lost, printable(describe(c)))
		}
	}
	return nil
}

// Row implements Writer.
func (w *Collector) Row(row []any) error {
	if len(w.Cells) >= w.Most {
		return nil
	}
	cells := make([]string, len(w.shown))
	for i, column := range w.shown {
		cells[i] = printable(FormatText(row[column], w.head.Columns[column].Type))
	}
	w.Cells = append(w.Cells, cells)
	return nil
}

// End implements Writer.
func (w *Collector) End() error { return nil }

// Tee returns a Writer that writes to all of them, so that one run of a report, and one
// state of the tables, gives several formats.
func Tee(writers ...Writer) Writer { return tee(writers) }

type tee []Writer

func (t tee) Begin(h Head) error {
	return t.each(func(w Writer) error { return w.Begin(h) })
}

func (t tee) Row(row []any) error {
	return t.each(func(w Writer) error { return w.Row(row) })
}

func (t tee) End() error {
	return t.each(func(w Writer) error { return w.End() })
}

func (t tee) each(fn func(Writer) error) error {
	var errs []error
	for _, w := range t {
		errs = append(errs, fn(w))
	}
	return errors.Join(errs...)
}
