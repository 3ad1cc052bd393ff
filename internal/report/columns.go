package report

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// checkColumns compares the columns of a result with the declared ones.
func (r *Report) checkColumns(got []trailhouse.ResultColumn) error {
	for i, want := range r.Columns {
		switch {
		case i >= len(got):
			return invalid(r.File(), want.line, "column %s is declared, and the statement has only %d columns", want.Name, len(got))
		case got[i].Name != want.Name:
			return invalid(r.File(), want.line, "column %d is declared as %s, and the statement calls it %s", i+1, want.Name, got[i].Name)
		case !fits(want.Type, got[i].Type):
			return invalid(r.File(), want.line, "column %s is declared as %s, and the statement gives %s", want.Name, want.Type, got[i].Type).
				WithHint("write CAST(… AS %s) AS %s", want.Type, want.Name)
		}
	}
	if len(got) > len(r.Columns) {
		return invalid(r.File(), 1, "the statement's column %s is not declared", got[len(r.Columns)].Name)
	}
	return nil
}

// fits reports whether values of a result's type are shown as the declared type
// without loss. A sum of bigint is decimal(38,0) in DuckDB and bigint in Trino.
func fits(declared, got string) bool {
	switch declared {
	case got:
		return true
	case "bigint":
		return got == "tinyint" || got == "smallint" || got == "integer" || got == "decimal(38,0)"
	case "double":
		return got == "real"
	case "array(bigint)":
		return got == "array(integer)"
	}
	_, scale, ok := decimalType(declared)
	_, other, same := decimalType(got)
	return ok && same && scale == other
}

// decimalPattern takes a decimal's type apart.
var decimalPattern = regexp.MustCompile(`^decimal\((\d+),(\d+)\)$`)

// decimalType returns the digits and the scale of a decimal type.
func decimalType(t string) (precision, scale int, ok bool) {
	m := decimalPattern.FindStringSubmatch(t)
	if m == nil {
		return 0, 0, false
	}
	precision, err := strconv.Atoi(m[1])
	scale, other := strconv.Atoi(m[2])
	return precision, scale, err == nil && other == nil
}

// coerce makes the values of a row those of the declared types.
func (r *Report) coerce(row []any) error {
	for i, c := range r.Columns {
		d, isDecimal := row[i].(trailhouse.Decimal)
		if !isDecimal {
			continue
		}
		if c.Type == "bigint" {
			n, err := strconv.ParseInt(d.Text, 10, 64)
			if err != nil {
				return invalid(r.File(), c.line, "column %s: %s does not fit bigint", c.Name, d.Text)
			}
			row[i] = n
			continue
		}
		precision, _, _ := decimalType(c.Type)
		if digits(d.Text) > precision {
			return invalid(r.File(), c.line, "column %s: %s does not fit %s", c.Name, d.Text, c.Type)
		}
	}
	return nil
}

// digits counts the digits of a decimal without leading zeros.
func digits(text string) int {
	return len(strings.TrimLeft(strings.ReplaceAll(strings.TrimPrefix(text, "-"), ".", ""), "0"))
}

// located puts the report's file, and the line where the engine names one, in front
// of an error of the statement.
func (r *Report) located(err error) error {
	var e *trailhouse.Error
	if err == nil || !errors.As(err, &e) || e.Code != trailhouse.CodeUsage {
		return err
	}
	text := r.File() + ": " + e.Text
	if line, rest, ok := strings.Cut(strings.TrimPrefix(e.Text, "line "), ": "); ok && strings.HasPrefix(e.Text, "line ") {
		text = r.File() + ":" + line + ": " + rest
	}
	return &trailhouse.Error{Code: trailhouse.CodeInvalid, Text: text, Hint: e.Hint, Err: e.Err}
}

// formatOrigin marks columns that say where the bytes of a record are.
const formatOrigin = "origin"

// formats returns the formats of the columns.
func (r *Report) formats() []string {
	out := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		out[i] = c.Format
	}
	return out
}

// resultColumns returns the declared columns as those of a result.
func (r *Report) resultColumns() []trailhouse.ResultColumn {
	out := make([]trailhouse.ResultColumn, len(r.Columns))
	for i, c := range r.Columns {
		out[i] = trailhouse.ResultColumn{Name: c.Name, Type: c.Type}
	}
	return out
}
