package derive

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

// joinCalls brings kms_calls and kms_call_groups up to date: new calls are appended, and
// months are written again in which the session of a call is another one by now.
func (p *pass) joinCalls(ctx context.Context) error {
	now, err := p.sourcesOfCalls(ctx)
	if err != nil {
		return err
	}
	was, err := p.stored(ctx, attested.JoinTable().Name, joinVersion, p.joinTables())
	if err != nil {
		return err
	}
	grouped, err := p.stored(ctx, groupTable(), joinVersion, p.joinTables())
	if err != nil {
		return err
	}
	if !was.equal(now) {
		j := joiner{pass: p, change: p.newChange(attested.JoinTable(), now)}
		if grouped.equal(was) { // else they are made anew
			j.groups = p.newChange(attested.GroupTable(), now)
			grouped = now
		}
		if err := j.join(ctx, was, now); err != nil {
			return err
		}
	}
	if grouped.equal(now) {
		return nil
	}
	return p.sumUpCalls(ctx, now)
}

// join brings kms_calls from what it was made of to what there is now.
func (j *joiner) join(ctx context.Context, was, now watermark) error {
	news, whole, err := j.added(ctx, attested.CallTable(), was)
	if err != nil {
		return err
	}
	if whole {
		if err := j.replaceAll(ctx); err != nil {
			return err
		}
		return j.finish(ctx, news, true)
	}
	again, err := j.moved(ctx, j.sessionsThatChanged(was, now))
	if err != nil {
		return err
	}
	for _, m := range again {
		if err := j.month(ctx, m); err != nil {
			return err
		}
		news = slices.DeleteFunc(news, func(f trailhouse.DataFile) bool { return f.Partition.Equal(m) })
	}
	return j.finish(ctx, news, false)
}

// replaceAll drops all that both tables hold.
func (j *joiner) replaceAll(ctx context.Context) error {
	if err := j.change.replaceAll(ctx); err != nil || j.groups == nil {
		return err
	}
	return j.groups.replaceAll(ctx)
}

// joinTables are the tables that the watermarks of kms_calls and kms_call_groups name:
// what they are made of, and all roots, so that one look tells whether anything is out of date.
func (j *Job) joinTables() []*trailhouse.Table {
	return append(j.roots(), attested.CallTable(), sessions.SessionTable(), sessions.MarkTable())
}

// sourcesOfCalls is what kms_calls can be true to: the roots as far as the tables
// between hold them.
func (p *pass) sourcesOfCalls(ctx context.Context) (watermark, error) {
	now, err := p.watermark(ctx, joinVersion, []*trailhouse.Table{attested.CallTable(), sessions.SessionTable(), sessions.MarkTable()})
	if err != nil {
		return now, err
	}
	logs, err := p.stored(ctx, sessions.SessionTable().Name, sessionsVersion, p.Logs.all())
	if err != nil {
		return now, err
	}
	trail, err := p.stored(ctx, attested.CallTable().Name, trailVersion, []*trailhouse.Table{p.Trail})
	maps.Copy(now.at, logs.at)
	maps.Copy(now.at, trail.at)
	return now, err
}

// sessionsThatChanged returns the hosts whose sessions or logs are others than those
// that kms_calls was derived from, nil for any host.
func (p *pass) sessionsThatChanged(was, now watermark) hosts {
	table, marks := sessions.SessionTable().Name, sessions.MarkTable().Name
	switch {
	case was.at[table] == now.at[table] && was.at[marks] == now.at[marks]:
		return hosts{}
	case was.at[table] == p.before && p.changed != nil:
		return p.changed // a host with new marks is among them
	}
	return nil
}

// joiner gives calls their sessions.
type joiner struct {
	*pass
	lives  *attested.Lives // once they are needed
	change *change
	groups *change // of kms_call_groups; nil where that is made anew
}

// load reads the sessions of all hosts, and which hosts have a log, once.
func (j *joiner) load(ctx context.Context) error {
	if j.lives != nil {
		return nil
	}
	j.lives = attested.NewLives()
	logged, err := j.loggedHosts(ctx)
	if err != nil {
		return err
	}
	for host := range logged {
		j.lives.AddHost([]byte(host))
	}
	t := sessions.SessionTable()
	files, _, err := j.Lake.Files(ctx, t.Name, trailhouse.Period{})
	if err != nil {
		return err
	}
	return readAll(ctx, files, t, attested.SessionColumns(), func(b *trailhouse.Batch) error {
		j.lives.AddSessions(b)
		return nil
	})
}

