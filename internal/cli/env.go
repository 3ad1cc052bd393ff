package cli

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/doctor"
	"github.com/trailhouse/trailhouse/internal/report"
)

// Env is the world of one run: nothing else of the process is used.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	// Environ is the environment as NAME=value.
	Environ []string
	// Dir is the working directory, absolute.
	Dir string
	// Columns is the width of the terminal that Err is, 0 where it is none.
	Columns func() int
	Clock   trailhouse.Clock
	Version Version
	// Open opens the house of a configuration. Commands that need none never call it.
	Open func(ctx context.Context, c *config.Config, log *slog.Logger) (House, error)
	// Report returns a report by its name, without opening a house: CodeUsage where there
	// is none.
	Report func(c *config.Config, name string) (*report.Report, error)
	// Due returns what a run would do now, and for the delivery now alone where it is not
	// empty. It opens no house and writes nothing.
	Due func(ctx context.Context, c *config.Config, now string) (RunResult, error)
	// Demo writes invented evidence below a directory that must not hold anything.
	Demo func(ctx context.Context, r DemoRequest) (DemoResult, error)
	// Tagged returns the ARNs of what carries a tag in the region of a configuration.
	Tagged func(ctx context.Context, c *config.Config, key, value string) ([]string, error)
	// Agent watches the enclaves of this host until the context ends.
	Agent func(ctx context.Context, c *config.Config, r AgentRequest, log *slog.Logger) error
	// Doctor looks at everything that a configuration needs and calls report with each
	// check as it is done. Its error says only that it did not come to its end.
	Doctor func(ctx context.Context, c *config.Config, silentAfter time.Duration, report func(doctor.Check)) error
}

// Version says which build this is.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Built   string `json:"commit_time,omitempty"` // RFC 3339
	Go      string `json:"go"`
}
