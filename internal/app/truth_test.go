package app

import (
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/demo/trail"
	"github.com/trailhouse/trailhouse/internal/report"
)

// answer is the rows of a report by column, as csv spells them, and its coverage.
type answer struct {
	head report.Head
	rows []map[string]string
}

func (a *answer) Begin(h report.Head) error { a.head = h; return nil }

func (a *answer) Row(row []any) error {
	out := map[string]string{}
	for i, c := range a.head.Columns {
		out[c.Name] = report.FormatText(row[i], c.Type)
	}
	a.rows = append(a.rows, out)
	return nil
}

func (a *answer) End() error { return nil }

// ask runs a report without a limit on its rows.
func ask(t *testing.T, h *House, q report.Request) []map[string]string {
	t.Helper()
	if q.Name != "enclave-launches" && q.Name != "trail-coverage" {
		if q.Args == nil {
			q.Args = map[string]string{}
		}
		q.Args["limit"] = "1000000"
	}
	var a answer
	if _, err := h.reports.Run(t.Context(), q, &a); err != nil {
		t.Fatal(err)
	}
	return a.rows
}

// TestReportsTellTheTruthOfTheDemo holds reports on trails against what the demo's
// generator knows.
func TestReportsTellTheTruthOfTheDemo(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			dir := t.TempDir()
			truth, err := trail.Generate(t.Context(), dir, trail.Options{
				Seed: seed, From: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2025, 10, 11, 0, 0, 0, 0, time.UTC), Events: 3000,
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			h := trailHouse(t, filepath.Join(dir, "trail"))
			eventsAreTrue(t, h, truth)
			launchesAreTrue(t, h, truth)
			touchesAreTrue(t, h, truth)
			coverageIsTrue(t, h, truth)
		})
	}
}

func eventsAreTrue(t *testing.T, h *House, truth *trail.Truth) {
	t.Helper()
	all := ask(t, h, report.Request{Name: "events"})
	names, users := map[string]int64{}, map[string]int64{}
	for i, row := range all {
		names[row["eventname"]]++
		if _, ok := truth.Users[row["principal"]]; ok {
			users[row["principal"]]++
		}
		if i > 0 && all[i-1]["eventtime"] < row["eventtime"] {
			t.Errorf("row %d is newer than the one before", i+1)
		}
	}
	if diff := cmp.Diff(truth.Names, names); diff != "" {
		t.Errorf("events by name (-truth +report):\n%s", diff)
	}
	if diff := cmp.Diff(truth.Users, users); diff != "" {
		t.Errorf("events by user (-truth +report):\n%s", diff)
	}
	if n := len(ask(t, h, report.Request{Name: "events", Args: map[string]string{"error": "any"}})); int64(n) != truth.Failed {
		t.Errorf("%d events failed, want %d", n, truth.Failed)
	}
	for code, want := range truth.Errors {
		if n := len(ask(t, h, report.Request{Name: "events", Args: map[string]string{"error": code}})); int64(n) != want {
			t.Errorf("%d events with %s, want %d", n, code, want)
		}
	}
	day := truth.From.AddDate(0, 0, 3)
	var want int64
	for _, d := range truth.Days {
		if d.Table == "cloudtrail" && d.Day == day.Format(time.DateOnly) {
			want += d.Events
		}
	}
	if n := len(ask(t, h, report.Request{Name: "events", Period: trailhouse.Period{From: day, To: day.AddDate(0, 0, 1)}})); int64(n) != want || n == 0 {
		t.Errorf("%d events on %s, want %d", n, day, want)
	}
}

func launchesAreTrue(t *testing.T, h *House, truth *trail.Truth) {
	t.Helper()
	var want, got []string
	line := func(parts ...string) string { return strings.Join(parts, " | ") }
	for _, l := range truth.Launches {
		for _, id := range l.InstanceIDs {
			want = append(want, line(id, report.FormatTime(l.Time), l.Account, l.Region, l.InstanceType, l.Origin, l.Principal, l.TemplateID, l.TemplateName, l.TemplateVersion, l.EventID))
		}
	}
	for _, r := range ask(t, h, report.Request{Name: "enclave-launches"}) {
		got = append(got, line(r["instance_id"], r["launched"], r["account_id"], r["awsregion"], r["instance_type"], r["launch_origin"], r["principal"],
			r["launch_template_id"], r["launch_template_name"], r["launch_template_version"], r["eventid"]))
	}
	sort.Strings(want)
	sort.Strings(got)
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("%d launches (-truth +report):\n%s", len(got), diff)
	}
}

func touchesAreTrue(t *testing.T, h *House, truth *trail.Truth) {
	t.Helper()
	for _, touched := range truth.Touched {
		var got []string
		for _, r := range ask(t, h, report.Request{Name: "who-touched", Argument: touched.Resource}) {
			if r["network_activity"] == "false" {
				got = append(got, r["eventid"])
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(touched.Events))
		if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
			t.Errorf("who touched %s (-truth +report):\n%s", touched.Resource, diff)
		}
	}
	if len(truth.Touched) == 0 {
		t.Error("the truth has no resources")
	}
}

// place is an account and region.
type place struct{ account, region string }

func coverageIsTrue(t *testing.T, h *House, truth *trail.Truth) {
	t.Helper()
	events, days := map[place]int64{}, map[place]int64{}
	for _, d := range truth.Days {
		if d.Table == "cloudtrail" {
			events[place{d.Account, d.Region}] += d.Events
			days[place{d.Account, d.Region}]++
		}
	}
	var late int
	rows := ask(t, h, report.Request{Name: "trail-coverage"})
	for _, r := range rows {
		p := place{r["account_id"], r["awsregion"]}
		if got := [2]string{r["events"], r["days_seen"]}; got != [2]string{fmt.Sprint(events[p]), fmt.Sprint(days[p])} {
			t.Errorf("%v: events and days %v, want %d and %d", p, got, events[p], days[p])
		}
		if r["late_files"] != "0" {
			late++
		}
	}
	if len(rows) != len(events) || len(truth.Late) > 0 && late == 0 {
		t.Errorf("%d places, want %d; %d with late files", len(rows), len(events), late)
	}
}
