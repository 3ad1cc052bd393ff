package report

import (
	"bufio"
	"io"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// Formats are the names that NewWriter takes.
func Formats() []string { return []string{"table", "json", "jsonl", "csv", "seed"} }

// NewWriter returns the writer of a format:
//
//   - table: aligned columns for a terminal, with what is missing below;
//   - json: one object with the parameters, the coverage and the rows;
//   - jsonl: one object a line for each row;
//   - csv: RFC 4180 with a header line, see CSVWriter;
//   - seed: the objects of the first enclave meter, see SeedWriter.
//
// Any other name is CodeUsage.
func NewWriter(format string, out io.Writer) (Writer, error) {
	w := bufio.NewWriterSize(out, 1<<16)
	switch format {
	case "table":
		return &TableWriter{out: w}, nil
	case "json":
		return &JSONWriter{out: w}, nil
	case "jsonl":
		return &LinesWriter{out: w}, nil
	case "csv":
		return &CSVWriter{out: w}, nil
	case "seed":
		return &SeedWriter{out: w}, nil
	}
	return nil, trailhouse.Errorf(trailhouse.CodeUsage, "there is no format %q", format).
		WithHint("there are %s", strings.Join(Formats(), ", "))
}

// JSONWriter writes {"report","parameters","as_of","coverage":[…],"rows":[{…}]} in
// this order, one row a line. A statement of the user's own has no report, so it
// gives {"columns":[{"name","type"}],"rows":[[…]]}: names may repeat there.
type JSONWriter struct {
	out  *bufio.Writer
	head Head
	rows int64
	line []byte
}

// Begin implements Writer.
func (w *JSONWriter) Begin(h Head) error {
	w.head = h
	b := []byte("{")
	if h.Report == "" {
		b = appendColumns(member(b, "columns"), h.Columns)
	} else {
		b = appendString(member(b, "report"), h.Report)
		b = appendArguments(member(b, "parameters"), h.Arguments)
		b = appendString(member(b, "as_of"), FormatTime(h.AsOf))
		b = appendCoverage(member(b, "coverage"), h.Coverage)
	}
	_, err := w.out.Write(append(member(b, "rows"), '['))
	return err
}

// Row implements Writer.
func (w *JSONWriter) Row(row []any) error {
	w.line = w.line[:0]
	if w.rows++; w.rows > 1 {
		w.line = append(w.line, ',')
	}
	w.line = append(w.line, '\n')
	if w.head.Report == "" {
		w.line = appendValues(w.line, w.head.Columns, row)
	} else {
		w.line = appendObject(w.line, w.head.Columns, row)
	}
	_, err := w.out.Write(w.line)
	return err
}

// End implements Writer.
func (w *JSONWriter) End() error {
	end := "]}\n"
	if w.rows > 0 {
		end = "\n]}\n"
	}
	_, _ = w.out.WriteString(end) // Flush gives its error
	return w.out.Flush()
}

// LinesWriter writes each row as an object on a line of its own.
type LinesWriter struct {
	out     *bufio.Writer
	columns []trailhouse.ResultColumn
	line    []byte
}

// Begin implements Writer. An object cannot hold two members of one name, so columns
// of one name are CodeUsage.
func (w *LinesWriter) Begin(h Head) error {
	w.columns = h.Columns
	seen := map[string]bool{}
	for _, c := range h.Columns {
		if seen[c.Name] {
			return trailhouse.Errorf(trailhouse.CodeUsage, "there are two columns %s", c.Name).WithHint("name one of them with AS")
		}
		seen[c.Name] = true
	}
	return nil
}

// Row implements Writer.
func (w *LinesWriter) Row(row []any) error {
	w.line = append(appendObject(w.line[:0], w.columns, row), '\n')
	_, err := w.out.Write(w.line)
	return err
}

// End implements Writer.
func (w *LinesWriter) End() error { return w.out.Flush() }

// appendObject writes a row with its names, in the order of the columns.
func appendObject(b []byte, columns []trailhouse.ResultColumn, row []any) []byte {
	b = append(b, '{')
	for i, c := range columns {
		b = appendJSON(member(b, c.Name), row[i], c.Type)
	}
	return append(b, '}')
}

// appendValues writes a row without names.
func appendValues(b []byte, columns []trailhouse.ResultColumn, row []any) []byte {
	b = append(b, '[')
	for i, c := range columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, row[i], c.Type)
	}
	return append(b, ']')
}

// appendColumns writes names and types.
func appendColumns(b []byte, columns []trailhouse.ResultColumn) []byte {
	b = append(b, '[')
	for i, c := range columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"name":`...), c.Name)
		b = append(appendString(append(b, `,"type":`...), c.Type), '}')
	}
	return append(b, ']')
}

// appendArguments writes the parameters with their values.
func appendArguments(b []byte, args []Argument) []byte {
	b = append(b, '{')
	for _, a := range args {
		b = appendJSON(member(b, a.Name), a.Value, a.Type)
	}
	return append(b, '}')
}

// appendCoverage writes the coverage rows, one a line.
func appendCoverage(b []byte, rows []trailhouse.Coverage) []byte {
	b = append(b, '[')
	for i, c := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "\n{"...)
		b = appendString(member(b, "source"), c.Source)
		b = appendString(member(b, "scope"), c.Scope)
		b = appendString(member(b, "object"), c.Object)
		b = appendString(member(b, "result"), c.Result)
		b = appendJSON(member(b, "covered_from"), instant(c.From), "timestamp")
		b = appendJSON(member(b, "covered_through"), instant(c.Through), "timestamp")
		b = append(appendString(member(b, "detail"), c.Detail), '}')
	}
	if len(rows) > 0 {
		b = append(b, '\n')
	}
	return append(b, ']')
}
