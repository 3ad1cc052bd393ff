package lake

import (
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

func TestOrdinals(t *testing.T) {
	for _, text := range []string{"1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "1600-02-29T12:00:00Z", "2024-02-29T23:59:59Z", "2025-12-31T23:59:59.999999Z", "2026-01-01T00:00:00Z"} {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, tr := range []trailhouse.Transform{trailhouse.ByDay, trailhouse.ByMonth} {
			o := ordinalOf(tr, at)
			if start, next := o.start(tr), (o + 1).start(tr); at.Before(start) || !at.Before(next) {
				t.Errorf("%s lies in [%s, %s)", text, start, next)
			}
			if got := ordinalOf(tr, o.start(tr)); got != o {
				t.Errorf("start of %d lies in %d", o, got)
			}
		}
	}
	if d, m := ordinalOf(trailhouse.ByDay, day(3)), ordinalOf(trailhouse.ByMonth, day(3)); d != 20395 || m != 670 {
		t.Errorf("3 November 2025 is day %d and month %d", d, m)
	}
}
