package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The kinds of tables.
const (
	KindEvidence   = "evidence"   // what was imported, each record once
	KindDerived    = "derived"    // what follows from evidence
	KindAccounting = "accounting" // what was read, what is missing, what was damaged
	KindView       = "view"       // made when it is asked for, from tables and settings
)

// TableInfo is a table, or a view of ours, as statements see it.
type TableInfo struct {
	Name    string       `json:"name"`
	Kind    string       `json:"kind"`
	Doc     string       `json:"meaning,omitempty"`
	Columns []ColumnInfo `json:"columns"`
}

// ColumnInfo is a column. Type is in Trino's spelling.
type ColumnInfo struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Doc  string `json:"meaning,omitempty"`
}

func (s *shell) tablesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "tables [NAME]",
		Short: "List what SQL can ask, or the columns of one table",
		Long: `Lists the tables and views that trailhouse sql and your own reports can ask. With the
name of one it lists its columns, with their types and what they hold.`,
		Example: `  trailhouse tables
  trailhouse tables enclave_sessions`,
		Args: between(0, 1, "one table"),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				list, err := h.Describe(ctx, firstOf(args))
				if err != nil {
					return err
				}
				if len(args) == 0 {
					return printList(s.env.Out, s.flags.json, list, "NAME\tKIND\tMEANING", func(t TableInfo) string {
						return t.Name + "\t" + t.Kind + "\t" + t.Doc
					})
				}
				return s.printColumns(list[0])
			})
		},
	}
}

// printColumns prints one table.
func (s *shell) printColumns(t TableInfo) error {
	if s.flags.json {
		return s.say("", t)
	}
	if t.Doc != "" {
		if _, err := fmt.Fprintf(s.env.Out, "%s (%s): %s\n\n", t.Name, t.Kind, t.Doc); err != nil {
			return err
		}
	}
	return printList(s.env.Out, false, t.Columns, "COLUMN\tTYPE\tMEANING", func(c ColumnInfo) string {
		return c.Name + "\t" + short(c.Type) + "\t" + c.Doc
	})
}

// short cuts a type that would push everything else off the screen; --json has it whole.
func short(typ string) string {
	const most = 40
	if len(typ) <= most {
		return typ
	}
	return strings.TrimRight(typ[:most-3], " ,(") + "..."
}
