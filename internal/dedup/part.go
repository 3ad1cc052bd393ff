package dedup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// MaxRuns is how many runs a partition has at most; one more is merged.
const MaxRuns = 8

// rebuildKeys is how many keys a rebuild sorts at a time: 24 MB.
const rebuildKeys = 1 << 20

// Scan calls yield with every key that the lake has in one partition, in any order
// and in lists of any length. The list is the caller's.
type Scan func(ctx context.Context, yield func([]trailhouse.Key) error) error

// Index is the folder of all runs of one lake. It holds no state of its own.
type Index struct {
	dir string
}

// New returns the index in a directory, which is made when it is first written to.
func New(dir string) *Index { return &Index{dir: dir} }

// Part is one partition of one table, opened under the table's lock. It keeps no
// file open.
type Part struct {
	dir  string
	what string
	runs []run
	rows int64
	scan Scan
}

// Open opens a partition: day is its first instant, zero for an unpartitioned
// table. rows is the record count of the partition in the lake's manifests; where
// the runs hold another number they are rebuilt by scan. CodeStorage where the
// machine fails.
func (x *Index) Open(ctx context.Context, table string, day time.Time, rows int64, scan Scan) (*Part, error) {
	name := "all"
	if !day.IsZero() {
		name = day.UTC().Format("2006-01-02")
	}
	p := &Part{dir: filepath.Join(x.dir, table, name), what: table + " " + name, rows: rows, scan: scan}
	if err := p.list(); err != nil {
		return nil, p.storage(err)
	}
	if p.count() != rows {
		return p, p.rebuild(ctx)
	}
	return p, nil
}

// list finds the runs and removes what a crash left behind.
func (p *Part) list() error {
	p.runs = nil
	items, err := os.ReadDir(p.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, item := range items {
		if r, ok := parseRun(p.dir, item.Name()); ok {
			p.runs = append(p.runs, r)
		} else if err := os.RemoveAll(filepath.Join(p.dir, item.Name())); err != nil {
			return err
		}
	}
	return p.dropCovered()
}

// dropCovered removes the runs that a merged run holds already, and sorts the rest
// by age.
func (p *Part) dropCovered() error {
	var keep []run
	var errs []error
	for _, r := range p.runs {
		if slices.ContainsFunc(p.runs, func(o run) bool { return o.covers(r) }) {
			errs = append(errs, os.Remove(r.path()))
		} else {
			keep = append(keep, r)
		}
	}
	slices.SortFunc(keep, func(a, b run) int { return cmp.Compare(a.first, b.first) })
	p.runs = keep
	return errors.Join(errs...)
}

// count returns how many keys the runs hold.
func (p *Part) count() int64 {
	var n int64
	for _, r := range p.runs {
		n += r.count
	}
	return n
}

// Filter reports for each key whether it is new: in no run, and no equal key stands
// before it in the list.
func (p *Part) Filter(ctx context.Context, keys []trailhouse.Key) (fresh []bool, err error) {
	entries := sorted(keys)
	old, err := p.old(ctx, entries)
	if errors.Is(err, errDamaged) {
		if err = p.rebuild(ctx); err == nil {
			old, err = p.old(ctx, entries)
		}
	}
	if err != nil {
		return nil, p.storage(err)
	}
	fresh = make([]bool, len(keys))
	for i, e := range entries {
		fresh[e.at] = !old[i] && (i == 0 || !e.same(entries[i-1]))
	}
	return fresh, nil
}

// old marks the entries that a run has.
func (p *Part) old(ctx context.Context, entries []entry) ([]bool, error) {
	old := make([]bool, len(entries))
	found := make([]bool, len(entries))
	for _, r := range p.runs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rd, err := r.open()
		if err != nil {
			return nil, err
		}
		clear(found)
		if err := errors.Join(rd.mark(entries, found), rd.close()); err != nil {
			return nil, err
		}
		for i, f := range found {
			old[i] = old[i] || f
		}
	}
	return old, nil
}

// Add notes keys whose rows have landed in the lake. Call it after the commit: a
// crash between leaves the count short, and the next Open heals it.
func (p *Part) Add(ctx context.Context, keys []trailhouse.Key) error {
	if len(keys) == 0 {
		return nil
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return p.storage(err)
	}
	err := p.addSorted(sorted(keys))
	if err == nil && len(p.runs) >= MaxRuns {
		err = p.merge()
	}
	if errors.Is(err, errDamaged) {
		err = p.discard() // the next Open rebuilds
	}
	return p.storage(errors.Join(err, ctx.Err()))
}

// addSorted writes the next run.
func (p *Part) addSorted(entries []entry) error {
	r := run{dir: p.dir, first: 1, count: int64(len(entries))}
	if n := len(p.runs); n > 0 {
		r.first = p.runs[n-1].last + 1
	}
	r.last = r.first
	i := -1
	err := r.create(func() (entry, error) {
		i++
		return entries[i], nil
	})
	if err == nil {
		p.runs = append(p.runs, r)
	}
	return err
}

// discard removes all runs.
func (p *Part) discard() error {
	var errs []error
	for _, r := range p.runs {
		if err := os.Remove(r.path()); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	p.runs = nil
	return errors.Join(errs...)
}

// rebuild writes the runs anew from the lake.
func (p *Part) rebuild(ctx context.Context) error {
	if err := errors.Join(p.discard(), os.MkdirAll(p.dir, 0o700)); err != nil {
		return p.storage(err)
	}
	var chunk []trailhouse.Key
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
		err := p.addSorted(sorted(chunk))
		chunk = chunk[:0]
		if err == nil && len(p.runs) >= MaxRuns {
			err = p.merge()
		}
		return err
	}
	err := p.scan(ctx, func(keys []trailhouse.Key) error {
		chunk = append(chunk, keys...)
		if len(chunk) >= rebuildKeys {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return p.storage(err)
	}
	if n := p.count(); n != p.rows {
		return trailhouse.Errorf(trailhouse.CodeDamaged, "table %s: its files hold %d rows, its manifests say %d", p.what, n, p.rows).
			WithHint("Run trailhouse lake check: it names the file.")
	}
	return nil
}

// storage gives an error of the machine its code.
func (p *Part) storage(err error) error {
	var known *trailhouse.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	text := strings.TrimSpace(fmt.Sprintf("the key index of table %s cannot be used", p.what))
	return trailhouse.Errorf(trailhouse.CodeStorage, "%s: %w", text, err).
		WithHint("Free space on this disk or check it, then run the command again: it resumes.")
}
