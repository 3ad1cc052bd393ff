package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/report"
)

// seedRow is one row of a seed report; the fields are in the order of its columns.
type seedRow struct {
	id, ready, stop, proof, reason string
	cpus                           any
}

// seedText writes rows in the form seed.
func seedText(t *testing.T, rows ...seedRow) string {
	t.Helper()
	var out bytes.Buffer
	w, err := report.NewWriter("seed", &out)
	if err != nil {
		t.Fatal(err)
	}
	var columns []trailhouse.ResultColumn
	for _, name := range strings.Fields("name enclave_id instance_id instance_type ready stop stop_not_before reason eif_path " +
		"cid_requested memory_requested_mib cpu_ids debug attach_console vcpus") {
		columns = append(columns, trailhouse.ResultColumn{Name: name})
	}
	if err := w.Begin(report.Head{Report: "enclave-usage", Columns: columns, Seed: true}); err != nil {
		t.Fatal(err)
	}
	when := func(text string) any {
		if text == "" {
			return nil
		}
		v, err := time.Parse("2006-01-02 15:04:05.999999", text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, r := range rows {
		row := []any{"farshad1", "i-01d36da660a06d298-enc" + r.id, "i-01d36da660a06d298", nil, when(r.ready), when(r.stop), when(r.proof),
			r.reason, "hello<1>.eif", nil, int64(512), r.cpus, true, nil, int64(2)}
		if err := w.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSeed(t *testing.T) {
	golden(t, "seed.json", seedText(t,
		seedRow{id: "5", reason: "lost", proof: "2024-10-25 17:00:00"},
		seedRow{id: "3", ready: "2024-10-26 00:00:00", proof: "2024-10-26 08:00:00", reason: "running"},
		seedRow{id: "192c49814d5d5f9", ready: "2024-10-25 16:52:34.176", stop: "2024-10-25 16:53:00.005", proof: "2024-10-25 16:53:00.005", reason: "terminated"},
		seedRow{id: "4", ready: "2024-10-27 00:00:00", proof: "2024-10-28 02:03:04.5", reason: "lost", cpus: []any{int64(1), int64(3)}},
	))
	if got := seedText(t); got != "[]\n" {
		t.Errorf("no rows: %q", got)
	}
}

// TestSeedDuration compares with Python's str(timedelta).
func TestSeedDuration(t *testing.T) {
	for stop, want := range map[string]string{
		"2024-10-25 16:00:00":        `"0:00:00"`,
		"2024-10-25 16:00:25.829":    `"0:00:25.829000"`,
		"2024-10-25 16:00:25":        `"0:00:25"`,
		"2024-10-26 15:59:59.999":    `"23:59:59.999000"`,
		"2024-10-26 16:00:00":        `"1 day, 0:00:00"`,
		"2024-10-26 18:03:04.5":      `"1 day, 2:03:04.500000"`,
		"2025-10-25 16:00:00.001":    `"365 days, 0:00:00.001000"`,
		"2024-10-25 15:59:59":        `"0:00:00"`,
		"2024-10-25 16:00:00.000999": `"0:00:00"`,
	} {
		got := seedText(t, seedRow{id: "1", ready: "2024-10-25 16:00:00", stop: stop, proof: stop, reason: "terminated"})
		if !strings.Contains(got, `"duration": `+want+",") {
			t.Errorf("%s: want %s in %s", stop, want, got)
		}
	}
}

// TestSeedNeedsColumns refuses reports that have them not.
func TestSeedNeedsColumns(t *testing.T) {
	r := runnerWith(t, nil)
	if _, _, err := written(t, r, "seed", report.Request{Name: "coverage"}); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
		t.Errorf("coverage as seed: %v", err)
	}
	got, _, err := written(t, r, "seed", report.Request{Name: "enclave-usage"})
	if err != nil || got != "[]\n" {
		t.Errorf("enclave-usage as seed: %q, %v", got, err)
	}
}
