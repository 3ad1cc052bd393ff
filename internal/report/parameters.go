package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Argument is the value that a parameter got: nil, string, int64, bool or
// time.Time.
type Argument struct {
	Name  string
	Type  string
	Value any
}

// parameterTypes are the types that parameters have.
func parameterTypes() []string {
	return []string{"timestamp", "date", "string", "integer", "boolean"}
}

// arguments binds the texts to the report's parameters, with the period first and
// in the order of the header. as_of is not among them.
func (r *Report) arguments(texts map[string]string, p trailhouse.Period) ([]Argument, error) {
	if !p.From.IsZero() && !p.To.IsZero() && !p.From.Before(p.To) {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "the period ends (%s) before it begins (%s)", FormatTime(p.To), FormatTime(p.From))
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !slices.ContainsFunc(r.Parameters, func(p Parameter) bool { return p.Name == name }) {
			return nil, trailhouse.Errorf(trailhouse.CodeUsage, "report %s has no parameter %s", r.Name, name).WithHint("%s", r.parameterHint())
		}
	}
	out := []Argument{{Name: "from", Type: "timestamp", Value: instant(p.From)}, {Name: "to", Type: "timestamp", Value: instant(p.To)}}
	for _, p := range r.Parameters {
		text, given := texts[p.Name]
		if !given && p.Default != nil {
			text, given = *p.Default, true
		}
		a := Argument{Name: p.Name, Type: p.Type}
		if given {
			value, err := p.bind(text)
			if err != nil {
				return nil, trailhouse.Errorf(trailhouse.CodeUsage, "report %s: %w", r.Name, err)
			}
			a.Value = value
		}
		out = append(out, a)
	}
	return out, nil
}

// withArgument returns the texts of the request's parameters, with that of the
// report's argument among them.
func (r *Report) withArgument(q Request) (map[string]string, error) {
	if q.Argument != "" && r.Argument == "" {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "report %s takes no argument, but %q was given", r.Name, q.Argument).
			WithHint("%s", r.parameterHint())
	}
	if r.Argument == "" {
		return q.Args, nil
	}
	value, named := q.Args[r.Argument]
	switch {
	case q.Argument != "" && named:
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "report %s: %s was given twice, as %q and as %q", r.Name, r.Argument, q.Argument, value)
	case q.Argument == "" && value == "":
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "report %s needs %s: %s", r.Name, r.Argument, r.parameter(r.Argument).Doc).
			WithHint("trailhouse report %s %s", r.Name, strings.ToUpper(r.Argument))
	case named:
		return q.Args, nil
	}
	texts := maps.Clone(q.Args)
	if texts == nil {
		texts = map[string]string{}
	}
	texts[r.Argument] = q.Argument
	return texts, nil
}

// parameter returns the declared parameter with the name, which the header has
// checked.
func (r *Report) parameter(name string) Parameter {
	i := slices.IndexFunc(r.Parameters, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		panic("BUG: report " + r.Name + " has no parameter " + name)
	}
	return r.Parameters[i]
}

// reached returns the value of the parameter limit where there are as many rows.
func reached(args []Argument, rows int64) int64 {
	for _, a := range args {
		if limit, ok := a.Value.(int64); ok && a.Name == limitParameter && rows >= limit {
			return limit
		}
	}
	return 0
}

const (
	// limitParameter is the parameter by which reports bound their rows.
	limitParameter = "limit"
	// MaxLimit is the greatest value of the parameter limit, DuckDB's own.
	MaxLimit = 1 << 62
)

// parameterHint lists the report's parameters.
func (r *Report) parameterHint() string {
	if len(r.Parameters) == 0 {
		return "it has only the period"
	}
	names := make([]string, len(r.Parameters))
	for i, p := range r.Parameters {
		names[i] = p.Name
	}
	return "it has " + strings.Join(names, ", ") + " and the period"
}

// bind returns the value of a text that must be one of the choices.
func (p *Parameter) bind(text string) (any, error) {
	if len(p.Choices) > 0 && !slices.Contains(p.Choices, text) {
		return nil, fmt.Errorf("parameter %s: %q is not one of %s", p.Name, text, strings.Join(p.Choices, ", "))
	}
	value, err := p.value(text)
	if n, ok := value.(int64); ok && p.Name == limitParameter && (n < 1 || n > MaxLimit) {
		return nil, fmt.Errorf("parameter %s: %d is not a number of rows", p.Name, n)
	}
	return value, err
}

// value returns a text as a value of the parameter's type. A time without zone is
// UTC.
func (p *Parameter) value(text string) (any, error) {
	switch p.Type {
	case "integer":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		return nil, fmt.Errorf("parameter %s: %q is not an integer of 64 bits", p.Name, text)
	case "boolean":
		if text == "true" || text == "false" {
			return text == "true", nil
		}
		return nil, fmt.Errorf("parameter %s: %q is not true or false", p.Name, text)
	case "date":
		if t, err := time.Parse(time.DateOnly, text); err == nil {
			return t, nil
		}
		return nil, fmt.Errorf("parameter %s: %q is not a date such as 2025-11-03", p.Name, text)
	case "timestamp":
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC(), nil
			}
		}
		return nil, fmt.Errorf("parameter %s: %q is not a time such as 2025-11-03T08:00:00Z", p.Name, text)
	}
	return text, nil
}

// bindings returns the arguments as the engine takes them, nulls with their type.
func bindings(args []Argument, asOf time.Time) map[string]any {
	out := map[string]any{"as_of": asOf}
	for _, a := range args {
		out[a.Name] = a.Value
		if a.Value == nil {
			out[a.Name] = trailhouse.Null{Type: nullType(a.Type)}
		}
	}
	return out
}

// nullType returns the column type that a parameter's null has. A date is bound
// as the timestamp of its midnight.
func nullType(parameterType string) trailhouse.Type {
	switch parameterType {
	case "integer":
		return trailhouse.TypeInt64
	case "boolean":
		return trailhouse.TypeBool
	case "timestamp", "date":
		return trailhouse.TypeTimestamp
	}
	return trailhouse.TypeString
}

// instant returns nil for the zero time.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}
