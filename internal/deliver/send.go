package deliver

import (
	"context"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/state"
)

// mostRefusals is after how many attempts a mail that the server refuses is sent no more:
// what may be put right has four days of a run each hour, as mail servers give their own
// queues, and a server that is asked for ever may shut us out.
const mostRefusals = 100

const (
	// tries is how often a target is tried within one run: what does not work then is for
	// the next run.
	tries = 3
	// patience is how long one attempt may take.
	patience = 5 * time.Minute
)

// firstPause is how long to wait before the second attempt; each further pause is four
// times as long.
const firstPause = time.Second

// send sends one delivery to those of its targets that have not got it.
func (r *Runner) send(ctx context.Context, d Due, notes []string) (Outcome, error) {
	if d.Fresh {
		r.step("begin")
		if err := r.State.BeginDelivery(ctx, d.Delivery); err != nil {
			return Outcome{}, err
		}
	}
	content, failed := r.content(ctx, &d, notes)
	out := outcomeOf(d)
	if failed != nil && stops(failed) {
		return out, failed
	}
	for i := range out.Targets {
		t := &out.Targets[i]
		if t.State == state.DeliverySent || t.State == state.DeliveryGivenUp || t.Stuck() {
			continue
		}
		if err := r.sendTo(ctx, &d, content, failed, &out, t); err != nil {
			return out, err
		}
	}
	if !out.Failed() {
		return out, r.forget(d.ID)
	}
	return out, nil
}

// stops reports whether an error is not about one delivery: the machine fails, or the
// user wants to end.
func stops(err error) bool {
	switch trailhouse.CodeOf(err) {
	case trailhouse.CodeInterrupted, trailhouse.CodeStorage, trailhouse.CodeLocked, trailhouse.CodeNewer:
		return true
	}
	return false
}

// sendTo sends to one target and notes what became of it. failed is why there is no
// content.
func (r *Runner) sendTo(ctx context.Context, d *Due, content *trailhouse.Delivery, failed error, all *Outcome, out *TargetOutcome) error {
	target, sender, err := r.open(ctx, d, out.Target)
	if failed != nil {
		err = failed
	}
	if err == nil {
		content, err = r.fitted(ctx, d, content, target, all)
	}
	out.Address = target.Address()
	var receipt string
	for try := 1; ; try++ {
		if err := r.State.BeginAttempt(ctx, d.ID, out.Target, out.Address); err != nil {
			return err
		}
		out.Attempts, out.Tried = out.Attempts+1, r.Clock.Now().UTC()
		refused := false
		if err == nil {
			receipt, err = r.attempt(ctx, sender, content)
			refused = forGood(err, target.Kind(), out.Attempts)
		}
		if ctx.Err() != nil && err != nil {
			return trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted while sending delivery %s: %w", d.ID, ctx.Err())
		}
		r.step("record")
		if err := r.record(ctx, d.ID, out, receipt, err, refused); err != nil {
			return err
		}
		if trailhouse.CodeOf(err) != trailhouse.CodeUnavailable || sender == nil || try == tries {
			return nil
		}
		if err := r.pause(ctx, firstPause<<(2*(try-1))); err != nil {
			return trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted while sending delivery %s: %w", d.ID, err)
		}
		err = nil
	}
}

// attempt makes one attempt.
func (r *Runner) attempt(ctx context.Context, sender trailhouse.Sender, content *trailhouse.Delivery) (string, error) {
	r.step("send")
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return sender.Send(ctx, content)
}

// forGood reports whether what a target answered to an attempt will stay so: the same
// bytes are as large the next time.
func forGood(err error, kind string, attempts int) bool {
	code := trailhouse.CodeOf(err)
	return code == trailhouse.CodeLimit || kind == "mail" && code == trailhouse.CodeDenied && attempts >= mostRefusals
}

// record notes how an attempt ended.
func (r *Runner) record(ctx context.Context, id string, out *TargetOutcome, receipt string, failure error, refused bool) error {
	before := out.State
	out.State, out.Receipt, out.Error, out.Hint, out.Sent = state.DeliverySent, receipt, "", "", r.Clock.Now().UTC()
	if failure != nil {
		out.State, out.Error, out.Hint = failed(before, failure, refused), failure.Error(), trailhouse.HintOf(failure)
		out.Sent = time.Time{}
	}
	if hint := hintOf(out.State, id); hint != "" {
		out.Hint = hint
	}
	return r.State.EndAttempt(ctx, id, out.Target, out.State, receipt, out.Error)
}

// failed returns the state behind an attempt that failed. An answer that was lost once
// stays in doubt whatever the next attempts say, so that no more than two copies are ever
// sent because of lost answers.
func failed(before string, failure error, refused bool) string {
	lost := trailhouse.CodeOf(failure) == trailhouse.CodeUncertain
	switch {
	case refused && before != state.DeliveryUnknown:
		return state.DeliveryRefused
	case (lost || refused) && before == state.DeliveryUnknown:
		return state.DeliveryUncertain
	case lost || before == state.DeliveryUnknown:
		return state.DeliveryUnknown
	}
	return state.DeliveryFailed
}

// hintOf says what to do about a target that waits for someone to look; empty for other
// states.
func hintOf(s, id string) string {
	switch s {
	case state.DeliveryUnknown:
		return "it may have arrived: look for the id " + id + " there, and end this with trailhouse deliveries give-up " + id + "; else the next run sends the same once more"
	case state.DeliveryUncertain:
		return "it may have arrived, once or twice, and is sent no more: look for the id " + id + " there, then end this with trailhouse deliveries give-up " + id +
			"; trailhouse run --now sends it anew"
	case state.DeliveryRefused:
		return "it is sent no more, because the same would be refused again: where it is too large, attach less (fewer formats or columns, a shorter period) " +
			"or use s3 with a link by sns, else correct what the error says; then end this with trailhouse deliveries give-up " + id + "; trailhouse run --now sends it anew"
	}
	return ""
}

// open returns the target of the plan as it is today, and its sender.
func (r *Runner) open(ctx context.Context, d *Due, id string) (Target, trailhouse.Sender, error) {
	for _, t := range d.Plan.Targets {
		if t.ID == id {
			t = t.For(d.Client)
			sender, err := r.Open(ctx, t)
			return t, sender, err
		}
	}
	return Target{}, nil, trailhouse.Errorf(trailhouse.CodeUsage, "the configuration of delivery %s has no target %s any more", d.Name, id).
		WithHint("add it again, or end the attempts with trailhouse deliveries give-up %s", d.ID)
}

// pause waits between attempts.
func (r *Runner) pause(ctx context.Context, d time.Duration) error {
	if r.Pause != nil {
		return r.Pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
