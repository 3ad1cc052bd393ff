package deliver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/state"
)

// Request asks for one report.
type Request struct {
	Report
	Period trailhouse.Period
	// Client is the value of the parameter client that the report must have; empty where
	// the delivery is for all.
	Client  string
	Formats []string
}

// Rendered is a report that was made.
type Rendered struct {
	Title string
	// Columns are those that people see; Cells are the first MostRows rows of them.
	Columns []Column
	Cells   [][]string
	Rows    int64
	// Missing counts objects of evidence that are missing or damaged, Lost names some.
	Missing int
	Lost    []string
	// NoEvidence says that nothing of the report's sources was ever read.
	NoEvidence bool
	// Limit is the report's own limit on rows where it was reached.
	Limit int64
	// Files are the contents by format.
	Files map[string][]byte
}

// Column is a column of a report.
type Column struct {
	Name string
	// Number says that its values are numbers.
	Number bool
}

// MostRows is how many rows of a report stand in a mail itself.
const MostRows = 50

// content returns what is sent, which is made once: what an earlier run kept, else made
// now and kept, before any of it is sent.
func (r *Runner) content(ctx context.Context, d *Due, notes []string) (*trailhouse.Delivery, error) {
	if d.Content != "" {
		kept, err := r.kept(d.ID, d.Content)
		if err != nil || kept != nil {
			return kept, err
		}
	}
	made, incomplete, err := r.make(ctx, d, notes)
	if err != nil {
		return nil, err
	}
	sum, err := r.keep(made)
	if err != nil {
		return nil, err
	}
	r.step("content")
	d.Content, d.Incomplete = sum, incomplete
	return made, r.State.SetContent(ctx, d.ID, sum, incomplete)
}

// make makes the reports of a delivery and the words around them.
func (r *Runner) make(ctx context.Context, d *Due, notes []string) (*trailhouse.Delivery, int, error) {
	out := &trailhouse.Delivery{
		ID: d.ID, Name: d.Name, Client: d.Client.Name, Scheduled: d.Scheduled, Made: r.Clock.Now().UTC().Truncate(time.Second),
		Period: trailhouse.Period{From: d.From, To: d.To},
	}
	if out.Client != "" && len(notes) > 0 { // an error may name hosts and accounts of others
		notes = []string{fmt.Sprintf("imports of evidence that failed: %d; figures may be too low", len(notes))}
	}
	page := page{Delivery: out, Zone: d.Plan.Zone, Missed: d.Missed, Forced: d.Forced, Notes: notes}
	incomplete := 0
	for _, report := range d.Plan.Reports {
		done, err := r.Render(ctx, Request{Report: report, Period: out.Period, Client: out.Client, Formats: d.Plan.Formats})
		if err != nil {
			return nil, 0, err
		}
		incomplete += done.Missing
		for _, format := range d.Plan.Formats {
			f := trailhouse.DeliveryFile{Report: report.As, Format: format, Content: done.Files[format]}
			f.Ext, f.MediaType = forms(format)
			out.Files = append(out.Files, f)
		}
		page.Reports = append(page.Reports, done)
	}
	return out, incomplete, page.write()
}

// path is where the content of a delivery is kept.
func (r *Runner) path(id string) string { return filepath.Join(r.Dir, id+".json") }

// keep writes the content aside, syncs and renames it, and returns its hash.
func (r *Runner) keep(d *trailhouse.Delivery) (string, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return "", trailhouse.Errorf(trailhouse.CodeInternal, "delivery %s as JSON: %w", d.ID, err)
	}
	sum := sha256.Sum256(text)
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return "", storage(err)
	}
	aside, err := os.CreateTemp(r.Dir, d.ID+".*.tmp")
	if err != nil {
		return "", storage(err)
	}
	defer func() { _ = os.Remove(aside.Name()) }() // gone already where it was renamed
	_, err = aside.Write(text)
	err = errors.Join(err, aside.Sync(), aside.Close())
	if err == nil {
		err = os.Rename(aside.Name(), r.path(d.ID))
	}
	if err == nil {
		err = syncDir(r.Dir)
	}
	if err != nil {
		return "", storage(err)
	}
	return hex.EncodeToString(sum[:]), nil
}

// kept reads the content that was kept; nil where it is gone or not what it was, so that
// it has to be made again.
func (r *Runner) kept(id, sum string) (*trailhouse.Delivery, error) {
	text, err := os.ReadFile(r.path(id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, storage(err)
	}
	var d *trailhouse.Delivery
	if have := sha256.Sum256(text); hex.EncodeToString(have[:]) == sum {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		d = nil
	}
	return d, nil
}

// forget removes the content of a delivery that has arrived everywhere.
func (r *Runner) forget(id string) error {
	if err := os.Remove(r.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage(err)
	}
	return nil
}

// GiveUp ends the attempts of a delivery and forgets its content. It returns for how many
// targets.
func (r *Runner) GiveUp(ctx context.Context, id string) (int64, error) {
	found, err := r.State.Deliveries(ctx, state.DeliveryFilter{ID: id})
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, trailhouse.Errorf(trailhouse.CodeNotFound, "there is no delivery with the id %s", id).
			WithHint("trailhouse deliveries lists them")
	}
	unlock, err := r.lock(ctx, found[0].Name)
	if err != nil {
		return 0, err
	}
	defer unlock()
	n, err := r.State.GiveUp(ctx, id)
	if err != nil {
		return n, err
	}
	return n, r.forget(id)
}

func storage(err error) error {
	return trailhouse.Errorf(trailhouse.CodeStorage, "the content of a delivery cannot be kept: %w", err).
		WithHint("free space on the disk of the data directory, and run again: nothing was sent without it")
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// linker is a Sender whose files can be fetched by an address.
type linker interface {
	Link(ctx context.Context, key string, expires time.Duration) (trailhouse.DeliveryLink, error)
}

// longestLink is how long a presigned address of S3 holds at most.
const longestLink = 7 * 24 * time.Hour

// fitted returns the content as a target gets it: with its keys, its subject, and links
// to what the s3 targets before it have stored.
func (r *Runner) fitted(ctx context.Context, d *Due, content *trailhouse.Delivery, t Target, all *Outcome) (*trailhouse.Delivery, error) {
	out := withKeys(content, t.Template)
	if t.Subject != "" {
		out.Subject = expandSubject(t.Subject, words(content, trailhouse.DeliveryFile{Report: content.Files[0].Report}))
	}
	if t.Kind() != "sns" {
		return out, nil
	}
	expires := t.SNS.LinkExpires
	if expires <= 0 {
		expires = longestLink
	}
	for i := range all.Targets {
		stored, sender, err := r.open(ctx, d, all.Targets[i].Target)
		if err != nil || stored.Kind() != "s3" {
			continue
		}
		if all.Targets[i].State != state.DeliverySent {
			return nil, trailhouse.Errorf(trailhouse.CodeNotFound, "the message waits for the objects that it leads to, in %s", stored.Address())
		}
		link, ok := sender.(linker)
		if !ok {
			continue
		}
		for _, f := range withKeys(content, stored.Template).Files {
			l, err := link.Link(ctx, f.Key, expires)
			if err != nil {
				return nil, err
			}
			out.Links = append(out.Links, l)
		}
	}
	return out, nil
}

// withKeys returns a copy with the keys of a template.
func withKeys(d *trailhouse.Delivery, template string) *trailhouse.Delivery {
	out := *d
	out.Files = make([]trailhouse.DeliveryFile, len(d.Files))
	for i, f := range d.Files {
		f.Key = expandKey(template, words(d, f))
		out.Files[i] = f
	}
	return &out
}
