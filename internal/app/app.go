// Package app builds and closes everything. It is the only package that names all
// others, and it holds no logic of its own: a command of internal/cli asks, a room
// answers, and app has introduced them to each other.
package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/derive"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/doctor"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/policy"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
	"github.com/trailhouse/trailhouse/internal/report"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
	"github.com/trailhouse/trailhouse/internal/state"
)

// Process is what a run of the program gets from its process.
type Process struct {
	In       io.Reader
	Out, Err io.Writer
	Environ  []string
	// Dir is the working directory.
	Dir string
	// Columns returns the width of the terminal that Err is, 0 where it is none.
	Columns func() int
	Version cli.Version
}

// Run executes one command line and returns the process's exit code.
func Run(ctx context.Context, args []string, p Process) int {
	clock := trailhouse.SystemClock{}
	return cli.Run(ctx, args, cli.Env{
		In: p.In, Out: p.Out, Err: p.Err, Environ: p.Environ, Dir: p.Dir, Columns: p.Columns,
		Clock: clock, Version: p.Version,
		Open: func(ctx context.Context, c *config.Config, log *slog.Logger) (cli.House, error) {
			return Open(ctx, c, clock, log, p.Version.Version)
		},
		Report: func(c *config.Config, name string) (*report.Report, error) {
			all, err := library(c.Reports.Folder)
			if err != nil {
				return nil, err
			}
			return all.Report(name)
		},
		Due: func(ctx context.Context, c *config.Config, now string) (cli.RunResult, error) {
			return due(ctx, c, clock, now)
		},
		Demo: generateDemo,
		Tagged: func(ctx context.Context, c *config.Config, key, value string) ([]string, error) {
			return tagged(ctx, c, clock, key, value)
		},
		Agent: func(ctx context.Context, c *config.Config, r cli.AgentRequest, log *slog.Logger) error {
			return watchHost(ctx, c, r, clock, log, p.Version.Version)
		},
		Doctor: func(ctx context.Context, c *config.Config, silent time.Duration, report func(doctor.Check)) error {
			return examine(ctx, c, clock, p.Version.Version, silent, report)
		},
	})
}

// House is an opened data directory. It implements cli.House.
type House struct {
	config *config.Config
	clock  trailhouse.Clock
	log    *slog.Logger

	state   *state.State
	lake    *lake.Lake
	ingest  *ingest.Ingester
	derive  *derive.Job
	engine  *duckdb.Engine
	clients *clients.Rules
	policy  *policy.Policy
	reports *report.Runner
}

var _ cli.House = (*House)(nil)

// Open opens the data directory of the configuration, and makes it where it is
// missing.
func Open(ctx context.Context, c *config.Config, clock trailhouse.Clock, log *slog.Logger, version string) (_ *House, err error) {
	h := &House{config: c, clock: clock, log: log, engine: duckdb.New(duckdb.Options{}), policy: policy.New(c.ApprovedImages)}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	if h.clients, err = clients.Compile(c.File(), c.Clients, c.Hosts); err != nil {
		return nil, err
	}
	reports, err := library(c.Reports.Folder)
	if err != nil {
		return nil, err
	}
	h.reports = &report.Runner{Library: reports, Engine: h.engine, Planner: h, Clock: clock, Limits: limits(c.Query)}
	if h.state, err = state.Open(ctx, c.DataDir, clock); err != nil {
		return nil, err
	}
	if h.lake, err = lake.Open(ctx, filepath.Join(c.DataDir, "lake"), clock); err != nil {
		return nil, err
	}
	fresh := derive.NewFresh(cloudtrail.EventTable())
	h.ingest = ingest.New(h.lake, h.state, ingest.Files{Write: writer(fresh), Read: columns.Read}, clock, version)
	h.derive = &derive.Job{Lake: h.lake, Lock: h.state.Lock, Logs: derive.Logs{
		Enclave: enclavelog.LogTable(), Allocator: enclavelog.AllocatorTable(), Coverage: ingest.CoverageTable(),
		Source: enclavelog.Name,
	}, Trail: cloudtrail.EventTable(), Fresh: fresh}
	return h, nil
}

// writer returns what writes files of an import.
func writer(fresh *derive.Fresh) func(path string, b *trailhouse.Batch, rows []int32) (trailhouse.DataFile, error) {
	press := new(columns.Press)
	return func(path string, b *trailhouse.Batch, rows []int32) (trailhouse.DataFile, error) {
		f, err := press.Write(path, b, rows)
		if err == nil {
			fresh.Wrote(path, b, rows)
		}
		return f, err
	}
}

// library reads the built-in reports and those of the user's folder.
func library(folder string) (*report.Library, error) {
	if folder == "" {
		return report.NewLibrary(nil)
	}
	return report.NewLibrary(os.DirFS(folder))
}

// limits bound one statement.
func limits(q config.Query) trailhouse.Limits {
	return trailhouse.Limits{Rows: q.Rows, Bytes: q.Bytes, Timeout: q.Timeout, MemoryMiB: q.MemoryMiB, Threads: int(q.Threads)}
}

// Close releases everything that is open.
func (h *House) Close() error {
	h.engine.Close()
	var err error
	if h.lake != nil {
		err = h.lake.Close()
	}
	if h.state != nil {
		err = errors.Join(err, h.state.Close())
	}
	return err
}

// tables are all tables of the house, in the order in which people meet them.
func tables() []*trailhouse.Table {
	all := append([]*trailhouse.Table{enclavelog.LogTable(), enclavelog.AllocatorTable()}, derivedTables()...)
	all = append(all, policy.AcknowledgementTable())
	all = append(all, trailTables()...)
	return append(all, ingest.Tables()...)
}

// derivedTables follow from the others; who asks them has them brought up to date.
func derivedTables() []*trailhouse.Table {
	return []*trailhouse.Table{
		sessions.MarkTable(), sessions.SessionTable(), sessions.AttemptTable(),
		attested.CallTable(), attested.JoinTable(), attested.GroupTable(), attested.HostEndTable(),
	}
}
