package schedule

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/trailhouse/trailhouse"
)

// Parse reads a schedule: five fields of cron, or words. CodeUsage says what is wrong
// with it, also with one that never happens.
func Parse(text string, zone *time.Location) (*Schedule, error) {
	words := strings.Fields(strings.ToLower(strings.ReplaceAll(text, ",", " , ")))
	s, err := parseWords(words)
	if s == nil && err == nil {
		s, err = parseCron(strings.Join(strings.Fields(text), " "))
	}
	if err != nil {
		return nil, err
	}
	s.text, s.zone = text, zone
	if !s.happens() {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "the schedule %q never happens: no such day is in any year", text)
	}
	return s, nil
}

func notSchedule(text string) *trailhouse.Error {
	return trailhouse.Errorf(trailhouse.CodeUsage, "%q is not a schedule", text).
		WithHint("give five fields of cron such as \"0 6 3 * *\", or words such as daily at 06:00, weekly on monday at 07:00, monthly on day 3")
}

// parseCron reads the five fields with the library's parser. When they happen is not
// left to it: it skips times in the gap of a change of the clock, and some that are
// shown twice come twice.
func parseCron(text string) (*Schedule, error) {
	fields := strings.Fields(text)
	if len(fields) != 5 || strings.Contains(text, "=") {
		return nil, notSchedule(text)
	}
	for _, field := range fields {
		if slices.Contains(strings.Split(field, ","), "") {
			return nil, notSchedule(text) // the library takes nothing between commas for nothing at all
		}
	}
	if err := numbers(text, fields); err != nil {
		return nil, err
	}
	fields[4] = sundays(fields[4])
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := parser.Parse(strings.Join(fields, " "))
	spec, ok := parsed.(*cron.SpecSchedule)
	if err != nil || !ok {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "%q is not a schedule: %w", text, err).
			WithHint("the five fields are minute, hour, day of the month, month, day of the week (0 or 7 is Sunday)")
	}
	return &Schedule{
		minutes: plain(spec.Minute), hours: plain(spec.Hour), days: plain(spec.Dom), months: plain(spec.Month), weekdays: plain(spec.Dow),
		either: !starred(fields[2]) && !starred(fields[4]),
	}, nil
}

// numbers finds a number that a field does not take, in our words: the library's are about
// its own fields and types.
func numbers(text string, fields []string) error {
	bounds := [5]struct {
		name        string
		least, most int
	}{{"minute", 0, 59}, {"hour", 0, 23}, {"day of the month", 1, 31}, {"month", 1, 12}, {"day of the week", 0, 7}}
	for i, b := range bounds {
		for _, item := range strings.Split(fields[i], ",") {
			span, _, _ := strings.Cut(item, "/")
			low, high, _ := strings.Cut(strings.TrimPrefix(span, "-"), "-")
			for _, n := range []string{low, high} {
				if strings.Trim(n, "0123456789") != "" || n == "" {
					continue
				}
				value, err := strconv.Atoi(n)
				if err != nil || value < b.least || value > b.most || strings.HasPrefix(span, "-") {
					return trailhouse.Errorf(trailhouse.CodeUsage, "%q is not a schedule: %s is no %s, which goes from %d to %d", text, item, b.name, b.least, b.most).
						WithHint("the five fields are minute, hour, day of the month, month, day of the week (0 or 7 is Sunday)")
				}
			}
		}
	}
	return nil
}

// plain drops the library's mark of a star.
func plain(bits uint64) uint64 { return bits &^ (1 << 63) }

// starred reports whether a field begins with a star: then the other day field alone
// decides, as in every cron.
func starred(field string) bool { return strings.HasPrefix(field, "*") || field == "?" }

var toSunday = regexp.MustCompile(`^([0-6a-z]+)-7$`)

// sundays writes 7 as 0, which is what the library knows Sunday by.
func sundays(field string) string {
	items := strings.Split(strings.ToLower(field), ",")
	for i, item := range items {
		if item == "7" || item == "7-7" {
			items[i] = "0"
		}
		if m := toSunday.FindStringSubmatch(item); m != nil {
			items[i] = m[1] + "-6,0"
		}
	}
	return strings.Join(items, ",")
}

