package sessions

import (
	"time"

	"github.com/trailhouse/trailhouse"
)

// MarkTable returns the table enclave_marks: what the days of logs fold to.
func MarkTable() *trailhouse.Table {
	return &trailhouse.Table{
		Name: "enclave_marks",
		Doc:  "Facts of nitro-cli and allocator logs that matter to sessions, derived from enclave_log and allocator_log; repeated proofs of life and polls that found the same enclaves are left out.",
		Columns: []trailhouse.Column{
			{Name: "instance_id", Type: trailhouse.TypeString, Required: true, Doc: "EC2 instance"},
			{Name: "day", Type: trailhouse.TypeTimestamp, Required: true, Doc: "midnight UTC of the day that the lines are of"},
			{Name: "time", Type: trailhouse.TypeTimestamp, Required: true, Doc: "printed time of the line, of the first one of a span"},
			{Name: "until", Type: trailhouse.TypeTimestamp, Required: true, Doc: "printed time of the last line of a span, else equal to time"},
			{Name: "kind", Type: trailhouse.TypeString, Required: true, Doc: "what the line means: attempt, run_args, ready, life, pool …"},
			{Name: "slot", Type: trailhouse.TypeString, Doc: "enclave slot that the line is about, as the log spells it"},
			{Name: "slot_key", Type: trailhouse.TypeString, Doc: "slot in the form in which padded and unpadded spellings are equal"},
			{Name: "pid", Type: trailhouse.TypeInt64, Doc: "process that printed the line"},
			{Name: "detail", Type: trailhouse.TypeString, Doc: "the part of the text that carries the meaning"},
			{Name: "vcpus", Type: trailhouse.TypeInt64, Doc: "kind pool: CPUs in the enclave pool"},
			{Name: "memory_mib", Type: trailhouse.TypeInt64, Doc: "kind pool: MiB in the enclave pool; kind allocated: MiB that the hypervisor took"},
			{Name: "lines", Type: trailhouse.TypeInt64, Required: true, Doc: "different lines that the mark stands for"},
			{Name: "record_id", Type: trailhouse.TypeUUID, Required: true, Doc: "the first of these lines in enclave_log or allocator_log"},
		},
		PartitionBy: "day",
		Transform:   trailhouse.ByMonth,
	}
}

// row fills a row of a batch column by column, in the order of the table.
type row struct {
	batch *trailhouse.Batch
	col   int
}

func (r *row) next() int {
	r.col++
	return r.col - 1
}

// text sets the next column, null for the empty text.
func (r *row) text(v string) {
	if col := r.next(); v != "" {
		r.batch.SetString(col, v)
	}
}

func (r *row) optional(v *string) {
	if col := r.next(); v != nil {
		r.batch.SetString(col, *v)
	}
}

// positive sets the next column, null for 0.
func (r *row) positive(v int64) {
	if col := r.next(); v != 0 {
		r.batch.SetInt(col, v)
	}
}

func (r *row) optionalInt(v *int64) {
	if col := r.next(); v != nil {
		r.batch.SetInt(col, *v)
	}
}

func (r *row) optionalBool(v *bool) {
	if col := r.next(); v != nil {
		r.batch.SetBool(col, *v)
	}
}

// time sets the next column, null for the zero time.
func (r *row) time(v time.Time)  { r.batch.SetTime(r.next(), v) }
func (r *row) micros(v int64)    { r.batch.SetMicros(r.next(), v) }
func (r *row) required(v string) { r.batch.SetString(r.next(), v) }

// EncodeMarks appends marks to a batch of MarkTable.
func EncodeMarks(marks []Mark, b *trailhouse.Batch) {
	for i := range marks {
		m := &marks[i]
		r := row{batch: b}
		r.required(string(m.Instance))
		r.micros(dayOf(m.Micros))
		r.micros(m.Micros)
		r.micros(m.Until)
		r.required(m.Kind.String())
		r.text(m.Slot)
		r.text(slotKey(m.Slot))
		r.positive(m.PID)
		r.text(m.Detail)
		r.positive(m.VCPUs)
		r.positive(m.MemoryMiB)
		b.SetInt(r.next(), m.Lines)
		b.SetKey(r.next(), m.Record)
		b.EndRow()
	}
}

func slotKey(slot string) string {
	if slot == "" {
		return ""
	}
	return trailhouse.Slot(slot).Key()
}

// The columns of MarkTable by place.
const (
	markInstance = iota
	markDay
	markTime
	markUntil
	markKind
	markSlot
	markSlotKey
	markPID
	markDetail
	markVCPUs
	markMemory
	markLines
	markRecord
)

// DecodeMark returns a row of a batch that has the columns of MarkTable. Its kind
// is 0 where a newer Trailhouse wrote it; Derive passes over such marks.
func DecodeMark(b *trailhouse.Batch, row int) Mark {
	return Mark{
		Instance:  trailhouse.InstanceID(b.String(markInstance, row)),
		Micros:    b.Int(markTime, row),
		Until:     b.Int(markUntil, row),
		Kind:      parseKind(b.Text(markKind, row)),
		PID:       b.Int(markPID, row),
		Slot:      b.String(markSlot, row),
		Detail:    b.String(markDetail, row),
		VCPUs:     b.Int(markVCPUs, row),
		MemoryMiB: b.Int(markMemory, row),
		Lines:     b.Int(markLines, row),
		Record:    b.Key(markRecord, row),
	}
}

// request sets the columns that request() lists.
func (r *row) request(q *Request) {
	r.optional(q.Name)
	r.optional(q.EIFPath)
	r.optionalInt(q.VCPUs)
	if col := r.next(); q.CPUIDs != nil {
		r.batch.SetInts(col, q.CPUIDs)
	}
	r.optionalInt(q.MemoryRequestedMiB)
	r.optionalInt(q.MemoryMiB)
	r.optionalBool(q.Debug)
	r.optionalBool(q.AttachConsole)
	r.optionalInt(q.CIDRequested)
}

// EncodeSessions appends sessions to a batch of SessionTable.
func EncodeSessions(sessions []Session, b *trailhouse.Batch) {
	for i := range sessions {
		s := &sessions[i]
		r := row{batch: b}
		r.required(s.SessionID)
		r.required(string(s.Instance))
		r.required(s.EnclaveID)
		r.required(string(s.Slot))
		r.required(s.Slot.Key())
		r.positive(s.PID)
		r.request(&s.Request)
		for _, t := range [...]time.Time{
			s.Attempt, s.Reserved, s.Ready, s.Started, s.Created,
			s.Stop, s.StopNotBefore, s.StopNotAfter, s.PresumedUntil,
		} {
			r.time(t)
		}
		r.required(s.Reason)
		r.required(s.Evidence)
		b.SetBool(r.next(), s.Partial)
		r.text(s.PCR0)
		r.text(s.PCR8)
		b.EndRow()
	}
}

// EncodeAttempts appends attempts to a batch of AttemptTable.
func EncodeAttempts(attempts []Attempt, b *trailhouse.Batch) {
	for i := range attempts {
		a := &attempts[i]
		r := row{batch: b}
		r.required(string(a.Instance))
		r.positive(a.PID)
		r.time(a.Time)
		r.required(a.Outcome)
		r.text(a.ErrorCode)
		r.text(a.Error)
		r.request(&a.Request)
		r.time(a.Attempt)
		r.time(a.Reserved)
		r.required(a.Evidence)
		b.EndRow()
	}
}
