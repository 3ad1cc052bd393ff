package cli

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
)

// periodFlags are the flags of a half-open period [from, to).
type periodFlags struct {
	from, to, last string
}

func (p *periodFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&p.from, "from", "", "first instant: a date `D` (midnight UTC) or an RFC 3339 time")
	c.Flags().StringVar(&p.to, "to", "", "first instant that is not asked for any more: a date `D` or an RFC 3339 time")
	c.Flags().StringVar(&p.last, "last", "", "the `SPAN` that ends now: a number of h, d, w or m (calendar months), such as 4w")
}

// period returns the period that the flags ask for, open where they say nothing.
func (p *periodFlags) period(clock trailhouse.Clock) (trailhouse.Period, error) {
	if p.last != "" {
		if p.from != "" || p.to != "" {
			return trailhouse.Period{}, usage("--last ends now, so it cannot stand beside --from or --to")
		}
		now := clock.Now()
		from, err := back(now, p.last)
		return trailhouse.Period{From: from, To: now}, err
	}
	from, err := instant("--from", p.from)
	if err != nil {
		return trailhouse.Period{}, err
	}
	to, err := instant("--to", p.to)
	if err != nil {
		return trailhouse.Period{}, err
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return trailhouse.Period{}, usage("the period is empty: --from %s is not before --to %s", p.from, p.to).
			WithHint("--to is the first instant that is not asked for any more")
	}
	return trailhouse.Period{From: from, To: to}, nil
}

// instant reads the value of a flag; an empty one is the zero time.
func instant(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := config.ParseInstant(text)
	if err != nil {
		return time.Time{}, usage("%s: %w", flag, err)
	}
	return t, nil
}

// back returns the instant that is a span such as 4w before now. A day is 24 hours,
// a week seven days, a month the same day of an earlier month, or that month's last
// day where it has no such day.
func back(now time.Time, span string) (time.Time, error) {
	wrong := usage("--last: %q is not a number of hours, days, weeks or months such as 12h, 7d, 4w or 3m", span)
	unit := span[len(span)-1:]
	n, err := strconv.Atoi(span[:len(span)-1])
	if err != nil || n < 1 || n > 100_000 {
		return time.Time{}, wrong
	}
	switch unit {
	case "h":
		return now.Add(-time.Duration(n) * time.Hour), nil
	case "d":
		return now.AddDate(0, 0, -n), nil
	case "w":
		return now.AddDate(0, 0, -7*n), nil
	case "m":
		return monthsBack(now, n), nil
	}
	return time.Time{}, wrong
}

// monthsBack returns the same day and time n months earlier. AddDate alone would
// turn 31 March less a month into 3 March.
func monthsBack(now time.Time, n int) time.Time {
	first := time.Date(now.Year(), now.Month(), 1, now.Hour(), now.Minute(), now.Second(), now.Nanosecond(), time.UTC).AddDate(0, -n, 0)
	lastDay := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(now.Day(), lastDay)-1)
}
