package ingest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// cover is a Coverage and when it was found.
type cover struct {
	trailhouse.Coverage
	at time.Time
}

// filler sets the columns of one row by name.
type filler struct{ b *trailhouse.Batch }

// text sets a string column. Paths and messages of others may not be UTF-8, which
// Parquet wants.
func (f filler) text(name, v string) {
	f.b.SetString(f.b.Table.MustIndex(name), strings.ToValidUTF8(v, "\uFFFD"))
}

func (f filler) int(name string, v int64)      { f.b.SetInt(f.b.Table.MustIndex(name), v) }
func (f filler) time(name string, v time.Time) { f.b.SetTime(f.b.Table.MustIndex(name), v) }

func (f filler) counts(c Counts) {
	f.int("records", c.Records)
	f.int("written", c.Written)
	f.int("duplicate", c.Duplicate)
	f.int("filtered", c.Filtered)
	f.int("quarantined", c.Quarantined)
}

// reject puts one damaged record of the unit under way into quarantine.
func (r *run) reject(u *unit, bad trailhouse.Rejected) {
	u.seen++
	u.rejected++
	r.open.span().rejected++
	content := bad.Content[:min(len(bad.Content), trailhouse.MaxRejected)]
	r.quarantine(u, bad, hex.EncodeToString(bad.SHA256[:]), content)
}

// rejectWhole puts a unit into quarantine whose rows are cut off already.
func (r *run) rejectWhole(u *unit, reason error, hash string) {
	r.open.begin(u)
	r.open.span().rejected++
	r.quarantine(u, trailhouse.Rejected{Position: -1, Length: max(u.Size, 0), Reason: reason.Error()}, hash, nil)
}

// quarantine appends a row of the table quarantine.
func (r *run) quarantine(u *unit, bad trailhouse.Rejected, hash string, content []byte) {
	b := r.open.quarantine.batch
	f := filler{b}
	object := cmp.Or(bad.Object, u.Object)
	b.SetKey(b.Table.MustIndex("quarantine_id"), quarantineKey(r.src.Name(), object, bad, hash))
	f.text("run_id", r.id)
	f.time("found_at", r.g.clock.Now())
	f.text("source", r.src.Name())
	f.text("object", object)
	f.text("unit_id", u.ID)
	f.int("position", bad.Position)
	f.int("length", bad.Length)
	f.text("reason", bad.Reason)
	f.text("sha256", hash)
	if bad.Position >= 0 {
		b.SetText(b.Table.MustIndex("content"), content)
	}
	b.EndRow()
}

// quarantineKey is 128 bits of SHA-256 over source, object, position, length and
// content hash: an object that is read again is in quarantine once.
func quarantineKey(source, object string, bad trailhouse.Rejected, hash string) trailhouse.Key {
	h := sha256.New()
	for _, s := range []string{source, object, hash} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(bad.Position)))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(bad.Length)))
	return trailhouse.Key(h.Sum(nil)[:16])
}

// unitRows returns the rows of the units that end with this batch.
func (r *run) unitRows(units []*unit) *tableRows {
	rows := newTableRows(UnitTable())
	for _, u := range units {
		if u.result == UnitIgnored {
			continue
		}
		f := filler{rows.batch}
		f.text("unit_id", u.ID)
		f.text("run_id", r.id)
		f.text("source", r.src.Name())
		f.text("object", u.Object)
		if u.Size >= 0 {
			f.int("bytes", u.Size)
		}
		f.time("modified", u.Modified)
		f.time("read_at", u.readAt)
		f.text("result", u.result)
		f.counts(u.counts)
		rows.batch.EndRow()
	}
	return rows
}

// coverRows returns the rows of the table coverage.
func (r *run) coverRows(covers []cover) *tableRows {
	rows := newTableRows(CoverageTable())
	for _, c := range covers {
		f := filler{rows.batch}
		f.text("run_id", r.id)
		f.time("found_at", c.at)
		f.text("source", cmp.Or(c.Source, r.src.Name()))
		f.text("scope", c.Scope)
		f.text("object", c.Object)
		f.text("result", c.Result)
		f.time("covered_from", c.From)
		f.time("covered_through", notAfter(c.Through, c.at))
		f.text("detail", c.Detail)
		rows.batch.EndRow()
	}
	return rows
}

// notAfter bounds how far evidence can be complete: a record whose printed time lies
// in the future, from a host's wrong clock or a forged line, proves nothing of the
// time until then.
func notAfter(through, at time.Time) time.Time {
	if through.After(at) {
		return at
	}
	return through
}

// runRow returns the row of the table runs for a run that ends with what is in
// total.
func (r *run) runRow(end string, total Result) *tableRows {
	rows := newTableRows(RunTable())
	if end == RunDone && total.Partial() {
		end = RunPartial
	}
	f := filler{rows.batch}
	f.text("run_id", total.RunID)
	f.text("source", r.src.Name())
	f.time("started", r.started)
	f.time("ended", r.g.clock.Now())
	f.text("result", end)
	f.text("version", r.g.version)
	f.int("units_done", total.Units.Done)
	f.int("units_known", total.Units.Known)
	f.int("units_missing", total.Units.Missing)
	f.int("units_quarantined", total.Units.Quarantined)
	f.int("units_ignored", total.Units.Ignored)
	f.counts(total.Counts)
	rows.batch.EndRow()
	return rows
}
