package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/trailhouse/trailhouse"
)

// The exit codes of every command.
const (
	ExitDone    = 0 // done
	ExitFailed  = 1 // failed
	ExitUsage   = 2 // wrong command line or configuration
	ExitPartial = 3 // done, with quarantined records or missing coverage
	ExitLocked  = 4 // the state is locked, or written by a newer Trailhouse
)

// Run executes one command line and returns its exit code. It prints errors; it
// never ends the process.
func Run(ctx context.Context, args []string, env Env) int {
	s := newShell(env)
	root := s.root()
	root.SetArgs(args)
	err := errors.Join(root.ExecuteContext(ctx), s.helpFailed)
	s.screen.finish()
	if err != nil && ctx.Err() != nil && trailhouse.CodeOf(err) == trailhouse.CodeInternal {
		err = interrupted(err)
	}
	s.printErrors(err)
	return ExitCode(err)
}

// interrupted gives a cancelled context's error the words of a user.
func interrupted(err error) error {
	return trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted: %w", err).
		WithHint("run the same command again: what was committed is not read twice")
}

// ExitCode maps the code of an error to the exit code of the process.
func ExitCode(err error) int {
	switch trailhouse.CodeOf(err) {
	case "":
		return ExitDone
	case trailhouse.CodeUsage:
		return ExitUsage
	case trailhouse.CodePartial:
		return ExitPartial
	case trailhouse.CodeLocked, trailhouse.CodeNewer:
		return ExitLocked
	}
	return ExitFailed
}

// errorLine is one error as JSON.
type errorLine struct {
	Error string          `json:"error"`
	Code  trailhouse.Code `json:"code"`
	Hint  string          `json:"hint,omitempty"`
}

// printErrors prints each of the errors that err joins.
func (s *shell) printErrors(err error) {
	for _, e := range split(err) {
		line := errorLine{Error: e.Error(), Code: trailhouse.CodeOf(e), Hint: trailhouse.HintOf(e)}
		if s.flags.json {
			s.screen.line(string(mustJSON(line)))
			continue
		}
		s.screen.line("error: " + line.Error)
		if line.Hint != "" {
			s.screen.line("hint: " + line.Hint)
		}
	}
}

// split returns the errors that err joins, without nils.
func split(err error) []error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	if _, ours := err.(*trailhouse.Error); ours { //nolint:errorlint // an error of ours stands for what it wraps
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, split(e)...)
	}
	return out
}

// mustJSON encodes a value of ours, which always can be encoded.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("BUG: %T as JSON: %v", v, err))
	}
	return b
}

// usage is a mistake on the command line.
func usage(format string, args ...any) *trailhouse.Error {
	return trailhouse.Errorf(trailhouse.CodeUsage, format, args...)
}
