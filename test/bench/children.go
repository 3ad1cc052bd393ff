package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/trailhouse/trailhouse/internal/app"
	"github.com/trailhouse/trailhouse/internal/cli"
)

// children are what this program does as a process of its own, so that its time and
// memory can be told from the rest.
func children() map[string]func(args []string) error {
	return map[string]func([]string) error{
		"duckdb-child": func(a []string) error { return duckdbImport(a[0], a[1]) },
		"trail-duckdb": trailDuckDB,
		"trail-equal":  trailEqual,
		"trail-gunzip": trailGunzip,
		"trail-gzip":   trailGzip,
		"trail-late":   trailCut,
		"trail-day":    trailDay,
		"profile":      profile,
	}
}

// profile runs a command of the product in this process and writes the profile of its
// CPU time.
func profile(args []string) (err error) {
	f, err := os.Create(args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	code := app.Run(context.Background(), args[1:], app.Process{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Dir: dir,
		Columns: func() int { return 0 }, Version: cli.Version{Version: "bench"},
	})
	pprof.StopCPUProfile()
	fmt.Fprintf(os.Stderr, "exit code %d, %.2f s of CPU, peak %.0f MiB\n", code, ownCPU().Seconds(), ownPeakMiB())
	return nil
}

// tell prints what a child found.
func tell(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }
