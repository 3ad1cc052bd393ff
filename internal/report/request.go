package report

import (
	"maps"
	"slices"

	"github.com/trailhouse/trailhouse"
)

// Has reports whether the report has a parameter of the name.
func (r *Report) Has(parameter string) bool {
	return slices.ContainsFunc(r.Parameters, func(p Parameter) bool { return p.Name == parameter })
}

// CheckRequest finds all that is wrong with a request without running it: no such report,
// a parameter or its value, a format or column that the report does not have. CodeUsage,
// or the report's own error.
func (l *Library) CheckRequest(q Request, formats, columns []string) []error {
	rep, err := l.Report(q.Name)
	if err != nil {
		return []error{err}
	}
	texts, err := rep.withArgument(q)
	if err != nil {
		texts = q.Args
	}
	wrong := append([]error{err}, rep.checkTexts(texts)...)
	for _, name := range columns {
		if !slices.ContainsFunc(rep.Columns, func(c Column) bool { return c.Name == name }) {
			wrong = append(wrong, trailhouse.Errorf(trailhouse.CodeUsage, "report %s has no column %s", rep.Name, name).WithHint("there are %s", namesOf(rep.resultColumns())))
		}
	}
	if slices.Contains(formats, "seed") && (!rep.Seed || len(columns) > 0) {
		wrong = append(wrong, trailhouse.Errorf(trailhouse.CodeUsage, "report %s has no format seed", rep.Name).
			WithHint("only reports with seed: true in their header have it, with all their columns"))
	}
	return slices.DeleteFunc(wrong, func(err error) bool { return err == nil })
}

// checkTexts looks at each parameter by itself.
func (r *Report) checkTexts(texts map[string]string) []error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if _, err := r.arguments(map[string]string{name: texts[name]}, trailhouse.Period{}); err != nil {
			wrong = append(wrong, err)
		}
	}
	return wrong
}
