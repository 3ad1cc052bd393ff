package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/trailhouse/trailhouse/internal/demo"
)

const polledInstance = "i-0aaaaaaaaaaaaaaa1"

// polled writes the log of one host that is polled every 10 s, of so many MiB or
// so many days, and returns its path and size.
func (b *bench) polled(name string, mib, days int) (string, int64, error) {
	path := filepath.Join(b.dir, name, polledInstance, "nitro_enclaves.log")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", 0, err
	}
	f, err := os.Create(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	if days == 0 {
		days = 10_000 // the size bounds the log
	}
	made, err := demo.Polled(context.Background(), f, demo.PolledOptions{
		Seed: 1, Start: firstDay(), Every: 10 * time.Second, Enclaves: 2, Life: 6 * time.Hour, Bytes: int64(mib) << 20, Days: days,
	})
	if err != nil {
		return "", 0, err
	}
	return path, made.Bytes, f.Close()
}

func firstDay() time.Time { return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) }

func (b *bench) importLog(data, path string) (usage, error) {
	return child([]int{0}, b.binary, "--data", filepath.Join(b.dir, data), "import", "enclave-log", path)
}

// imports measures the import through the lake beside DuckDB.
func (b *bench) imports() error {
	path, bytes, err := b.polled("import", b.importMiB, 0)
	if err != nil {
		return err
	}
	var ours, theirs []time.Duration
	for i := range min(3, b.rounds) {
		took, err := b.importLog(fmt.Sprintf("import-%d", i), path)
		if err != nil {
			return err
		}
		ours = append(ours, took.cpu)
		took, err = child([]int{0}, b.self, "duckdb-child", path, filepath.Join(b.dir, fmt.Sprintf("duckdb-%d.parquet", i)))
		if err != nil {
			return err
		}
		theirs = append(theirs, took.cpu)
	}
	o, t := median(ours), median(theirs)
	b.add("import through the lake to sessions, by CPU second", "60 MB/s", fmt.Sprintf("%.0f MB/s", rate(bytes, o)),
		fmt.Sprintf("DuckDB, lines to Parquet only: %.0f MB/s (ours takes %.2f of its CPU time)", rate(bytes, t), o.Seconds()/t.Seconds()))
	return os.Remove(path)
}

// huge measures the peak of memory of one large log.
func (b *bench) huge() error {
	path, bytes, err := b.polled("huge", b.hugeMiB, 0)
	if err != nil {
		return err
	}
	took, err := b.importLog("huge-data", path)
	if err != nil {
		return err
	}
	b.add(fmt.Sprintf("peak memory of the import of a %.1f GB log", float64(bytes)/1e9), "at most 300 MB", fmt.Sprintf("%.0f MB", took.peakMiB*1.048576),
		fmt.Sprintf("%.0f s of CPU, %.0f s of wall time, %.0f MB/s by CPU second", took.cpu.Seconds(), took.wall.Seconds(), rate(bytes, took.cpu)))
	if err := os.RemoveAll(filepath.Join(b.dir, "huge-data")); err != nil {
		return err
	}
	return os.Remove(path)
}

// lateDay measures what a late line of one day costs in the lake of a host that
// was polled for a year.
func (b *bench) lateDay() error {
	path, _, err := b.polled("year", 0, b.days)
	if err != nil {
		return err
	}
	if _, err := b.importLog("year-data", path); err != nil {
		return err
	}
	var walls []time.Duration
	for i := range min(3, b.rounds) {
		late := filepath.Join(b.dir, fmt.Sprintf("late-%d", i), polledInstance, "late.log")
		if err := os.MkdirAll(filepath.Dir(late), 0o755); err != nil {
			return err
		}
		day := firstDay().Add(12*time.Hour).AddDate(0, 0, b.days/2+i)
		line := fmt.Sprintf("[nitro-cli:%d][INFO][%s][src/main.rs:64] Start Nitro CLI\n", 30000+i, day.Format("2006-01-02T15:04:05.007Z"))
		if err := os.WriteFile(late, []byte(line), 0o644); err != nil {
			return err
		}
		took, err := b.importLog("year-data", late)
		if err != nil {
			return err
		}
		walls = append(walls, took.wall)
	}
	b.add(fmt.Sprintf("a late line for one day of a host polled for %d days: import, and the day's sessions derived again", b.days), "under 2 s",
		fmt.Sprintf("%.2f s of wall time", median(walls).Seconds()), "the whole command, with its start")
	return os.Remove(path)
}
