package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
)

const (
	// sampledUnits is how many units with repeated records are read again, the newest
	// first; sampledRecords is after how many of their records it is enough.
	sampledUnits   = 32
	sampledRecords = 20_000
	// toldPairs is how many pairs are named.
	toldPairs = 20
)

// contradictions looks for records of trails with one id and different bodies. The lake
// holds the first of them and nothing of the others but their number, so a sample of
// the objects in which records were repeated is read again.
func (h *House) contradictions(ctx context.Context) ([]cli.Problem, error) {
	objects, err := h.repeating(ctx)
	if err != nil || len(objects) == 0 {
		return nil, err
	}
	again := &rereading{at: map[rowKey]origin{}, batches: map[string]*trailhouse.Batch{}}
	stores := map[bucketAt]cloudtrail.Store{}
	for _, object := range objects {
		store, err := h.storeOf(ctx, stores, object)
		if err == nil {
			src := cloudtrail.New(cloudtrail.Options{Store: store, Limits: h.objectLimits()})
			err = src.Read(ctx, trailhouse.Unit{Object: object, Size: -1}, again)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			h.log.Debug("an object with repeated records cannot be read again", "object", object, "error", err.Error())
		}
		if len(again.at) >= sampledRecords {
			break
		}
	}
	pairs, err := h.pairs(ctx, again.at)
	if err != nil {
		return nil, err
	}
	return h.differing(ctx, pairs)
}

// repeating returns the objects whose records were in the lake before, in part or
// whole.
func (h *House) repeating(ctx context.Context) ([]string, error) {
	t := ingest.UnitTable()
	files, _, err := h.lake.Files(ctx, t.Name, trailhouse.Period{})
	if err != nil {
		return nil, err
	}
	q := trailhouse.Query{
		SQL: fmt.Sprintf(`SELECT object FROM units WHERE source = :source AND duplicate > 0 AND result = 'done'
			GROUP BY object ORDER BY max(read_at) DESC, object LIMIT %d`, sampledUnits),
		Parameters: map[string]any{"source": cloudtrail.Name},
		Views:      []trailhouse.View{{Table: t, Files: files}}, Limits: h.reports.Limits,
	}
	var objects []string
	err = h.engine.Query(ctx, q, func([]trailhouse.ResultColumn) error { return nil }, func(row []any) error {
		object, _ := row[0].(string)
		objects = append(objects, object)
		return nil
	})
	return objects, err
}

// rowKey is where the lake has a record, if it has it.
type rowKey struct {
	table string
	day   time.Time
	key   trailhouse.Key
}

// rereading is a trailhouse.Sink that keeps where records are and forgets them.
type rereading struct {
	at      map[rowKey]origin
	batches map[string]*trailhouse.Batch
}

// Batch implements trailhouse.Sink.
func (r *rereading) Batch(t *trailhouse.Table) *trailhouse.Batch {
	if r.batches[t.Name] == nil {
		r.batches[t.Name] = trailhouse.NewBatch(t)
	}
	return r.batches[t.Name]
}

// Next implements trailhouse.Sink.
func (r *rereading) Next(ctx context.Context) error {
	for name, b := range r.batches {
		for row := range b.Len() {
			object, sum, span := cloudtrail.WhereIs(b, row)
			day := b.Time(b.Table.MustIndex(b.Table.PartitionBy), row).Truncate(24 * time.Hour)
			r.at[rowKey{name, day, b.Key(b.Table.MustIndex(b.Table.Key), row)}] = origin{object, sum, span}
		}
		b.Reset()
	}
	return ctx.Err()
}

// Reject implements trailhouse.Sink.
func (r *rereading) Reject(trailhouse.Rejected) {}

// Filter implements trailhouse.Sink.
func (r *rereading) Filter(int64) {}

// Cover implements trailhouse.Sink.
func (r *rereading) Cover(trailhouse.Coverage) {}

// pair is one event in two places.
type pair struct {
	table        string
	key          trailhouse.Key
	kept, second origin
}

// pairs finds those of the records that the lake has from another place.
func (h *House) pairs(ctx context.Context, at map[rowKey]origin) ([]pair, error) {
	days := map[rowKey]bool{} // without their keys
	for k := range at {
		days[rowKey{table: k.table, day: k.day}] = true
	}
	var out []pair
	for _, t := range trailTables() {
		for d := range days {
			if d.table != t.Name {
				continue
			}
			files, _, err := h.lake.Files(ctx, t.Name, trailhouse.Period{From: d.day, To: d.day.Add(24 * time.Hour)})
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				if out, err = pairsOf(ctx, t, f, d, at, out); err != nil {
					return nil, err
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b pair) int { return bytes.Compare(a.key[:], b.key[:]) })
	return out, nil
}

// pairsOf appends the pairs of one file of a day.
func pairsOf(ctx context.Context, t *trailhouse.Table, f trailhouse.DataFile, day rowKey, at map[rowKey]origin, out []pair) ([]pair, error) {
	err := columns.Read(ctx, f.Path, t, []string{t.Key, "object", "position", "length", "object_sha256"}, func(b *trailhouse.Batch) error {
		for row := range b.Len() {
			day.key = b.Key(t.MustIndex(t.Key), row)
			second, ok := at[day]
			if !ok {
				continue
			}
			object, sum, span := cloudtrail.WhereIs(b, row)
			if kept := (origin{object, sum, span}); kept != second {
				out = append(out, pair{t.Name, day.key, kept, second})
			}
		}
		return nil
	})
	return out, err
}

// differing compares the originals of pairs.
func (h *House) differing(ctx context.Context, pairs []pair) ([]cli.Problem, error) {
	list := make([]origin, 0, 2*len(pairs))
	for _, p := range pairs {
		list = append(list, p.kept, p.second)
	}
	waiting := map[int][]byte{} // by pair: the first of its records that came
	var problems []cli.Problem
	compared, differ := 0, 0
	err := h.originals(ctx, list, func(i int, b []byte, lost error) error {
		other, ok := waiting[i/2]
		if !ok {
			waiting[i/2] = b
			return nil
		}
		delete(waiting, i/2)
		if other == nil || lost != nil {
			return nil //nolint:nilerr // one of the two originals is gone: there is nothing to compare
		}
		compared++
		if sameJSON(other, b) {
			return nil
		}
		if differ++; differ <= toldPairs {
			problems = append(problems, pairs[i/2].problem())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	h.log.Debug("compared records that were read twice", "records", compared, "differ", differ)
	if differ > toldPairs {
		problems = append(problems, cli.Problem{Evidence: true, Text: fmt.Sprintf("%d more records differ from the record of their id that is in the lake", differ-toldPairs)})
	}
	return problems, nil
}

// problem says that the records of a pair differ.
func (p pair) problem() cli.Problem {
	return cli.Problem{
		Table: p.table, Evidence: true,
		Text: fmt.Sprintf("event %s differs between two objects: the lake has it from %s at byte %d, and %s has another body at byte %d",
			p.key, p.kept.object, p.kept.span.Position, p.second.object, p.second.span.Position),
		Hint: "one of them was changed, or the source repeats an id: compare both with the bucket",
	}
}

// sameJSON reports whether two records say the same. White space and the order of
// members make no difference; digits of numbers do.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	return reflect.DeepEqual(decoded(a), decoded(b))
}

// decoded returns a JSON text as values, or the text where it is none.
func decoded(text []byte) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(text)
	}
	return v
}
