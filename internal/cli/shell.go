package cli

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailhouse/trailhouse/internal/config"
)

// shell is what the commands of one run share.
type shell struct {
	env    Env
	screen *screen
	flags  globals
	// helpFailed is why there was no help, which cobra does not ask for.
	helpFailed error
}

// globals are the flags of every command.
type globals struct {
	config     string
	json       bool
	noProgress bool
	quiet      bool
}

func newShell(env Env) *shell {
	if env.Columns == nil {
		env.Columns = func() int { return 0 }
	}
	return &shell{env: env, screen: &screen{w: env.Err, columns: env.Columns, clock: env.Clock}}
}

// New returns the tree of commands, for documentation and completion.
func New(env Env) *cobra.Command { return newShell(env).root() }

// root builds the tree of commands.
func (s *shell) root() *cobra.Command {
	root := group("trailhouse", "Who ran what in AWS, was it allowed, and what did it cost",
		s.runCommand(), s.importCommand(), s.reportCommand(), s.findingsCommand(), s.showCommand(), s.sqlCommand(), s.tablesCommand(), s.clientsCommand(),
		s.deliveriesCommand(), s.lakeCommand(), s.configCommand(), s.setupCommand(), s.doctorCommand(), s.agentCommand(),
		s.demoCommand(), s.versionCommand())
	root.Long = `Trailhouse reads raw evidence (logs of AWS Nitro Enclaves, CloudTrail) exactly once
into open tables in a directory of yours and answers questions about it: which enclaves
ran, for whom and how much; who called what, from where, and whether it was allowed.

Begin with import, look with report list and tables, ask with report and sql; run does
everything that is due and needs nobody.

Exit codes: 0 done, 1 failed, 2 wrong command line or configuration, 3 done with
quarantined records or missing coverage, 4 state locked or written by a newer
Trailhouse.`
	root.SilenceErrors, root.SilenceUsage = true, true
	s.help(root)
	root.SetIn(s.env.In)
	root.SetOut(s.env.Out)
	root.SetErr(s.env.Err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w", err).WithHint("see %s --help", c.CommandPath())
	})
	f := root.PersistentFlags()
	f.String("data", "", "directory `DIR` of the lake and its state (default trailhouse in the user's data directory)")
	f.StringVar(&s.flags.config, "config", "", "configuration `FILE` (default trailhouse.yaml here, else in the data directory)")
	f.BoolVar(&s.flags.json, "json", false, "results, logs, progress and errors as JSON")
	f.String("log-level", "", "least `LEVEL` of log lines: debug, info, warn or error")
	f.BoolVar(&s.flags.noProgress, "no-progress", false, "show no progress")
	f.BoolVarP(&s.flags.quiet, "quiet", "q", false, "show no progress and only errors in the log")
	return root
}

// settingOf names the setting that a flag gives.
func settingOf(flag string) string {
	switch flag {
	case "data":
		return "data_dir"
	case "log-level":
		return "log.level"
	case "batch-records":
		return "ingest.batch_records"
	case "profile", "role-arn", "external-id", "region", "endpoint":
		return "aws." + strings.ReplaceAll(flag, "-", "_")
	}
	return ""
}

// config reads the configuration as the flags of c ask for it.
func (s *shell) config(c *cobra.Command) (*config.Config, error) {
	return config.Load(s.input(c))
}

// input is where the configuration comes from.
func (s *shell) input(c *cobra.Command) config.Input {
	given := map[string]string{}
	if s.flags.quiet {
		given["log.level"] = "error"
	}
	c.Flags().Visit(func(f *pflag.Flag) {
		if key := settingOf(f.Name); key != "" {
			given[key] = f.Value.String()
		}
	})
	if s.flags.json {
		given["log.format"] = "json"
	}
	return config.Input{File: s.flags.config, Environ: s.env.Environ, Flags: given, Dir: s.env.Dir}
}

// logger returns the log of a configuration: to standard error, above the progress
// bar.
func (s *shell) logger(c *config.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		panic("BUG: log level " + c.Log.Level)
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(s.screen, options))
	}
	return slog.New(slog.NewTextHandler(s.screen, options))
}

// withHouse opens the house, runs fn and closes it.
func (s *shell) withHouse(c *cobra.Command, fn func(ctx context.Context, h House) error) (err error) {
	settings, err := s.config(c)
	if err != nil {
		return err
	}
	h, err := s.env.Open(c.Context(), settings, s.logger(settings))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return fn(c.Context(), h)
}

// absolute resolves a path of the command line.
func (s *shell) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(s.env.Dir, path)
}

// groupKey marks a command that only holds others.
const groupKey = "group"

// noCommand says that a group has no command of a name.
func noCommand(c *cobra.Command, name string) error {
	err := usage("%s has no command %q", c.CommandPath(), name).WithHint("see %s --help", c.CommandPath())
	if near := c.SuggestionsFor(name); len(near) > 0 {
		err = err.WithHint("did you mean %s %s?", c.CommandPath(), near[0])
	}
	return err
}

// group returns a command that only holds others. Without one of them it prints its
// help; with a word that is none of them it is a usage error.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, SuggestionsMinimumDistance: 2, Annotations: map[string]string{groupKey: use}}
	g.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		return noCommand(c, args[0])
	}
	g.AddCommand(commands...)
	return g
}

// between checks the number of arguments in words; most < 0 for no limit.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage("%s needs %s", c.CommandPath(), what).WithHint("see %s --help", c.CommandPath())
		case most == 0 && len(args) > 0:
			return usage("%s takes no argument, but %q was given", c.CommandPath(), args[0])
		case most >= 0 && len(args) > most:
			return usage("%s takes only %s, but %q was given too", c.CommandPath(), what, args[most])
		}
		return nil
	}
}
