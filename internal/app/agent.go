package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/agent"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/config"
)

// watchHost runs the agent until the context ends.
func watchHost(ctx context.Context, c *config.Config, r cli.AgentRequest, clock trailhouse.Clock, log *slog.Logger, version string) error {
	for _, dir := range []string{r.Dir, filepath.Dir(r.Out)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return trailhouse.Errorf(trailhouse.CodeStorage, "the agent's directory cannot be made: %w", err).
				WithHint("name another one with --dir, or run the agent as a user that may write there")
		}
	}
	host := agent.Look("/", r.Sockets)
	if r.Instance != "" {
		host.Instance = r.Instance
	}
	if host.Instance == "" {
		return trailhouse.Errorf(trailhouse.CodeUsage, "the host does not tell its instance id").
			WithHint("name it with --instance")
	}
	o := agent.Options{
		Clock: clock, Host: host, LogPath: r.Log, NitroCLI: r.NitroCLI, Heartbeat: r.Heartbeat, Timeout: r.Timeout,
		PositionPath: filepath.Join(r.Dir, "position.json"), Version: version,
		Say: func(text string) { log.Warn(text) },
	}
	a := agent.New(o, os.Getpid())
	a.SetSink(agent.NewFileSink(r.Out, int64(r.FileMiB)<<20, r.Files, a.Metrics().Drop))
	if r.Listen != "" {
		at, stop, err := a.Metrics().Serve(ctx, r.Listen, clock)
		if err != nil {
			return err
		}
		defer func() { _ = stop() }() // the process ends
		log.Info("metrics are served", "address", "http://"+at+"/metrics")
	}
	log.Info("watching", "instance", string(host.Instance), "log", r.Log, "out", r.Out)
	return a.Run(ctx)
}
