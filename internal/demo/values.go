package demo

import (
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Instant is a point in time as nitro-cli prints it: milliseconds since 1970 UTC.
// Zero stands for none and is null in JSON.
type Instant int64

// The lengths of time that the simulation counts in, in milliseconds.
const (
	second Instant = 1000
	minute         = 60 * second
	hour           = 60 * minute
	day            = 24 * hour
)

func instantOf(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time returns the instant in UTC, the zero time for none.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).UTC()
}

// String returns RFC 3339 in UTC with milliseconds, or nothing.
func (i Instant) String() string {
	if i == 0 {
		return ""
	}
	return i.Time().Format("2006-01-02T15:04:05.000Z")
}

// MarshalJSON writes RFC 3339 in UTC with milliseconds, or null.
func (i Instant) MarshalJSON() ([]byte, error) {
	if i == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + i.String() + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Instant) UnmarshalJSON(text []byte) error {
	*i = 0
	if string(text) == "null" {
		return nil
	}
	t, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(text))
	if err != nil {
		return trailhouse.Errorf(trailhouse.CodeInvalid, "not an instant: %w", err)
	}
	*i = instantOf(t)
	return nil
}

// Seconds is a length of time in milliseconds; JSON and String show seconds with
// three digits, which is exact.
type Seconds int64

// String returns seconds with three digits.
func (s Seconds) String() string {
	sign := ""
	if s < 0 {
		sign, s = "-", -s
	}
	ms := strconv.Itoa(int(s % 1000))
	return sign + strconv.FormatInt(int64(s/1000), 10) + "." + strings.Repeat("0", 3-len(ms)) + ms
}

// MarshalJSON writes a number of seconds with three digits.
func (s Seconds) MarshalJSON() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	whole, part, _ := strings.Cut(string(text), ".")
	if len(part) > 3 {
		return trailhouse.Errorf(trailhouse.CodeInvalid, "seconds with more than three digits: %s", text)
	}
	ms, err := strconv.ParseInt(whole+part+strings.Repeat("0", 3-len(part)), 10, 64)
	if err != nil {
		return trailhouse.Errorf(trailhouse.CodeInvalid, "not a number of seconds: %w", err)
	}
	*s = Seconds(ms)
	return nil
}

// span is the time [from, to); it is empty where to does not lie behind from.
type span struct{ from, to Instant }

// within returns the part of s that lies in o.
func (s span) within(o span) span {
	return span{max(s.from, o.from), min(s.to, o.to)}
}

// length returns milliseconds, never below zero.
func (s span) length() int64 { return int64(max(s.to-s.from, 0)) }
