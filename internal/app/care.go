package app

import (
	"context"
	"path/filepath"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/lake"
)

// manyFiles is how many small files a closed partition has until an import merges
// them: many small files are what slows questions most (facts/engine.md 4), and merging
// costs more than importing, so a large import's own files are left alone.
const manyFiles = 32

// maintain merges the small files that imports leave. It follows an import, so that
// nobody needs to think of it.
func (h *House) maintain(ctx context.Context) error {
	for _, t := range tables() {
		if t.Key == "" {
			continue // replaced whole, or small
		}
		err := h.ingest.Exclusive(ctx, []string{t.Name}, func(ctx context.Context) error {
			_, err := h.lake.Compact(ctx, t, lake.CompactOptions{MinFiles: manyFiles})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// whole refuses a house whose lake is gone while its state is still there: the ledger
// would say of every unit that it is known, and answers would be empty.
func (h *House) whole(ctx context.Context) error {
	written, err := h.lake.Current(ctx, ingest.UnitTable().Name)
	if err != nil || written != 0 {
		return err
	}
	known, err := h.state.Units(ctx)
	if err != nil || known == 0 {
		return err
	}
	return trailhouse.Errorf(trailhouse.CodeDamaged, "the state in %s knows %d units that were read, and the lake beside it holds none of them", h.config.DataDir, known).
		WithHint("bring the folder lake back from a copy; or remove %s and import everything again", filepath.Join(h.config.DataDir, "state.db"))
}

// unreadable reads every value of the current files and returns those that cannot be
// read: a footer may be whole while a page is not.
func (k keeper) unreadable(ctx context.Context) ([]cli.Problem, error) {
	var found []cli.Problem
	for _, t := range tables() {
		files, _, err := k.lake.Files(ctx, t.Name, trailhouse.Period{})
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			err := columns.Read(ctx, f.Path, t, nil, func(*trailhouse.Batch) error { return nil })
			switch trailhouse.CodeOf(err) {
			case "":
			case trailhouse.CodeDamaged, trailhouse.CodeNotFound:
				found = append(found, cli.Problem{Table: t.Name, Text: err.Error(), Hint: "bring the file back from a copy of the data directory"})
			default:
				return nil, err
			}
		}
	}
	return found, nil
}
