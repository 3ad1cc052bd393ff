package report

import (
	"bufio"
	"encoding/csv"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// CSVWriter writes RFC 4180 with a header line and lines that end with CR LF. Null
// is an empty cell, and so is the empty text. A text that a spreadsheet would run as
// a formula (it begins with = + - @, a tab or a CR, which an enclave's name may)
// gets an apostrophe in front; numbers and times are never changed. Where every byte
// of a text counts, take json.
type CSVWriter struct {
	out     *bufio.Writer
	csv     *csv.Writer
	columns []trailhouse.ResultColumn
	cells   []string
}

// Begin implements Writer.
func (w *CSVWriter) Begin(h Head) error {
	w.csv = csv.NewWriter(w.out)
	w.csv.UseCRLF = true
	w.columns = h.Columns
	w.cells = make([]string, len(h.Columns))
	for i, c := range h.Columns {
		w.cells[i] = guard(c.Name)
	}
	return w.csv.Write(w.cells)
}

// Row implements Writer.
func (w *CSVWriter) Row(row []any) error {
	for i, c := range w.columns {
		w.cells[i] = FormatText(row[i], c.Type)
		if c.Type == "varchar" {
			w.cells[i] = guard(w.cells[i])
		}
	}
	return w.csv.Write(w.cells)
}

// End implements Writer.
func (w *CSVWriter) End() error {
	w.csv.Flush()
	if err := w.csv.Error(); err != nil {
		return err
	}
	return w.out.Flush()
}

// guard keeps a spreadsheet from running a text.
func guard(text string) string {
	if text != "" && strings.IndexByte("=+-@\t\r", text[0]) >= 0 {
		return "'" + text
	}
	return text
}
