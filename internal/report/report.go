package report

import (
	"strings"

	"github.com/trailhouse/trailhouse"
)

// Report is one report file.
type Report struct {
	// Name is the file's name without .sql.
	Name string
	// Title names the report in a few words; Question is what it answers.
	Title, Question string
	// Parameters are the declared ones, without from, to and as_of.
	Parameters []Parameter
	// Columns are the columns of the result, in order.
	Columns []Column
	// Coverage names the sources whose coverage belongs to the answer; "*" all.
	Coverage []string
	// Argument names the parameter that must be given, and may be given without its
	// name; empty where there is none.
	Argument string
	// Within names the tables of which only rows in the period play a part, by the
	// column that partitions them.
	Within []string
	// Seed says that the columns are there that SeedWriter needs.
	Seed bool
	// SeveralClients says that a row may name clients beside the one of the parameter
	// client, so that the report is for none of them alone.
	SeveralClients bool
	// SQL is the statement. It begins with as many empty lines as the header takes,
	// so that its line numbers are the file's.
	SQL string
	// Builtin says that the report is one of ours.
	Builtin bool
}

// Parameter is a value that a report takes, :name in its text.
type Parameter struct {
	Name string
	// Type is timestamp, date, string, integer or boolean.
	Type string
	// Default is the value, as text, where none is given; nil leaves it null.
	Default *string
	// Choices are the values that are accepted, as text; empty takes any.
	Choices []string
	// Doc says what it does.
	Doc string
	// Known, where it has a statement, tells a value that nothing has from one of which
	// the report has no rows.
	Known Known
	line  int // where that statement stands
}

// Known says which values of a parameter there are.
type Known struct {
	// As is the word for what the value names: finding.
	As string `yaml:"as"`
	// SQL is a SELECT that has a row where there is such a thing, of any time. It takes the
	// report's parameters.
	SQL string `yaml:"sql"`
	// Hint says where to look for the right one.
	Hint string `yaml:"hint"`
}

// Column is one column of a report's result.
type Column struct {
	Name string
	// Type is Trino's name of the type: varchar, bigint, boolean, double, timestamp,
	// date, decimal(p,s), array(bigint) or array(varchar).
	Type string
	// Unit is free text such as s, h or GiB-h, empty where there is none.
	Unit string
	// Format is plain, id, duration, bytes, percent, month or origin: a hint for pages.
	// Columns of origin say where a record's bytes are; tables leave them out.
	Format string
	// Link leads to another report: its name, then ?parameter={column}.
	Link string
	// Doc says what the column holds.
	Doc string
	// line is where the column stands in the file.
	line int
}

// Parse reads the text of the report file name.sql. Errors are of CodeInvalid and
// begin with file and line.
func Parse(name, text string) (*Report, error) {
	file := name + ".sql"
	if !validName(name) {
		return nil, trailhouse.Errorf(trailhouse.CodeInvalid, "%s: a report's file name has lower-case letters, digits and - only", file)
	}
	text = strings.TrimPrefix(strings.ReplaceAll(text, "\r\n", "\n"), "\ufeff")
	open := strings.Index(text, "/*")
	if open < 0 || strings.TrimSpace(text[:open]) != "" {
		return nil, invalid(file, 1, "the file must begin with a header in /* and */").
			WithHint("see the built-in reports for examples")
	}
	shut := open + 2 + strings.Index(text[open+2:], "*/")
	if shut < open+2 || strings.Contains(text[open+2:shut], "/*") {
		return nil, invalid(file, 1+strings.Count(text[:open], "\n"), "the header's comment does not end, or begins twice")
	}
	r, err := parseHeader(file, strings.Count(text[:open], "\n"), text[open+2:shut])
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(text[shut+2:]) == "" {
		return nil, invalid(file, 1+strings.Count(text, "\n"), "there is no statement behind the header")
	}
	r.Name = name
	r.SQL = strings.Repeat("\n", strings.Count(text[:shut], "\n")) + text[shut+2:]
	return r, nil
}

// File returns the name of the report's file.
func (r *Report) File() string { return r.Name + ".sql" }

// invalid returns an error about a line of a report file.
func invalid(file string, line int, format string, args ...any) *trailhouse.Error {
	e := trailhouse.Errorf(trailhouse.CodeInvalid, format, args...)
	return trailhouse.Errorf(trailhouse.CodeInvalid, "%s:%d: %s", file, line, e.Text)
}

// validName reports whether a report may be called so.
func validName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && name[0] != '-'
}

// validWord reports whether a parameter or column may be called so.
func validWord(word string) bool {
	return word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && (word[0] < '0' || word[0] > '9')
}
