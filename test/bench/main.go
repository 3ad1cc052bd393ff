// Command bench measures the figures that docs/benchmarks.md holds, on this
// machine and in one run: each beside a floor (the least that must be done) or
// beside a public engine that does the same work. It prints the table and, where
// all parts ran at full size, writes the page. It fails where an answer is wrong,
// never because it was slow. A full run takes some 15 minutes on two quiet processors and
// 10 GB in the directory for temporary files.
//
//	go run ./test/bench [-quick] [-only trail] [-out docs/benchmarks.md]
//	go run ./test/bench profile cpu.pprof --data DIR import cloudtrail PATH
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 2 {
		if work, ok := children()[os.Args[1]]; ok {
			exit(work(os.Args[2:]))
		}
	}
	var o options
	var asked size
	flag.BoolVar(&o.quick, "quick", false, "small inputs: to see that it works, not to quote")
	flag.StringVar(&o.out, "out", "docs/benchmarks.md", "page to write")
	flag.StringVar(&o.binary, "binary", "bin/trailhouse", "product under test")
	flag.StringVar(&o.only, "only", "", "regular expression: only these `PARTS`; a page only where -out names one")
	flag.IntVar(&asked.rounds, "rounds", 0, "rounds of what is repeated, instead of the usual `N`")
	flag.Int64Var(&asked.speedEvents, "events", 0, "`N` events in the trail that is imported again and again, instead of the usual")
	flag.Int64Var(&asked.trailEvents, "trail", 0, "`N` events in the trail that is weighed and asked, instead of the usual")
	flag.Int64Var(&asked.smallEvents, "small", 0, "`N` events in the lake that a late file comes into, instead of the usual")
	flag.Int64Var(&asked.largeEvents, "large", 0, "`N` events in the large lake that a late file comes into, instead of the usual")
	flag.Parse()
	flag.Visit(func(f *flag.Flag) { o.named = o.named || f.Name == "out" })
	sizes := asked
	sizes.rounds = 0
	o.sized = sizes != size{}
	exit(run(o, sizeOf(o.quick, asked)))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// options are what is asked for.
type options struct {
	quick, sized      bool // sized: not of the usual size
	named             bool // the page was named, so that it is written whatever was run
	out, binary, only string
}

// size says how much each part measures.
type size struct {
	textMiB, importMiB, hugeMiB, days, lives, rounds   int
	speedEvents, trailEvents, smallEvents, largeEvents int64
}

// sizeOf returns the sizes of a run, but for what is asked for otherwise.
func sizeOf(quick bool, asked size) size {
	s := size{
		textMiB: 256, importMiB: 512, hugeMiB: 5 << 10, days: 365, lives: 100_000, rounds: 5,
		speedEvents: 500_000, trailEvents: 2_000_000, smallEvents: 1_000_000, largeEvents: 10_000_000,
	}
	if quick {
		s = size{
			textMiB: 32, importMiB: 32, hugeMiB: 128, days: 14, lives: 5_000, rounds: 2,
			speedEvents: 50_000, trailEvents: 100_000, smallEvents: 50_000, largeEvents: 200_000,
		}
	}
	s.rounds = cmp.Or(asked.rounds, s.rounds)
	s.speedEvents, s.trailEvents = cmp.Or(asked.speedEvents, s.speedEvents), cmp.Or(asked.trailEvents, s.trailEvents)
	s.smallEvents, s.largeEvents = cmp.Or(asked.smallEvents, s.smallEvents), cmp.Or(asked.largeEvents, s.largeEvents)
	return s
}

// bench is one run of all parts.
type bench struct {
	size
	dir, binary, self string
	parted            string // the parts that were asked for
	rows              []row
	// trailPeakMiB is the peak of memory at trailEvents, where that was measured.
	trailPeakMiB float64
	// smallWall is the time that a late file takes in the small lake.
	smallWall time.Duration
}

// row is one line of the table.
type row struct {
	what, aim, got, beside string
}

// part is one thing that can be measured alone.
type part struct {
	name string
	work func() error
}

