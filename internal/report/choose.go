package report

import (
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// chooser passes on some columns of a result.
type chooser struct {
	Writer
	names   []string
	chosen  []int
	picked  []any
	formats []string
}

// Choose returns a Writer that passes on the named columns in the order of the names.
// Begin fails with CodeUsage where the result has no such column.
func Choose(w Writer, names []string) Writer { return &chooser{Writer: w, names: names} }

// Begin implements Writer.
func (w *chooser) Begin(h Head) error {
	var columns []trailhouse.ResultColumn
	for _, name := range w.names {
		i := slices.IndexFunc(h.Columns, func(c trailhouse.ResultColumn) bool { return c.Name == name })
		if i < 0 {
			return trailhouse.Errorf(trailhouse.CodeUsage, "there is no column %s", name).WithHint("there are %s", namesOf(h.Columns))
		}
		w.chosen = append(w.chosen, i)
		columns = append(columns, h.Columns[i])
		if h.Formats != nil {
			w.formats = append(w.formats, plainly(h.Formats[i]))
		}
	}
	h.Columns, h.Formats, h.Seed = columns, w.formats, false
	w.picked = make([]any, len(columns))
	return w.Writer.Begin(h)
}

// plainly shows a column that was asked for, also where a table would leave it out.
func plainly(format string) string {
	if format == formatOrigin {
		return ""
	}
	return format
}

// Row implements Writer.
func (w *chooser) Row(row []any) error {
	for i, from := range w.chosen {
		w.picked[i] = row[from]
	}
	return w.Writer.Row(w.picked)
}

func namesOf(columns []trailhouse.ResultColumn) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}