const (
	everyDay   = 1<<32 - 2 // 1 to 31
	everyMonth = 1<<13 - 2 // 1 to 12
	allWeek    = 1<<7 - 1
	workWeek   = 1<<6 - 2 // Monday to Friday
)

// parseWords reads a schedule in words; nil where the first is none that begins one.
func parseWords(words []string) (*Schedule, error) {
	if len(words) == 0 {
		return nil, notSchedule("")
	}
	text := strings.Join(words, " ")
	s := &Schedule{minutes: 1, hours: 1, days: everyDay, months: everyMonth, weekdays: allWeek}
	rest := words[1:]
	first := strings.TrimPrefix(words[0], "@")
	if first == "every" && len(words) > 1 {
		first, rest = words[1], words[2:]
	}
	switch first {
	case "hourly", "hour":
		s.hours = 1<<24 - 1
	case "daily", "day":
	case "weekdays", "weekday":
		s.weekdays = workWeek
	case "weekly", "week":
		s.weekdays = 1 << time.Monday
		rest = s.onWeekdays(rest)
	case "monthly", "month":
		s.days, s.last = 1<<1, true
		rest = s.onDays(rest)
	case "quarterly", "quarter":
		s.days, s.last, s.months = 1<<1, true, 1<<1|1<<4|1<<7|1<<10
		rest = s.onDays(rest)
	case "yearly", "annually", "year":
		s.days, s.months = 1<<1, 1<<1
	default:
		if words[0] != "every" {
			return nil, nil //nolint:nilnil // these are no words of ours: cron's, perhaps
		}
		rest = s.onWeekdays(append([]string{"on"}, words[1:]...))
	}
	if rest = s.at(rest, first); len(rest) > 0 {
		return nil, notSchedule(text)
	}
	return s, nil
}

// onWeekdays takes `on monday and friday` from the head of the words and returns the
// rest; all of them where that is not what they say.
func (s *Schedule) onWeekdays(words []string) []string {
	if len(words) < 2 || words[0] != "on" {
		return words
	}
	var bits uint64
	i := 1
	for ; i < len(words) && words[i] != "at"; i++ {
		day, ok := weekday(words[i])
		switch {
		case ok:
			bits |= 1 << day
		case words[i] != "and" && words[i] != ",":
			return words
		}
	}
	if bits == 0 {
		return words
	}
	s.weekdays = bits
	return words[i:]
}

// weekday returns the day of a name, in full, in plural or by three letters.
func weekday(name string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		full := strings.ToLower(day.String())
		if name == full || name == full+"s" || name == full[:3] {
			return day, true
		}
	}
	return 0, false
}

var dayNumber = regexp.MustCompile(`^([1-9]|[12][0-9]|3[01])(st|nd|rd|th)?$`)

// onDays takes `on day 3`, `on the 3rd`, `on day 1 and 15` or `on the last day` from the
// head of the words and returns the rest.
func (s *Schedule) onDays(words []string) []string {
	if len(words) < 2 || words[0] != "on" {
		return words
	}
	var bits uint64
	i := 1
	for ; i < len(words) && words[i] != "at"; i++ {
		m := dayNumber.FindStringSubmatch(words[i])
		switch {
		case m != nil:
			n, _ := strconv.Atoi(m[1]) // the expression takes 1 to 31 only
			bits |= 1 << n
		case words[i] == "last":
			bits |= 1 << 31
		case !slices.Contains([]string{"the", "day", "days", "and", ","}, words[i]):
			return words
		}
	}
	if bits == 0 {
		return words
	}
	s.days = bits
	return words[i:]
}

var clock = regexp.MustCompile(`^([01]?[0-9]|2[0-3])(?::([0-5][0-9]))?$`)

// at takes `at 06:00` from the head of the words and returns the rest. Every hour has no
// such time.
func (s *Schedule) at(words []string, unit string) []string {
	if len(words) != 2 || words[0] != "at" || strings.HasPrefix(unit, "hour") {
		return words
	}
	m := clock.FindStringSubmatch(words[1])
	if m == nil {
		return words
	}
	hour, _ := strconv.Atoi(m[1]) // the expression takes digits only
	minute, _ := strconv.Atoi("0" + m[2])
	s.hours, s.minutes = 1<<hour, 1<<minute
	return nil
}
