package ingest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/trailhouse/trailhouse"
)

// run is one import under way. One goroutine reads units into the open batch, one
// writes the batch before it.
type run struct {
	g       *Ingester
	src     trailhouse.Source
	opts    Options
	started time.Time
	id      string // of the run, read by both goroutines

	// These belong to the goroutine that reads.
	planned []trailhouse.Unit
	ignored []cover // places passed over: told only by a run that reads something
	event   Event
	records int64
	read    bool // a unit was opened
	places  places
	healed  bool // a place that was missing is not any more
	// unavailable counts units in a row that the service did not give.
	unavailable int
	open        *work

	// busy is closed when the writer is done; until then the writer owns what stands
	// below, and the reader must not look.
	busy   chan struct{}
	result Result
	spare  *work
	number int64
	failed error // why nothing more is written
}

// Run imports what the source has and the lake has not. It returns what it did even
// where it fails. A unit that cannot be read, or that is damaged, does not stop it:
// Result.Partial tells. It stops with CodeInterrupted where ctx ends, with
// CodeStorage where the machine fails, and with the error of the source where it
// cannot go on; in each case the lake is sound and the next run resumes. Where
// nothing is new it writes nothing.
func (g *Ingester) Run(ctx context.Context, src trailhouse.Source, opts Options) (Result, error) {
	r := &run{g: g, src: src, opts: opts.withDefaults(), started: g.clock.Now(), open: newWork(nil)}
	r.id = r.started.UTC().Format("20060102T150405Z-") + randomHex()
	r.result.RunID = r.id
	err := r.ensure(ctx)
	if err == nil {
		err = r.settle(ctx)
	}
	if err == nil {
		err = r.plan(ctx)
	}
	if err == nil {
		err = r.readAll(ctx)
	}
	err = r.finish(ctx, stopped(ctx, err))
	if err == nil {
		err = r.keepPlaces(ctx)
	}
	if p, ok := r.src.(trailhouse.Planner); ok && err == nil {
		err = p.Settled(ctx)
	}
	r.event.Kind = EventEnded
	r.opts.Progress(r.event)
	return r.result, err
}

// randomHex tells two runs of one second apart.
func randomHex() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	return hex.EncodeToString(b[:])
}

