package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/schedule"
)

// periodFlags are the flags of a half-open period [from, to).
type periodFlags struct {
	from, to, last, words string
}

func (p *periodFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&p.from, "from", "", "first instant: a date `D` (midnight UTC) or an RFC 3339 time")
	c.Flags().StringVar(&p.to, "to", "", "first instant that is not asked for any more: a date `D` or an RFC 3339 time")
	c.Flags().StringVar(&p.last, "last", "", "the `SPAN` that ends now: a number of h, d, w or m (calendar months), such as 4w")
	c.Flags().StringVar(&p.words, "period", "", "the period in `WORDS`, in UTC: last month, last week, yesterday, month to date, last 4w")
}

// period returns the period that the flags ask for, open where they say nothing.
func (p *periodFlags) period(clock trailhouse.Clock) (trailhouse.Period, error) {
	if p.words != "" {
		if p.from != "" || p.to != "" || p.last != "" {
			return trailhouse.Period{}, usage("--period says it all, so it cannot stand beside --from, --to or --last")
		}
		words, err := schedule.ParsePeriod(p.words)
		if err != nil {
			return trailhouse.Period{}, usage("--period: %w", err).WithHint("%s", trailhouse.HintOf(err))
		}
		return words.At(clock.Now(), time.UTC), nil
	}
	if p.last != "" {
		if p.from != "" || p.to != "" {
			return trailhouse.Period{}, usage("--last ends now, so it cannot stand beside --from or --to")
		}
		now := clock.Now()
		from, err := schedule.Back(now, p.last)
		if err != nil {
			return trailhouse.Period{}, usage("--last: %w", err)
		}
		return trailhouse.Period{From: from, To: now}, nil
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
