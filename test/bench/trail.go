package main

import (
	"cmp"
	"debug/buildinfo"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// slowRound is from which length on three rounds must do.
const slowRound = time.Minute

// gunzip says which library the product inflates with, and what is aimed at with it.
func (b *bench) gunzip() (library, aim string, err error) {
	info, err := buildinfo.ReadFile(b.binary)
	if err != nil {
		return "", "", err
	}
	for _, s := range info.Settings {
		if s.Key == "-tags" && strings.Contains(s.Value, "libdeflate") {
			return "libdeflate", "at least 140,000 events by CPU second, 2.5 times DuckDB", nil
		}
	}
	return "klauspost", "at least 120,000 events by CPU second, 2 times DuckDB (built without libdeflate)", nil
}

// race is who is measured beside whom in trailSpeed.
type race struct {
	ours, full, plain, floor []time.Duration
	parquet                  string
	version                  string
}

// trailSpeed measures the way from gz files to rows that can be asked, beside DuckDB.
func (b *bench) trailSpeed() error {
	library, aim, err := b.gunzip()
	if err != nil {
		return err
	}
	s, err := b.generate("speed", 1, b.speedEvents)
	if err != nil {
		return err
	}
	if err := b.repack(s); err != nil {
		return err
	}
	r := race{parquet: filepath.Join(b.dir, "speed.parquet")}
	rounds := b.rounds
	for i := 0; i < rounds; i++ {
		begun := time.Now()
		if err := b.trailRound(&r, s); err != nil {
			return err
		}
		if time.Since(begun) > slowRound {
			rounds = min(rounds, 3)
		}
	}
	equal, err := b.equal("speed-data", r.parquet)
	if err != nil {
		return err
	}
	o, f, p, g := median(r.ours), median(r.full), median(r.plain), median(r.floor)
	n := s.records()
	b.add("CloudTrail: gz files to committed, deduplicated rows that can be asked", aim,
		fmt.Sprintf("%s events by CPU second, %.2f times DuckDB", perSecond(n, o), f.Seconds()/o.Seconds()),
		fmt.Sprintf("DuckDB %s, the same columns: %s; without extracted columns: %s (ours is %.2f times that); floor, gunzip with klauspost only: %s; %s, median of %d rounds; ours is built with %s; %s",
			r.version, perSecond(n, f), perSecond(n, p), p.Seconds()/o.Seconds(), perSecond(n, g), s.what(), rounds, library, equal))
	return errors.Join(s.remove(), os.Remove(r.parquet), os.RemoveAll(filepath.Join(b.dir, "speed-data")))
}

// trailRound lets everyone do the work once.
func (b *bench) trailRound(r *race, s *set) error {
	took, err := b.importSet("speed-data", s)
	if err != nil {
		return err
	}
	r.ours = append(r.ours, took.cpu)
	for _, m := range []struct {
		into    *[]time.Duration
		variant string
	}{{&r.plain, variantPlain}, {&r.full, variantFull}} {
		var done written
		took, err := childJSON(&done, b.self, "trail-duckdb", m.variant, s.glob(), r.parquet)
		if err != nil {
			return err
		}
		if done.Rows != s.records() {
			return fmt.Errorf("wrong: DuckDB wrote %d rows of %d", done.Rows, s.records())
		}
		*m.into, r.version = append(*m.into, took.cpu), done.Version
	}
	var done packed
	took, err = childJSON(&done, b.self, "trail-gunzip", s.trail())
	if err != nil {
		return err
	}
	if done.Inflated != s.inflated {
		return fmt.Errorf("wrong: gunzip gave %d bytes, want %d", done.Inflated, s.inflated)
	}
	r.floor = append(r.floor, took.cpu)
	return nil
}

// equal holds the columns of both sides against each other and says how they differ.
func (b *bench) equal(data, parquet string) (string, error) {
	files, _, _, err := b.dataFiles(data)
	if err != nil {
		return "", err
	}
	args := []string{"trail-equal", parquet}
	for _, f := range files {
		args = append(args, f.Path)
	}
	var found compared
	if _, err := childJSON(&found, b.self, args...); err != nil {
		return "", err
	}
	return found.text(), nil
}

// trailLake measures one import: its memory, what it weighs, what it costs to look at
// everything again, and a question.
func (b *bench) trailLake() error {
	s, err := b.generate("lake", 1, b.trailEvents)
	if err != nil {
		return err
	}
	if err := b.repack(s); err != nil {
		return err
	}
	took, err := b.importSet("lake-data", s)
	if err != nil {
		return err
	}
	if err := b.memory("lake-data", took, s, "at most 512 MB"); err != nil {
		return err
	}
	b.trailPeakMiB = took.peakMiB
	// A merge of files has the next import look at what is derived, and write that it did.
	for _, step := range []func(*set) error{b.again, b.atRest, b.oneDay} {
		if err := step(s); err != nil {
			return err
		}
	}
	return errors.Join(s.remove(), os.RemoveAll(filepath.Join(b.dir, "lake-data")))
}

// memory adds the row about the peak of an import.
func (b *bench) memory(data string, took usage, s *set, aim string) error {
	changes, err := b.snapshots(data, "cloudtrail")
	if err != nil {
		return err
	}
	files, _, _, err := b.dataFiles(data)
	if err != nil {
		return err
	}
	if own := ownPeakMiB(); own >= took.peakMiB {
		return fmt.Errorf("the peak of the import, %.0f MiB, cannot be told from that of this process, %.0f MiB", took.peakMiB, own)
	}
	got := fmt.Sprintf("%.0f MB", took.peakMiB*1.048576)
	if b.trailPeakMiB > 0 {
		got += fmt.Sprintf(" (%+.1f %%)", 100*(took.peakMiB/b.trailPeakMiB-1))
	}
	b.add("CloudTrail: peak memory of the import of "+s.what(), aim, got,
		fmt.Sprintf("%.1f s of CPU, %.1f s of wall time, %s events by CPU second; %d snapshots and %d data files of the table; one run", took.cpu.Seconds(), took.wall.Seconds(), perSecond(s.records(), took.cpu), changes, len(files)))
	return nil
}

// atRest weighs the data files beside their sources.
func (b *bench) atRest(s *set) error {
	data := filepath.Join(b.dir, "lake-data")
	files, rows, bytes, err := b.dataFiles("lake-data")
	if err != nil {
		return err
	}
	if rows != s.events {
		return fmt.Errorf("wrong: the lake has %d events of %d", rows, s.events)
	}
	index, err := weigh(filepath.Join(data, "index"))
	if err != nil {
		return err
	}
	compacted, err := child([]int{0}, b.binary, "--data", data, "lake", "compact", "cloudtrail")
	if err != nil {
		return err
	}
	after, rows, small, err := b.dataFiles("lake-data")
	if err != nil {
		return err
	}
	if rows != s.events {
		return fmt.Errorf("wrong: after compaction the lake has %d events of %d", rows, s.events)
	}
	share := func(n int64) float64 { return float64(n) / float64(s.stored) }
	b.add("CloudTrail: data files at rest, of the size of the same files as gzip -6", "at most 0.62", fmt.Sprintf("%.3f; %.3f after `lake compact`", share(bytes), share(small)),
		fmt.Sprintf("%.1f bytes an event in %d files; %.1f in %d after compaction, which took %.1f s of CPU; gzip -6: %.1f; plain: %.0f; the index apart: %.1f; %s",
			each(bytes, s.events), len(files), each(small, s.events), len(after), compacted.cpu.Seconds(),
			each(s.stored, s.records()), each(s.inflated, s.records()), each(index, s.events), s.what()))
	return nil
}

func each(bytes, n int64) float64 { return float64(bytes) / float64(n) }

// again imports everything once more.
func (b *bench) again(s *set) error {
	before, err := b.snapshots("lake-data", "")
	if err != nil {
		return err
	}
	var walls, cpus []time.Duration
	for range b.rounds {
		got, took, err := b.importTrail("lake-data", s.trail())
		if err != nil {
			return err
		}
		if want := (counts{UnitsKnown: int64(s.files)}); got != want {
			return fmt.Errorf("wrong: to import everything again gives %+v, want %+v", got, want)
		}
		walls, cpus = append(walls, took.wall), append(cpus, took.cpu)
	}
	after, err := b.snapshots("lake-data", "")
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("wrong: to import everything again made %d snapshots", after-before)
	}
	b.add("CloudTrail: import of everything again", "0 new rows, 0 new snapshots; listing and ledger only",
		fmt.Sprintf("0 rows, 0 snapshots; %.2f s of CPU, %.2f s of wall time", median(cpus).Seconds(), median(walls).Seconds()),
		fmt.Sprintf("%s, median of %d", s.what(), b.rounds))
	return nil
}

