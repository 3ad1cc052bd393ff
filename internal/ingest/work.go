package ingest

import (
	"math"

	"github.com/trailhouse/trailhouse"
)

// work is one batch under way: rows of one or more units.
type work struct {
	tables     []*tableRows // of the source, in order of first use
	quarantine *tableRows
	records    int32
	spans      []span
	finished   []*unit
	covers     []cover
	missing    int64 // units and places that could not be read
	known      int64 // units that another process read after they were planned
	// end, where not empty, is the run's result: the run's row goes with this batch.
	end string
	// marks are where the unit under way began in this batch.
	marks []int
	cut   int32
}

// tableRows are the rows of one table, each with the record that it came from.
type tableRows struct {
	table  *trailhouse.Table
	batch  *trailhouse.Batch
	record []int32
}

// span is what one unit has in one batch: the records from (inclusive) to to
// (exclusive) of the batch, and how many were rejected and filtered.
type span struct {
	unit               *unit
	first              int64 // position of the first record in its unit
	from, to           int32
	rejected, filtered int64
}

func (s span) empty() bool { return s.from == s.to && s.rejected == 0 && s.filtered == 0 }

// newWork returns an empty work, with the memory of an old one.
func newWork(old *work) *work {
	if old == nil {
		return &work{quarantine: newTableRows(QuarantineTable())}
	}
	for _, t := range append(old.tables, old.quarantine) {
		t.batch.Reset()
		t.record = t.record[:0]
	}
	return &work{tables: old.tables, quarantine: old.quarantine, spans: old.spans[:0], marks: old.marks[:0]}
}

func newTableRows(t *trailhouse.Table) *tableRows {
	return &tableRows{table: t, batch: trailhouse.NewBatch(t)}
}

// rowsOf returns the rows of a table of the source.
func (w *work) rowsOf(t *trailhouse.Table) *tableRows {
	for _, have := range w.tables {
		if have.table == t || have.table.Name == t.Name {
			return have
		}
	}
	rows := newTableRows(t)
	w.tables = append(w.tables, rows)
	return rows
}

// begin opens the span of a unit, at its start or where a new batch takes over.
func (w *work) begin(u *unit) {
	w.spans = append(w.spans, span{unit: u, first: u.seen, from: w.records, to: w.records})
	w.cut = w.records
	w.marks = w.marks[:0]
	for _, t := range w.tables {
		w.marks = append(w.marks, t.batch.Len())
	}
	w.marks = append(w.marks, w.quarantine.batch.Len())
}

// span returns the span of the unit under way.
func (w *work) span() *span { return &w.spans[len(w.spans)-1] }

// endRecord ends one record: the rows that were appended since the last one are
// its own. A record that gave no row is one that the source leaves out.
func (w *work) endRecord() {
	s := w.span()
	s.unit.seen++
	had := false
	for _, t := range w.tables {
		for n := t.batch.Len(); len(t.record) < n; had = true {
			t.record = append(t.record, w.records)
		}
	}
	if !had {
		s.filtered++
		return
	}
	w.records++
	s.to = w.records
}

// undo takes the unit under way out of the batch: its rows, its records and what
// was set of a row when it failed.
func (w *work) undo() {
	last := len(w.marks) - 1
	for i, t := range w.tables {
		n := 0 // a table that the unit was the first to use
		if i < last {
			n = w.marks[i]
		}
		t.batch.Truncate(n)
		t.record = t.record[:n]
	}
	w.quarantine.batch.Truncate(w.marks[last])
	w.records = w.cut
	w.spans = w.spans[:len(w.spans)-1]
}

// bytes returns about how much memory the rows take.
func (w *work) bytes() int {
	n := w.quarantine.batch.Bytes()
	for _, t := range w.tables {
		n += t.batch.Bytes()
	}
	return n
}

// full reports whether the batch has reached a limit.
func (w *work) full(o Options) bool {
	small := len(w.spans) + len(w.finished) + len(w.covers)
	return int(w.records) >= o.BatchRecords || w.quarantine.batch.Len()+small >= o.BatchRecords ||
		w.bytes() >= o.BatchBytes || w.records == math.MaxInt32
}

// whole reports whether no record is half filled in, so that the batch can be
// written.
func (w *work) whole() bool {
	for _, t := range w.tables {
		if t.batch.Len() != len(t.record) {
			return false
		}
	}
	return true
}

// empty reports whether there is nothing to write or to remember.
func (w *work) empty() bool {
	for _, s := range w.spans {
		if !s.empty() {
			return false
		}
	}
	return len(w.finished) == 0 && len(w.covers) == 0 && w.missing == 0 && w.end == ""
}

// names returns the tables that the batch may touch.
func (w *work) names() []string {
	var names []string
	for _, t := range w.tables {
		if t.batch.Len() > 0 {
			names = append(names, t.table.Name)
		}
	}
	if w.quarantine.batch.Len() > 0 {
		names = append(names, QuarantineTable().Name)
	}
	if len(w.finished) > 0 {
		names = append(names, UnitTable().Name)
	}
	if len(w.covers) > 0 {
		names = append(names, CoverageTable().Name)
	}
	if w.end != "" {
		names = append(names, RunTable().Name)
	}
	return names
}
