package app

import (
	"context"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/lake"
)

// Lake gives the care of the tables.
func (h *House) Lake() cli.Keeper { return keeper{h} }

// keeper implements cli.Keeper.
type keeper struct{ *House }

// named returns the table with the name, or all for an empty name.
func named(name string) ([]*trailhouse.Table, error) {
	if name == "" {
		return tables(), nil
	}
	for _, t := range tables() {
		if t.Name == name {
			return []*trailhouse.Table{t}, nil
		}
	}
	return nil, trailhouse.Errorf(trailhouse.CodeUsage, "there is no table %s", name).
		WithHint("`trailhouse tables` lists the tables")
}

// Files lists the current data files.
func (k keeper) Files(ctx context.Context, table string) ([]cli.LakeFile, error) {
	wanted, err := named(table)
	if err != nil {
		return nil, err
	}
	list := []cli.LakeFile{}
	for _, t := range wanted {
		files, _, err := k.lake.Files(ctx, t.Name, trailhouse.Period{})
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			list = append(list, cli.LakeFile{Table: t.Name, Partition: partition(t, f.Partition), Rows: f.Rows, Bytes: f.Bytes, Path: f.Path})
		}
	}
	return list, nil
}

// partition spells a partition as people do.
func partition(t *trailhouse.Table, at time.Time) string {
	switch t.Transform {
	case trailhouse.ByDay:
		return at.Format(time.DateOnly)
	case trailhouse.ByMonth:
		return at.Format("2006-01")
	}
	return ""
}

// History lists the snapshots, table by table, oldest first.
func (k keeper) History(ctx context.Context, table string) ([]cli.LakeChange, error) {
	wanted, err := named(table)
	if err != nil {
		return nil, err
	}
	var changes []cli.LakeChange
	for _, t := range wanted {
		history, err := k.lake.History(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		for _, s := range history {
			changes = append(changes, cli.LakeChange{Table: t.Name, Snapshot: s})
		}
	}
	return changes, nil
}

// Compact merges small files. It takes the table's lock, which imports and
// derivation take too.
func (k keeper) Compact(ctx context.Context, table string) ([]cli.Care, error) {
	wanted, err := named(table)
	if err != nil {
		return nil, err
	}
	var all []cli.Care
	for _, t := range wanted {
		err := k.ingest.Exclusive(ctx, []string{t.Name}, func(ctx context.Context) error {
			done, err := k.lake.Compact(ctx, t, lake.CompactOptions{All: table != ""})
			all = append(all, cli.Care{
				Table: t.Name, Partitions: int64(done.Partitions),
				Files: int64(done.FilesBefore), Into: int64(done.FilesAfter), Rows: done.Rows,
			})
			return err
		})
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// Expire drops old snapshots of all tables and the files that only they name.
func (k keeper) Expire(ctx context.Context) (cli.Expiry, error) {
	var names []string
	for _, t := range tables() {
		names = append(names, t.Name)
	}
	var done lake.Expiry
	err := k.ingest.Exclusive(ctx, names, func(ctx context.Context) (err error) {
		done, err = k.lake.Expire(ctx, lake.ExpireOptions{Keep: k.config.Lake.Keep})
		return err
	})
	return cli.Expiry{
		Snapshots: int64(done.Snapshots), Files: int64(done.Files), Orphans: int64(done.Orphans), Bytes: done.Bytes,
	}, err
}

// Check looks at every file, count and key, and at a sample of repeated records.
func (k keeper) Check(ctx context.Context) ([]cli.Problem, error) {
	if err := k.whole(ctx); err != nil {
		return nil, err
	}
	problems, err := k.unreadable(ctx)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		k.log.Warn("files that cannot be read end the check: keys and counts were not looked at")
		return problems, nil
	}
	var deep []*trailhouse.Table
	for _, t := range tables() {
		if t.Key != "" {
			deep = append(deep, t)
		}
	}
	found, err := k.lake.Check(ctx, lake.CheckOptions{Deep: deep})
	if err != nil {
		return nil, err
	}
	if problems, err = k.contradictions(ctx); err != nil {
		return nil, err
	}
	for _, p := range found {
		if p.Note {
			k.log.Info(p.Text, "table", p.Table, "path", p.Path)
			continue
		}
		text := p.Text
		if p.Path != "" {
			text = p.Path + ": " + text
		}
		problem := cli.Problem{Table: p.Table, Text: text, Evidence: p.Evidence}
		if !p.Evidence {
			problem.Hint = "bring the data directory back from a copy, or import the evidence into a new one"
		}
		problems = append(problems, problem)
	}
	return problems, nil
}
