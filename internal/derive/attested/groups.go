package attested

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
)

// grouped is how many columns of kms_calls calls of a group have in common.
const grouped = 16

// groupColumns are these columns: all that clients, approved_images and findings look at,
// but for the time.
func groupColumns() [grouped]string {
	return [grouped]string{
		"account_id", "awsregion", "key_arn", "key_id", "principal", "caller_instance_id", "errorcode", "kind", "module_id",
		"instance_id", "slot_key", "pcr0", "pcr8", "debug", "session_id", "session_match",
	}
}

// GroupedColumns are the columns of kms_calls that Groups.Add reads.
func GroupedColumns() []string {
	common := groupColumns()
	return append(common[:], "eventtime", "errormessage")
}

// GroupTable returns the table kms_call_groups: one row, or a few, for all calls of a
// month that differ in nothing that a finding looks at. A year of a million calls of
// 100,000 sessions has 102,000 groups.
func GroupTable() *trailhouse.Table {
	t := &trailhouse.Table{
		Name: "kms_call_groups",
		Doc: "Calls of kms_calls of a month that are alike in all but time, operation and origin, summed up. Derived from kms_calls. " +
			"Where a month has very many groups, one may have several rows, which add up.",
		Columns:     []trailhouse.Column{required(text("group_key", "the group, as in kms_calls: 128 bits of SHA-256 of the month and what the calls have in common, hex"))},
		PartitionBy: "first_call",
		Transform:   trailhouse.ByMonth,
	}
	calls := JoinTable()
	for _, name := range groupColumns() {
		t.Columns = append(t.Columns, calls.Columns[calls.MustIndex(name)])
	}
	t.Columns = append(t.Columns,
		required(trailhouse.Column{Name: "failed", Type: trailhouse.TypeBool, Doc: "the calls failed: they have an error code or an error text"}),
		required(trailhouse.Column{Name: "calls", Type: trailhouse.TypeInt64, Doc: "how many calls, records of the same call in several accounts each counted"}),
		required(trailhouse.Column{Name: "first_call", Type: trailhouse.TypeTimestamp, Doc: "first of the calls"}),
		required(trailhouse.Column{Name: "last_call", Type: trailhouse.TypeTimestamp, Doc: "last of the calls"}),
	)
	return t
}

// Groups sums up the calls of one month.
type Groups struct {
	table *trailhouse.Table
	month string
	byKey map[string]int
	sums  []sum
	// texts has the common columns of each group. What Merge got is there as well.
	texts    *trailhouse.Batch
	from, to [grouped]int // places in kms_calls and kms_call_groups
	// text is a group's identity on its way to its key.
	text []byte
}

// sum is what is added up for a group, times in microseconds.
type sum struct {
	key         string
	failed      bool
	calls       int64
	first, last int64
}

// NewGroups returns the groups of a month without calls.
func NewGroups(month time.Time) *Groups {
	g := &Groups{table: GroupTable(), month: month.UTC().Format("2006-01"), byKey: map[string]int{}}
	g.texts = trailhouse.NewBatch(&trailhouse.Table{Name: g.table.Name, Columns: g.table.Columns[1 : 1+grouped]})
	calls := JoinTable()
	for i, name := range groupColumns() {
		g.from[i], g.to[i] = calls.MustIndex(name), g.table.MustIndex(name)
	}
	return g
}

// Len returns the number of groups.
func (g *Groups) Len() int { return len(g.sums) }

// alike are the numbers that a batch has for the values of a row. Rows of a batch with
// equal numbers are of one group.
type alike [grouped + 1]uint32

// Add adds the calls of b, a batch of JoinTable, and sets their group_key.
func (g *Groups) Add(b *trailhouse.Batch) {
	at, key, message := b.Table.MustIndex("eventtime"), b.Table.MustIndex("group_key"), b.Table.MustIndex("errormessage")
	var columns [grouped]trailhouse.ColumnData
	for i, from := range g.from {
		columns[i] = b.Data(from)
	}
	known := map[alike]int{}
	rows := b.Len()
	for row := range rows {
		numbers := numbersOf(&columns, row)
		if !b.IsNull(message, row) {
			numbers[grouped] = 1
		}
		n, ok := known[numbers]
		if !ok {
			n = g.group(b, row, numbers[grouped] == 1)
			known[numbers] = n
		}
		s := &g.sums[n]
		t := b.Int(at, row)
		s.calls, s.first, s.last = s.calls+1, min(s.first, t), max(s.last, t)
		b.SetLen(row)
		b.SetString(key, s.key)
	}
	b.SetLen(rows)
}

