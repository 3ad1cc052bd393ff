package trail

import "time"

// Instants are seconds since 1970 in UTC: CloudTrail's times have whole seconds in all
// real data that was seen (facts/cloudtrail.md 2.1).
const (
	minute int64 = 60
	hour         = 60 * minute
	day          = 24 * hour
)

func unix(at int64) time.Time { return time.Unix(at, 0).UTC() }

// stamp formats instants; it keeps the text of the last day.
type stamp struct {
	day  int64
	text []byte
}

// append appends 2025-08-01T00:00:00Z.
func (s *stamp) append(b []byte, at int64) []byte {
	d := at / day
	if d != s.day || s.text == nil {
		s.day = d
		s.text = unix(at).AppendFormat(s.text[:0], "2006-01-02T")
	}
	at %= day
	b = append(b, s.text...)
	b = append(two(b, at/hour), ':')
	b = append(two(b, at/minute%60), ':')
	return append(two(b, at%60), 'Z')
}

func two(b []byte, n int64) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
