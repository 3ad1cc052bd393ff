package app

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/agent"
	"github.com/trailhouse/trailhouse/internal/aws"
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
		id, err := askMetadata(ctx)
		if err != nil {
			return trailhouse.Errorf(trailhouse.CodeUsage, "the host does not tell its instance id: %w", err).
				WithHint("name it with --instance")
		}
		host.Instance = id
	}
	o := agent.Options{
		Clock: clock, Host: host, LogPath: r.Log, NitroCLI: r.NitroCLI, Heartbeat: r.Heartbeat, Timeout: r.Timeout,
		PositionPath: filepath.Join(r.Dir, "position.json"), Version: version,
		Say: func(text string) { log.Warn(text) },
	}
	a := agent.New(o, os.Getpid())
	sink, err := agentSink(ctx, c, r, a.Metrics(), host.Instance, o.Say)
	if err != nil {
		return err
	}
	a.SetSink(sink)
	if r.Listen != "" {
		at, stop, err := a.Metrics().Serve(ctx, r.Listen, clock)
		if err != nil {
			return err
		}
		defer func() { _ = stop() }() // the process ends
		log.Info("metrics are served", "address", "http://"+at+"/metrics")
	}
	log.Info("watching", "instance", string(host.Instance), "log", r.Log, "out", cmp.Or(r.LogGroup, r.Out))
	return a.Run(ctx)
}

// askMetadata asks the machine's metadata for the instance, which answers at once or never.
func askMetadata(ctx context.Context) (trailhouse.InstanceID, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return aws.InstanceID(ctx)
}

// agentSink returns where the lines go.
func agentSink(ctx context.Context, c *config.Config, r cli.AgentRequest, m *agent.Metrics, stream trailhouse.InstanceID, say func(string)) (agent.Sink, error) {
	if r.LogGroup == "" {
		return agent.NewFileSink(r.Out, int64(r.FileMiB)<<20, r.Files, m.Drop), nil
	}
	access := c.AWS
	access.Attempts = min(access.Attempts, 3) // the spool tries again
	session, err := sessionAs(ctx, access)
	if err != nil {
		return nil, err
	}
	return agent.NewCloudSink(ctx, agent.CloudOptions{
		Logs: session.Logs(access.Region), Group: r.LogGroup, Stream: string(stream), Dir: filepath.Join(r.Dir, "spool"),
		Most: int64(r.FileMiB) << 20 * int64(r.Files), Metrics: m, Say: say, Backoff: 5 * time.Second,
	})
}
