package schedule

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

func mustParse(t *testing.T, text, zone string) *Schedule {
	t.Helper()
	z, err := Zone(zone)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(text, z)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	got, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestInstants says for each schedule which instants follow one.
func TestInstants(t *testing.T) {
	tests := []struct {
		text, zone, after string
		want              []string
	}{
		{"hourly", "", "2025-01-01T00:30", []string{"2025-01-01T01:00", "2025-01-01T02:00"}},
		{"daily", "", "2025-12-31T00:00", []string{"2026-01-01T00:00", "2026-01-02T00:00"}},
		{"@daily", "", "2025-12-31T00:00", []string{"2026-01-01T00:00"}},
		{"Daily at 06:00", "", "2025-12-31T05:59", []string{"2025-12-31T06:00", "2026-01-01T06:00"}},
		{"every day at 6", "", "2025-12-31T05:59", []string{"2025-12-31T06:00"}},
		{"weekdays at 07:00", "", "2025-10-03T07:00", []string{"2025-10-06T07:00"}},
		{"weekly", "", "2025-10-03T07:00", []string{"2025-10-06T00:00", "2025-10-13T00:00"}},
		{"weekly on Monday at 07:00", "", "2025-10-06T06:59", []string{"2025-10-06T07:00", "2025-10-13T07:00"}},
		{"weekly on mon, thu and sundays", "", "2025-10-06T06:59", []string{"2025-10-09T00:00", "2025-10-12T00:00", "2025-10-13T00:00"}},
		{"every friday at 18:30", "", "2025-10-06T06:59", []string{"2025-10-10T18:30"}},
		{"monthly", "", "2025-01-01T00:00", []string{"2025-02-01T00:00"}},
		{"monthly on day 3", "", "2025-01-03T00:00", []string{"2025-02-03T00:00", "2025-03-03T00:00"}},
		{"monthly on the 3rd at 06:00", "", "2025-01-03T00:00", []string{"2025-01-03T06:00"}},
		{"monthly on day 31", "", "2024-01-31T00:00", []string{"2024-02-29T00:00", "2024-03-31T00:00", "2024-04-30T00:00"}},
		{"monthly on day 29", "", "2025-01-29T00:00", []string{"2025-02-28T00:00", "2025-03-29T00:00"}},
		{"monthly on the last day at 18:00", "", "2025-02-01T00:00", []string{"2025-02-28T18:00", "2025-03-31T18:00"}},
		{"monthly on days 1, 15", "", "2025-02-01T00:00", []string{"2025-02-15T00:00", "2025-03-01T00:00"}},
		{"quarterly on day 2", "", "2025-02-01T00:00", []string{"2025-04-02T00:00", "2025-07-02T00:00"}},
		{"yearly at 12:00", "", "2025-02-01T00:00", []string{"2026-01-01T12:00"}},
		{"0 6 3 * *", "", "2025-01-03T06:00", []string{"2025-02-03T06:00"}},
		{"0 6 31 * *", "", "2025-01-31T06:00", []string{"2025-03-31T06:00"}},
		{"0 0 29 2 *", "", "2096-02-29T00:00", []string{"2104-02-29T00:00"}},
		{"*/20 8-9 * * MON-FRI", "", "2025-10-03T09:40", []string{"2025-10-06T08:00", "2025-10-06T08:20"}},
		{"0 0 13 * 5", "", "2025-06-01T00:00", []string{"2025-06-06T00:00", "2025-06-13T00:00", "2025-06-20T00:00"}},
		{"0 0 */2 * 1", "", "2025-06-01T00:00", []string{"2025-06-09T00:00", "2025-06-23T00:00"}},
		{"0 0 * * 7", "", "2025-06-02T00:00", []string{"2025-06-08T00:00"}},
		{"0 0 * * 5-7", "", "2025-06-02T00:00", []string{"2025-06-06T00:00", "2025-06-07T00:00", "2025-06-08T00:00"}},

		// Europe/Paris: forward on 30 March 2025 at 02:00, back on 26 October at 03:00.
		{"daily at 02:30", "Europe/Paris", "2025-03-29T02:00", []string{"2025-03-30T01:00", "2025-03-31T00:30"}},
		{"daily at 02:00", "Europe/Paris", "2025-03-29T02:00", []string{"2025-03-30T01:00", "2025-03-31T00:00"}},
		{"daily at 03:00", "Europe/Paris", "2025-03-29T03:00", []string{"2025-03-30T01:00", "2025-03-31T01:00"}},
		{"*/10 2 * * *", "Europe/Paris", "2025-03-29T02:00", []string{"2025-03-30T01:00", "2025-03-31T00:00"}},
		{"daily at 02:30", "Europe/Paris", "2025-10-25T01:00", []string{"2025-10-26T00:30", "2025-10-27T01:30"}},
		{"daily at 03:00", "Europe/Paris", "2025-10-25T02:00", []string{"2025-10-26T02:00", "2025-10-27T02:00"}},
		// America/New_York: forward on 9 March 2025 at 02:00, back on 2 November at 02:00.
		{"daily at 02:15", "America/New_York", "2025-03-08T08:00", []string{"2025-03-09T07:00", "2025-03-10T06:15"}},
		{"daily at 01:15", "America/New_York", "2025-11-01T06:00", []string{"2025-11-02T05:15", "2025-11-03T06:15"}},
		// Australia/Lord_Howe moves by half an hour: forward on 5 October 2025 at 02:00, back on 6 April at 02:00.
		{"daily at 02:15", "Australia/Lord_Howe", "2025-10-04T00:00", []string{"2025-10-04T15:30", "2025-10-05T15:15"}},
		{"daily at 01:45", "Australia/Lord_Howe", "2025-04-05T00:00", []string{"2025-04-05T14:45", "2025-04-06T15:15"}},
		// America/Sao_Paulo had no midnight on 4 November 2018.
		{"daily", "America/Sao_Paulo", "2018-11-03T12:00", []string{"2018-11-04T03:00", "2018-11-05T02:00"}},
		// Pacific/Apia had no 30 December 2011.
		{"daily at 12:00", "Pacific/Apia", "2011-12-29T00:00", []string{"2011-12-29T22:00", "2011-12-30T10:00", "2011-12-30T22:00"}},
		{"monthly on day 1 at 00:00", "Asia/Kolkata", "2025-01-01T00:00", []string{"2025-01-31T18:30"}},
	}
	for _, tt := range tests {
		t.Run(tt.text+" "+tt.zone+" "+tt.after, func(t *testing.T) {
			s, now := mustParse(t, tt.text, tt.zone), at(t, tt.after)
			for _, want := range tt.want {
				before := now
				now = s.Next(now)
				if !now.Equal(at(t, want)) {
					t.Fatalf("after %s comes %s, want %s", before, now, want)
				}
				if last := s.Last(now); !last.Equal(now) {
					t.Errorf("the last until %s is %s", now, last)
				}
				if last := s.Last(now.Add(-1)); last.After(before) {
					t.Errorf("the last before %s is %s, behind %s", now, last, before)
				}
			}
		})
	}
}

// TestNextAndLastAgree walks schedules through years with changes of the clock: each
// instant comes once, from either side.
func TestNextAndLastAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	zones := []string{"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"}
	texts := []string{"daily at 02:30", "*/30 * * * *", "monthly on the last day", "15 1,2 * * *", "0 0 29 2 *", "weekly on sunday at 02:00", "30 2 1-7 * 0"}
	for range 400 {
		s := mustParse(t, texts[r.IntN(len(texts))], zones[r.IntN(len(zones))])
		now := time.Date(2010+r.IntN(16), 1, 1+r.IntN(366), r.IntN(24), r.IntN(60), r.IntN(60), 0, time.UTC)
		next := s.Next(now)
		if last := s.Last(next.Add(-1)); last.After(now) || !next.After(now) {
			t.Fatalf("%s in %s: behind %s comes %s, and before that %s", s, s.Zone(), now, next, last)
		}
		if last := s.Last(now); !s.Next(last).Equal(next) {
			t.Fatalf("%s in %s: until %s the last is %s, behind which comes %s, not %s", s, s.Zone(), now, last, s.Next(last), next)
		}
	}
}

