package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/objects"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
)

// trailTables are the tables of trails.
func trailTables() []*trailhouse.Table {
	return []*trailhouse.Table{
		cloudtrail.EventTable(), cloudtrail.InsightTable(), cloudtrail.NetworkTable(), cloudtrail.AggregatedTable(),
	}
}

// Event finds the records of an event and gets their original bytes.
func (h *House) Event(ctx context.Context, id string) ([]cli.Record, error) {
	records, err := h.findEvent(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, trailhouse.Errorf(trailhouse.CodeNotFound, "there is no event %s in the lake", id).
			WithHint("`trailhouse report events` lists events with their ids; `trailhouse report coverage` says what was read")
	}
	origins := make([]origin, len(records))
	for i, r := range records {
		origins[i] = origin{object: r.Object, sha256: r.ObjectSHA256, span: cloudtrail.Span{Position: r.Position, Length: r.Length}}
	}
	err = h.originals(ctx, origins, func(i int, b []byte, lost error) (err error) {
		r := &records[i]
		if lost == nil {
			r.Text, r.Original = b, true
			return nil
		}
		r.Problem = lost.Error()
		r.Text, err = h.rebuilt(ctx, r)
		return err
	})
	return records, err
}

// findEvent looks for an id in all tables of trails, as it is written in records; where
// no record has it, by the key, which knows no case and may be without hyphens.
func (h *House) findEvent(ctx context.Context, id string) ([]cli.Record, error) {
	var views []trailhouse.View
	for _, t := range trailTables() {
		files, _, err := h.lake.Files(ctx, t.Name, trailhouse.Period{})
		if err != nil {
			return nil, err
		}
		views = append(views, trailhouse.View{Table: t, Files: files})
	}
	id = strings.TrimSpace(id)
	lower := strings.ToLower(id)
	var found []cli.Record
	// A key is compared as text, which reads all of them; an id is found by statistics.
	for _, condition := range []string{"eventid IN (:id, :lower, :upper)", "event_key = :key"} {
		q := trailhouse.Query{
			SQL:        eventSQL(condition),
			Parameters: map[string]any{"id": id, "lower": lower, "upper": strings.ToUpper(id), "key": keyText(lower)},
			Views:      views, Limits: h.reports.Limits,
		}
		err := h.engine.Query(ctx, q, func([]trailhouse.ResultColumn) error { return nil }, func(row []any) error {
			found = append(found, recordOf(row))
			return nil
		})
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, nil
}

// keyText returns a key as it is in the lake, where it is written without its hyphens.
func keyText(key string) string {
	if len(key) != 32 || strings.Trim(key, "0123456789abcdef") != "" {
		return key
	}
	return key[:8] + "-" + key[8:12] + "-" + key[12:16] + "-" + key[16:20] + "-" + key[20:]
}

// eventSQL asks all tables of trails for where the records of a condition are.
func eventSQL(condition string) string {
	var parts []string
	for _, t := range trailTables() {
		parts = append(parts, "SELECT '"+t.Name+`' AS origin, eventid, eventtime, account_id, object, record_index, "position", length, object_sha256, unit_id FROM `+
			t.Name+" WHERE "+condition)
	}
	return strings.Join(parts, " UNION ALL ") + ` ORDER BY eventtime, origin, object, "position"`
}

// recordOf reads a row of eventSQL.
func recordOf(row []any) cli.Record {
	text := func(i int) string { s, _ := row[i].(string); return s }
	number := func(i int) int64 { n, _ := row[i].(int64); return n }
	at, _ := row[2].(time.Time)
	return cli.Record{
		Table: text(0), EventID: text(1), EventTime: at, Account: text(3), Object: text(4), Index: number(5),
		Position: number(6), Length: number(7), ObjectSHA256: text(8), Unit: text(9),
	}
}

// rebuilt makes a record anew from its row.
func (h *House) rebuilt(ctx context.Context, r *cli.Record) ([]byte, error) {
	var table *trailhouse.Table
	for _, t := range trailTables() {
		if t.Name == r.Table {
			table = t
		}
	}
	day := r.EventTime.Truncate(24 * time.Hour)
	files, _, err := h.lake.Files(ctx, table.Name, trailhouse.Period{From: day, To: day.Add(24 * time.Hour)})
	if err != nil {
		return nil, err
	}
	object, position := table.MustIndex("object"), table.MustIndex("position")
	for _, f := range files {
		var text []byte
		err := columns.Read(ctx, f.Path, table, nil, func(b *trailhouse.Batch) error {
			for row := range b.Len() {
				if b.Int(position, row) == r.Position && b.String(object, row) == r.Object {
					if text, err = cloudtrail.Rebuild(b, row); err != nil {
						return err
					}
					return errFound
				}
			}
			return nil
		})
		if errors.Is(err, errFound) {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, trailhouse.Errorf(trailhouse.CodeConflict, "the row of event %s is not where it was a moment ago", r.EventID).
		WithHint("ask again")
}

// errFound ends the reading of a file.
var errFound = errors.New("found")

// origin is where the bytes of a record are.
type origin struct {
	object, sha256 string
	span           cloudtrail.Span
}

// maxOriginals is how many bytes of records of one object are in memory at once.
const maxOriginals = 64 << 20

// originals gets the bytes of records, object by object, and calls give with them, or
// with the reason why they are not to be had. Errors are those of give, or an
// interruption.
func (h *House) originals(ctx context.Context, list []origin, give func(i int, b []byte, lost error) error) error {
	stores := map[bucketAt]cloudtrail.Store{}
	for _, group := range byObject(list) {
		texts, lost := h.cut(ctx, stores, list, group)
		if ctx.Err() != nil {
			return trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted while originals were read: %w", ctx.Err())
		}
		for k, i := range group {
			var text []byte
			if lost == nil {
				text = texts[k]
			}
			if err := give(i, text, lost); err != nil {
				return err
			}
		}
	}
	return nil
}

// cut reads one object.
func (h *House) cut(ctx context.Context, stores map[bucketAt]cloudtrail.Store, list []origin, group []int) ([][]byte, error) {
	o := list[group[0]]
	store, err := h.storeOf(ctx, stores, o.object)
	if err != nil {
		return nil, err
	}
	spans := make([]cloudtrail.Span, len(group))
	for k, i := range group {
		spans[k] = list[i].span
	}
	return cloudtrail.Originals(ctx, store, h.objectLimits(), o.object, o.sha256, spans)
}

// byObject returns the places in the list: a group for each object, in the order in
// which they come first, or more than one where its records are large together.
func byObject(list []origin) [][]int {
	type content struct{ object, sha256 string }
	type open struct {
		group int
		bytes int64
	}
	known := map[content]open{}
	var groups [][]int
	for i, o := range list {
		c := content{o.object, o.sha256}
		at, ok := known[c]
		if !ok || at.bytes+o.span.Length > maxOriginals {
			at = open{group: len(groups)}
			groups = append(groups, nil)
		}
		at.bytes += o.span.Length
		known[c] = at
		groups[at.group] = append(groups[at.group], i)
	}
	return groups
}

// bucketAt is a bucket and who we are there.
type bucketAt struct {
	access config.AWS
	bucket string
}

// storeOf returns the store of an object, which is a file where it is no address. A
// bucket is asked as the settings say of the place that the object lies in.
func (h *House) storeOf(ctx context.Context, stores map[bucketAt]cloudtrail.Store, object string) (cloudtrail.Store, error) {
	name, _, ok := aws.SplitAddress(object)
	if !ok {
		return cloudtrail.Files{}, nil
	}
	place := h.config.SourceAt(cloudtrail.Name, object)
	at := bucketAt{h.config.Access(place), name}
	if s := stores[at]; s != nil {
		return s, nil
	}
	s, err := h.bucket(ctx, place)
	if err == nil {
		stores[at] = s
	}
	return s, err
}

// objectLimits bound compressed objects, as imports do.
func (h *House) objectLimits() objects.Limits {
	return objects.Limits{InflatedBytes: h.config.Limits.InflatedMiB << 20, Ratio: h.config.Limits.Ratio}
}
