package schedule

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Period is a period in words, to be counted from an instant.
type Period struct {
	text string
	at   func(now time.Time, zone *time.Location) trailhouse.Period
}

// String returns the text that the period was made of.
func (p Period) String() string { return p.text }

// At returns the period as it is at an instant, in UTC. Days, weeks from Monday on,
// months, quarters and years are those of the zone; a span such as `last 4w` ends at the
// instant. The zero Period is all there is.
func (p Period) At(now time.Time, zone *time.Location) trailhouse.Period {
	if p.at == nil {
		return trailhouse.Period{}
	}
	return p.at(now, zone)
}

var spanWords = regexp.MustCompile(`^(?:--last |last |past )?(\d+) ?(h|d|w|m|hours?|days?|weeks?|months?)$`)

// ParsePeriod reads a period in words, see docs/deliver.md: CodeUsage where it is none.
func ParsePeriod(text string) (Period, error) {
	words := strings.Join(strings.Fields(strings.ToLower(text)), " ")
	words = strings.TrimPrefix(words, "--period ")
	words = strings.Replace(words, "--last=", "--last ", 1)
	if words == "" || words == "all" || words == "everything" {
		return Period{text: text}, nil
	}
	if m := spanWords.FindStringSubmatch(words); m != nil {
		span := m[1] + m[2][:1]
		if _, err := Back(time.Unix(0, 0), span); err != nil {
			return Period{}, err
		}
		return Period{text, func(now time.Time, _ *time.Location) trailhouse.Period {
			from, err := Back(now, span)
			if err != nil {
				panic("BUG: span " + span + " was checked")
			}
			return trailhouse.Period{From: from, To: now.UTC()}
		}}, nil
	}
	if at := named(words); at != nil {
		return Period{text, at}, nil
	}
	return Period{}, trailhouse.Errorf(trailhouse.CodeUsage, "%q is not a period", text).
		WithHint("there are last 4w (12h, 7d, 3m), today, yesterday, last week, last month, last quarter, last year, week to date, month to date, quarter to date, year to date")
}

// named returns the function of a named period, nil where there is none of the name.
func named(words string) func(time.Time, *time.Location) trailhouse.Period {
	switch words {
	case "today":
		words = "day to date"
	case "yesterday":
		words = "last day"
	}
	unit, toDate := strings.CutSuffix(words, " to date")
	if rest, ok := strings.CutPrefix(words, "this "); ok {
		unit, toDate = rest, true
	}
	for _, lead := range []string{"last ", "previous "} {
		if rest, ok := strings.CutPrefix(words, lead); ok && !toDate {
			unit = rest
		}
	}
	start := beginning(unit)
	if start == nil || unit == words {
		return nil
	}
	return func(now time.Time, zone *time.Location) trailhouse.Period {
		today := civilDay(now.In(zone))
		if toDate {
			// At midnight it is the day, week or month that just ended: a period is never empty.
			today = civilDay(now.Add(-1).In(zone))
			return trailhouse.Period{From: First(start(today, 0), zone), To: now.UTC()}
		}
		return trailhouse.Period{From: First(start(today, -1), zone), To: First(start(today, 0), zone)}
	}
}

// beginning returns the function that gives the first day of the unit that a day lies in,
// or of one that is so many units away; nil where there is no such unit.
func beginning(unit string) func(day time.Time, away int) time.Time {
	first := func(year int, month time.Month) time.Time { return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC) }
	switch unit {
	case "day":
		return func(day time.Time, away int) time.Time { return day.AddDate(0, 0, away) }
	case "week":
		return func(day time.Time, away int) time.Time {
			return day.AddDate(0, 0, -(int(day.Weekday())+6)%7+7*away)
		}
	case "month":
		return func(day time.Time, away int) time.Time { return first(day.Year(), day.Month()+time.Month(away)) }
	case "quarter":
		return func(day time.Time, away int) time.Time {
			return first(day.Year(), (day.Month()-1)/3*3+1+time.Month(3*away))
		}
	case "year":
		return func(day time.Time, away int) time.Time { return first(day.Year()+away, time.January) }
	}
	return nil
}

// Back returns the instant, in UTC, that is a span such as 4w before now. A day is 24
// hours, a week seven days, a month the same day of an earlier month, or that month's
// last day where it has no such day. CodeUsage where the text is no span.
func Back(now time.Time, span string) (time.Time, error) {
	wrong := trailhouse.Errorf(trailhouse.CodeUsage, "%q is not a number of hours, days, weeks or months such as 12h, 7d, 4w or 3m", span)
	if span == "" {
		return time.Time{}, wrong
	}
	now = now.UTC()
	n, err := strconv.Atoi(span[:len(span)-1])
	if err != nil || n < 1 || n > 100_000 {
		return time.Time{}, wrong
	}
	switch span[len(span)-1] {
	case 'h':
		return now.Add(-time.Duration(n) * time.Hour), nil
	case 'd':
		return now.AddDate(0, 0, -n), nil
	case 'w':
		return now.AddDate(0, 0, -7*n), nil
	case 'm':
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
