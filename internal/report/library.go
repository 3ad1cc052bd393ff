package report

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
)

//go:embed library/*.sql
var builtin embed.FS

// Library holds our reports and the user's. A file of the user's with the name of
// one of ours replaces it. A file with an error hides no other report.
type Library struct {
	reports map[string]*Report
	errors  map[string]error
	folder  error // why the user's folder is none
}

// NewLibrary reads our reports and the .sql files at the top of the user's folder,
// which may be nil. A folder that is not there is empty; only Check makes it an error.
func NewLibrary(user fs.FS) (*Library, error) {
	l := &Library{reports: map[string]*Report{}, errors: map[string]error{}}
	ours, err := fs.Sub(builtin, "library")
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "the built-in reports are missing: %w", err)
	}
	if err := l.add(ours, true); err != nil {
		return nil, err
	}
	if user == nil {
		return l, nil
	}
	if info, err := fs.Stat(user, "."); err != nil || !info.IsDir() {
		l.folder = trailhouse.Errorf(trailhouse.CodeUsage, "the folder that reports.folder names is not there or is no directory").
			WithHint("make the folder, or correct reports.folder; `trailhouse config show` tells what it is and where it is set")
	}
	return l, l.add(user, false)
}

// add reads the reports of one folder.
func (l *Library) add(folder fs.FS, builtin bool) error {
	files, err := fs.Glob(folder, "*.sql")
	if err != nil {
		return trailhouse.Errorf(trailhouse.CodeInternal, "reports cannot be listed: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".sql")
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			l.errors[name] = trailhouse.Errorf(trailhouse.CodeDenied, "%s cannot be read: %w", file, err)
			continue
		}
		r, err := Parse(name, string(text))
		delete(l.errors, name)
		delete(l.reports, name)
		if err != nil {
			l.errors[name] = err
			continue
		}
		r.Builtin = builtin
		l.reports[name] = r
	}
	return nil
}

// Reports returns the reports without errors, by name.
func (l *Library) Reports() []*Report {
	out := make([]*Report, 0, len(l.reports))
	for _, name := range slices.Sorted(maps.Keys(l.reports)) {
		out = append(out, l.reports[name])
	}
	return out
}

// Report returns a report, the error of its file, or CodeUsage where there is none
// of the name.
func (l *Library) Report(name string) (*Report, error) {
	if err := l.errors[name]; err != nil {
		return nil, err
	}
	if r := l.reports[name]; r != nil {
		return r, nil
	}
	names := slices.Sorted(maps.Keys(l.reports))
	hint := "there are " + strings.Join(names, ", ")
	if meant := near(strings.ToLower(name), names); len(meant) > 0 {
		hint = "did you mean " + strings.Join(meant, " or ") + "? " + hint
	}
	return nil, trailhouse.Errorf(trailhouse.CodeUsage, "there is no report %s", name).WithHint("%s", hint)
}

// Check looks at every report: its header is valid, its links lead somewhere, its
// statement binds over the views, and the result's columns are the declared ones.
// The views stand without their files here: no data is read. The errors name
// file and line.
func (l *Library) Check(ctx context.Context, engine trailhouse.Engine, views []trailhouse.View, derived []trailhouse.DerivedView) []error {
	var out []error
	if l.folder != nil {
		out = append(out, l.folder)
	}
	for _, name := range slices.Sorted(maps.Keys(l.errors)) {
		out = append(out, l.errors[name])
	}
	for _, r := range l.Reports() {
		if err := l.checkLinks(r); err != nil {
			out = append(out, err)
		}
		if err := r.check(ctx, engine, views, derived); err != nil {
			out = append(out, err)
		}
	}
	return out
}

// linkPattern finds parameter={column} in a link.
var linkPattern = regexp.MustCompile(`([a-z0-9_]+)=\{([a-z0-9_]*)\}`)

// checkLinks finds links to reports or parameters that are not there.
func (l *Library) checkLinks(r *Report) error {
	for _, c := range r.Columns {
		if c.Link == "" {
			continue
		}
		target, _, _ := strings.Cut(c.Link, "?")
		other := l.reports[target]
		if other == nil {
			return invalid(r.File(), c.line, "column %s links to a report %s that is not there", c.Name, target)
		}
		for _, m := range linkPattern.FindAllStringSubmatch(c.Link, -1) {
			if !slices.ContainsFunc(other.Parameters, func(p Parameter) bool { return p.Name == m[1] }) {
				return invalid(r.File(), c.line, "column %s links to report %s, which has no parameter %s", c.Name, target, m[1])
			}
		}
	}
	return nil
}

// check binds the statement with every parameter null and compares the columns.
// Rows are not looked at: the query stops where its columns are known.
func (r *Report) check(ctx context.Context, engine trailhouse.Engine, views []trailhouse.View, derived []trailhouse.DerivedView) error {
	var args []Argument
	for _, p := range r.Parameters {
		args = append(args, Argument{Name: p.Name, Type: p.Type})
	}
	args = append(args, Argument{Name: "from", Type: "timestamp"}, Argument{Name: "to", Type: "timestamp"})
	bound := bindings(args, epoch())
	empty := make([]trailhouse.View, len(views))
	for i, v := range views {
		empty[i] = trailhouse.View{Table: v.Table}
	}
	for _, table := range r.Within {
		if !slices.ContainsFunc(views, func(v trailhouse.View) bool { return v.Table.Name == table }) {
			return invalid(r.File(), 1, "within names a table %s that is not there", table)
		}
	}
	err := engine.Query(ctx, trailhouse.Query{SQL: r.SQL, Parameters: bound, Views: empty, Derived: derived},
		func(c []trailhouse.ResultColumn) error {
			if err := r.checkColumns(c); err != nil {
				return err
			}
			return errChecked
		},
		func([]any) error { return nil })
	if err != nil && !errors.Is(err, errChecked) {
		return r.located(err)
	}
	for _, p := range r.Parameters {
		if p.Known.SQL == "" {
			continue
		}
		if _, err := r.known(ctx, p, engine, trailhouse.Query{SQL: p.Known.SQL, Parameters: bound, Views: empty, Derived: derived}); err != nil {
			return err
		}
	}
	return nil
}

// errChecked ends a query of which only the columns are wanted.
var errChecked = errors.New("checked")
