package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/state"
)

// write makes one batch durable and, only then, counts it. Until the intent is
// journaled ctx can stop it and nothing has happened; from there it goes on to its
// end.
func (r *run) write(ctx context.Context, w *work) error {
	if w.empty() {
		return nil
	}
	unlock, err := r.g.acquire(ctx, w.names())
	if err != nil {
		return stopped(ctx, err)
	}
	defer unlock()
	pieces, err := r.g.filterAll(ctx, w)
	if err != nil {
		return stopped(ctx, err)
	}
	total := r.result
	r.count(w, pieces, &total)
	for _, rows := range r.ownRows(w, total) {
		pieces = append(pieces, whole(rows))
	}
	if len(pieces) == 0 {
		r.result = total
		return nil
	}
	if err := ctx.Err(); err != nil {
		return interrupted(err)
	}
	r.number++
	in := r.intent(w, pieces)
	if err := r.g.commit(context.WithoutCancel(ctx), in, pieces); err != nil {
		return err
	}
	total.Batches++
	r.result = total
	return r.g.addKeys(context.WithoutCancel(ctx), pieces)
}

// count adds what the batch holds to its units and to the run's total.
func (r *run) count(w *work, pieces []*piece, total *Result) {
	written := make([]bool, w.records)
	quarantine := QuarantineTable().Name
	for _, p := range pieces {
		if p.from.table.Name == quarantine {
			continue
		}
		for _, row := range p.rows {
			written[p.from.record[row]] = true
		}
	}
	for _, s := range w.spans {
		c := s.counts(written)
		s.unit.counts.add(c)
		total.Counts.add(c)
	}
	total.Units.Missing += w.missing
	total.Units.Known += w.known
	for _, u := range w.finished {
		switch u.result {
		case UnitDone:
			total.Units.Done++
		case UnitQuarantined:
			total.Units.Quarantined++
		case UnitIgnored:
			total.Units.Ignored++
		}
	}
}

// counts returns what a span holds, given which records of the batch are new. A
// record is new where one of its rows is.
func (s span) counts(written []bool) Counts {
	c := Counts{Filtered: s.filtered, Quarantined: s.rejected}
	for _, isNew := range written[s.from:s.to] {
		if isNew {
			c.Written++
		} else {
			c.Duplicate++
		}
	}
	c.Records = c.Written + c.Duplicate + c.Filtered + c.Quarantined
	return c
}

// ownRows returns the rows of ingest's own tables that go with the batch.
func (r *run) ownRows(w *work, total Result) []*tableRows {
	var all []*tableRows
	for _, rows := range []*tableRows{r.coverRows(w.covers), r.unitRows(w.finished)} {
		if rows.batch.Len() > 0 {
			all = append(all, rows)
		}
	}
	if w.end != "" {
		all = append(all, r.runRow(w.end, total))
	}
	return all
}

// intent says what the batch is about to do. The tables stand in the order of their
// commits, which is that of the pieces.
func (r *run) intent(w *work, pieces []*piece) state.Intent {
	in := state.Intent{BatchID: r.batchID(w), Attempt: r.result.RunID, Source: r.src.Name()}
	for _, p := range pieces {
		p.name = fileName(in.BatchID, p)
		if n := len(in.Tables); n == 0 || in.Tables[n-1].Table.Name != p.from.table.Name {
			in.Tables = append(in.Tables, state.IntentTable{Table: *p.from.table})
		}
		t := &in.Tables[len(in.Tables)-1]
		t.Files = append(t.Files, state.IntentFile{Name: p.name, Partition: p.partition, Rows: int64(len(p.rows))})
	}
	for _, u := range w.finished {
		if u.result == UnitDone || u.result == UnitIgnored {
			in.Done = append(in.Done, state.Done{Source: r.src.Name(), Version: r.src.Version(), UnitID: u.ID, Result: u.result, RunID: r.result.RunID})
		}
	}
	return in
}

// batchID is the hex SHA-256 over the run, the batch's number in it, the source and
// the record ranges of its units. The run makes it the id of this attempt alone
// (package comment).
func (r *run) batchID(w *work) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%d\x00%s\x00%s", r.result.RunID, r.number, r.src.Name(), r.src.Version())
	for _, s := range w.spans {
		fmt.Fprintf(h, "\x00%q %d %d", s.unit.ID, s.first, s.to-s.from)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// fileName derives a file's name from the batch, which is one attempt, and the
// partition: tables may keep all partitions in one folder.
func fileName(batchID string, p *piece) string {
	if p.partition.IsZero() {
		return batchID[:32] + ".parquet"
	}
	return p.partition.Format("2006-01-02") + "-" + batchID[:32] + ".parquet"
}

// commit takes the steps 3 to 6 of the protocol (package comment), under the locks
// of all tables.
func (g *Ingester) commit(ctx context.Context, in state.Intent, pieces []*piece) error {
	if err := g.step("journal"); err != nil {
		return err
	}
	if err := g.state.Begin(ctx, in); err != nil {
		return err
	}
	files, err := g.writeFiles(ctx, pieces)
	if err != nil {
		// No commit was tried, so the files are nobody's. Where they cannot be removed
		// either, whoever takes the locks next does it.
		_ = g.abandon(ctx, in)
		return storage(err)
	}
	for _, t := range in.Tables {
		if err := g.step("commit " + t.Table.Name); err != nil {
			return err
		}
		c := trailhouse.Commit{Table: &t.Table, BatchID: in.BatchID, Add: files[t.Table.Name]}
		if err := g.lake.Commit(ctx, c); err != nil {
			// The outcome may be unknown: the intent stays open and is looked up by
			// whoever takes the locks next.
			return storage(err)
		}
	}
	if err := g.step("done"); err != nil {
		return err
	}
	return g.state.Finish(ctx, in.BatchID, in.Done)
}

// writeFiles writes the pieces and returns the files by table.
func (g *Ingester) writeFiles(ctx context.Context, pieces []*piece) (map[string][]trailhouse.DataFile, error) {
	files := map[string][]trailhouse.DataFile{}
	for _, p := range pieces {
		if err := g.step("write " + p.from.table.Name); err != nil {
			return nil, err
		}
		path, err := g.lake.DataPath(p.from.table, p.partition, p.name)
		if err != nil {
			return nil, err
		}
		f, err := g.files.Write(path, p.from.batch, p.rows)
		if err != nil {
			return nil, err
		}
		f.Path, f.Partition = path, p.partition
		files[p.from.table.Name] = append(files[p.from.table.Name], f)
	}
	return files, ctx.Err()
}

// addKeys notes the keys that have landed in the index.
func (g *Ingester) addKeys(ctx context.Context, pieces []*piece) error {
	for _, p := range pieces {
		if p.part == nil {
			continue
		}
		if err := g.step("index " + p.from.table.Name); err != nil {
			return err
		}
		if err := p.part.Add(ctx, p.keys()); err != nil {
			return err
		}
	}
	return nil
}

// storage gives an unclassified error of the lake or the disk its code and hint.
func storage(err error) error {
	if code := trailhouse.CodeOf(err); code != trailhouse.CodeInternal && code != trailhouse.CodeConflict {
		return err
	}
	return trailhouse.Errorf(trailhouse.CodeStorage, "a batch could not be written: %w", err).
		WithHint("Free space on this disk or check it, then run the command again: it resumes.")
}
