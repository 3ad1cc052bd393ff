package schedule

import (
	"time"
	_ "time/tzdata" // zones are the same on every machine, also in an image that has none

	"github.com/trailhouse/trailhouse"
)

// Schedule is a set of wall-clock times in a time zone, to the minute. Each happens at
// one instant: the first one at which the clock shows it or, where the clock was put
// forward over it, a later time. So a time in the gap of a change of the clock happens
// once, at the first instant behind it, and one that the clock shows twice happens the
// first time only.
type Schedule struct {
	text string
	zone *time.Location
	// Bits 0 to 59, 0 to 23, 1 to 31, 1 to 12, and 0 (Sunday) to 6.
	minutes, hours, days, months, weekdays uint64
	// either says that a day needs to match one of days and weekdays, as in cron where
	// both are given; else it needs to match both.
	either bool
	// last says that a day of days that a month does not have is the month's last.
	last bool
}

// horizon is how many days are looked at in vain: 29 February may be eight years away.
const horizon = 9 * 366

// String returns the text that the schedule was made of.
func (s *Schedule) String() string { return s.text }

// Zone returns the time zone.
func (s *Schedule) Zone() *time.Location { return s.zone }

// Next returns the first instant behind after, in UTC.
func (s *Schedule) Next(after time.Time) time.Time {
	day := civilDay(after.In(s.zone)).AddDate(0, 0, -1)
	for range horizon {
		if s.matches(day) {
			for _, at := range s.times(day) {
				if at.After(after) {
					return at
				}
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	panic("BUG: schedule " + s.text + " never happens")
}

// Last returns the last instant that is at or before the given one, in UTC.
func (s *Schedule) Last(until time.Time) time.Time {
	day := civilDay(until.In(s.zone)).AddDate(0, 0, 1)
	for range horizon {
		if s.matches(day) {
			times := s.times(day)
			for i := len(times) - 1; i >= 0; i-- {
				if !times[i].After(until) {
					return times[i]
				}
			}
		}
		day = day.AddDate(0, 0, -1)
	}
	panic("BUG: schedule " + s.text + " never happened")
}

// Missed counts the instants behind after and before until, up to limit.
func (s *Schedule) Missed(after, until time.Time, limit int) int {
	n := 0
	for at := s.Next(after); at.Before(until) && n < limit; at = s.Next(at) {
		n++
	}
	return n
}

// happens reports whether any day ever matches, at any time.
func (s *Schedule) happens() bool {
	if s.hours == 0 || s.minutes == 0 {
		return false
	}
	day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for range horizon {
		if s.matches(day) {
			return true
		}
		day = day.AddDate(0, 0, 1)
	}
	return false
}

// matches reports whether the schedule has times on a day.
func (s *Schedule) matches(day time.Time) bool {
	if s.months&(1<<day.Month()) == 0 {
		return false
	}
	ofMonth := s.days&(1<<day.Day()) != 0
	if tomorrow := day.AddDate(0, 0, 1); s.last && tomorrow.Day() == 1 {
		ofMonth = ofMonth || s.days>>day.Day() != 0
	}
	ofWeek := s.weekdays&(1<<day.Weekday()) != 0
	if s.either {
		return ofMonth || ofWeek
	}
	return ofMonth && ofWeek
}

// times returns the instants of a day that matches, in order, each once.
func (s *Schedule) times(day time.Time) []time.Time {
	var out []time.Time
	for hour := range 24 {
		for minute := range 60 {
			if s.hours&(1<<hour) == 0 || s.minutes&(1<<minute) == 0 {
				continue
			}
			at := First(day.Add(time.Duration(hour)*time.Hour+time.Duration(minute)*time.Minute), s.zone)
			if n := len(out); n == 0 || out[n-1].Before(at) {
				out = append(out, at)
			}
		}
	}
	return out
}

// civilDay returns the day that a clock shows, as midnight UTC.
func civilDay(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// First returns the first instant, in UTC, at which a clock of the zone shows the time
// that wall shows in UTC, or a later one. time.Date does not promise which of two
// instants it gives, nor what it gives for a time that never was.
func First(wall time.Time, zone *time.Location) time.Time {
	wall = time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), time.UTC)
	// No offset from UTC is 26 hours, so this is before every candidate.
	for from := wall.Add(-26 * time.Hour).In(zone); ; {
		_, offset := from.Zone()
		start, end := from.ZoneBounds()
		at := wall.Add(-time.Duration(offset) * time.Second)
		if !start.IsZero() && at.Before(start) {
			at = start
		}
		if end.IsZero() || at.Before(end) {
			return at.UTC()
		}
		from = end.In(zone)
	}
}

// Zone returns the time zone of the name, UTC for an empty one. The machine's own zone
// is none, because it says nothing to another machine: CodeUsage.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "%q is not a time zone such as UTC or Europe/Paris", name)
	}
	return zone, nil
}
