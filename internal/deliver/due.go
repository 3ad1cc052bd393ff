package deliver

import (
	"context"
	"time"

	"github.com/trailhouse/trailhouse/internal/state"
)

// mostMissed bounds how many missed instants are counted.
const mostMissed = 1000

// Due is a delivery that has to be sent.
type Due struct {
	Plan   *Plan
	Client Client
	state.Delivery
	// Fresh says that it is not in the state yet; else earlier attempts failed.
	Fresh bool
}

// due returns what has to be sent for one client of a plan, oldest first: what earlier
// runs left, then the latest instant of the schedule where there was none for it. Of
// several instants that nothing ran at, only the last is sent. A delivery that is new in
// the configuration is due at once for its last instant, so that it shows whether it
// works.
func (r *Runner) due(ctx context.Context, p *Plan, c Client, now time.Time) ([]Due, error) {
	open, err := r.State.Deliveries(ctx, state.DeliveryFilter{Name: p.Name, Open: true})
	if err != nil {
		return nil, err
	}
	var out []Due
	for _, d := range open {
		if d.Client == c.Name {
			out = append(out, Due{Plan: p, Client: c, Delivery: d})
		}
	}
	if p.Schedule == nil {
		return out, nil
	}
	at := p.Schedule.Last(now)
	last, schedule, err := r.State.LastDelivery(ctx, p.Name, c.Name)
	if err != nil || !at.After(last) {
		return out, err
	}
	d := p.at(at, c, false)
	if !last.IsZero() && schedule == d.Schedule { // nobody missed instants of a schedule that was another
		d.Missed = p.Schedule.Missed(last, at, mostMissed)
	}
	return append(out, Due{Plan: p, Client: c, Delivery: d, Fresh: true}), nil
}

// at returns the delivery of an instant as the state keeps it.
func (p *Plan) at(at time.Time, c Client, forced bool) state.Delivery {
	period := p.Period.At(at, p.Zone)
	d := state.Delivery{
		ID: ID(p.Name, at, c.Name, forced), Name: p.Name, Client: c.Name, Scheduled: at, Forced: forced,
		From: period.From, To: period.To,
	}
	if p.Schedule != nil {
		d.Schedule = p.Schedule.String() + " " + p.Zone.String()
	}
	for _, t := range p.Targets {
		d.Targets = append(d.Targets, state.DeliveryTarget{Target: t.ID, Address: t.For(c).Address(), State: state.DeliveryOpen})
	}
	return d
}
