package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// set is a generated trail: its files of the kind CloudTrail, and what is in them.
type set struct {
	dir    string
	events int64 // different ones
	copies int64 // duplicates
	files  int
	days   map[string]int64 // events by day
	// inflated and stored are bytes; known where the files were packed again.
	inflated, stored int64
}

func (s *set) records() int64 { return s.events + s.copies }

func (s *set) trail() string { return filepath.Join(s.dir, "trail", "AWSLogs") }

// glob finds the files for DuckDB.
func (s *set) glob() string {
	return filepath.Join(s.trail(), "*", "*", "CloudTrail", "**", "*.json.gz")
}

// what describes the set.
func (s *set) what() string {
	return fmt.Sprintf("%s events in %s files", grouped(s.records()), grouped(int64(s.files)))
}

// generate makes a trail over a month.
func (b *bench) generate(name string, seed int, events int64) (*set, error) {
	s := &set{dir: filepath.Join(b.dir, name), days: map[string]int64{}}
	_, err := child([]int{0}, b.binary, "demo", "generate", "--out", s.dir, "--trail-only", "--months", "1",
		"--seed", fmt.Sprint(seed), "--events", fmt.Sprint(events))
	if err != nil {
		return nil, err
	}
	return s, errors.Join(s.readTruth(), s.prune())
}

// readTruth reads what is in the trail.
func (s *set) readTruth() error {
	text, err := os.ReadFile(filepath.Join(s.dir, "truth.json"))
	if err != nil {
		return err
	}
	var truth struct {
		Trail struct {
			Events, Duplicates map[string]int64
			Days               []struct {
				Table, Day string
				Events     int64
			}
		}
	}
	if err := json.Unmarshal(text, &truth); err != nil {
		return err
	}
	s.events, s.copies = truth.Trail.Events["cloudtrail"], truth.Trail.Duplicates["cloudtrail"]
	for _, d := range truth.Trail.Days {
		if d.Table == "cloudtrail" {
			s.days[d.Day] += d.Events
		}
	}
	return nil
}

// prune removes the files of other kinds, so that everyone reads the same.
func (s *set) prune() error {
	return filepath.WalkDir(filepath.Join(s.dir, "trail"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case strings.Contains(d.Name(), "_CloudTrail_"):
			s.files++
			return nil
		}
		return os.Remove(path)
	})
}

// repack compresses the files anew as gzip -6 does, which is about what is delivered;
// the demo compresses for speed.
func (b *bench) repack(s *set) error {
	var done packed
	if _, err := childJSON(&done, b.self, "trail-gzip", s.trail()); err != nil {
		return err
	}
	s.inflated, s.stored = done.Inflated, done.Stored
	if done.Files != s.files {
		return fmt.Errorf("packed %d files of %d", done.Files, s.files)
	}
	return nil
}

func (s *set) remove() error { return os.RemoveAll(s.dir) }

// counts are what an import prints.
type counts struct {
	Units       int64 `json:"units"`
	UnitsKnown  int64 `json:"units_known"`
	Records     int64 `json:"records"`
	Written     int64 `json:"written"`
	Duplicate   int64 `json:"duplicate"`
	Quarantined int64 `json:"quarantined"`
}

// importTrail imports into the data directory with the name, with the real program.
func (b *bench) importTrail(data, place string) (counts, usage, error) {
	var c counts
	took, err := childJSON(&c, b.binary, "--data", filepath.Join(b.dir, data), "--json", "--no-progress", "import", "cloudtrail", place)
	return c, took, err
}

// importSet imports a whole set into a new data directory. It fails where a count is
// not the truth.
func (b *bench) importSet(data string, s *set) (usage, error) {
	if err := os.RemoveAll(filepath.Join(b.dir, data)); err != nil {
		return usage{}, err
	}
	got, took, err := b.importTrail(data, s.trail())
	want := counts{Units: int64(s.files), Records: s.records(), Written: s.events, Duplicate: s.copies}
	if err == nil && got != want {
		err = fmt.Errorf("wrong: the import of %s gives %+v, want %+v", s.dir, got, want)
	}
	return took, err
}

// dataFile is a line of lake files.
type dataFile struct {
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	Path  string `json:"path"`
}

// dataFiles returns the files of the table cloudtrail and sums of them.
func (b *bench) dataFiles(data string) (files []dataFile, rows, bytes int64, err error) {
	_, err = childJSON(&files, b.binary, "--data", filepath.Join(b.dir, data), "--json", "lake", "files", "cloudtrail")
	for _, f := range files {
		rows += f.Rows
		bytes += f.Bytes
	}
	return files, rows, bytes, err
}

// snapshots counts those of a table, of all tables where it is not named.
func (b *bench) snapshots(data, table string) (int, error) {
	args := []string{"--data", filepath.Join(b.dir, data), "--json", "lake", "history"}
	if table != "" {
		args = append(args, table)
	}
	var list []struct{}
	_, err := childJSON(&list, b.binary, args...)
	return len(list), err
}

// weigh sums the sizes of the files below a directory.
func weigh(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