// TestOneInstantADay counts: a daily time happens once on each day of a year, whatever
// the clock does.
func TestOneInstantADay(t *testing.T) {
	for _, zone := range []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"} {
		for hour := range 24 {
			s := mustParse(t, fmt.Sprintf("daily at %02d:30", hour), zone)
			from := First(time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC), s.Zone())
			to := First(time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC), s.Zone())
			if n := s.Missed(from.Add(-1), to, 1000); n != 365 {
				t.Errorf("%s in %s happens %d times", s, zone, n)
			}
		}
	}
}

func TestMissed(t *testing.T) {
	s := mustParse(t, "daily", "")
	for _, tt := range []struct {
		until string
		limit int
		want  int
	}{{"2025-01-02T00:00", 9, 0}, {"2025-01-03T00:00", 9, 1}, {"2025-01-04T12:00", 9, 3}, {"2026-01-01T00:00", 9, 9}} {
		if n := s.Missed(at(t, "2025-01-01T00:00"), at(t, tt.until), tt.limit); n != tt.want {
			t.Errorf("until %s: %d, want %d", tt.until, n, tt.want)
		}
	}
}

func TestNoSchedules(t *testing.T) {
	for _, text := range []string{
		"", "sometimes", "daily at", "daily at 25:00", "daily at 6:60", "daily at 6 7", "daily on monday", "hourly at 06:00", "weekly on", "weekly on day 3",
		"weekly on someday", "monthly on day 32", "monthly on day 0", "monthly on", "monthly on monday", "every", "every 5m", "@every 5m",
		"* * * *", "* * * * * *", "60 * * * *", "0 24 * * *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 * * 8", "TZ=UTC * * * * *", "CRON_TZ=x * * * *", "1-0 * * * *", "*/0 * * * *", "0 , 1 1 0", "0 1, * * *",
	} {
		if s, err := Parse(text, time.UTC); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
	for _, name := range []string{"Local", "Mars/Olympus", "../etc/passwd"} {
		if _, err := Zone(name); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("zone %q: %v", name, err)
		}
	}
}

