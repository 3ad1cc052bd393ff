package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
)

// clock is a clock that a test sets.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// run runs a command line without a house: opening one gives the error.
func run(t *testing.T, opened error, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := Env{
		In: strings.NewReader(""), Out: &stdout, Err: &stderr, Dir: t.TempDir(), Environ: []string{"HOME=" + t.TempDir()},
		Clock: &clock{time.Date(2025, 11, 21, 12, 0, 0, 0, time.UTC)}, Version: Version{Version: "v1.2.3", Go: "go1.26"},
		Open: func(context.Context, *config.Config, *slog.Logger) (House, error) { return nil, opened },
	}
	code = Run(t.Context(), args, env)
	return code, stdout.String(), stderr.String()
}

func TestErrorsMapToExitCodesOnce(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, ExitDone},
		{errors.New("x"), ExitFailed},
		{trailhouse.Errorf(trailhouse.CodeNotFound, "x"), ExitFailed},
		{trailhouse.Errorf(trailhouse.CodeUsage, "x"), ExitUsage},
		{trailhouse.Errorf(trailhouse.CodePartial, "x"), ExitPartial},
		{trailhouse.Errorf(trailhouse.CodeLocked, "x"), ExitLocked},
		{trailhouse.Errorf(trailhouse.CodeNewer, "x"), ExitLocked},
		{fmt.Errorf("around: %w", trailhouse.Errorf(trailhouse.CodeNewer, "x")), ExitLocked},
	}
	for _, tt := range tests {
		if got := ExitCode(tt.err); got != tt.want {
			t.Errorf("%v: exit code %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestErrorsAndHintsArePrinted(t *testing.T) {
	failure := errors.Join(
		trailhouse.Errorf(trailhouse.CodeStorage, "the disk is full").WithHint("make room"),
		trailhouse.Errorf(trailhouse.CodeInternal, "and this"))
	code, out, errs := run(t, failure, "lake", "check")
	want := "error: the disk is full\nhint: make room\nerror: and this\n"
	if code != ExitFailed || out != "" || errs != want {
		t.Errorf("exit %d, out %q, err %q", code, out, errs)
	}
	_, _, errs = run(t, failure, "lake", "check", "--json")
	want = `{"error":"the disk is full","code":"storage","hint":"make room"}` + "\n" + `{"error":"and this","code":"internal"}` + "\n"
	if errs != want {
		t.Errorf("as JSON: %q", errs)
	}
}

func TestUsageErrorsOpenNothing(t *testing.T) {
	tests := []string{
		"nothing", "report", "report a b c", "report list x", "report a --export rows --out x", "report a --export records", "report a --out x",
		"report a --export records --out x --format csv", "show event", "show event a b", "lake nothing", "lake history a b", "config check x", "clients explain",
		"import enclave-log x --year 12", "import enclave-log x --tz Local", "import enclave-log x --instance x",
		"report r --last 4", "report r --last w", "report r --last 4y", "report r --last -4w", "report r --from x", "report r --format xml",
		"report r --param x", "report r --param =1", "report r --param a=1 --param a=2", "sql", "sql --file absent.sql", "sql x --format seed",
		"version --data", "lake check --log-level loud", "demo generate", "import",
	}
	for _, line := range tests {
		t.Run(line, func(t *testing.T) {
			code, _, errs := run(t, errors.New("the house was opened"), strings.Fields(line)...)
			if line == "import" {
				if code != ExitDone {
					t.Errorf("a group alone prints its help, not exit %d", code)
				}
				return
			}
			if code != ExitUsage || !strings.HasPrefix(errs, "error: ") || strings.Contains(errs, "opened") {
				t.Errorf("exit %d: %s", code, errs)
			}
		})
	}
}

func TestPeriods(t *testing.T) {
	now := time.Date(2025, 3, 31, 9, 30, 0, 0, time.UTC)
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	tests := []struct {
		flags    periodFlags
		from, to time.Time
	}{
		{periodFlags{}, time.Time{}, time.Time{}},
		{periodFlags{from: "2025-11-03"}, day(2025, 11, 3), time.Time{}},
		{periodFlags{to: "2025-11-03T01:00:00+01:00"}, time.Time{}, day(2025, 11, 3)},
		{periodFlags{last: "36h"}, now.Add(-36 * time.Hour), now},
		{periodFlags{last: "2d"}, time.Date(2025, 3, 29, 9, 30, 0, 0, time.UTC), now},
		{periodFlags{last: "4w"}, time.Date(2025, 3, 3, 9, 30, 0, 0, time.UTC), now},
		{periodFlags{last: "1m"}, time.Date(2025, 2, 28, 9, 30, 0, 0, time.UTC), now},
		{periodFlags{last: "2m"}, time.Date(2025, 1, 31, 9, 30, 0, 0, time.UTC), now},
		{periodFlags{last: "13m"}, time.Date(2024, 2, 29, 9, 30, 0, 0, time.UTC), now},
	}
	for _, tt := range tests {
		p, err := tt.flags.period(&clock{now})
		if err != nil || !p.From.Equal(tt.from) || !p.To.Equal(tt.to) {
			t.Errorf("%+v: %v to %v, %v", tt.flags, p.From, p.To, err)
		}
	}
}

func TestProgressIsDrawnBelowLogLines(t *testing.T) {
	var w bytes.Buffer
	c := &clock{time.Unix(1000, 0)}
	s := &screen{w: &w, columns: func() int { return 60 }, clock: c}
	s.progress(Progress{Units: 1, UnitsTotal: 4, Bytes: 1 << 20, BytesTotal: 2 << 20, Records: 12345}, false)
	s.progress(Progress{Units: 2}, false) // too soon to be drawn
	s.line("a log line")
	s.finish()
	bar := "[############............] read 1 of 4 files, 1.0 MiB, 12,34"
	want := bar[:59] + "\r\x1b[K" + "a log line\n" + bar[:59] + "\r\x1b[K"
	if w.String() != want {
		t.Errorf("got  %q\nwant %q", w.String(), want)
	}
}

func TestProgressIsLinesWhereThereIsNoTerminal(t *testing.T) {
	var w bytes.Buffer
	c := &clock{time.Unix(1000, 0)}
	s := &screen{w: &w, columns: func() int { return 0 }, clock: c}
	for range 12 {
		s.progress(Progress{Units: 3, Bytes: 2048, Records: 1000}, false)
		c.now = c.now.Add(time.Second)
	}
	s.finish()
	line := "read 3 of the files, 2.0 KiB, 1,000 records\n"
	if w.String() != line+line { // after 5 and after 10 seconds
		t.Errorf("got %q", w.String())
	}
	w.Reset()
	c.now = c.now.Add(time.Minute)
	s.progress(Progress{Units: 3}, true)
	if w.String() != `{"progress":{"units":3,"bytes":0,"records":0}}`+"\n" {
		t.Errorf("as JSON: %q", w.String())
	}
}

func TestImportSaysWhereToLook(t *testing.T) {
	tests := []struct {
		r    ImportResult
		want string
	}{
		{ImportResult{Records: 3, Written: 3}, ""},
		{ImportResult{Quarantined: 1, UnitsMissing: 2}, "done, but 1 record is in quarantine, 2 files or directories could not be read"},
		{ImportResult{Quarantined: 1200, UnitsQuarantined: 1}, "done, but 1,200 records are in quarantine, 1 file is in quarantine whole"},
	}
	for _, tt := range tests {
		err := tt.r.partial()
		if tt.want == "" {
			if err != nil {
				t.Errorf("%v", err)
			}
			continue
		}
		if err == nil || err.Error() != tt.want || ExitCode(err) != ExitPartial || trailhouse.HintOf(err) == "" {
			t.Errorf("%v", err)
		}
	}
}

func TestQuietAndLevelsReachTheLog(t *testing.T) {
	var level string
	env := Env{
		Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Dir: t.TempDir(), Environ: []string{"HOME=/nowhere"}, Clock: trailhouse.SystemClock{},
		Open: func(_ context.Context, c *config.Config, log *slog.Logger) (House, error) {
			level = c.Log.Level + " " + c.Log.Format
			if log.Enabled(context.Background(), slog.LevelDebug) != (c.Log.Level == "debug") {
				t.Error("the log has another level than the configuration")
			}
			return nil, errors.New("enough")
		},
	}
	for args, want := range map[string]string{
		"lake check": "info text", "lake check -q": "error text", "lake check --log-level debug --json": "debug json",
		"lake check -q --log-level warn": "warn text",
	} {
		if code := Run(t.Context(), strings.Fields(args), env); code != ExitFailed || level != want {
			t.Errorf("%s: %s, exit %d", args, level, code)
		}
	}
}