// ensure creates the tables that are missing, one process at a time.
func (r *run) ensure(ctx context.Context) error {
	unlock, err := r.g.state.Lock(ctx, "tables")
	if err != nil {
		return err
	}
	defer unlock()
	for _, t := range append(Tables(), r.src.Tables()...) {
		if err := r.g.lake.Ensure(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// settle recovers what dead processes left open before the units are looked up in
// the ledger: units of a batch that is finished now are done, and are not read
// again. Where nothing is open it takes no lock.
func (r *run) settle(ctx context.Context) error {
	var names []string
	for _, t := range append(Tables(), r.src.Tables()...) {
		names = append(names, t.Name)
	}
	open, err := r.g.state.OpenIntents(ctx, names...)
	if err != nil || len(open) == 0 {
		return err
	}
	return r.g.Exclusive(ctx, names, func(context.Context) error { return nil })
}

// plan asks the source for its units and keeps those that are not done.
func (r *run) plan(ctx context.Context) error {
	if err := r.recallPlaces(ctx); err != nil {
		return err
	}
	err := r.src.Units(ctx, func(u trailhouse.Unit) error {
		if err := ctx.Err(); err != nil {
			return interrupted(err)
		}
		known, err := r.known(ctx, u)
		if err != nil {
			return err
		}
		r.places.found(u.Object, !known)
		if known {
			r.result.Units.Known++
			return nil
		}
		r.planned = append(r.planned, u)
		r.event.BytesPlanned += max(u.Size, 0)
		return nil
	}, r.miss)
	if err != nil {
		return err
	}
	r.takeBack()
	if len(r.planned) > 0 || r.open.missing > 0 {
		r.open.covers = append(r.open.covers, r.ignored...)
	}
	if p, ok := r.src.(trailhouse.Planner); ok {
		p.Planned(r.planned)
	}
	r.event.Kind = EventPlanned
	r.event.UnitsPlanned, r.event.UnitsKnown = int64(len(r.planned)), r.result.Units.Known
	r.opts.Progress(r.event)
	return nil
}

// known reports whether a unit need not be read. One that was ignored below a
// directory is read where the user names it: that is an error then.
func (r *run) known(ctx context.Context, u trailhouse.Unit) (bool, error) {
	if u.Again {
		return false, nil
	}
	result, done, err := r.g.state.UnitDone(ctx, r.src.Name(), r.src.Version(), u.ID)
	return done && !(u.Explicit && result == UnitIgnored), err
}

// miss takes a place that could not be listed, that holds nothing of the source, or that
// could be listed.
func (r *run) miss(c trailhouse.Coverage) error {
	if c.Result == trailhouse.CoverageRead {
		r.places.listed(c)
		return nil
	}
	if c.Result == trailhouse.CoverageIgnored {
		r.result.Units.Ignored++
		r.ignored = append(r.ignored, cover{c, r.g.clock.Now()})
		return nil
	}
	c.Result = trailhouse.CoverageMissing
	r.open.missing++
	if c.Object != "" {
		r.places.now[c.Object] = true
	}
	r.open.covers = append(r.open.covers, cover{c, r.g.clock.Now()})
	r.result.problem(c.Object, causeOf(c))
	return nil
}

// causeOf returns why a place is missing.
func causeOf(c trailhouse.Coverage) error {
	if c.Cause != nil {
		return c.Cause
	}
	return trailhouse.Errorf(trailhouse.CodeNotFound, "%s", c.Detail).
		WithHint("check the path or address that the import was given")
}

// readAll reads the planned units.
func (r *run) readAll(ctx context.Context) error {
	for _, u := range r.planned {
		if err := ctx.Err(); err != nil {
			return interrupted(err)
		}
		known, err := r.known(ctx, u) // another process may have read it meanwhile
		if err != nil {
			return err
		}
		if known {
			r.open.known++
			r.tellUnit(u, UnitDone)
			continue
		}
		if err := r.readUnit(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// readUnit reads one unit and decides what becomes of it.
func (r *run) readUnit(ctx context.Context, u trailhouse.Unit) error {
	r.read = true
	un := &unit{Unit: u, readAt: r.g.clock.Now()}
	s := &sink{run: r, unit: un, ctx: ctx}
	r.open.begin(un)
	err := r.src.Read(ctx, u, s)
	if s.err != nil {
		return s.err
	}
	if err != nil && ctx.Err() != nil {
		return interrupted(err)
	}
	switch trailhouse.CodeOf(err) {
	case "":
		r.unavailable = 0
		err = r.unitRead(un)
	case trailhouse.CodeDamaged, trailhouse.CodeInvalid, trailhouse.CodeLimit:
		r.open.undo()
		r.unitDamaged(ctx, un, err)
		err = nil
	case trailhouse.CodeNotFound, trailhouse.CodeDenied, trailhouse.CodeUnavailable, trailhouse.CodeConflict:
		r.open.undo()
		r.unitMissing(un, err)
		if !r.outage(err) {
			err = nil
		}
	default:
		r.open.undo()
	}
	if err != nil {
		return err
	}
	r.tellUnit(u, un.result)
	if r.open.full(r.opts) {
		return r.handOver(ctx)
	}
	return nil
}

// maxUnavailable is how many units in a row may be unavailable until the service is
// taken to be so: each has cost all its attempts and pauses.
const maxUnavailable = 8

// outage reports whether err is the last of too many in a row that say the same.
func (r *run) outage(err error) bool {
	r.unavailable++
	if trailhouse.CodeOf(err) != trailhouse.CodeUnavailable {
		r.unavailable = 0
	}
	return r.unavailable >= maxUnavailable
}

// unitRead ends a unit that was read to its end.
func (r *run) unitRead(u *unit) error {
	if !r.open.whole() {
		r.open.undo()
		return trailhouse.Errorf(trailhouse.CodeInternal, "source %s ended %s within a record", r.src.Name(), u.Object)
	}
	if c, ok := u.missed(); ok {
		r.open.undo()
		u.result = UnitMissing
		r.missing(u, trailhouse.Errorf(trailhouse.CodeNotFound, "%s was not read: %s", u.Object, c.Detail).
			WithHint("Unpack it and import it again."))
		return nil
	}
	u.result = UnitDone
	if u.ignored() {
		u.result = UnitIgnored
	}
	if len(u.covers) == 0 {
		u.covers = []trailhouse.Coverage{{Object: u.Object, Result: trailhouse.CoverageRead}}
	}
	if u.rejected > 0 {
		detail := fmt.Sprintf("%d of %d records are in quarantine", u.rejected, u.seen)
		u.damaged(detail)
		r.problem(u.Object, trailhouse.Errorf(trailhouse.CodePartial, "%s: %s", u.Object, detail).
			WithHint("trailhouse sql 'SELECT position, reason FROM quarantine' shows them."))
	}
	r.endUnit(u)
	return nil
}

// unitDamaged ends a unit that is rejected whole. It is not marked as done: a later
// run reads it again, and finds it in quarantine already.
func (r *run) unitDamaged(ctx context.Context, u *unit, reason error) {
	u.result = UnitQuarantined
	r.rejectWhole(u, reason, hashOf(ctx, u.Object))
	u.covers = []trailhouse.Coverage{r.unread(u, trailhouse.CoverageDamaged, reason)}
	r.problem(u.Object, reason)
	r.endUnit(u)
}

// unitMissing ends a unit that could not be read. It has a row in units only where
// records of it are in the lake already.
func (r *run) unitMissing(u *unit, reason error) {
	u.result = UnitMissing
	u.covers = []trailhouse.Coverage{r.unread(u, trailhouse.CoverageMissing, reason)}
	r.missing(u, reason)
}

// missing ends a unit whose coverage says that it is missing.
func (r *run) missing(u *unit, reason error) {
	r.problem(u.Object, reason)
	r.open.missing++
	r.cover(u)
	if u.spans > 0 {
		r.open.finished = append(r.open.finished, u)
	}
}

// endUnit has the unit's rows in units and coverage, and its mark in the ledger,
// written with the open batch, which holds the last of its records.
func (r *run) endUnit(u *unit) {
	r.cover(u)
	r.open.finished = append(r.open.finished, u)
}

func (r *run) cover(u *unit) {
	for _, c := range u.covers {
		r.open.covers = append(r.open.covers, cover{c, r.g.clock.Now()})
	}
}

// problem notes a problem; the writer may be using the result.
func (r *run) problem(object string, err error) {
	_ = r.wait()
	r.result.problem(object, err)
}

// tellUnit reports progress.
func (r *run) tellUnit(u trailhouse.Unit, result string) {
	r.event.Kind, r.event.Object, r.event.Result = EventUnit, u.Object, result
	r.event.UnitsRead++
	r.event.BytesRead += max(u.Size, 0)
	r.event.Records = r.records
	r.opts.Progress(r.event)
	r.event.Object, r.event.Result = "", ""
}

// handOver has the open batch written while the next one is filled.
func (r *run) handOver(ctx context.Context) error {
	if err := r.wait(); err != nil {
		return err
	}
	w := r.open
	r.open = newWork(r.spare)
	r.spare = nil
	busy := make(chan struct{})
	r.busy = busy
	go func() {
		defer close(busy)
		r.failed = r.write(ctx, w)
		r.spare = w
	}()
	r.event.Kind, r.event.Records = EventBatch, r.records
	r.opts.Progress(r.event)
	return nil
}

// wait waits for the writer and returns why nothing more is written.
func (r *run) wait() error {
	if r.busy != nil {
		<-r.busy
		r.busy = nil
	}
	return r.failed
}

// finish writes what is left and the run's row. A run that was interrupted drops
// the open batch: its units are not done, so the next run reads them again. A run
// whose source failed keeps the units that it read whole.
func (r *run) finish(ctx context.Context, cause error) error {
	if err := r.wait(); err != nil {
		r.result.Result = RunFailed
		if trailhouse.CodeOf(err) == trailhouse.CodeInterrupted {
			return r.drop(ctx, err)
		}
		return err
	}
	if trailhouse.CodeOf(cause) == trailhouse.CodeInterrupted {
		return r.drop(ctx, cause)
	}
	end := RunDone
	if cause != nil {
		end = RunFailed
	}
	err := r.last(ctx, end)
	if trailhouse.CodeOf(err) == trailhouse.CodeInterrupted {
		return r.drop(ctx, errors.Join(cause, err))
	}
	return errors.Join(cause, err)
}

// drop ends an interrupted run without the open batch.
func (r *run) drop(ctx context.Context, cause error) error {
	r.failed = nil
	r.open = newWork(nil)
	if !r.read {
		r.healed = false
		r.result.Result = RunInterrupted
		return cause
	}
	return errors.Join(cause, r.last(context.WithoutCancel(ctx), RunInterrupted))
}

// last writes the open batch with the run's row, unless nothing was read and
// nothing is missing.
func (r *run) last(ctx context.Context, end string) error {
	r.result.Result = end
	if !r.read && !r.healed && r.open.missing == 0 {
		r.result.Units.Known += r.open.known
		return nil
	}
	r.open.end = end
	if err := r.write(ctx, r.open); err != nil {
		if end == RunDone {
			r.result.Result = RunFailed
		}
		return err
	}
	if end == RunDone && r.result.Partial() {
		r.result.Result = RunPartial
	}
	return nil
}

// stopped returns err, as an interruption where ctx has ended: whatever failed
// then failed because of that.
func stopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return interrupted(err)
	}
	return err
}

// interrupted is the error of a run that the user stopped.
func interrupted(cause error) error {
	if trailhouse.CodeOf(cause) == trailhouse.CodeInterrupted && trailhouse.HintOf(cause) != "" {
		return cause
	}
	return trailhouse.Errorf(trailhouse.CodeInterrupted, "the import was interrupted: %w", cause).
		WithHint("Run the same command again: it resumes.")
}
