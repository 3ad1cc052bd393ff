package cloudtrail

import (
	"strconv"
	"time"
)

// parseTime returns the instant of an ISO 8601 text in microseconds since 1970 UTC, and
// whether the text can be written again from it. ok is false where it is no instant, or
// one outside of 1970 to 2199.
func parseTime(s []byte) (micros int64, plain, ok bool) {
	const first, last = 0, 7258118400 // 1970 and 2200
	seconds, ok := parseSeconds(s)
	if !ok {
		t, err := time.Parse(time.RFC3339Nano, string(s))
		if err != nil {
			return 0, false, false
		}
		return t.UnixMicro(), false, t.Unix() >= first && t.Unix() < last
	}
	return seconds * 1e6, true, seconds >= first && seconds < last
}

// parseSeconds reads the form of all real events, 2006-01-02T15:04:05Z.
func parseSeconds(s []byte) (int64, bool) {
	if len(s) != 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != 'Z' {
		return 0, false
	}
	var bad byte
	two := func(i int) int64 {
		high, low := s[i]-'0', s[i+1]-'0'
		if high > 9 || low > 9 {
			bad = 1
		}
		return int64(high)*10 + int64(low)
	}
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	if bad != 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return daysSince1970(year, month, day)*86400 + hour*3600 + minute*60 + second, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts days in years that begin in March, so that a leap day is the
// last of its year.
func daysSince1970(year, month, day int64) int64 {
	if month < 3 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}

// parseInt reads a JSON number that is an integer of 64 bits.
func parseInt(s []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(s), 10, 64)
	return n, err == nil
}

func isDigit(c byte) bool { return c-'0' <= 9 }
