package derive

import (
	"context"
	"maps"
	"slices"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

// byHost returns the rows of enclave_marks in the order of their hosts, those of one host
// as they were. So a group of hosts is read from few row groups of a file.
func byHost(rows *trailhouse.Batch) []int32 {
	col := rows.Table.MustIndex("instance_id")
	ofHost := map[string][]int32{}
	for i := range rows.Len() {
		host := rows.Text(col, i)
		ofHost[string(host)] = append(ofHost[string(host)], int32(i))
	}
	out := make([]int32, 0, rows.Len())
	for _, host := range slices.Sorted(maps.Keys(ofHost)) {
		out = append(out, ofHost[host]...)
	}
	return out
}

// marksAtOnce bounds how many marks are held in memory, some 200 bytes each. A host whose
// marks are more (one that is polled has some ten thousand in a year) is read alone.
const marksAtOnce = 500_000

// markPlaces says where the marks of some hosts lie in the files of enclave_marks. Those
// of a host lie together, so that this is little beside the marks.
type markPlaces struct {
	files []trailhouse.DataFile
	hosts map[trailhouse.InstanceID]*markPlace
}

// markPlace is where the marks of one host lie, in the order of files and rows.
type markPlace struct {
	spans []markSpan
	marks int64
}

// markSpan is a stretch of rows of a file: from the first to before the last.
type markSpan struct {
	file       int32
	from, upTo int64
}

// findMarks looks through one column of enclave_marks for the hosts.
func (j *Job) findMarks(ctx context.Context, wanted hosts) (*markPlaces, error) {
	t := sessions.MarkTable()
	files, _, err := j.Lake.Files(ctx, t.Name, trailhouse.Period{})
	if err != nil {
		return nil, err
	}
	m := &markPlaces{files: files, hosts: make(map[trailhouse.InstanceID]*markPlace, len(wanted))}
	for host := range wanted {
		m.hosts[host] = &markPlace{}
	}
	col := t.MustIndex("instance_id")
	for n, f := range files {
		var row int64
		var last *markPlace // of the row before
		var name []byte
		err := columns.Read(ctx, f.Path, t, []string{"instance_id"}, func(b *trailhouse.Batch) error {
			for i := range b.Len() {
				if text := b.Text(col, i); row == 0 || string(text) != string(name) {
					name, last = append(name[:0], text...), m.hosts[trailhouse.InstanceID(text)]
				}
				last.add(int32(n), row)
				row++
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// add adds a row that follows those before. The place of a host that nobody wants is nil.
func (p *markPlace) add(file int32, row int64) {
	if p == nil {
		return
	}
	p.marks++
	if n := len(p.spans); n > 0 && p.spans[n-1].file == file && p.spans[n-1].upTo == row {
		p.spans[n-1].upTo++
		return
	}
	p.spans = append(p.spans, markSpan{file, row, row + 1})
}

// groups returns the hosts in groups, in order, each with as many marks as may be held or
// of one host.
func (m *markPlaces) groups(most int64) [][]trailhouse.InstanceID {
	var out [][]trailhouse.InstanceID
	var marks int64
	for _, host := range slices.Sorted(maps.Keys(m.hosts)) {
		more := m.hosts[host].marks
		if len(out) == 0 || marks+more > most {
			out, marks = append(out, nil), 0
		}
		out[len(out)-1] = append(out[len(out)-1], host)
		marks += more
	}
	return out
}

// read reads the marks of a group of hosts.
func (m *markPlaces) read(ctx context.Context, group []trailhouse.InstanceID) (map[trailhouse.InstanceID][]sessions.Mark, error) {
	rows := make([][]int64, len(m.files)) // by file
	marks := make(map[trailhouse.InstanceID][]sessions.Mark, len(group))
	for _, host := range group {
		place := m.hosts[host]
		marks[host] = make([]sessions.Mark, 0, place.marks)
		for _, s := range place.spans {
			for row := s.from; row < s.upTo; row++ {
				rows[s.file] = append(rows[s.file], row)
			}
		}
	}
	t := sessions.MarkTable()
	col := t.MustIndex("instance_id")
	for n, f := range m.files {
		slices.Sort(rows[n])
		err := columns.ReadRows(ctx, f.Path, t, nil, rows[n], func(b *trailhouse.Batch) error {
			for i := range b.Len() {
				host := trailhouse.InstanceID(b.Text(col, i))
				marks[host] = append(marks[host], sessions.DecodeMark(b, i))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return marks, nil
}
