package schedule

import (
	"strings"
	"testing"
	"time"
)

// TestNumbersThatNoFieldTakes wants our bounds and words for them.
func TestNumbersThatNoFieldTakes(t *testing.T) {
	for text, want := range map[string]string{
		"0 0 * * 8":                    "8 is no day of the week, which goes from 0 to 7",
		"0 0 * * 1-9":                  "1-9 is no day of the week",
		"0 0 * * -1":                   "-1 is no day of the week",
		"-1 0 * * *":                   "-1 is no minute, which goes from 0 to 59",
		"0 24 * * *":                   "24 is no hour, which goes from 0 to 23",
		"0 0 0 * *":                    "0 is no day of the month, which goes from 1 to 31",
		"0 0 1 1,13 *":                 "13 is no month, which goes from 1 to 12",
		"99999999999999999999 0 * * *": "is no minute",
	} {
		if _, err := Parse(text, time.UTC); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "strconv") {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"0 0 * * 7", "*/5 0-6/2 1 jan-mar mon", "0 0 * * 5-7"} {
		if _, err := Parse(text, time.UTC); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