func TestPeriods(t *testing.T) {
	tests := []struct{ text, zone, now, from, to string }{
		{"last 4w", "", "2025-03-31T09:30", "2025-03-03T09:30", "2025-03-31T09:30"},
		{"--last 4w", "Europe/Paris", "2025-03-31T09:30", "2025-03-03T09:30", "2025-03-31T09:30"},
		{"--last=36h", "", "2025-03-31T09:30", "2025-03-29T21:30", "2025-03-31T09:30"},
		{"7d", "", "2025-03-31T09:30", "2025-03-24T09:30", "2025-03-31T09:30"},
		{"last 3 months", "", "2025-05-31T09:30", "2025-02-28T09:30", "2025-05-31T09:30"},
		{"yesterday", "", "2025-03-01T00:00", "2025-02-28T00:00", "2025-03-01T00:00"},
		{"Yesterday", "Europe/Paris", "2025-03-31T06:00", "2025-03-29T23:00", "2025-03-30T22:00"},
		{"today", "", "2025-03-01T10:00", "2025-03-01T00:00", "2025-03-01T10:00"},
		{"today", "", "2025-03-01T00:00", "2025-02-28T00:00", "2025-03-01T00:00"},
		{"last week", "", "2025-10-06T00:00", "2025-09-29T00:00", "2025-10-06T00:00"},
		{"last week", "", "2025-10-05T23:59", "2025-09-22T00:00", "2025-09-29T00:00"},
		{"week to date", "", "2025-10-08T12:00", "2025-10-06T00:00", "2025-10-08T12:00"},
		{"last month", "", "2025-01-03T06:00", "2024-12-01T00:00", "2025-01-01T00:00"},
		{"previous month", "", "2024-03-31T06:00", "2024-02-01T00:00", "2024-03-01T00:00"},
		{"last month", "Europe/Paris", "2025-11-03T05:00", "2025-09-30T22:00", "2025-10-31T23:00"},
		{"last month", "America/New_York", "2025-11-01T02:00", "2025-09-01T04:00", "2025-10-01T04:00"},
		{"this month", "", "2025-11-03T05:00", "2025-11-01T00:00", "2025-11-03T05:00"},
		{"month to date", "", "2025-11-01T00:00", "2025-10-01T00:00", "2025-11-01T00:00"},
		{"last quarter", "", "2025-02-03T06:00", "2024-10-01T00:00", "2025-01-01T00:00"},
		{"quarter to date", "", "2025-05-03T06:00", "2025-04-01T00:00", "2025-05-03T06:00"},
		{"last year", "", "2025-02-03T06:00", "2024-01-01T00:00", "2025-01-01T00:00"},
		{"year to date", "", "2025-02-03T06:00", "2025-01-01T00:00", "2025-02-03T06:00"},
		{"last day", "", "2025-02-03T06:00", "2025-02-02T00:00", "2025-02-03T00:00"},
	}
	for _, tt := range tests {
		t.Run(tt.text+" "+tt.zone+" "+tt.now, func(t *testing.T) {
			p, err := ParsePeriod(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			zone, err := Zone(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			got := p.At(at(t, tt.now), zone)
			if !got.From.Equal(at(t, tt.from)) || !got.To.Equal(at(t, tt.to)) {
				t.Errorf("%s to %s", got.From, got.To)
			}
		})
	}
	for _, text := range []string{"", "all"} {
		if p, err := ParsePeriod(text); err != nil || p.At(time.Now(), time.UTC) != (trailhouse.Period{}) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"month", "last", "last fortnight", "last 0d", "last 4y", "last 4", "tomorrow", "next month", "this month to date", "last last month", "last -4w"} {
		if p, err := ParsePeriod(text); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
}

// FuzzParse wants every text to be a schedule that happens, before and behind any
// instant, or an error.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"daily at 06:00", "0 6 3 * *", "*/5 1-3 1,2 jan mon-fri", "monthly on the last day", "@daily", "? ? ? ? ?", "* * * * 5-7", "last 4w", "month to date"} {
		f.Add(text, int64(1_760_000_000))
	}
	zone, err := Zone("Europe/Paris")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		now := time.Unix(seconds%4_000_000_000, 0)
		if p, err := ParsePeriod(text); err == nil {
			if got := p.At(now, zone); !got.From.IsZero() && !got.From.Before(got.To) {
				t.Errorf("%q is %v at %s", text, got, now)
			}
		}
		s, err := Parse(text, zone)
		if err != nil {
			if trailhouse.CodeOf(err) != trailhouse.CodeUsage {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if next, last := s.Next(now), s.Last(now); !next.After(now) || last.After(now) || s.Next(last).Before(next) {
			t.Errorf("%q at %s: %s, %s", text, now, last, next)
		}
	})
}