// finish appends the calls of files of attested_calls, all calls there are or new ones,
// and commits.
func (j *joiner) finish(ctx context.Context, files []trailhouse.DataFile, all bool) error {
	months := monthsOf(files)
	for _, month := range slices.SortedFunc(maps.Keys(months), time.Time.Compare) {
		if err := j.write(ctx, month, months[month], all); err != nil {
			return err
		}
	}
	if err := j.change.commit(ctx, &j.result); err != nil || j.groups == nil {
		return err
	}
	return j.groups.commit(ctx, &j.result)
}

// month writes a whole month again.
func (j *joiner) month(ctx context.Context, month time.Time) error {
	files, err := j.filesOf(ctx, attested.CallTable(), month)
	if err != nil {
		return err
	}
	if err := j.change.drop(ctx, month); err != nil {
		return err
	}
	if j.groups != nil {
		if err := j.groups.drop(ctx, month); err != nil {
			return err
		}
	}
	return j.write(ctx, month, files, true)
}

// filesOf returns the files of one month of a table.
func (j *Job) filesOf(ctx context.Context, t *trailhouse.Table, month time.Time) ([]trailhouse.DataFile, error) {
	files, _, err := j.Lake.Files(ctx, t.Name, trailhouse.Period{From: month, To: month.AddDate(0, 1, 0)})
	return files, err
}

// fileRows is from how many rows on a batch becomes a file of its own: fewer are put
// together, which takes a copy of each row.
const fileRows = 1 << 13

// write writes the calls of files of one month, which are all that it has or new ones.
func (j *joiner) write(ctx context.Context, month time.Time, files []trailhouse.DataFile, all bool) error {
	if err := j.load(ctx); err != nil {
		return err
	}
	groups, err := j.groups.newGroups(ctx, month, all)
	if err != nil {
		return err
	}
	few := few{joiner: j, month: month}
	for _, f := range files {
		err := columns.Read(ctx, f.Path, j.change.table, nil, func(b *trailhouse.Batch) error {
			j.lives.Join(b)
			if err := groups.add(ctx, b); err != nil {
				return err
			}
			if b.Len() >= fileRows {
				return j.change.add(ctx, month, b, nil)
			}
			return few.add(ctx, b)
		})
		if err != nil {
			few.abort()
			return err
		}
	}
	if err := few.close(); err != nil {
		return err
	}
	return groups.flush(ctx)
}

// few writes small batches of one month to one file.
type few struct {
	*joiner
	month time.Time
	file  *columns.Writer // once there is something to write
}

func (f *few) add(ctx context.Context, b *trailhouse.Batch) error {
	if f.file == nil {
		path, err := f.change.path(ctx, f.month)
		if err != nil {
			return err
		}
		if f.file, err = columns.NewWriter(path, f.change.table); err != nil {
			return err
		}
	}
	return f.file.Append(b, nil)
}

func (f *few) abort() {
	if f.file != nil {
		f.file.Abort()
	}
}

func (f *few) close() error {
	if f.file == nil {
		return nil
	}
	file, err := f.file.Close()
	file.Partition = f.month
	f.change.commitNow.Add = append(f.change.commitNow.Add, file)
	return err
}

// moved returns the months in which a call of the hosts, nil for all, has another
// session than kms_calls says.
func (j *joiner) moved(ctx context.Context, of hosts) ([]time.Time, error) {
	if of != nil && len(of) == 0 {
		return nil, nil
	}
	if err := j.load(ctx); err != nil {
		return nil, err
	}
	t := attested.JoinTable()
	files, _, err := j.Lake.Files(ctx, t.Name, trailhouse.Period{})
	if err != nil {
		return nil, err
	}
	names := []string{"kind", "instance_id", "slot_key", "eventtime", "session_id", "session_match"}
	c := indexes(t, names)
	var again []time.Time
	for _, f := range files {
		if slices.ContainsFunc(again, f.Partition.Equal) {
			continue
		}
		differs := false
		err := columns.Read(ctx, f.Path, t, names, func(b *trailhouse.Batch) error {
			for i := 0; i < b.Len() && !differs; i++ {
				if of != nil && !of.has(b.Text(c[1], i)) {
					continue
				}
				session, match := j.lives.Match(b.Text(c[0], i), b.Text(c[1], i), b.Text(c[2], i), b.Int(c[3], i))
				differs = string(b.Text(c[4], i)) != session || string(b.Text(c[5], i)) != match
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if differs {
			again = append(again, f.Partition)
		}
	}
	return again, nil
}