// usualDay returns the day with the median of events.
func (s *set) usualDay() string {
	days := slices.Sorted(maps.Keys(s.days))
	slices.SortStableFunc(days, func(a, b string) int { return cmp.Compare(s.days[a], s.days[b]) })
	return days[len(days)/2]
}

// oneDay asks what was called on one day.
func (b *bench) oneDay(s *set) error {
	day := s.usualDay()
	var got asked
	if _, err := childJSON(&got, b.self, "trail-day", filepath.Join(b.dir, "lake-data", "lake"), day); err != nil {
		return err
	}
	if got.Events != s.days[day] {
		return fmt.Errorf("wrong: %s has %d events, the query says %d", day, s.days[day], got.Events)
	}
	b.add(fmt.Sprintf("CloudTrail: one of 31 days by eventName over %s events, engine open", grouped(s.events)), "under 30 ms with planning",
		fmt.Sprintf("%.1f ms", got.Median.Seconds()*1e3),
		fmt.Sprintf("%.1f ms of it planning; the first time %.1f ms; %s events, %d names, %d files, compacted; median of %d",
			got.Plan.Seconds()*1e3, got.First.Seconds()*1e3, grouped(got.Events), got.Names, got.Files, askedRounds))
	return nil
}

// trailSmall measures what one new file costs in a lake that is not large.
func (b *bench) trailSmall() error {
	s, err := b.generate("small", 1, b.smallEvents)
	if err != nil {
		return err
	}
	if _, err := b.importSet("small-data", s); err != nil {
		return err
	}
	if b.smallWall, err = b.lateFile("small-data", s); err != nil {
		return err
	}
	return errors.Join(s.remove(), os.RemoveAll(filepath.Join(b.dir, "small-data")))
}

