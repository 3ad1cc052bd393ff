package duckdb

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/trailhouse/trailhouse"
)

// refuse returns an error about the statement as a whole.
func refuse(format string, args ...any) *trailhouse.Error {
	return trailhouse.Errorf(trailhouse.CodeUsage, format, args...)
}

// at returns an error about a place in the statement: its line, what is wrong and
// the line itself with a mark below the place.
func at(text string, position int, format string, args ...any) *trailhouse.Error {
	line := strings.Count(text[:position], "\n") + 1
	begin := strings.LastIndexByte(text[:position], '\n') + 1
	end := len(text)
	if i := strings.IndexByte(text[position:], '\n'); i >= 0 {
		end = position + i
	}
	begin, end = max(begin, position-60), min(end, position+60)
	before := strings.ToValidUTF8(text[begin:position], "?")
	shown := before + strings.ToValidUTF8(text[position:end], "?")
	mark := strings.Repeat(" ", len([]rune(before))) + "^"
	e := trailhouse.Errorf(trailhouse.CodeUsage, format, args...)
	return trailhouse.Errorf(trailhouse.CodeUsage, "line %d: %s\n  %s\n  %s", line, e.Text, strings.ReplaceAll(shown, "\t", " "), mark)
}

// linePattern finds the line that DuckDB's messages end with, and the excerpt.
var linePattern = regexp.MustCompile(`(?s)\n+LINE (\d+): (.*)$`)

// failed turns an error about the user's statement into ours. Its text holds no
// path of this machine.
func (s *session) failed(ctx context.Context, err error) error {
	if e := stopped(ctx, s.query.Limits, err); e != nil {
		return e
	}
	var d *duck.Error
	if !errors.As(err, &d) {
		return trailhouse.Errorf(trailhouse.CodeInternal, "the query engine failed: %w", err)
	}
	switch d.Type {
	case duck.ErrorTypeOutOfMemory:
		return outOfMemory(d)
	case duck.ErrorTypeIO, duck.ErrorTypePermission:
		return s.unreadable(d)
	case duck.ErrorTypeInvalid, duck.ErrorTypeInvalidInput:
		if s.tellsDamage(d) {
			return s.damaged(d)
		}
	case duck.ErrorTypeInternal, duck.ErrorTypeFatal, duck.ErrorTypeConnection:
		return &trailhouse.Error{Code: trailhouse.CodeInternal, Text: "the query engine failed", Err: d}
	}
	return usage(s.withoutPaths(d.Msg))
}

// broken turns an error about our own preparations into ours.
func (s *session) broken(ctx context.Context, err error) error {
	if e := stopped(ctx, s.query.Limits, err); e != nil {
		return e
	}
	var d *duck.Error
	if errors.As(err, &d) && d.Type == duck.ErrorTypeOutOfMemory {
		return outOfMemory(d)
	}
	if errors.As(err, &d) && (d.Type == duck.ErrorTypeIO || d.Type == duck.ErrorTypePermission) {
		return s.unreadable(d)
	}
	if errors.As(err, &d) && (d.Type == duck.ErrorTypeInvalid || d.Type == duck.ErrorTypeInvalidInput) && s.readsFiles() {
		return s.damaged(d)
	}
	return &trailhouse.Error{Code: trailhouse.CodeInternal, Text: "the tables cannot be prepared for the statement", Err: err}
}

// tellsDamage reports whether an error is the Parquet reader's and not the
// statement's. The reader names the file, whose path no statement knows, but where
// a page's head is broken; then the error has no class at all.
func (s *session) tellsDamage(d *duck.Error) bool {
	return s.readsFiles() && (d.Type == duck.ErrorTypeInvalid || s.withoutPaths(d.Msg) != d.Msg ||
		strings.HasPrefix(d.Msg, "Invalid Input Error: Invalid string encoding found in Parquet file"))
}

// readsFiles reports whether the statement's tables have data files.
func (s *session) readsFiles() bool {
	return slices.ContainsFunc(s.query.Views, func(v trailhouse.View) bool { return len(v.Files) > 0 })
}

// damaged is a data file that is not what was written. Its cause is for the log: it
// speaks of our own SQL.
func (s *session) damaged(d *duck.Error) error {
	which := "a data file of the lake is damaged"
	for _, v := range s.query.Views {
		for _, f := range v.Files {
			if strings.Contains(d.Msg, `"`+f.Path+`"`) {
				which = "data file " + filepath.Base(f.Path) + " of table " + v.Table.Name + " is damaged"
			}
		}
	}
	cause, _, _ := strings.Cut(s.withoutPaths(d.Msg), "\n")
	return trailhouse.Errorf(trailhouse.CodeDamaged, "%s: %s", which, cause).
		WithHint("run `trailhouse lake check`")
}

// unreadable is a data file that cannot be opened. DuckDB's words for a file that is gone do not say so, therefore we look.
func (s *session) unreadable(err error) error {
	for _, v := range s.query.Views {
		for _, f := range v.Files {
			if _, missing := os.Stat(f.Path); errors.Is(missing, fs.ErrNotExist) {
				e := &trailhouse.Error{Code: trailhouse.CodeStorage, Text: "data file " + filepath.Base(f.Path) + " of table " + v.Table.Name + " is gone", Err: err}
				return e.WithHint("run the statement again; where that does not help, run `trailhouse lake check`")
			}
		}
	}
	e := &trailhouse.Error{Code: trailhouse.CodeStorage, Text: "a data file of the lake cannot be read", Err: err}
	return e.WithHint("run `trailhouse lake check`")
}

// stopped returns the error of a statement that ran out of time or was stopped by
// the caller, nil for any other.
func stopped(ctx context.Context, l trailhouse.Limits, err error) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case errors.Is(context.Cause(ctx), errTimeout):
		return trailhouse.Errorf(trailhouse.CodeLimit, "the statement took longer than %s", l.Timeout).
			WithHint("narrow the period or give it more time")
	}
	return &trailhouse.Error{Code: trailhouse.CodeInterrupted, Text: "the statement was stopped", Err: errors.Join(ctx.Err(), err)}
}

// outOfMemory is the memory limit.
func outOfMemory(err error) error {
	e := &trailhouse.Error{Code: trailhouse.CodeLimit, Text: "the statement needs more memory than it may take", Err: err}
	return e.WithHint("narrow the period, group earlier, select fewer columns, or raise the memory limit")
}

// usage returns DuckDB's message with its line in front.
func usage(message string) error {
	m := linePattern.FindStringSubmatchIndex(message)
	if m == nil {
		return refuse("%s", message)
	}
	line, excerpt := message[m[2]:m[3]], message[m[4]:m[5]]
	// DuckDB's mark stands below its own "LINE n: ", which goes.
	excerpt = strings.ReplaceAll(excerpt, "\n"+strings.Repeat(" ", len("LINE : ")+len(line)), "\n  ")
	return refuse("line %s: %s\n  %s", line, message[:m[0]], excerpt)
}

// withoutPaths puts file names in the place of the paths of planned files.
func (s *session) withoutPaths(message string) string {
	if !strings.Contains(message, ".parquet") {
		return message
	}
	for _, v := range s.query.Views {
		for _, f := range v.Files {
			message = strings.ReplaceAll(message, f.Path, filepath.Base(f.Path))
		}
	}
	return message
}
