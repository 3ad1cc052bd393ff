package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
)

func (s *shell) lakeCommand() *cobra.Command {
	return group("lake", "Look at the tables and care for them",
		s.lakeFiles(), s.lakeHistory(), s.lakeCompact(), s.lakeExpire(), s.lakeCheck())
}

// firstOf returns the table that was named, or "".
func firstOf(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func (s *shell) lakeFiles() *cobra.Command {
	return &cobra.Command{
		Use:   "files [TABLE]",
		Short: "List the data files of a table, or of all",
		Args:  between(0, 1, "one table"),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				list, err := h.Lake().Files(ctx, firstOf(args))
				if err != nil {
					return err
				}
				return printList(s.env.Out, s.flags.json, list, "TABLE\tPARTITION\tROWS\tBYTES\tPATH", func(f LakeFile) string {
					return fmt.Sprintf("%s\t%s\t%d\t%d\t%s", f.Table, f.Partition, f.Rows, f.Bytes, f.Path)
				})
			})
		},
	}
}

// snapshotLine is a snapshot as JSON.
type snapshotLine struct {
	ID        int64             `json:"snapshot_id,string"` // 63 bits are more than a JSON number holds
	At        string            `json:"at"`
	Operation string            `json:"operation"`
	BatchID   string            `json:"batch_id,omitempty"`
	Summary   map[string]string `json:"summary,omitempty"`
}

func (s *shell) lakeHistory() *cobra.Command {
	return &cobra.Command{
		Use:   "history TABLE",
		Short: "List the changes of a table, oldest first",
		Args:  between(1, 1, "a table"),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				history, err := h.Lake().History(ctx, args[0])
				if err != nil {
					return err
				}
				return printList(s.env.Out, s.flags.json, snapshotLines(history), "SNAPSHOT\tAT\tOPERATION\tBATCH", func(l snapshotLine) string {
					return fmt.Sprintf("%d\t%s\t%s\t%s", l.ID, l.At, l.Operation, l.BatchID)
				})
			})
		},
	}
}

func snapshotLines(history []trailhouse.Snapshot) []snapshotLine {
	var lines []snapshotLine
	for _, h := range history {
		at := h.At.UTC().Format("2006-01-02T15:04:05.000Z07:00")
		lines = append(lines, snapshotLine{ID: h.ID, At: at, Operation: h.Operation, BatchID: h.BatchID, Summary: h.Summary})
	}
	return lines
}

func (s *shell) lakeCompact() *cobra.Command {
	return s.care("compact [TABLE]", "Merge small files of a table, or of all", Keeper.Compact)
}

func (s *shell) lakeExpire() *cobra.Command {
	return s.care("expire [TABLE]", "Drop snapshots that were replaced longer ago than lake.keep", Keeper.Expire)
}

// care returns a command that changes how tables are stored, not what they hold.
func (s *shell) care(use, short string, do func(Keeper, context.Context, string) ([]Care, error)) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  between(0, 1, "one table"),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				done, err := do(h.Lake(), ctx, firstOf(args))
				if err != nil {
					return err
				}
				return printList(s.env.Out, s.flags.json, done, "TABLE\tFILES REMOVED\tFILES ADDED\tSNAPSHOTS REMOVED", func(c Care) string {
					return fmt.Sprintf("%s\t%d\t%d\t%d", c.Table, c.FilesRemoved, c.FilesAdded, c.Snapshots)
				})
			})
		},
	}
}

func (s *shell) lakeCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check that every file, count and key of the lake is as it should be",
		Args:  between(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				start := s.env.Clock.Now()
				problems, err := h.Lake().Check(ctx)
				if err != nil {
					return err
				}
				return s.printProblems(problems, s.env.Clock.Now().Sub(start))
			})
		},
	}
}

// printProblems prints what is wrong; anything wrong is a failure.
func (s *shell) printProblems(problems []Problem, took time.Duration) error {
	if len(problems) == 0 {
		return s.say(fmt.Sprintf("the lake is in order (%s)", took.Round(time.Millisecond)), struct {
			Problems []Problem `json:"problems"`
		}{[]Problem{}})
	}
	err := printList(s.env.Out, s.flags.json, problems, "TABLE\tPROBLEM\tHINT", func(p Problem) string {
		return p.Table + "\t" + p.Text + "\t" + p.Hint
	})
	if err != nil {
		return err
	}
	return trailhouse.Errorf(trailhouse.CodeDamaged, "the lake has %d problems", len(problems)).
		WithHint("nothing was changed; keep a copy of the data directory before you repair it")
}
