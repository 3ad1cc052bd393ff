package ingest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/state"
)

// Exclusive runs fn while it holds the locks of the tables, with every batch that
// a dead process left open in them finished or dropped. Whoever compacts, expires
// or removes files of tables must do it here: an open intent must be looked up
// before its snapshot or its files can go (facts/reliability.md 3).
func (g *Ingester) Exclusive(ctx context.Context, tables []string, fn func(ctx context.Context) error) error {
	unlock, err := g.acquire(ctx, tables)
	if err != nil {
		return err
	}
	defer unlock()
	return fn(ctx)
}

// acquire takes the locks of the tables in the order of their names and recovers
// the open intents that touch them. An intent that touches other tables too is
// finished under the locks of all of them.
func (g *Ingester) acquire(ctx context.Context, tables []string) (unlock func(), err error) {
	want := sortedSet(tables)
	for {
		unlock, err := g.lockAll(ctx, want)
		if err != nil {
			return nil, err
		}
		open, err := g.state.OpenIntents(ctx, want...)
		if err != nil {
			unlock()
			return nil, err
		}
		all := sortedSet(want, tablesOf(open))
		if len(open) == 0 || len(all) == len(want) {
			if err := g.recoverAll(context.WithoutCancel(ctx), open); err != nil {
				unlock()
				return nil, err
			}
			return unlock, nil
		}
		unlock()
		want = all
	}
}

// lockAll takes locks in order.
func (g *Ingester) lockAll(ctx context.Context, tables []string) (func(), error) {
	var held []func()
	release := func() {
		for _, unlock := range slices.Backward(held) {
			unlock()
		}
	}
	for _, t := range tables {
		unlock, err := g.state.Lock(ctx, t)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, unlock)
	}
	return release, nil
}

func tablesOf(intents []state.Intent) []string {
	var names []string
	for _, in := range intents {
		for _, t := range in.Tables {
			names = append(names, t.Table.Name)
		}
	}
	return names
}

func sortedSet(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// recoverAll settles the intents of dead owners.
func (g *Ingester) recoverAll(ctx context.Context, intents []state.Intent) error {
	for _, in := range intents {
		if err := g.recover(ctx, in); err != nil {
			return storage(err)
		}
	}
	return nil
}

// recover finishes an intent of which a table has its commit, and drops one of
// which none has.
func (g *Ingester) recover(ctx context.Context, in state.Intent) error {
	var rest []state.IntentTable
	for _, t := range in.Tables {
		landed, err := g.landed(ctx, in.BatchID, t)
		if err != nil {
			return err
		}
		if !landed {
			rest = append(rest, t)
		}
	}
	if len(rest) == len(in.Tables) {
		return g.abandon(ctx, in)
	}
	done := in.Done
	for _, t := range rest {
		ok, err := g.rollForward(ctx, in.BatchID, t)
		if err != nil {
			return err
		}
		if !ok {
			done = nil
		}
	}
	if err := g.step("recovered"); err != nil {
		return err
	}
	return g.state.Finish(ctx, in.BatchID, done)
}

// landed reports whether the batch is in the table: by its id, or by its files
// where the history is gone. A file that a table names is never removed.
func (g *Ingester) landed(ctx context.Context, batchID string, t state.IntentTable) (bool, error) {
	found, err := g.lake.Lookup(ctx, t.Table.Name, batchID)
	if err != nil && trailhouse.CodeOf(err) != trailhouse.CodeNotFound {
		return false, err
	}
	if found {
		return true, nil
	}
	named, _, err := g.lake.Files(ctx, t.Table.Name, trailhouse.Period{})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(named, func(f trailhouse.DataFile) bool {
		return slices.ContainsFunc(t.Files, func(i state.IntentFile) bool { return i.Name == filepath.Base(f.Path) })
	}), nil
}

// rollForward commits one table of a batch that another table has. Its files were
// on disk before the first commit; where one is gone nevertheless, the rest is
// dropped, the units stay open and their next import writes what is missing.
func (g *Ingester) rollForward(ctx context.Context, batchID string, t state.IntentTable) (bool, error) {
	var add []trailhouse.DataFile
	for _, f := range t.Files {
		path, err := g.lake.DataPath(&t.Table, f.Partition, f.Name)
		if err != nil {
			return false, err
		}
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return false, g.removeFiles(t)
		}
		if err != nil {
			return false, err
		}
		add = append(add, trailhouse.DataFile{Path: path, Rows: f.Rows, Bytes: info.Size(), Partition: f.Partition})
	}
	if err := g.step("roll forward " + t.Table.Name); err != nil {
		return false, err
	}
	return true, g.lake.Commit(ctx, trailhouse.Commit{Table: &t.Table, BatchID: batchID, Add: add})
}

// abandon drops an intent that no table has: its files are removed.
func (g *Ingester) abandon(ctx context.Context, in state.Intent) error {
	if err := g.step("abandon"); err != nil {
		return err
	}
	for _, t := range in.Tables {
		if err := g.removeFiles(t); err != nil {
			return err
		}
	}
	return g.state.Drop(ctx, in.BatchID)
}

// removeFiles removes the files that an intent planned for one table, whole or half
// written.
func (g *Ingester) removeFiles(t state.IntentTable) error {
	for _, f := range t.Files {
		path, err := g.lake.DataPath(&t.Table, f.Partition, f.Name)
		if err != nil {
			return err
		}
		for _, name := range []string{path, path + asideSuffix} {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
