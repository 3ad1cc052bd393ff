package doctor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/access"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/config"
)

// Result is how a check ended.
type Result string

// The results of checks.
const (
	// OK is as it must be.
	OK Result = "ok"
	// Warn works, or could not be tried, and someone should look at it.
	Warn Result = "warn"
	// Fail keeps Trailhouse from doing what the configuration says.
	Fail Result = "fail"
)

// Check is one thing that was looked at.
type Check struct {
	Result Result `json:"result"`
	// Name is what was looked at, such as s3:GetObject; Place what needs it, such as
	// sources[1], empty where it is everything.
	Name  string `json:"check"`
	Place string `json:"for,omitempty"`
	// Text says what was found, Hint what to do about it.
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
	// Action is the permission that is missing, Resource the ARN that it is missing on,
	// Account and Principal who lacks it: empty where none is missing.
	Action    string `json:"missing_action,omitempty"`
	Resource  string `json:"resource,omitempty"`
	Account   string `json:"account,omitempty"`
	Principal string `json:"principal,omitempty"`
}

// Options say what to look at.
type Options struct {
	Config *config.Config
	Clock  trailhouse.Clock
	Engine trailhouse.Engine
	// Settings checks what only other rooms know of the configuration.
	Settings func() error
	// Open opens the data directory as every run does, and closes it again.
	Open func(ctx context.Context) error
	// Greet goes as far with a mail server as a mail would, and sends none.
	Greet func(ctx context.Context, m config.MailTarget) error
	// SilentAfter is how long a host may write nothing until it is told.
	SilentAfter time.Duration
}

// Run looks at everything and calls report with each check as soon as it is done. The
// error is CodeInterrupted, or nil: whatever is wrong is a check.
func Run(ctx context.Context, o Options, report func(Check)) error {
	e := &examination{Options: o, report: report, identities: map[config.AWS]*identity{}, tried: map[string]bool{}}
	for _, step := range []func(context.Context){e.settings, e.program, e.dataDir, e.sources, e.account, e.targets} {
		step(ctx)
		if ctx.Err() != nil {
			return trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted before everything was looked at: %w", ctx.Err())
		}
	}
	return nil
}

// examination is one run.
type examination struct {
	Options
	report     func(Check)
	unfit      bool // the configuration is not in order, so that nothing can be opened by it
	identities map[config.AWS]*identity
	tried      map[string]bool               // permissions, so that each is tried once
	skew       atomic.Pointer[time.Duration] // how much this machine's clock is ahead of a server's, nil until one answers
}

func (e *examination) ok(name, place, text string, args ...any) {
	e.report(Check{Result: OK, Name: name, Place: place, Text: fmt.Sprintf(text, args...)})
}

func (e *examination) warn(name, place, hint, text string, args ...any) {
	e.report(Check{Result: Warn, Name: name, Place: place, Text: fmt.Sprintf(text, args...), Hint: hint})
}

// fail reports an error with its own hint.
func (e *examination) fail(name, place string, err error) {
	e.report(Check{Result: Fail, Name: name, Place: place, Text: err.Error(), Hint: trailhouse.HintOf(err)})
}

// settings checks the configuration; what Load finds is told before there is a Config.
func (e *examination) settings(context.Context) {
	const name = "configuration"
	if err := e.Settings(); err != nil {
		e.unfit = true
		for _, one := range split(err) {
			e.fail(name, "", one)
		}
		return
	}
	for _, variable := range e.Config.UnknownVariables() {
		e.warn(name, "", "correct its name, or remove it", "%s is set and is not a setting; it does nothing", variable)
	}
	if e.Config.File() == "" {
		e.ok(name, "", "there is no %s: the defaults are in force", config.FileName)
		return
	}
	e.ok(name, "", "%s is in order: %d sources, %d deliveries, %d rules of clients", e.Config.File(),
		len(e.Config.Sources), len(e.Config.Deliver), len(e.Config.Clients))
}

// split returns the errors that err joins.
func split(err error) []error {
	var joined interface{ Unwrap() []error }
	if _, ours := err.(*trailhouse.Error); ours || !errors.As(err, &joined) { //nolint:errorlint // an error of ours stands for what it wraps
		return []error{err}
	}
	var out []error
	for _, one := range joined.Unwrap() {
		out = append(out, split(one)...)
	}
	return out
}

// program has the engine run a statement.
func (e *examination) program(ctx context.Context) {
	const name = "engine"
	q := trailhouse.Query{SQL: "SELECT sum(range) AS total FROM range(1000)", Limits: trailhouse.Limits{
		Rows: 10, Bytes: 1 << 20, Timeout: time.Minute, MemoryMiB: 128, Threads: 1,
	}}
	rows := 0
	err := e.Engine.Query(ctx, q, func([]trailhouse.ResultColumn) error { return nil }, func([]any) error {
		rows++
		return nil
	})
	switch {
	case err != nil:
		e.fail(name, "", err)
	case rows != 1:
		e.fail(name, "", trailhouse.Errorf(trailhouse.CodeInternal, "DuckDB answered with %d rows instead of one", rows))
	default:
		e.ok(name, "", "DuckDB runs statements")
	}
}

// account checks what stands at AWS: who we are, then each need.
func (e *examination) account(ctx context.Context) {
	needs := access.Needs(e.Config)
	if len(needs) == 0 {
		return
	}
	for _, n := range needs {
		if n.Action != aws.ActionAssumeRole { // a role is assumed by whoever acts as it
			e.identity(ctx, n)
		}
	}
	for _, n := range needs {
		id := e.identities[n.As]
		if id == nil || !id.known || ctx.Err() != nil {
			continue
		}
		one := n
		one.Place = "" // two needs are one where nothing else differs: permissions may hang on folder, group or key
		if once := fmt.Sprintf("%+v", one); !e.tried[once] {
			e.tried[once] = true
			e.try(ctx, id, n)
			e.clock(n.Place)
		}
	}
	if e.skew.Load() == nil && ctx.Err() == nil {
		e.warn("clock", "", "set this machine's clock by NTP: AWS refuses requests of one that is far off", "not compared with the one of AWS: no server answered with its time")
	}
}
