package cloudtrail

import (
	"encoding/binary"
	"math/bits"
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

// parseGUID returns the 16 bytes that a GUID writes.
func parseGUID(s []byte) (key [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return key, false
	}
	two := func(i, k int) uint64 {
		return uint64(binary.LittleEndian.Uint32(s[i:])) | uint64(binary.LittleEndian.Uint32(s[k:]))<<32
	}
	good := true
	for i, digits := range [...]uint64{two(0, 4), two(9, 14), two(19, 24), two(28, 32)} {
		n, ok := hex8(digits)
		good = good && ok
		binary.BigEndian.PutUint32(key[4*i:], n)
	}
	return key, good
}

// hex8 returns the number that eight hexadecimal digits write, the first of which is in
// the lowest byte. All eight are worked on at once: a letter has the bit 0x40, and what
// comes out must write the same digits again.
func hex8(x uint64) (uint32, bool) {
	const ones = 0x0101010101010101
	letters := x >> 6 & ones
	n := x&(0x0f*ones) + 9*letters
	above9 := (n + 0x76*ones) >> 7 & ones
	ok := n&(0xf0*ones) == 0 && n+'0'*ones+('a'-10-'0')*above9 == x|letters<<5
	n = bits.ReverseBytes64(n)
	n = (n | n>>4) & 0x00ff00ff00ff00ff
	n = (n | n>>8) & 0x0000ffff0000ffff
	return uint32(n | n>>16), ok
}

// parseInt reads a JSON number that is an integer of 64 bits.
func parseInt(s []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(s), 10, 64)
	return n, err == nil
}

func isDigit(c byte) bool { return c-'0' <= 9 }
