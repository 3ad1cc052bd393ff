package report

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// header is the YAML of a report file.
type header struct {
	Title      string            `yaml:"title"`
	Question   string            `yaml:"question"`
	Parameters []headerParameter `yaml:"parameters"`
	Columns    []headerColumn    `yaml:"columns"`
	Coverage   []string          `yaml:"coverage"`
	Argument   string            `yaml:"argument"`
	Within     []string          `yaml:"within"`
	Seed       bool              `yaml:"seed"`
	Several    bool              `yaml:"several_clients"`
}

type headerParameter struct {
	Name    string `yaml:"name"`
	Type    string `yaml:"type"`
	Default any    `yaml:"default"`
	Choices []any  `yaml:"choices"`
	Doc     string `yaml:"doc"`
	Known   Known  `yaml:"known"`
}

type headerColumn struct {
	Name   string `yaml:"name"`
	Type   string `yaml:"type"`
	Unit   string `yaml:"unit"`
	Format string `yaml:"format"`
	Link   string `yaml:"link"`
	Doc    string `yaml:"doc"`
}

// scalar returns a plain YAML value as text.
func scalar(v any) (string, bool) {
	switch v.(type) {
	case string, uint64, int64, bool:
		return fmt.Sprint(v), true
	}
	return "", false
}

// headerFile is a header under examination.
type headerFile struct {
	file string
	tree *ast.File
	header
}

// parseHeader reads the header, which begins behind so many lines of the file.
func parseHeader(file string, above int, text string) (*Report, error) {
	text = strings.Repeat("\n", above) + text
	h := headerFile{file: file}
	if err := h.decode([]byte(text)); err != nil {
		line, message := yamlError(err, above+1)
		return nil, invalid(file, line, "%s", message)
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	return h.report(), nil
}

// decode reads the YAML. The library panics on some texts that are no YAML (goccy
// 1.19.2, found by FuzzParse); that is an error of the file here.
func (h *headerFile) decode(text []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the header is not YAML: %v", p)
		}
	}()
	if err := yaml.UnmarshalWithOptions(text, &h.header, yaml.Strict()); err != nil {
		return err
	}
	h.tree, err = parser.ParseBytes(text, 0)
	return err
}

// yamlError takes line and message out of an error of the YAML library.
func yamlError(err error, line int) (int, string) {
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &located) {
		return line, err.Error()
	}
	if t := located.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	return line, located.GetMessage()
}

// at returns an error about the value at a YAML path such as $.columns[0].type,
// or about the header as a whole where the path leads nowhere.
func (h *headerFile) at(path, format string, args ...any) error {
	return invalid(h.file, h.line(path), format, args...)
}

// line returns the line of the value at a YAML path, 1 where there is none.
func (h *headerFile) line(path string) int {
	p, err := yaml.PathString(path)
	if err != nil {
		return 1
	}
	node, err := p.FilterFile(h.tree)
	if err != nil || node.GetToken() == nil {
		return 1
	}
	return node.GetToken().Position.Line
}

// check finds what the YAML types cannot.
func (h *headerFile) check() error {
	switch {
	case h.Title == "":
		return h.at("$", "title is missing")
	case h.Question == "":
		return h.at("$", "question is missing")
	case len(h.Columns) == 0:
		return h.at("$", "columns are missing")
	}
	seen := []string{"from", "to", "as_of"}
	for i, p := range h.Parameters {
		if err := h.checkParameter(fmt.Sprintf("$.parameters[%d]", i), p, seen); err != nil {
			return err
		}
		seen = append(seen, p.Name)
	}
	seen = nil
	for i, c := range h.Columns {
		if err := h.checkColumn(fmt.Sprintf("$.columns[%d]", i), c, seen); err != nil {
			return err
		}
		seen = append(seen, c.Name)
	}
	return errors.Join(h.checkArgument(), h.checkSeed(), h.checkCoverage())
}

// checkCoverage finds a source that no row of the table coverage can name: it would
// make every answer look complete.
func (h *headerFile) checkCoverage() error {
	known := []string{"enclave-log", "enclave-allocator-journal", "cloudtrail", "*"}
	for i, source := range h.Coverage {
		if !slices.Contains(known, source) {
			return h.at(fmt.Sprintf("$.coverage[%d]", i), "coverage names a source %q that is not one of %s", source, strings.Join(known, ", "))
		}
	}
	return nil
}

// checkArgument finds an argument that is no parameter, or one that is never missed.
func (h *headerFile) checkArgument() error {
	for _, p := range h.Parameters {
		if p.Name == h.Argument && p.Default != nil {
			return h.at("$.argument", "argument %s has a default, so it would not be asked for", h.Argument)
		}
		if p.Name == h.Argument {
			return nil
		}
	}
	if h.Argument != "" {
		return h.at("$.argument", "argument names a parameter %s that is not there", h.Argument)
	}
	return nil
}

