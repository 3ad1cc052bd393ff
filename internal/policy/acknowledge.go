package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/trailhouse/trailhouse"
)

// AcknowledgementTable returns the table finding_acknowledgements: one row for each
// time that somebody acknowledged a finding. Rows are only ever added.
func AcknowledgementTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "finding_acknowledgements",
		Doc:  "Acknowledgements of findings. The newest one of a finding counts.",
		Columns: []trailhouse.Column{
			{Name: "acknowledgement_id", Type: trailhouse.TypeString, Required: true, Unique: true, Doc: "id of the row: hex hash of all others"},
			{Name: "finding_id", Type: trailhouse.TypeString, Required: true, Doc: "finding, as the report findings names it"},
			{Name: "kind", Type: trailhouse.TypeString, Required: true, Doc: "its kind"},
			{Name: "facts", Type: trailhouse.TypeStrings, Required: true, Doc: "its facts at that time: it comes back with another one"},
			{Name: "finding", Type: trailhouse.TypeString, Required: true, Doc: "what it said at that time, in words"},
			{Name: "reason", Type: trailhouse.TypeString, Required: true, Doc: "why it was acknowledged"},
			{Name: "acknowledged_by", Type: trailhouse.TypeString, Required: true, Doc: "who acknowledged it, as they named themselves"},
			{Name: "acknowledged_at", Type: trailhouse.TypeTimestamp, Required: true, Doc: "when, UTC"},
		},
	}
}

// Acknowledgement is one row of finding_acknowledgements.
type Acknowledgement struct {
	FindingID string
	Kind      string
	// Facts are those of the whole evidence, not of a period.
	Facts []string
	// Finding is what the finding says, in words.
	Finding string
	// Reason and By are what the user says.
	Reason, By string
	// At is when, cut to milliseconds.
	At time.Time
}

// Check refuses what the user must say otherwise, with CodeUsage.
func (a Acknowledgement) Check() error {
	for _, said := range [][2]string{{"reason", a.Reason}, {"name", a.By}} {
		what, text := said[0], said[1]
		switch {
		case strings.TrimSpace(text) == "":
			return trailhouse.Errorf(trailhouse.CodeUsage, "an acknowledgement needs a %s", what).WithHint("say it with --reason TEXT and --by NAME")
		case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
			return trailhouse.Errorf(trailhouse.CodeUsage, "the %s of an acknowledgement is one line of UTF-8 text", what)
		}
	}
	return nil
}

// id is the hex SHA-256 of the whole row, so that no two rows are the same.
func (a Acknowledgement) id() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %q %d", a.FindingID, a.Kind, a.Facts, a.Finding, a.Reason, a.By, a.At.UnixMicro())
	return hex.EncodeToString(h.Sum(nil))
}

// batch returns the row.
func (a Acknowledgement) batch() *trailhouse.Batch {
	t := AcknowledgementTable()
	b := trailhouse.NewBatch(t)
	for name, text := range map[string]string{
		"acknowledgement_id": a.id(), "finding_id": a.FindingID, "kind": a.Kind, "finding": a.Finding, "reason": a.Reason, "acknowledged_by": a.By,
	} {
		b.SetString(t.MustIndex(name), text)
	}
	b.SetStrings(t.MustIndex("facts"), a.Facts)
	b.SetTime(t.MustIndex("acknowledged_at"), a.At)
	b.EndRow()
	return b
}

// Book writes acknowledgements.
type Book struct {
	Lake trailhouse.Lake
	// Write writes the rows of a batch to a new file: columns.Write.
	Write func(path string, b *trailhouse.Batch, rows []int32) (trailhouse.DataFile, error)
	// Exclusive runs fn while it holds the locks of the tables.
	Exclusive func(ctx context.Context, tables []string, fn func(ctx context.Context) error) error
}

// Add writes one acknowledgement, exactly once: its row's id is that of the commit. A
// process that dies before the commit leaves a file that no snapshot names, which
// expiry removes.
func (b *Book) Add(ctx context.Context, a Acknowledgement) error {
	if err := a.Check(); err != nil {
		return err
	}
	t := AcknowledgementTable()
	return b.Exclusive(ctx, []string{t.Name}, func(ctx context.Context) error {
		if err := b.Lake.Ensure(ctx, t); err != nil {
			return err
		}
		path, err := b.Lake.DataPath(t, time.Time{}, a.id()[:32]+".parquet")
		if err != nil {
			return err
		}
		file, err := b.Write(path, a.batch(), nil)
		if err != nil {
			return err
		}
		file.Path = path
		return b.Lake.Commit(context.WithoutCancel(ctx), trailhouse.Commit{Table: t, BatchID: "acknowledge-" + a.id(), Add: []trailhouse.DataFile{file}})
	})
}
