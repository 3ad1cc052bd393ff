package columns

import (
	"slices"

	"github.com/trailhouse/trailhouse"
)

// absent stands in a frame for a place that has no row.
const absent = -1

// frame says where the values of a column lie, in the order of the file: one entry
// for each row, for each element of a list and for each place where a struct or list
// on the way is null or empty. It is Dremel's shredding: the frame of a nested
// column is made once and serves all of its fields.
type frame struct {
	rows []int32 // row of the batch, or absent
	// def are the definition levels of the entries that are absent; those of the
	// others are not set. It is nil where no entry is.
	def     []uint8
	rep     []uint8 // repetition levels, nil above the first list
	level   uint8   // definition level of an entry that has a row
	lists   uint8   // lists on the way
	present int     // entries that have a row
}

// topFrame is the frame of a table's columns.
func topFrame(rows []int32) frame { return frame{rows: rows, present: len(rows)} }

// reset empties a frame for reuse, below another.
func (f *frame) reset(parent *frame) {
	f.rows, f.def, f.rep = f.rows[:0], f.def[:0], f.rep[:0]
	f.level, f.lists, f.present = parent.level, parent.lists, 0
}

// structRows makes f the frame of a struct's fields.
func (f *frame) structRows(parent *frame, d *trailhouse.ColumnData, optional bool) {
	f.reset(parent)
	if optional {
		f.level++
	}
	f.rep = append(f.rep, parent.rep...)
	for i, row := range parent.rows {
		switch {
		case row == absent:
			f.rows, f.def = append(f.rows, absent), append(f.def, parent.def[i])
		case len(d.Valid) > 0 && d.Valid[row]:
			f.rows, f.def = append(f.rows, int32(d.Ends[row])-1), append(f.def, 0)
			f.present++
		default:
			f.rows, f.def = append(f.rows, absent), append(f.def, parent.level)
		}
	}
}

// listRows makes f the frame of a list's elements or a map's entries.
func (f *frame) listRows(parent *frame, d *trailhouse.ColumnData, optional bool) {
	f.reset(parent)
	if optional {
		f.level++
	}
	empty := f.level
	f.level++
	f.lists++
	for i, row := range parent.rows {
		rep := uint8(0)
		if len(parent.rep) > 0 {
			rep = parent.rep[i]
		}
		switch {
		case row == absent:
			f.add(absent, parent.def[i], rep)
		case len(d.Valid) == 0 || !d.Valid[row]:
			f.add(absent, parent.level, rep)
		default:
			first, end := start(d.Ends, int(row)), int(d.Ends[row])
			if first == end {
				f.add(absent, empty, rep)
			}
			for ; first < end; first++ {
				f.add(int32(first), 0, rep)
				rep = f.lists
				f.present++
			}
		}
	}
}

func (f *frame) add(row int32, def, rep uint8) {
	f.rows, f.def, f.rep = append(f.rows, row), append(f.def, def), append(f.rep, rep)
}

// start returns where element i begins, given the ends of all elements.
func start(ends []uint32, i int) int {
	if i == 0 {
		return 0
	}
	return int(ends[i-1])
}

// levels are the levels of a leaf and the rows that have a value.
type levels struct {
	def     []uint8 // nil where all entries have values
	highest uint8   // definition level of a value
	rows    []int32
	scratch []uint8
}

// of sets the levels of a leaf. valid is empty where all values are null.
func (l *levels) of(f *frame, valid []bool, optional bool) {
	l.def, l.rows, l.highest = l.scratch[:0], l.rows[:0], f.level
	if optional {
		l.highest++
	}
	switch {
	case l.highest == 0:
		l.rows = append(l.rows, f.rows...)
	case f.present == 0:
		l.def = append(l.def, f.def...)
	case optional && f.level == 0 && len(valid) == 0:
		l.def = append(l.def, make([]uint8, len(f.rows))...)
	case optional && f.present == len(f.rows) && len(valid) > 0:
		l.dense(f, valid)
	default:
		l.sparse(f, valid, optional)
	}
	l.scratch = l.def
}

// dense sets the levels of a leaf none of whose entries is absent.
func (l *levels) dense(f *frame, valid []bool) {
	n := len(f.rows)
	l.def, l.rows = slices.Grow(l.def, n)[:n], slices.Grow(l.rows, n)[:n]
	values := 0
	for i, row := range f.rows {
		var has uint8
		if valid[row] {
			has = 1
		}
		l.def[i], l.rows[values] = f.level+has, row
		values += int(has)
	}
	l.rows = l.rows[:values]
}

// sparse sets the levels of any leaf.
func (l *levels) sparse(f *frame, valid []bool, optional bool) {
	for i, row := range f.rows {
		switch {
		case row == absent:
			l.def = append(l.def, f.def[i])
		case !optional || len(valid) > 0 && valid[row]:
			l.def, l.rows = append(l.def, l.highest), append(l.rows, row)
		default:
			l.def = append(l.def, f.level)
		}
	}
}
