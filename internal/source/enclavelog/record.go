package enclavelog

import "bytes"

// Record is one line of a nitro-cli log that begins a record: the header
// [logger][LEVEL][time][file:line] and the message behind it (facts/nitro.md 2.1).
// The slices are parts of the line that was parsed.
type Record struct {
	// Micros is the record's own clock in microseconds since 1970 UTC.
	Micros int64
	// Logger is the logger id as printed: nitro-cli:PID, enc-xxxxxxx:PID before the
	// enclave has an id, enc-SLOT:PID, or empty.
	Logger []byte
	// Level is upper-case: TRACE, DEBUG, INFO, WARN, ERROR or one not known yet.
	Level []byte
	// File and Line are the place in the source that printed the record.
	File []byte
	Line int64
	// Message is the first line of the message.
	Message []byte
	// Pid is the process id in the logger id; HasPid says whether there is one.
	Pid    int64
	HasPid bool
	// Slot is the slot in the logger id as printed, nil where there is none.
	Slot []byte
}

// ParseRecord parses a line without its line end. It reports false for every line
// that does not match
//
//	^\[([^\]]*)\]\[([A-Z]+)\]\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)\]\[([^\]]+):(\d+)\] (.*)$
//
// with a time that exists and a line number of at most 18 digits. It allocates
// nothing.
func ParseRecord(line []byte) (Record, bool) {
	var r Record
	rest, ok := field(line, &r.Logger)
	if !ok {
		return r, false
	}
	if rest, ok = field(rest, &r.Level); !ok || !isLevel(r.Level) {
		return r, false
	}
	var at, place []byte
	if rest, ok = field(rest, &at); !ok {
		return r, false
	}
	if r.Micros, ok = parseInstant(at); !ok {
		return r, false
	}
	if rest, ok = field(rest, &place); !ok || len(rest) == 0 || rest[0] != ' ' {
		return r, false
	}
	r.Message = rest[1:]
	colon := bytes.LastIndexByte(place, ':')
	if colon < 1 {
		return r, false
	}
	r.File = place[:colon]
	if r.Line, ok = parseInt(place[colon+1:]); !ok {
		return r, false
	}
	r.parseLogger()
	return r, true
}

// field takes one [field] from the front of b and returns what follows it.
func field(b []byte, into *[]byte) ([]byte, bool) {
	if len(b) == 0 || b[0] != '[' {
		return nil, false
	}
	end := bytes.IndexByte(b, ']')
	if end < 0 {
		return nil, false
	}
	*into = b[1:end]
	return b[end+1:], true
}

func isLevel(b []byte) bool {
	for _, c := range b {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return len(b) > 0
}

// parseLogger fills Pid and Slot from the logger id. Before the enclave has an id
// the daemon writes seven literal x in place of the slot.
func (r *Record) parseLogger() {
	colon := bytes.LastIndexByte(r.Logger, ':')
	if colon < 0 {
		return
	}
	r.Pid, r.HasPid = parseInt(r.Logger[colon+1:])
	if name := r.Logger[:colon]; len(name) > 4 && string(name[:4]) == "enc-" && isHex(name[4:]) {
		r.Slot = name[4:]
	}
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return len(b) > 0
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// parseInt parses 1 to 18 decimal digits.
func parseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// parseInstant parses an RFC 3339 time in UTC with any number of fraction digits,
// cut to microseconds. A second of 60 is a leap second and gives the next minute.
func parseInstant(b []byte) (int64, bool) {
	if len(b) < 20 || b[len(b)-1] != 'Z' || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return 0, false
	}
	century, a := two(b[0:])
	year, c := two(b[2:])
	month, d := two(b[5:])
	day, e := two(b[8:])
	hour, f := two(b[11:])
	minute, g := two(b[14:])
	second, h := two(b[17:])
	if !(a && c && d && e && f && g && h) {
		return 0, false
	}
	year += century * 100
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	micros, ok := fraction(b[19 : len(b)-1])
	seconds := (daysSince1970(year, month, day)*24+int64(hour))*3600 + int64(minute)*60 + int64(second)
	return seconds*1_000_000 + micros, ok
}

// two parses two decimal digits.
func two(b []byte) (int, bool) {
	return int(b[0]-'0')*10 + int(b[1]-'0'), isDigit(b[0]) && isDigit(b[1])
}

// fraction parses nothing, or a point and digits, as microseconds.
func fraction(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0] != '.' || len(b) == 1 {
		return 0, false
	}
	var micros int64
	unit := int64(100_000)
	for _, c := range b[1:] {
		if !isDigit(c) {
			return 0, false
		}
		micros += int64(c-'0') * unit
		unit /= 10
	}
	return micros, true
}

func isLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func daysIn(year, month int) int {
	switch month {
	case 2:
		if isLeap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts days in the proleptic Gregorian calendar, with years that
// begin in March so that the leap day is the last.
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	days := 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1
	if year < 0 { // January and February of the year 0
		days-- // division cuts towards zero, the calendar goes down
	}
	return int64(days) - 719468
}
