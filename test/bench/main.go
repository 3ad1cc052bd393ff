// Command bench measures the figures that docs/benchmarks.md holds, on this
// machine and in one run: each beside a floor (the least that must be done) or
// beside a public engine that does the same work. It prints the table and writes
// the page.
//
//	go run ./test/bench [-quick] [-out docs/benchmarks.md]
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "duckdb-child" {
		exit(duckdbImport(os.Args[2], os.Args[3]))
	}
	quick := flag.Bool("quick", false, "small inputs: to see that it works, not to quote")
	out := flag.String("out", "docs/benchmarks.md", "page to write")
	binary := flag.String("binary", "bin/trailhouse", "product under test")
	flag.Parse()
	exit(run(*quick, *out, *binary))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// size says how much each part measures.
type size struct {
	textMiB, importMiB, hugeMiB, days, rounds int
}

// bench is one run of all parts.
type bench struct {
	size
	dir, binary string
	rows        []row
}

// row is one line of the table.
type row struct {
	what, aim, got, beside string
}

func run(quick bool, out, binary string) error {
	dir, err := os.MkdirTemp("", "trailhouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err = filepath.Abs(binary)
	if err != nil {
		return err
	}
	b := &bench{size: size{textMiB: 256, importMiB: 512, hugeMiB: 5 << 10, days: 365, rounds: 5}, dir: dir, binary: binary}
	if quick {
		b.size = size{textMiB: 32, importMiB: 32, hugeMiB: 128, days: 14, rounds: 2}
	}
	for _, part := range []func() error{b.text, b.imports, b.huge, b.lateDay} {
		if err := part(); err != nil {
			return err
		}
	}
	page := b.page(quick)
	fmt.Print(page)
	if quick {
		return nil
	}
	return os.WriteFile(out, []byte(page), 0o644)
}

// add keeps a row and shows it at once: the whole takes minutes.
func (b *bench) add(what, aim, got, beside string) {
	b.rows = append(b.rows, row{what, aim, got, beside})
	fmt.Fprintf(os.Stderr, "%s: %s (aim %s; %s)\n", what, got, aim, beside)
}

func (b *bench) page(quick bool) string {
	var s strings.Builder
	fmt.Fprintf(&s, "# Benchmarks\n\nWritten by `make bench` on %s: %d processors, %s, %s.\n", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), runtime.GOARCH, runtime.Version())
	if quick {
		s.WriteString("**Quick run with small inputs: do not quote.**\n")
	}
	s.WriteString("Times are CPU seconds of whole processes; figures beside each other are medians of interleaved runs on the same file in the same run.\nMB is 10^6 bytes, MiB 2^20.\n\n")
	s.WriteString("| figure | aim | measured | beside it, same run |\n| --- | --- | --- | --- |\n")
	for _, r := range b.rows {
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", r.what, r.aim, r.got, r.beside)
	}
	s.WriteString("\nThe log is `internal/demo`'s: one host polled by `describe-enclaves` every 10 s with two enclaves.\nThe DuckDB statement is in `test/bench/duckdb.go`: it splits the same lines to the same columns and writes zstd Parquet; it neither hashes records nor deduplicates, joins no continuation lines, and commits nothing.\n")
	return s.String()
}
