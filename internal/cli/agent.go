package cli

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
)

// AgentRequest says what the agent watches and where it tells it.
type AgentRequest struct {
	// Dir keeps positions, the spool and, unless Out names another, the file of lines.
	Dir, Out string
	// LogGroup is a log group of CloudWatch Logs that takes the lines, empty for Out.
	LogGroup string
	// Instance is the host, empty to ask the machine.
	Instance trailhouse.InstanceID
	// Log is the log of nitro-cli, Sockets where its sockets are, NitroCLI the program.
	Log, Sockets, NitroCLI string
	Heartbeat, Timeout     time.Duration
	// Listen is the address of the metrics, empty for none.
	Listen string
	// FileMiB and Files bound what lies on the disk.
	FileMiB, Files int
}

func (s *shell) agentCommand() *cobra.Command {
	var r AgentRequest
	var instance string
	c := &cobra.Command{
		Use:   "agent",
		Short: "Watch the enclaves of this host, and write what is seen for import enclave-log",
		Long: `Runs on an enclave host until it is asked to end. Copies the log of nitro-cli, through
rotation, asks nitro-cli again and again which enclaves there are, and sees each enclave's
process go away, of which no log has a line where it was killed. Writes a line of JSON for
each, to a file or to CloudWatch Logs, which import enclave-log reads as the log itself and
as proof of life. Metrics for Prometheus are served on the loopback.

NITRO_CLI_LOGS_PATH and NITRO_CLI_SOCKETS_PATH, which nitro-cli itself obeys, take the
place of the defaults of --log and --sockets.`,
		Example: `  trailhouse agent --dir /var/lib/trailhouse-agent
  trailhouse agent --log-group /trailhouse/agent --region eu-west-1`,
		Args: between(0, 0, ""),
	}
	f := c.Flags()
	f.StringVar(&r.Dir, "dir", "/var/lib/trailhouse-agent", "`DIR` of positions, of the spool and of the file of lines")
	f.StringVar(&r.Out, "out", "", "`FILE` of lines (default agent.jsonl in --dir)")
	f.StringVar(&r.LogGroup, "log-group", "", "write to this log `GROUP` of CloudWatch Logs, the stream is the instance id")
	f.StringVar(&instance, "instance", "", "instance `ID` of the host (default by its board asset tag, else by its metadata)")
	f.StringVar(&r.Log, "log", "/var/log/nitro_enclaves/nitro_enclaves.log", "`FILE` that nitro-cli logs to, empty to copy none")
	f.StringVar(&r.Sockets, "sockets", "/run/nitro_enclaves", "`DIR` of the sockets of nitro-cli")
	f.StringVar(&r.NitroCLI, "nitro-cli", "nitro-cli", "`PROGRAM` that describes enclaves")
	f.DurationVar(&r.Heartbeat, "heartbeat", 5*time.Minute, "how often it is asked")
	f.DurationVar(&r.Timeout, "timeout", 30*time.Second, "how long an answer may take")
	f.StringVar(&r.Listen, "listen", "127.0.0.1:9477", "loopback `ADDRESS` of the metrics, empty for none")
	f.IntVar(&r.FileMiB, "file-mib", 16, "`MIB` of one file of lines, beyond which a new one begins")
	f.IntVar(&r.Files, "files", 8, "`NUMBER` of older files that are kept; of the spool, as much space")
	accessFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		r.Instance = trailhouse.InstanceID(instance)
		if dir := s.variable("NITRO_CLI_LOGS_PATH"); dir != "" && !c.Flags().Changed("log") {
			r.Log = filepath.Join(dir, filepath.Base(r.Log))
		}
		if dir := s.variable("NITRO_CLI_SOCKETS_PATH"); dir != "" && !c.Flags().Changed("sockets") {
			r.Sockets = dir
		}
		if err := r.check(); err != nil {
			return err
		}
		r.Dir = s.absolute(r.Dir)
		if r.Out == "" {
			r.Out = filepath.Join(r.Dir, "agent.jsonl")
		}
		r.Out = s.absolute(r.Out)
		return s.watchHost(c, r)
	}
	return c
}

// variable returns a variable of the environment, empty where it is not set.
func (s *shell) variable(name string) string {
	for _, v := range s.env.Environ {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// groupLetters are the letters of the name of a log group.
const groupLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/.#"

// check finds what cannot be meant.
func (r *AgentRequest) check() error {
	switch {
	case r.Out != "" && r.LogGroup != "":
		return usage("--out and --log-group exclude each other: lines go to one place")
	case r.Instance != "" && !r.Instance.Valid():
		return usage("--instance: %q is no instance id such as i-0a1b2c3d4e5f60718", r.Instance)
	case len(r.LogGroup) > 512 || strings.Trim(r.LogGroup, groupLetters) != "":
		return usage("--log-group: %q cannot be the name of a log group", r.LogGroup)
	case r.Heartbeat < time.Second || r.Heartbeat > 24*time.Hour:
		return usage("--heartbeat: %s is not between 1s and 24h", r.Heartbeat)
	case r.Timeout < 100*time.Millisecond || r.Timeout > time.Hour:
		return usage("--timeout: %s is not between 100ms and 1h", r.Timeout)
	case r.FileMiB < 1 || r.FileMiB > 4096:
		return usage("--file-mib: %d is not one of 1 to 4096", r.FileMiB)
	case r.Files < 1 || r.Files > 1000:
		return usage("--files: %d is not one of 1 to 1000", r.Files)
	}
	return nil
}

func (s *shell) watchHost(c *cobra.Command, r AgentRequest) error {
	// A host has no lake, and a service of systemd no HOME in which one would be.
	if !c.Flags().Changed("data") {
		if err := c.Flags().Set("data", r.Dir); err != nil {
			return err
		}
	}
	settings, err := s.config(c)
	if err != nil {
		return err
	}
	return s.env.Agent(c.Context(), settings, r, s.logger(settings))
}
