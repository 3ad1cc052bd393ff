package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	unlock, err := agent.Lock(r.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }() // the process ends
	m := &machine{}
	host, err := m.host(ctx, r)
	if err != nil {
		return err
	}
	o := agent.Options{
		Clock: clock, Host: host, LogPath: r.Log, NitroCLI: r.NitroCLI, Heartbeat: r.Heartbeat, Timeout: r.Timeout,
		PositionPath: filepath.Join(r.Dir, "position.json"), Version: version,
		Say: func(text string) { log.Warn(text) },
	}
	a := agent.New(o, os.Getpid())
	sink, err := agentSink(ctx, clock, c, r, m, a.Metrics(), host.Instance, o.Say)
	if err != nil {
		return err
	}
	a.SetSink(sink)
	if r.Listen != "" {
		ctx, end := context.WithCancel(ctx)
		wait, err := a.Metrics().Serve(ctx, r.Listen, clock, func(at string) { log.Info("metrics are served", "address", "http://"+at+"/metrics") }, o.Say)
		if err != nil {
			end()
			return errors.Join(err, sink.Close())
		}
		defer func() { end(); wait() }()
	}
	log.Info("watching", "instance", string(host.Instance), "account", cmp.Or(m.said.Account, "not asked"), "log", r.Log, "out", cmp.Or(r.LogGroup, r.Out))
	return a.Run(ctx)
}

// machine is what the machine's metadata says, asked once.
type machine struct {
	asked bool
	said  aws.Machine
	err   error
}

// ask asks the metadata, which answers at once or never.
func (m *machine) ask(ctx context.Context) (aws.Machine, error) {
	if !m.asked {
		m.asked = true
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		m.said, m.err = aws.AskMachine(ctx)
	}
	return m.said, m.err
}

// host returns what is known of the machine, whose instance is the one of the request, of
// the board, or of the metadata.
func (m *machine) host(ctx context.Context, r cli.AgentRequest) (agent.Host, error) {
	h := agent.Look("/", r.Sockets)
	if r.Instance != "" {
		h.Instance = r.Instance
	}
	if h.Instance != "" {
		return h, nil
	}
	said, err := m.ask(ctx)
	if err == nil && !said.Instance.Valid() {
		err = fmt.Errorf("the metadata service names it %q", said.Instance)
	}
	if err != nil {
		return h, trailhouse.Errorf(trailhouse.CodeUsage, "the host does not tell its instance id: its board has no asset tag, and %w", err).
			WithHint("name it with --instance")
	}
	h.Instance = said.Instance
	return h, nil
}

// agentSink returns where the lines go.
func agentSink(ctx context.Context, clock trailhouse.Clock, c *config.Config, r cli.AgentRequest, m *machine, metrics *agent.Metrics, stream trailhouse.InstanceID, say func(string)) (agent.Sink, error) {
	if r.LogGroup == "" {
		return agent.NewFileSink(r.Out, int64(r.FileMiB)<<20, r.Files, metrics.Drop), nil
	}
	access := c.AWS
	access.Attempts = min(access.Attempts, 3) // the spool tries again
	session, err := sessionAs(ctx, access)
	if err != nil {
		return nil, err
	}
	region := session.Region()
	if region == "" { // the one that stands for none is not where this host's logs are
		said, err := m.ask(ctx)
		if err != nil {
			return nil, trailhouse.Errorf(trailhouse.CodeUsage, "nothing says in which region the log group %s is: %w", r.LogGroup, err).
				WithHint("name it with --region")
		}
		region = said.Region
	}
	return agent.NewCloudSink(ctx, agent.CloudOptions{
		Clock: clock, Logs: session.Logs(region), Group: r.LogGroup, Stream: string(stream), Dir: filepath.Join(r.Dir, "spool"),
		Most: int64(r.FileMiB) << 20 * int64(r.Files), Metrics: metrics, Say: say, Backoff: 5 * time.Second,
	})
}
