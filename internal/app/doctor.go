package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/config"
	delivery "github.com/trailhouse/trailhouse/internal/deliver"
	"github.com/trailhouse/trailhouse/internal/doctor"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
)

// examine looks at everything that a configuration needs.
func examine(ctx context.Context, c *config.Config, clock trailhouse.Clock, version string, silent time.Duration, report func(doctor.Check)) error {
	return doctor.Run(ctx, doctor.Options{
		Config: c, Clock: clock, Engine: duckdb.New(duckdb.Options{}), SilentAfter: silent,
		Settings: func() error {
			_, rules := clients.Compile(c.File(), c.Clients, c.Hosts)
			_, deliveries := delivery.Compile(c)
			return errors.Join(rules, deliveries, c.CheckFolders())
		},
		Greet: func(ctx context.Context, m config.MailTarget) error {
			sender, err := mailer(m)
			if err != nil {
				return err
			}
			return sender.Greet(ctx)
		},
		Open: func(ctx context.Context) error {
			h, err := Open(ctx, c, clock, slog.New(slog.DiscardHandler), version)
			if err != nil {
				return err
			}
			return h.Close()
		},
	}, report)
}