// numbersOf returns the numbers of a row's values, 0 for null.
func numbersOf(columns *[grouped]trailhouse.ColumnData, row int) (out alike) {
	for i := range columns {
		c := &columns[i]
		switch {
		case row >= len(c.Valid) || !c.Valid[row]:
		case len(c.Ints) > 0:
			out[i] = uint32(c.Ints[row]) + 1
		default:
			out[i] = c.Codes[row] + 1
		}
	}
	return out
}

// group returns the number of the group of a call, a new one where there is none.
func (g *Groups) group(b *trailhouse.Batch, row int, message bool) int {
	g.text = append(g.text[:0], g.month...)
	for _, from := range g.from {
		switch {
		case b.IsNull(from, row):
			g.text = append(g.text, 0)
		case b.Table.Columns[from].Type == trailhouse.TypeBool:
			g.text = append(g.text, 1, byte(b.Int(from, row)))
		default:
			g.text = binary.AppendUvarint(append(g.text, 2), uint64(len(b.Text(from, row))))
			g.text = append(g.text, b.Text(from, row)...)
		}
	}
	failed := message || !b.IsNull(b.Table.MustIndex("errorcode"), row)
	if failed {
		g.text = append(g.text, 'f')
	}
	hash := sha256.Sum256(g.text)
	key := hex.EncodeToString(hash[:16])
	if n, ok := g.byKey[key]; ok {
		return n
	}
	t := b.Int(b.Table.MustIndex("eventtime"), row)
	return g.add(b, &g.from, row, sum{key: key, failed: failed, first: t, last: t})
}

// add adds a group whose common columns stand at places of a row.
func (g *Groups) add(b *trailhouse.Batch, places *[grouped]int, row int, s sum) int {
	copyCommon(g.texts, b, places, row, 0)
	g.texts.EndRow()
	g.byKey[s.key] = len(g.sums)
	g.sums = append(g.sums, s)
	return len(g.sums) - 1
}

// copyCommon sets the common columns of the row under way, which begin at a place.
func copyCommon(dst, src *trailhouse.Batch, places *[grouped]int, row, begin int) {
	for i, from := range places {
		switch {
		case src.IsNull(from, row):
		case src.Table.Columns[from].Type == trailhouse.TypeBool:
			dst.SetBool(begin+i, src.Bool(from, row))
		default:
			dst.SetText(begin+i, src.Text(from, row))
		}
	}
}

// Merge adds the rows of b, a batch of GroupTable of the same month.
func (g *Groups) Merge(b *trailhouse.Batch) {
	t := b.Table
	key, failed, calls := t.MustIndex("group_key"), t.MustIndex("failed"), t.MustIndex("calls")
	first, last := t.MustIndex("first_call"), t.MustIndex("last_call")
	for row := range b.Len() {
		s := sum{key: b.String(key, row), failed: b.Bool(failed, row), calls: b.Int(calls, row), first: b.Int(first, row), last: b.Int(last, row)}
		n, ok := g.byKey[s.key]
		if !ok {
			g.add(b, &g.to, row, s)
			continue
		}
		of := &g.sums[n]
		of.calls, of.first, of.last = of.calls+s.calls, min(of.first, s.first), max(of.last, s.last)
	}
}

// Rows returns the groups as rows of GroupTable, in the order of their first calls.
func (g *Groups) Rows() *trailhouse.Batch {
	order := make([]int, len(g.sums))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := &g.sums[i], &g.sums[j]
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.key, b.key))
	})
	out, places := trailhouse.NewBatch(g.table), [grouped]int{}
	for i := range places {
		places[i] = i
	}
	failed := g.table.MustIndex("failed")
	for _, i := range order {
		s := &g.sums[i]
		out.SetString(0, s.key)
		copyCommon(out, g.texts, &places, i, 1)
		out.SetBool(failed, s.failed)
		out.SetInt(failed+1, s.calls)
		out.SetMicros(failed+2, s.first)
		out.SetMicros(failed+3, s.last)
		out.EndRow()
	}
	return out
}
