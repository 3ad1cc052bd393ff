package enclavelog

import (
	"bytes"
	"time"
)

// entry is one line of the journal in its short form: Mon DD HH:MM:SS host
// identifier[pid]: message. It has neither year nor zone. The slices are parts of
// the line that was parsed.
type entry struct {
	month, day int
	second     int // of the day
	host       []byte
	identifier []byte
	message    []byte
	pid        int64
	hasPid     bool
}

// parseEntry parses a line of the journal.
func parseEntry(line []byte) (entry, bool) {
	var e entry
	if len(line) < 16 || line[3] != ' ' || line[6] != ' ' || line[9] != ':' || line[12] != ':' || line[15] != ' ' {
		return e, false
	}
	e.month = monthOf(line[:3])
	day := [2]byte{line[4], line[5]}
	if day[0] == ' ' {
		day[0] = '0'
	}
	var a, b, c, d bool
	var hour, minute, second int
	e.day, a = two(day[:])
	hour, b = two(line[7:])
	minute, c = two(line[10:])
	second, d = two(line[13:])
	if e.month == 0 || !(a && b && c && d) || e.day < 1 || e.day > daysIn(2000, e.month) || hour > 23 || minute > 59 || second > 60 {
		return e, false
	}
	e.second = (hour*60+minute)*60 + second
	return e, e.parseOrigin(line[16:])
}

// parseOrigin parses host identifier[pid]: message.
func (e *entry) parseOrigin(b []byte) bool {
	host, rest, ok := bytes.Cut(b, []byte(" "))
	if !ok || len(host) == 0 {
		return false
	}
	origin, message, ok := bytes.Cut(rest, []byte(":"))
	if !ok || len(origin) == 0 || bytes.IndexByte(origin, ' ') >= 0 {
		return false
	}
	e.host, e.message = host, bytes.TrimPrefix(message, []byte(" "))
	e.identifier = origin
	if open := bytes.IndexByte(origin, '['); open > 0 && origin[len(origin)-1] == ']' {
		e.identifier = origin[:open]
		e.pid, e.hasPid = parseInt(origin[open+1 : len(origin)-1])
	}
	return true
}

func monthOf(b []byte) int {
	const names = "JanFebMarAprMayJunJulAugSepOctNovDec"
	for i := 0; i < len(names); i += 3 {
		if names[i:i+3] == string(b) {
			return i/3 + 1
		}
	}
	return 0
}

// isAllocator reports whether the line tells of the allocator: its own, or systemd's
// about its service (facts/nitro.md 2.5).
func (e *entry) isAllocator() bool {
	switch string(e.identifier) {
	case "nitro-enclaves-allocator":
		return true
	case "systemd":
		return bytes.Contains(e.message, []byte("Nitro Enclaves Resource Allocator")) ||
			bytes.Contains(e.message, []byte("nitro-enclaves-allocator.service"))
	}
	return false
}

// isMarker reports whether the line is one that journalctl prints of itself.
func isMarker(line []byte) bool {
	for _, start := range []string{"-- Boot ", "-- Reboot --", "-- Logs begin", "-- Journal begins", "-- No entries --"} {
		if len(line) >= len(start) && string(line[:len(start)]) == start {
			return true
		}
	}
	return false
}

// in returns the line's instant in the year, and whether there is such a day.
func (e *entry) in(year int, zone *time.Location) (time.Time, bool) {
	t := time.Date(year, time.Month(e.month), e.day, 0, 0, e.second, 0, zone)
	return t, e.day <= daysIn(year, e.month)
}

// near returns the line's instant in the year that puts it nearest to another one.
func (e *entry) near(at time.Time, zone *time.Location) (time.Time, bool) {
	year := at.In(zone).Year()
	best, real := e.in(year, zone)
	for _, y := range []int{year - 1, year + 1} {
		if t, ok := e.in(y, zone); ok && (!real || t.Sub(at).Abs() < best.Sub(at).Abs()) {
			best, real = t, ok
		}
	}
	return best, real
}

// A calendar of twelve months of 31 days, in seconds, in which every year is alike.
const (
	calendarDay  = 24 * 60 * 60
	calendarYear = 12 * 31 * calendarDay
	// clockStep is how far the clock may go back within a year. A step to the last
	// day of February goes back three days more than it seems.
	clockStep = 4 * calendarDay
)

// years finds the year of each line of a journal from that of another: a line is in
// the first year in which it is not earlier than the line before. So a journal may
// be silent for up to a year.
type years struct {
	started bool
	year    int
	last    int64 // of the line before, in the calendar of equal years
}

// next returns the year of the next line, given the year of the first.
func (w *years) next(e *entry) int {
	at := int64((e.month-1)*31+e.day-1)*calendarDay + int64(e.second)
	if w.started {
		year := w.year - 1
		for year < w.year+1 && int64(year-w.year)*calendarYear+at < w.last-clockStep {
			year++
		}
		w.year = year
	}
	w.started, w.last = true, at
	return w.year
}

// lastYear returns the year of the last line of a journal that was written at an
// instant: the line is not later than that, but for a day of clocks that differ.
func lastYear(e *entry, written time.Time, zone *time.Location) int {
	year := written.In(zone).Year()
	if t, _ := e.in(year, zone); t.After(written.Add(24 * time.Hour)) {
		return year - 1
	}
	return year
}