// parts are in the order of the page. Each leaves nothing on the disk.
func (b *bench) parts() []part {
	return []part{
		{"text", b.text}, {"import", b.imports}, {"cloudwatch", b.logs}, {"huge", b.huge}, {"late-day", b.lateDay}, {"calls", b.calls}, {"findings", b.findings},
		{"trail-speed", b.trailSpeed}, {"trail-lake", b.trailLake}, {"trail-small", b.trailSmall}, {"trail-large", b.trailLarge},
	}
}

func run(o options, s size) error {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	b := &bench{size: s}
	if b.dir, err = os.MkdirTemp("", "trailhouse-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	removeOnSignal(b.dir)
	if b.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	for _, p := range b.parts() {
		if !only.MatchString(p.name) {
			continue
		}
		if err := p.work(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	whole := !o.quick && !o.sized && o.only == ""
	b.parted = cmp.Or(o.only, "all")
	page := b.page(!o.quick && !o.sized)
	fmt.Print(page)
	if !whole && !o.named {
		return nil
	}
	return os.WriteFile(o.out, []byte(page), 0o644)
}

// removeOnSignal keeps a run that is stopped from leaving gigabytes behind.
func removeOnSignal(dir string) {
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stopped
		_ = os.RemoveAll(dir)
		os.Exit(130)
	}()
}

// add keeps a row and shows it at once: the whole takes minutes.
func (b *bench) add(what, aim, got, beside string) {
	b.rows = append(b.rows, row{what, aim, got, beside})
	fmt.Fprintf(os.Stderr, "%s: %s (aim %s; %s)\n", what, got, aim, beside)
}

func (b *bench) page(usual bool) string {
	var s strings.Builder
	fmt.Fprintf(&s, "# Benchmarks\n\nWritten by `make bench` on %s: %d processors, %s, %s, load average %s at the end.\n",
		time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), runtime.GOARCH, runtime.Version(), load())
	if !usual {
		s.WriteString("**A quick run, or not of the usual size: do not quote.**\n")
	}
	fmt.Fprintf(&s, "Parts that were run: %s.\n", b.parted)
	s.WriteString("Times are CPU seconds of whole processes; figures beside each other are medians of interleaved runs on the same file in the same run,\none process after the other. MB is 10^6 bytes, MiB 2^20.\n")
	fmt.Fprintf(&s, "What is repeated was repeated %d times.\n\n", b.rounds)
	s.WriteString("| figure | aim | measured | beside it, same run |\n| --- | --- | --- | --- |\n")
	for _, r := range b.rows {
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", r.what, r.aim, r.got, r.beside)
	}
	s.WriteString(logNotes + trailNotes)
	return s.String()
}

// load returns the load averages, which say whether the machine had other work.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) == 0 {
		return "unknown"
	}
	return fields[0]
}

const logNotes = `
The log is ` + "`internal/demo`" + `'s: one host polled by ` + "`describe-enclaves`" + ` every 10 s with two enclaves.
The DuckDB statement is in ` + "`test/bench/duckdb.go`" + `: it splits the same lines to the same columns and writes zstd Parquet; it neither hashes records nor deduplicates, joins no continuation lines, and commits nothing.
`

const trailNotes = `
The trails are those of ` + "`trailhouse demo generate --trail-only`" + ` over 31 days, only their files of the kind CloudTrail: some 1,500 bytes an event, 3 in 100 of which are duplicates.
An import is the whole command: start, listing, reading, hashing, dedup, Parquet, index, commits, ledger. Each starts with no data directory.
The DuckDB statement is ` + "`test/bench/cloudtrail.sql`" + `, on one thread, where it takes least CPU time: the same columns from the same files as one zstd Parquet file; it leaves out no duplicate, hashes nothing, keeps no unknown field and no place of the original, cuts no days and commits nothing.
"Without extracted columns" is the same statement without what stands between its two marks.
A question opens an engine of its own, as all do; "planning" finds the day's files in the lake.
Memory is the largest resident size of the process (VmHWM).
`
