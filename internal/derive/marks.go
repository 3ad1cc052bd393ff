package derive

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

// foldMarks folds the host-days that changed and replaces the months of
// enclave_marks that they lie in. Marks are true to the logs of their own
// watermark, which may lie before or after that of the sessions.
func (p *pass) foldMarks(ctx context.Context) error {
	table := sessions.MarkTable()
	now, err := p.watermark(ctx, marksVersion, p.Logs.lines())
	if err != nil {
		return err
	}
	was, err := p.stored(ctx, table.Name, marksVersion, p.Logs.lines())
	if err != nil || was.equal(now) {
		return err
	}
	dirty, err := p.dirtyDays(ctx, was)
	if err != nil {
		return err
	}
	change := p.newChange(table, now)
	change.order = byHost
	folder, err := p.newDayFolder(ctx, dirty)
	if err != nil {
		return err
	}
	for month, days := range byMonth(dirty) {
		rows, err := folder.month(ctx, days)
		if err != nil {
			return err
		}
		kept := func(b *trailhouse.Batch, i int) bool {
			day := b.Time(table.MustIndex("day"), i)
			_, folded := dirty[day][trailhouse.InstanceID(b.Text(table.MustIndex("instance_id"), i))]
			return !folded
		}
		if err := change.replace(ctx, month, rows, kept); err != nil {
			return err
		}
	}
	p.result.Days += folder.done
	return change.commit(ctx, &p.result)
}

// dayFolder folds the lines of host-days to marks.
type dayFolder struct {
	job         *Job
	dirty       dirtyDays
	files       map[time.Time][]lineFile
	done, total int
}

// lineFile is one file of one of the logs.
type lineFile struct {
	path string
	log  *trailhouse.Table
}

func (j *Job) newDayFolder(ctx context.Context, dirty dirtyDays) (*dayFolder, error) {
	f := &dayFolder{job: j, dirty: dirty, files: map[time.Time][]lineFile{}}
	for _, t := range j.Logs.lines() {
		files, _, err := j.Lake.Files(ctx, t.Name, trailhouse.Period{})
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			f.files[file.Partition] = append(f.files[file.Partition], lineFile{file.Path, t})
		}
	}
	for _, hosts := range dirty {
		f.total += len(hosts)
	}
	return f, nil
}

// month folds the named days of one month to rows of enclave_marks.
func (f *dayFolder) month(ctx context.Context, days []time.Time) (*trailhouse.Batch, error) {
	rows := trailhouse.NewBatch(sessions.MarkTable())
	for _, day := range days {
		marks, err := f.day(ctx, day)
		if err != nil {
			return nil, err
		}
		sessions.EncodeMarks(marks, rows)
	}
	return rows, nil
}

// day folds the lines of the dirty hosts of one day.
func (f *dayFolder) day(ctx context.Context, day time.Time) ([]sessions.Mark, error) {
	folders := map[trailhouse.InstanceID]*sessions.Folder{}
	for host := range f.dirty[day] {
		folders[host] = sessions.NewFolder(host)
	}
	for _, file := range f.files[day] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		read := f.job.enclaveLines
		if file.log == f.job.Logs.Allocator {
			read = f.job.allocatorLines
		}
		if err := read(ctx, file.path, folders); err != nil {
			return nil, err
		}
	}
	var marks []sessions.Mark
	for _, host := range slices.Sorted(maps.Keys(folders)) {
		marks = append(marks, folders[host].Marks()...)
		f.done++
	}
	if f.job.Progress != nil {
		f.job.Progress(f.done, f.total)
	}
	return marks, nil
}

// enclaveLines adds the lines of one file of enclave_log to the folders of their
// hosts.
func (j *Job) enclaveLines(ctx context.Context, path string, folders map[trailhouse.InstanceID]*sessions.Folder) error {
	t := j.Logs.Enclave
	names := []string{"instance_id", "time", "logger", "level", "message", "record_id"}
	c := indexes(t, names)
	return columns.Read(ctx, path, t, names, func(b *trailhouse.Batch) error {
		for i := range b.Len() {
			if f := folders[trailhouse.InstanceID(b.Text(c[0], i))]; f != nil {
				f.Add(sessions.Line{
					Micros: b.Int(c[1], i), Logger: b.Text(c[2], i), Level: b.Text(c[3], i),
					Message: b.Text(c[4], i), ID: b.Key(c[5], i),
				})
			}
		}
		return nil
	})
}

// allocatorLines does the same for allocator_log.
func (j *Job) allocatorLines(ctx context.Context, path string, folders map[trailhouse.InstanceID]*sessions.Folder) error {
	t := j.Logs.Allocator
	names := []string{"instance_id", "time", "identifier", "message", "record_id"}
	c := indexes(t, names)
	return columns.Read(ctx, path, t, names, func(b *trailhouse.Batch) error {
		for i := range b.Len() {
			if f := folders[trailhouse.InstanceID(b.Text(c[0], i))]; f != nil {
				f.AddAllocator(sessions.AllocatorLine{
					Micros: b.Int(c[1], i), Identifier: b.Text(c[2], i), Message: b.Text(c[3], i), ID: b.Key(c[4], i),
				})
			}
		}
		return nil
	})
}

// indexes returns the positions of the named columns.
func indexes(t *trailhouse.Table, names []string) []int {
	c := make([]int, len(names))
	for i, name := range names {
		c[i] = t.MustIndex(name)
	}
	return c
}

// byMonth groups the dirty days by the month that they lie in.
func byMonth(dirty dirtyDays) map[time.Time][]time.Time {
	months := map[time.Time][]time.Time{}
	for _, day := range slices.SortedFunc(maps.Keys(dirty), time.Time.Compare) {
		m := month(day)
		months[m] = append(months[m], day)
	}
	return months
}

// month returns the first instant of t's month.
func month(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}
