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
	Table     string            `json:"table"`
	ID        int64             `json:"snapshot_id,string"` // 63 bits are more than a JSON number holds
	At        string            `json:"at"`
	Operation string            `json:"operation"`
	BatchID   string            `json:"batch_id,omitempty"`
	Summary   map[string]string `json:"summary,omitempty"`
}

func (s *shell) lakeHistory() *cobra.Command {
	return &cobra.Command{
		Use:   "history [TABLE]",
		Short: "List the changes of a table, or of all, oldest first",
		Args:  between(0, 1, "one table"),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				history, err := h.Lake().History(ctx, firstOf(args))
				if err != nil {
					return err
				}
				return printList(s.env.Out, s.flags.json, snapshotLines(history), "TABLE\tSNAPSHOT\tAT\tOPERATION\tBATCH", func(l snapshotLine) string {
					return fmt.Sprintf("%s\t%d\t%s\t%s\t%s", l.Table, l.ID, l.At, l.Operation, l.BatchID)
				})
			})
		},
	}
}

func snapshotLines(history []LakeChange) []snapshotLine {
	var lines []snapshotLine
	for _, h := range history {
		s := h.Snapshot
		at := s.At.UTC().Format("2006-01-02T15:04:05.000Z07:00")
		lines = append(lines, snapshotLine{Table: h.Table, ID: s.ID, At: at, Operation: s.Operation, BatchID: s.BatchID, Summary: s.Summary})
	}
	return lines
}

func (s *shell) lakeCompact() *cobra.Command {
	return &cobra.Command{
		Use:   "compact [TABLE]",
		Short: "Merge small files of closed partitions, or all of one table",
		Args:  between(0, 1, "one table"),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				done, err := h.Lake().Compact(ctx, firstOf(args))
				if err != nil {
					return err
				}
				return printList(s.env.Out, s.flags.json, done, "TABLE\tPARTITIONS\tFILES MERGED\tINTO\tROWS", func(c Care) string {
					return fmt.Sprintf("%s\t%d\t%d\t%d\t%d", c.Table, c.Partitions, c.Files, c.Into, c.Rows)
				})
			})
		},
	}
}

func (s *shell) lakeExpire() *cobra.Command {
	return &cobra.Command{
		Use:   "expire",
		Short: "Drop snapshots that were replaced longer ago than lake.keep, and files that only they use",
		Args:  between(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				done, err := h.Lake().Expire(ctx)
				if err != nil {
					return err
				}
				text := fmt.Sprintf("removed %s snapshots, %s files and %s files that no snapshot named: %s",
					count(done.Snapshots), count(done.Files), count(done.Orphans), size(done.Bytes))
				return s.say(text, done)
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

// printProblems prints what is wrong; anything wrong is a failure, but records that
// contradict each other, which are the evidence's own.
func (s *shell) printProblems(problems []Problem, took time.Duration) error {
	if len(problems) == 0 {
		return s.say(fmt.Sprintf("the lake is in order: files, counts and keys are what they should be (%s)", took.Round(time.Millisecond)), struct {
			Problems []Problem `json:"problems"`
		}{[]Problem{}})
	}
	err := printList(s.env.Out, s.flags.json, problems, "TABLE\tPROBLEM\tHINT", func(p Problem) string {
		return p.Table + "\t" + p.Text + "\t" + p.Hint
	})
	if err != nil {
		return err
	}
	faults := 0
	for _, p := range problems {
		if !p.Evidence {
			faults++
		}
	}
	if faults == 0 {
		return trailhouse.Errorf(trailhouse.CodePartial, "the lake is in order (%s), but records in it contradict others", took.Round(time.Millisecond)).
			WithHint("look at both with `trailhouse show event`; the lake keeps what came first")
	}
	what := count(int64(faults)) + " problems"
	if faults == 1 {
		what = "a problem"
	}
	return trailhouse.Errorf(trailhouse.CodeDamaged, "the lake has %s", what).
		WithHint("nothing was changed; keep a copy of the data directory before you repair it")
}
