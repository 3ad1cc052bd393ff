package deliver

import (
	"context"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/state"
)

// Runner sends what is due.
type Runner struct {
	State *state.State
	Clock trailhouse.Clock
	// Dir is where content is kept until it is sent.
	Dir string
	// Render makes one report.
	Render func(ctx context.Context, q Request) (Rendered, error)
	// Open returns the sender of a target. It makes no request.
	Open func(ctx context.Context, t Target) (trailhouse.Sender, error)
	// Pause waits, or returns ctx's error; nil stands for a real wait.
	Pause func(ctx context.Context, d time.Duration) error
	// Step, where not nil, is called before each step that changes something. Tests stop
	// the world there.
	Step func(name string)
}

// Options say what to send.
type Options struct {
	// Now is a delivery to send at once, and alone; empty for all that are due.
	Now string
	// Notes are said in the text of each delivery whose content is made now: what went
	// wrong with the evidence before.
	Notes []string
}

// Outcome is what became of one delivery.
type Outcome struct {
	ID        string    `json:"delivery_id"`
	Name      string    `json:"delivery"`
	Client    string    `json:"client,omitempty"`
	Scheduled time.Time `json:"scheduled"`
	// Forced says that a user asked for it; Again that an earlier run left it.
	Forced bool `json:"forced,omitempty"`
	Again  bool `json:"again,omitempty"`
	// From and To are the period, zero where it is open.
	From time.Time `json:"period_from,omitzero"`
	To   time.Time `json:"period_to,omitzero"`
	// Created is when it was found to be due, zero before.
	Created time.Time `json:"created,omitzero"`
	// Missed counts earlier instants at which nothing ran.
	Missed int `json:"missed,omitempty"`
	// Incomplete counts objects of evidence that the reports lack.
	Incomplete int `json:"evidence_missing,omitempty"`
	// Targets are those that the run tried, or would try, and those that wait for
	// someone to look; of a list of the past all.
	Targets []TargetOutcome `json:"targets"`
	// Earlier are those that an earlier run sent to, or that were given up: this run does
	// nothing for them.
	Earlier []TargetOutcome `json:"-"`
}

// TargetOutcome is what became of one target of a delivery.
type TargetOutcome struct {
	Target  string `json:"target"`
	Address string `json:"address"`
	// State is open, failed, unknown, uncertain, refused, sent or given-up; of a dry run
	// open is what would be sent.
	State    string `json:"state"`
	Attempts int    `json:"attempts"`
	// Tried is when the last attempt began, Sent when it arrived; zero before.
	Tried time.Time `json:"tried,omitzero"`
	Sent  time.Time `json:"sent,omitzero"`
	// Receipt is what the target calls what it got.
	Receipt string `json:"receipt,omitempty"`
	Error   string `json:"error,omitempty"`
	// Hint says what to do about the error.
	Hint string `json:"hint,omitempty"`
}

// InDoubt reports whether the target may have got it although no answer says so.
func (t TargetOutcome) InDoubt() bool {
	return t.State == state.DeliveryUnknown || t.State == state.DeliveryUncertain
}

// Stuck reports whether runs try the target no more although nobody gave it up.
func (t TargetOutcome) Stuck() bool {
	return t.State == state.DeliveryUncertain || t.State == state.DeliveryRefused
}

// Failed reports whether a target has not got the delivery.
func (o Outcome) Failed() bool {
	for _, t := range o.Targets {
		if t.InDoubt() || t.State == state.DeliveryFailed || t.State == state.DeliveryOpen || t.State == state.DeliveryRefused {
			return true
		}
	}
	return false
}

// Due returns what Run would send now, and changes nothing.
func (r *Runner) Due(ctx context.Context, plans []Plan, o Options) ([]Outcome, error) {
	var out []Outcome
	err := r.each(plans, o, func(p *Plan, c Client) error {
		list, err := r.list(ctx, p, c, o)
		for _, d := range list {
			out = append(out, outcomeOf(d).ofThisRun(d))
		}
		return err
	})
	return out, err
}

