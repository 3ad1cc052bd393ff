package attested

import "github.com/trailhouse/trailhouse"

// Taken is what a Taker took out of some events. A table without rows is nil.
type Taken struct {
	// Calls are rows of CallTable, Ends rows of HostEndTable.
	Calls, Ends *trailhouse.Batch
}

// emptyBytes is about what a batch takes beside its rows.
const emptyBytes = 16 << 10

// Bytes returns about how much memory it takes.
func (t Taken) Bytes() int {
	n := 0
	for _, b := range []*trailhouse.Batch{t.Calls, t.Ends} {
		if b != nil {
			n += emptyBytes + b.Bytes()
		}
	}
	return n
}

// Taker takes attested calls and ends of hosts out of whole rows of the table
// cloudtrail, as an import has them in memory. It takes what Events takes out of the
// same rows once they are in a file.
type Taker struct{ events *Events }

// NewTaker returns a Taker for batches of the table cloudtrail.
func NewTaker(t *trailhouse.Table) *Taker { return &Taker{newEvents(t)} }

// Take takes what some rows of a batch hold, in their order.
func (t *Taker) Take(b *trailhouse.Batch, rows []int32) Taken {
	calls := callWriter{Events: t.events, to: newCallColumns(CallTable())}
	var out Taken
	for _, row := range rows {
		i := int(row)
		call, end := t.events.glance(b, i)
		if call {
			if out.Calls == nil {
				out.Calls = trailhouse.NewBatch(CallTable())
			}
			calls.event(b, i, out.Calls)
		}
		if end {
			if out.Ends == nil {
				out.Ends = trailhouse.NewBatch(HostEndTable())
			}
			t.events.appendEnds(b, i, out.Ends)
		}
	}
	return out
}
