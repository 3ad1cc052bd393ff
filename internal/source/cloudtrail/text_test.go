package cloudtrail

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	for at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2200; at = at.Add(86399*7*time.Second + 61*time.Minute) {
		micros, plain, ok := parseTime([]byte(at.Format(time.RFC3339)))
		if !ok || !plain || micros != at.UnixMicro() {
			t.Fatalf("%v: %d %v %v", at, micros, plain, ok)
		}
	}
	for s, want := range map[string]string{
		"2024-02-29T12:00:00Z": "2024-02-29T12:00:00Z", "2025-02-29T12:00:00Z": "", "2025-13-01T00:00:00Z": "", "2025-00-01T00:00:00Z": "", "2025-01-01T24:00:00Z": "",
		"2025-01-01T00:00:60Z": "", "2025-01-01 00:00:00Z": "", "2025-01-01T00:00:00": "", "2025-01-01T00:00:00.5Z": "2025-01-01T00:00:00.5Z",
		"2025-01-01T02:00:00+02:00": "2025-01-01T00:00:00Z", "2200-01-01T00:00:00Z": "", "1969-12-31T23:59:59Z": "", "2x25-01-01T00:00:00Z": "", "": "",
	} {
		micros, _, ok := parseTime([]byte(s))
		got := ""
		if ok {
			got = time.UnixMicro(micros).UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", s, got, want)
		}
	}
}
