package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
)

// Record is one record of a trail and where it is from.
type Record struct {
	// Table is the table that holds its row.
	Table     string    `json:"table"`
	EventID   string    `json:"event_id,omitempty"`
	EventTime time.Time `json:"event_time"` // UTC
	Account   string    `json:"account_id,omitempty"`
	// Object is the file or address that it was first read from, Unit the unit of the
	// run that read it, Index its number there from 0.
	Object string `json:"object"`
	Unit   string `json:"unit_id"`
	Index  int64  `json:"record_index"`
	// Position and Length are in bytes of the inflated object, whose SHA-256 is
	// ObjectSHA256.
	Position     int64  `json:"position"`
	Length       int64  `json:"length"`
	ObjectSHA256 string `json:"object_sha256"`
	// Original says that Text are the bytes of the object, which has this SHA-256 still.
	// Else Text is rebuilt from the row, and Problem says why.
	Original bool   `json:"original"`
	Problem  string `json:"problem,omitempty"`
	// Text is the record.
	Text []byte `json:"-"`
}

func (s *shell) showCommand() *cobra.Command {
	return group("show", "Show evidence as it was read", s.showEvent())
}

func (s *shell) showEvent() *cobra.Command {
	return &cobra.Command{
		Use:   "event ID",
		Short: "Print the original record of an event, byte for byte",
		Long: `Prints the bytes of the record as they stand in the object that it was read from,
and a line feed behind them; all of them where several records have the id. The
object must have the SHA-256 that it had then. Where it is gone or changed, the
record is rebuilt from its row, standard error says so and the exit code is 3.

With --json each record is a line with where it is from, and its bytes as the last
member, record.`,
		Example: `  trailhouse show event 8f1c0a52-3a9e-4f1e-9d55-0c7a3c1a9b10
  trailhouse show event 8f1c0a52-3a9e-4f1e-9d55-0c7a3c1a9b10 --json | jq .object`,
		Args: between(1, 1, "the id of an event"),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withHouse(c, func(ctx context.Context, h House) error {
				records, err := h.Event(ctx, args[0])
				if err != nil {
					return err
				}
				return s.printRecords(records)
			})
		},
	}
}

// printRecords prints the records; the error names those that are not original.
func (s *shell) printRecords(records []Record) error {
	var lost []error
	for _, r := range records {
		line := r.Text
		if s.flags.json {
			line = r.withText()
		}
		if _, err := s.env.Out.Write(append(line, '\n')); err != nil {
			return err
		}
		if !r.Original {
			lost = append(lost, trailhouse.Errorf(trailhouse.CodePartial, "this is not the original record of event %s: it is rebuilt from the table %s, because %s", r.EventID, r.Table, r.Problem).
				WithHint("put %s back as it was, and ask again", r.Object))
		}
	}
	return errors.Join(lost...)
}

// withText returns the record as one JSON object whose last member has the record's
// own bytes.
func (r *Record) withText() []byte {
	head := mustJSON(r)
	text := r.Text
	if !json.Valid(text) { // then it was quarantined, and is in no table
		text = mustJSON(string(text))
	}
	line := append(head[:len(head)-1], `,"record":`...)
	return append(append(line, text...), '}')
}
