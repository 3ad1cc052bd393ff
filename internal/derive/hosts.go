package derive

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

// deriveSessions derives the sessions and attempts of the hosts that changed and
// replaces the months that changed with them. The attempts are committed first:
// the sessions' watermark stands for both.
func (p *pass) deriveSessions(ctx context.Context) error {
	now, err := p.sourcesOfSessions(ctx)
	if err != nil {
		return err
	}
	table := sessions.SessionTable()
	if p.before, err = p.Lake.Content(ctx, table.Name); err != nil {
		return err
	}
	was, err := p.stored(ctx, table.Name, sessionsVersion, p.sessionTables())
	if err != nil || was.equal(now) {
		return err
	}
	if p.changed, err = p.dirtyHosts(ctx, was); err != nil {
		return err
	}
	lives, attempts, err := p.deriveHosts(ctx, p.changed)
	if err != nil {
		return err
	}
	p.result.Hosts += len(p.changed)
	if err := p.replaceHosts(ctx, attempts, p.changed, now, &p.result); err != nil {
		return err
	}
	return p.replaceHosts(ctx, lives, p.changed, now, &p.result)
}

// sessionTables are the tables that the watermark of sessions names.
func (j *Job) sessionTables() []*trailhouse.Table {
	return append(j.Logs.all(), attested.CallTable(), attested.HostEndTable())
}

// sourcesOfSessions is what sessions can be true to: the logs as far as the marks
// hold them, which may be less than the logs hold by now, the coverage, and what was
// taken out of the trail.
func (p *pass) sourcesOfSessions(ctx context.Context) (watermark, error) {
	now, err := p.watermark(ctx, sessionsVersion, []*trailhouse.Table{p.Logs.Coverage, attested.CallTable(), attested.HostEndTable()})
	if err != nil {
		return now, err
	}
	marks, err := p.stored(ctx, sessions.MarkTable().Name, marksVersion, p.Logs.lines())
	maps.Copy(now.at, marks.at)
	return now, err
}

// deriveHosts returns the rows of enclave_sessions and enclave_attempts of the
// hosts.
func (j *Job) deriveHosts(ctx context.Context, dirty hosts) (lives, attempts *trailhouse.Batch, err error) {
	lives, attempts = trailhouse.NewBatch(sessions.SessionTable()), trailhouse.NewBatch(sessions.AttemptTable())
	known, err := j.reaches(ctx)
	if err != nil {
		return nil, nil, err
	}
	signs, err := j.signsOf(ctx, dirty)
	if err != nil {
		return nil, nil, err
	}
	where, err := j.findMarks(ctx, dirty)
	if err != nil {
		return nil, nil, err
	}
	for _, group := range where.groups(marksAtOnce) {
		marks, err := where.read(ctx, group)
		if err != nil {
			return nil, nil, err
		}
		for _, host := range group {
			in := sessions.Input{Instance: host, Marks: marks[host], Signs: signs.of(host)}
			if k := known[host]; k != nil {
				in.CompleteThrough, in.Gaps = k.through, k.gaps
			}
			r := sessions.Derive(in)
			sessions.EncodeSessions(r.Sessions, lives)
			sessions.EncodeAttempts(r.Attempts, attempts)
		}
	}
	return lives, attempts, nil
}

// replaceHosts replaces the rows of the hosts in the table by the rows given.
func (j *Job) replaceHosts(ctx context.Context, rows *trailhouse.Batch, dirty hosts, now watermark, result *Result) error {
	t := rows.Table
	if len(dirty) == 0 {
		return j.newChange(t, now).commit(ctx, result)
	}
	byMonth := map[time.Time]*trailhouse.Batch{}
	at := t.MustIndex(t.PartitionBy)
	for i := range rows.Len() {
		m := month(rows.Time(at, i))
		if byMonth[m] == nil {
			byMonth[m] = trailhouse.NewBatch(t)
		}
		byMonth[m].CopyRow(rows, i)
	}
	files, _, err := j.Lake.Files(ctx, t.Name, trailhouse.Period{})
	if err != nil {
		return err
	}
	for _, f := range files {
		if byMonth[f.Partition] == nil {
			byMonth[f.Partition] = trailhouse.NewBatch(t)
		}
	}
	change := j.newChange(t, now)
	host := t.MustIndex("instance_id")
	kept := func(b *trailhouse.Batch, i int) bool {
		_, again := dirty[trailhouse.InstanceID(b.Text(host, i))]
		return !again
	}
	for _, m := range slices.SortedFunc(maps.Keys(byMonth), time.Time.Compare) {
		if err := change.replace(ctx, m, byMonth[m], kept); err != nil {
			return err
		}
	}
	return change.commit(ctx, result)
}

// randomName returns a name for one attempt at a file, so that an attempt never
// meets the leavings of one that died.
func randomName() (string, error) {
	var b [6]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}