// trailLarge measures the memory of a large import, and one new file in that lake.
func (b *bench) trailLarge() error {
	s, err := b.generate("large", 1, b.largeEvents)
	if err != nil {
		return err
	}
	took, err := b.importSet("large-data", s)
	if err != nil {
		return err
	}
	if err := b.memory("large-data", took, s, "within 5 % of that of "+grouped(b.trailEvents)+" events"); err != nil {
		return err
	}
	if _, err = b.lateFile("large-data", s); err != nil {
		return err
	}
	return errors.Join(s.remove(), os.RemoveAll(filepath.Join(b.dir, "large-data")))
}

// lateEvents are in a file that comes late.
const lateEvents = 500

// lateFile imports new files of lateEvents events, one with each command, and returns
// the median of the wall time.
func (b *bench) lateFile(data string, s *set) (time.Duration, error) {
	other, err := b.generate("late", 2, 60_000)
	if err != nil {
		return 0, err
	}
	var files []string
	if _, err := childJSON(&files, b.self, "trail-late", other.trail(), fmt.Sprint(b.rounds)); err != nil {
		return 0, err
	}
	var walls, cpus []time.Duration
	for _, path := range files {
		got, took, err := b.importTrail(data, path)
		if err != nil {
			return 0, err
		}
		if want := (counts{Units: 1, Records: lateEvents, Written: lateEvents}); got != want {
			return 0, fmt.Errorf("wrong: the import of %s gives %+v, want %+v", path, got, want)
		}
		walls, cpus = append(walls, took.wall), append(cpus, took.cpu)
	}
	_, rows, _, err := b.dataFiles(data)
	if want := s.events + int64(len(files))*lateEvents; err == nil && rows != want {
		err = fmt.Errorf("wrong: the lake has %d events, want %d", rows, want)
	}
	if err != nil {
		return 0, err
	}
	wall, beside := median(walls), ""
	if b.smallWall > 0 {
		beside = fmt.Sprintf("%.2f times what it takes with %s events; ", wall.Seconds()/b.smallWall.Seconds(), grouped(b.smallEvents))
	}
	b.add(fmt.Sprintf("CloudTrail: one new file of %d events into a lake of %s", lateEvents, grouped(s.events)), "under 1 s, however large the lake",
		fmt.Sprintf("%.2f s of wall time", wall.Seconds()),
		fmt.Sprintf("%s%.2f s of CPU; the whole command; median of %d files", beside, median(cpus).Seconds(), len(files)))
	return wall, other.remove()
}