// List returns deliveries of the past, oldest first.
func (r *Runner) List(ctx context.Context, f state.DeliveryFilter) ([]Outcome, error) {
	found, err := r.State.Deliveries(ctx, f)
	var out []Outcome
	for _, d := range found {
		out = append(out, outcomeOf(Due{Delivery: d, Client: Client{Name: d.Client}, Fresh: true}))
	}
	return out, err
}

// Run sends everything that is due. A target that fails is an outcome; the error is of
// the machine, or of an interruption, and then the rest waits for the next run.
func (r *Runner) Run(ctx context.Context, plans []Plan, o Options) ([]Outcome, error) {
	var out []Outcome
	err := r.each(plans, o, func(p *Plan, c Client) error {
		unlock, err := r.lock(ctx, p.Name)
		if err != nil {
			return err
		}
		defer unlock()
		list, err := r.list(ctx, p, c, o)
		if err != nil {
			return err
		}
		for _, d := range list {
			outcome, err := r.send(ctx, d, o.Notes)
			if outcome.ID != "" {
				out = append(out, outcome.ofThisRun(d))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// lock has one process at a time send deliveries of a name. It dies with the process.
func (r *Runner) lock(ctx context.Context, name string) (func(), error) {
	return r.State.Lock(ctx, "delivery_"+strings.ReplaceAll(name, "-", "_"))
}

// each calls fn for each client of each plan that the options mean.
func (r *Runner) each(plans []Plan, o Options, fn func(p *Plan, c Client) error) error {
	found := false
	for i := range plans {
		p := &plans[i]
		if o.Now != "" && o.Now != p.Name {
			continue
		}
		found = true
		for _, c := range p.Clients {
			if err := fn(p, c); err != nil {
				return err
			}
		}
	}
	if o.Now != "" && !found {
		return trailhouse.Errorf(trailhouse.CodeUsage, "there is no delivery %s", o.Now).WithHint("%s", named(plans))
	}
	return nil
}

func named(plans []Plan) string {
	if len(plans) == 0 {
		return "the configuration has no section deliver"
	}
	names := make([]string, len(plans))
	for i, p := range plans {
		names[i] = p.Name
	}
	return "there are " + strings.Join(names, ", ")
}

// list returns what is due for one client, or the one delivery that is asked for.
func (r *Runner) list(ctx context.Context, p *Plan, c Client, o Options) ([]Due, error) {
	now := r.Clock.Now().UTC()
	if o.Now != "" {
		return []Due{{Plan: p, Client: c, Delivery: p.at(now.Truncate(time.Microsecond), c, true), Fresh: true}}, nil
	}
	return r.due(ctx, p, c, now)
}

func outcomeOf(d Due) Outcome {
	out := Outcome{
		ID: d.ID, Name: d.Name, Client: d.Client.Name, Scheduled: d.Scheduled, Forced: d.Forced, Again: !d.Fresh,
		From: d.From, To: d.To, Created: d.Created, Missed: d.Missed, Incomplete: d.Incomplete,
	}
	for _, t := range d.Targets {
		out.Targets = append(out.Targets, TargetOutcome{
			Target: t.Target, Address: t.Address, State: t.State, Attempts: t.Attempts, Receipt: t.Receipt, Error: t.Error,
			Tried: t.Tried, Sent: t.Sent, Hint: hintOf(t.State, d.ID),
		})
	}
	return out
}

// ofThisRun sets apart the targets that were done before the run.
func (o Outcome) ofThisRun(before Due) Outcome {
	all := o.Targets
	o.Targets = nil
	for i, t := range before.Targets {
		if t.State == state.DeliverySent || t.State == state.DeliveryGivenUp {
			o.Earlier = append(o.Earlier, all[i])
		} else {
			o.Targets = append(o.Targets, all[i])
		}
	}
	return o
}

// step lets a test stop the world.
func (r *Runner) step(name string) {
	if r.Step != nil {
		r.Step(name)
	}
}
