package trailhouse

import "time"

// Clock gives the current instant. Product code never calls time.Now: a Clock is
// handed in, so that tests and the demo decide what time it is.
type Clock interface {
	// Now returns the current instant in UTC.
	Now() time.Time
}

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now returns the machine's time in UTC.
func (SystemClock) Now() time.Time { return time.Now().UTC() }

// Period is a half-open span of time [From, To) in UTC. A zero From or To leaves
// that side open.
type Period struct {
	From, To time.Time
}

// Contains reports whether t lies in the period.
func (p Period) Contains(t time.Time) bool {
	return (p.From.IsZero() || !t.Before(p.From)) && (p.To.IsZero() || t.Before(p.To))
}
