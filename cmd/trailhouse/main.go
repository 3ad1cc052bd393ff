// Trailhouse answers who ran what in AWS, whether it was allowed and what it cost,
// down to the Nitro Enclave. See trailhouse --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // --tz must work where the machine has no zone files

	"golang.org/x/term"

	"github.com/trailhouse/trailhouse/internal/app"
	"github.com/trailhouse/trailhouse/internal/cli"
)

func main() { os.Exit(run()) }

// The memory of Go: an import of any length stays below half a GiB, and what needs little
// is collected seldom. The memory of DuckDB is not counted; it has a limit of its own
// (query.memory_mib).
const (
	memoryLimit = 360 << 20 // from where on the collector works harder
	growth      = 200       // by how many per cent memory grows between collections
)

// limitMemory sets what the environment does not.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
}

// run translates the process for the app and the answer to an exit code.
func run() int {
	limitMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks for an orderly end. From then on signals do again what
	// they do by default, so that a second one ends the process at once; a later run
	// recovers what it left.
	context.AfterFunc(ctx, stop)
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	return app.Run(ctx, os.Args[1:], app.Process{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Environ: os.Environ(), Dir: dir, Columns: columns, Version: version(),
	})
}

// columns returns the width of the terminal on standard error, 0 where it is none.
func columns() int {
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil || os.Getenv("TERM") == "dumb" {
		return 0
	}
	return width
}

// version reads what the linker knows of this build: with version control the
// module's version holds tag or commit and time.
func version() cli.Version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cli.Version{Version: "unknown"}
	}
	v := cli.Version{Version: info.Main.Version, Go: info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Built = s.Value
		}
	}
	return v
}
