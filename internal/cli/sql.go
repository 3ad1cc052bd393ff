package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// maxStatement is the most bytes of one statement.
const maxStatement = 1 << 20

func (s *shell) sqlCommand() *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use:   "sql ['SELECT …']",
		Short: "Ask the tables in SQL",
		Long: `Runs one SELECT over the tables of the lake and prints its rows. The statement can
read nothing else: no files, no network, no settings. trailhouse tables lists what
can be asked, and the columns of each table.`,
		Example: `  trailhouse sql 'SELECT reason, count(*) AS n FROM enclave_sessions GROUP BY reason'
  trailhouse sql --file question.sql --format csv
  echo 'SELECT 1 AS one' | trailhouse sql --file -`,
		Args: between(0, 1, "one statement"),
	}
	c.Flags().StringVar(&file, "file", "", "read the statement from `FILE`, - for standard input")
	c.Flags().StringVar(&format, "format", "table", "`FORMAT`: table, json, jsonl or csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := s.statement(args, file)
		if err != nil {
			return err
		}
		if r.Format, err = s.format(c, format, "table json jsonl csv"); err != nil {
			return err
		}
		return s.withHouse(c, func(ctx context.Context, h House) error {
			answer, err := h.SQL(ctx, r, s.env.Out)
			return s.complete(answer, err)
		})
	}
	return c
}

// statement returns the statement from the arguments or the file.
func (s *shell) statement(args []string, file string) (SQLRequest, error) {
	switch {
	case len(args) == 1 && file != "":
		return SQLRequest{}, usage("a statement and --file were given: one is enough")
	case len(args) == 1:
		return SQLRequest{Text: args[0]}, nil
	case file == "":
		return SQLRequest{}, usage("there is no statement").WithHint("give one as an argument in quotes, or with --file")
	}
	in, name := s.env.In, "standard input"
	if file != "-" {
		f, err := os.Open(s.absolute(file))
		if err != nil {
			return SQLRequest{}, usage("--file: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in, name = f, file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxStatement+1))
	if err != nil {
		return SQLRequest{}, usage("--file: %w", err)
	}
	if len(text) > maxStatement {
		return SQLRequest{}, usage("%s is longer than a statement of 1 MiB", name)
	}
	return SQLRequest{Text: string(text), Name: name}, nil
}
