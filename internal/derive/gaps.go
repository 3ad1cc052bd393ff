package derive

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

// reach is what the coverage says of one host's log.
type reach struct {
	// through is the instant through which the log is known to be complete: the latest
	// that any of its evidence reaches.
	through time.Time
	gaps    []sessions.Gap
}

// coverRow is one row of coverage.
type coverRow struct {
	host          trailhouse.InstanceID
	object        string
	run           string
	found         time.Time
	result        string
	from, through time.Time
}

// isGap reports whether the row says that lines of the host may be missing.
func (c *coverRow) isGap() bool {
	return c.result == trailhouse.CoverageDamaged || c.result == trailhouse.CoverageMissing
}

// reaches returns for each host how far its log is known and where lines of it may be
// missing.
func (j *Job) reaches(ctx context.Context) (map[trailhouse.InstanceID]*reach, error) {
	files, _, err := j.Lake.Files(ctx, j.Logs.Coverage.Name, trailhouse.Period{})
	if err != nil {
		return nil, err
	}
	out := map[trailhouse.InstanceID]*reach{}
	newest := map[string][]coverRow{}
	for _, f := range files {
		err := j.coverageOf(ctx, f.Path, func(c coverRow) {
			if out[c.host] == nil {
				out[c.host] = &reach{}
			}
			if r := out[c.host]; c.result == trailhouse.CoverageRead && c.through.After(r.through) {
				r.through = c.through // what an earlier run read of a file stays read
			}
			newest[c.object] = newer(newest[c.object], c)
		})
		if err != nil {
			return nil, err
		}
	}
	spans := readSpans(newest)
	for _, rows := range newest {
		partly := slices.ContainsFunc(rows, func(c coverRow) bool { return c.result == trailhouse.CoverageRead })
		for i := range rows {
			if c := &rows[i]; c.isGap() && c.host != "" {
				out[c.host].gaps = append(out[c.host].gaps, c.gaps(partly, spans)...)
			}
		}
	}
	return out, nil
}

// newer keeps the rows of an object's newest run: a file that was read whole later
// has no gap any more.
func newer(rows []coverRow, c coverRow) []coverRow {
	if len(rows) == 0 || rows[0].run == c.run {
		if len(rows) > 0 && c.found.After(rows[0].found) {
			rows[0].found = c.found
		}
		return append(rows, c)
	}
	if cmp.Or(c.found.Compare(rows[0].found), cmp.Compare(c.run, rows[0].run)) > 0 {
		return append(rows[:0], c)
	}
	return rows
}

// place is one host's files of one directory.
type place struct {
	host trailhouse.InstanceID
	dir  string
}

// readSpans returns the stretches that the files of each place cover, in order and
// without overlap. Rotated files follow one another, so that a file of the same place
// which could not be read has no lines there.
func readSpans(newest map[string][]coverRow) map[place][]sessions.Gap {
	spans := map[place][]sessions.Gap{}
	for _, rows := range newest {
		for _, c := range rows {
			if c.result == trailhouse.CoverageRead && !c.from.IsZero() && !c.through.Before(c.from) {
				at := place{c.host, path.Dir(c.object)}
				spans[at] = append(spans[at], sessions.Gap{From: c.from, Through: c.through})
			}
		}
	}
	for at, list := range spans {
		slices.SortFunc(list, func(a, b sessions.Gap) int { return a.From.Compare(b.From) })
		merged := list[:0]
		for _, s := range list {
			if last := len(merged) - 1; last >= 0 && !s.From.After(merged[last].Through) {
				if s.Through.After(merged[last].Through) {
					merged[last].Through = s.Through
				}
				continue
			}
			merged = append(merged, s)
		}
		spans[at] = merged
	}
	return spans
}

// gaps returns the gaps that the row stands for: its stretch, or, of a file of which
// nothing was read, what the files beside it leave open of it.
func (c *coverRow) gaps(partly bool, spans map[place][]sessions.Gap) []sessions.Gap {
	whole := sessions.Gap{From: c.from, Through: c.through}
	beside := spans[place{c.host, path.Dir(c.object)}]
	if !c.from.IsZero() || len(beside) == 0 || !strings.Contains(c.object, "/") || partly {
		return []sessions.Gap{whole}
	}
	var out []sessions.Gap
	from := time.Time{}
	for _, s := range beside {
		if !c.through.IsZero() && !s.From.Before(c.through) {
			break
		}
		out = append(out, sessions.Gap{From: from, Through: s.From})
		from = s.Through
	}
	return append(out, sessions.Gap{From: from, Through: c.through})
}