func (h *headerFile) checkParameter(path string, p headerParameter, seen []string) error {
	switch {
	case !validWord(p.Name):
		return h.at(path, "the name of a parameter has lower-case letters, digits and _ only, not %q", p.Name)
	case slices.Contains(seen, p.Name):
		return h.at(path+".name", "there are two parameters %s", p.Name)
	case !slices.Contains(parameterTypes(), p.Type):
		return h.at(path, "parameter %s: type %q is not one of %s", p.Name, p.Type, strings.Join(parameterTypes(), ", "))
	case p.Doc == "":
		return h.at(path, "parameter %s: doc is missing", p.Name)
	case p.Known != Known{} && (p.Known.As == "" || p.Known.SQL == "" || p.Known.Hint == ""):
		return h.at(path+".known", "parameter %s: known needs as, sql and hint", p.Name)
	}
	return h.checkValues(path, p)
}

// checkValues checks that choices and default are values of the parameter's type.
func (h *headerFile) checkValues(path string, p headerParameter) error {
	declared := p.parameter()
	for i, choice := range p.Choices {
		text, ok := scalar(choice)
		if !ok {
			return h.at(fmt.Sprintf("%s.choices[%d]", path, i), "parameter %s: a choice is a text, an integer, true or false", p.Name)
		}
		if _, err := declared.value(text); err != nil {
			return h.at(fmt.Sprintf("%s.choices[%d]", path, i), "%s", err)
		}
	}
	if p.Default == nil {
		return nil
	}
	text, ok := scalar(p.Default)
	if !ok {
		return h.at(path+".default", "parameter %s: the default is a text, an integer, true or false", p.Name)
	}
	if _, err := declared.bind(text); err != nil {
		return h.at(path+".default", "%s", err)
	}
	return nil
}

// columnTypePattern is what a column's type looks like.
var columnTypePattern = regexp.MustCompile(`^(varchar|bigint|boolean|double|timestamp|date|decimal\(\d{1,2},\d{1,2}\)|array\((bigint|varchar)\))$`)

func (h *headerFile) checkColumn(path string, c headerColumn, seen []string) error {
	formats := []string{"", "plain", "id", "duration", "bytes", "percent", "month", formatOrigin}
	switch {
	case !validWord(c.Name):
		return h.at(path, "the name of a column has lower-case letters, digits and _ only, not %q", c.Name)
	case slices.Contains(seen, c.Name):
		return h.at(path+".name", "there are two columns %s", c.Name)
	case !columnTypePattern.MatchString(c.Type):
		return h.at(path, "column %s: type %q is not one of varchar, bigint, boolean, double, timestamp, date, decimal(p,s), array(bigint), array(varchar)", c.Name, c.Type)
	case !slices.Contains(formats, c.Format):
		return h.at(path+".format", "column %s: format %q is not one of %s", c.Name, c.Format, strings.Join(formats[1:], ", "))
	case c.Doc == "":
		return h.at(path, "column %s: doc is missing", c.Name)
	}
	for _, m := range linkPattern.FindAllStringSubmatch(c.Link, -1) {
		if !slices.ContainsFunc(h.Columns, func(other headerColumn) bool { return other.Name == m[2] }) {
			return h.at(path+".link", "column %s: the link names a column %s that is not there", c.Name, m[2])
		}
	}
	return nil
}

// checkSeed finds columns that the seed form needs and the report lacks.
func (h *headerFile) checkSeed() error {
	for _, name := range seedColumns() {
		if h.Seed && !slices.ContainsFunc(h.Columns, func(c headerColumn) bool { return c.Name == name }) {
			return h.at("$.seed", "seed needs a column %s", name)
		}
	}
	return nil
}

// report returns the report that the header describes.
func (h *headerFile) report() *Report {
	r := &Report{
		Title: h.Title, Question: h.Question, Coverage: h.Coverage, Argument: h.Argument, Within: h.Within, Seed: h.Seed,
		SeveralClients: h.Several,
	}
	for i, p := range h.Parameters {
		declared := p.parameter()
		declared.line = h.line(fmt.Sprintf("$.parameters[%d].known.sql", i))
		r.Parameters = append(r.Parameters, declared)
	}
	for i, c := range h.Columns {
		r.Columns = append(r.Columns, Column{
			Name: c.Name, Type: c.Type, Unit: c.Unit, Format: cmp.Or(c.Format, "plain"), Link: c.Link, Doc: c.Doc,
			line: h.line(fmt.Sprintf("$.columns[%d].name", i)),
		})
	}
	return r
}

func (p headerParameter) parameter() Parameter {
	out := Parameter{Name: p.Name, Type: p.Type, Doc: p.Doc, Known: p.Known}
	if text, ok := scalar(p.Default); ok {
		out.Default = &text
	}
	for _, c := range p.Choices {
		if text, ok := scalar(c); ok {
			out.Choices = append(out.Choices, text)
		}
	}
	return out
}
