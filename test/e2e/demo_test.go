package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse/internal/demo"
)

// TestDemoTruthEqualsReports imports the demo of three seeds and holds every
// report against what the demo's own simulation says.
func TestDemoTruthEqualsReports(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			o := demo.DefaultOptions()
			o.Seed, o.PollDays, o.PollEvery = seed, 4, 5*time.Minute
			dir := t.TempDir()
			truth, err := demo.Generate(t.Context(), dir, o, nil)
			if err != nil {
				t.Fatal(err)
			}
			h := newHouse(t)
			h.config = filepath.Join(dir, demo.ConfigName)
			imports := [][]string{{"import", "enclave-log", filepath.Join(dir, "logs")}, {"import", "cloudtrail", filepath.Join(dir, "trail")}}
			if seed == 2 { // the order makes no difference
				slices.Reverse(imports)
			}
			for _, args := range imports {
				if o := h.try(args...); o.code != 0 {
					t.Fatalf("import: exit code %d: %s", o.code, tail(o.err))
				}
			}
			compareSessions(t, truth, h.report("enclave-usage").Rows)
			compareFailedStarts(t, truth, h.report("failed-starts").Rows)
			compareUsage(t, truth, h.report("client-usage").Rows)
			comparePools(t, truth, h.report("host-pool").Rows)
			comparePeriods(t, truth, h)
			compareRecords(t, truth, h)
			compareFindings(t, truth, h.report("findings").Rows)
			compareCalls(t, truth, h)
		})
	}
}

// asRow turns a value of the truth to what a report's JSON row holds.
func asRow(t *testing.T, v any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return decode[map[string]any](t, string(text))
}

// same compares two values of JSON; numbers by value, however they are spelled.
func same(a, b any) bool {
	x, y := fmt.Sprint(a), fmt.Sprint(b)
	if p, ok := new(big.Rat).SetString(x); ok {
		if q, ok := new(big.Rat).SetString(y); ok {
			return p.Cmp(q) == 0
		}
	}
	return x == y
}

func compareSessions(t *testing.T, truth *demo.Truth, rows []map[string]any) {
	t.Helper()
	want := slices.Clone(truth.Sessions)
	if len(rows) != len(want) {
		t.Errorf("%d sessions, want %d", len(rows), len(want))
	}
	byID := map[string][]map[string]any{}
	for _, r := range rows {
		id := r["enclave_id"].(string)
		byID[id] = append(byID[id], r)
	}
	wrong := 0
	for _, s := range want {
		w := asRow(t, s)
		delete(w, "really_ended")
		delete(w, "started")
		candidates := byID[s.EnclaveID]
		if len(candidates) == 0 {
			t.Errorf("session %s is missing", s.EnclaveID)
			continue
		}
		got := candidates[0]
		byID[s.EnclaveID] = candidates[1:]
		for field, value := range w {
			if !same(value, got[field]) && wrong < 20 {
				wrong++
				t.Errorf("session %s: %s = %v, want %v (reason %v)", s.EnclaveID, field, got[field], value, got["reason"])
			}
		}
	}
}

func compareFailedStarts(t *testing.T, truth *demo.Truth, rows []map[string]any) {
	t.Helper()
	key := func(instance, time any) string { return fmt.Sprint(instance, " ", time) }
	var want, got []string
	for _, a := range truth.FailedStarts {
		row := asRow(t, a)
		want = append(want, key(a.InstanceID, row["time"])+" "+fmt.Sprint(row["error_code"], row["name"], row["vcpus"]))
	}
	for _, r := range rows {
		got = append(got, key(r["instance_id"], r["time"])+" "+fmt.Sprint(r["error_code"], r["name"], r["vcpus"]))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("failed starts: %s", diff(strings.Join(want, "\n"), strings.Join(got, "\n")))
	}
}

func compareUsage(t *testing.T, truth *demo.Truth, rows []map[string]any) {
	t.Helper()
	byKey := map[string]map[string]any{}
	for _, r := range rows {
		byKey[fmt.Sprint(r["client"], " ", r["month"])[:]] = r
	}
	if len(rows) != len(truth.Usage) {
		t.Errorf("%d rows of client usage, want %d", len(rows), len(truth.Usage))
	}
	for _, u := range truth.Usage {
		got := byKey[u.Client+" "+u.Month]
		if got == nil {
			t.Errorf("client %s has no usage in %s", u.Client, u.Month)
			continue
		}
		want := asRow(t, u)
		for _, field := range []string{"sessions", "billed_seconds", "presumed_seconds", "uncertain_seconds"} {
			if !same(want[field], got[field]) {
				t.Errorf("%s %s: %s = %v, want %v", u.Client, u.Month, field, got[field], want[field])
			}
		}
		for field, hours := range map[string]string{"vcpu_hours": demo.VCPUHours(u.VCPUMillis), "gib_hours": demo.GiBHours(u.MiBMillis)} {
			if value := cmp.Or(got[field], any("0")); !same(hours, value) {
				t.Errorf("%s %s: %s = %v, want %v", u.Client, u.Month, field, got[field], hours)
			}
		}
	}
}

func comparePools(t *testing.T, truth *demo.Truth, rows []map[string]any) {
	t.Helper()
	byHost := map[string]map[string]any{}
	for _, r := range rows {
		byHost[fmt.Sprint(r["instance_id"])] = r
	}
	for _, p := range truth.Pools {
		got := byHost[p.InstanceID]
		if got == nil {
			t.Errorf("host %s has no pool", p.InstanceID)
			continue
		}
		for field, want := range map[string]string{
			"pool_vcpus": fmt.Sprint(p.VCPUs), "pool_memory_mib": fmt.Sprint(p.MiB),
			"reserved_vcpu_hours": demo.VCPUHours(p.ReservedVCPU), "used_vcpu_hours": demo.VCPUHours(p.UsedVCPU),
			"unbilled_vcpu_hours": demo.VCPUHours(p.UnbilledVCPU),
			"reserved_gib_hours":  demo.GiBHours(p.ReservedMiB), "used_gib_hours": demo.GiBHours(p.UsedMiB),
			"unbilled_gib_hours": demo.GiBHours(p.UnbilledMiB),
		} {
			if !same(want, got[field]) {
				t.Errorf("host %s: %s = %v, want %v", p.InstanceID, field, got[field], want)
			}
		}
	}
	for _, r := range rows {
		if r["pool_vcpus"] != nil && !slices.ContainsFunc(truth.Pools, func(p demo.Pool) bool { return p.InstanceID == r["instance_id"] }) {
			t.Errorf("host %v has a pool that nobody reserved", r["instance_id"])
		}
	}
}

// comparePeriods asks for each month alone: what is clipped to months must add up
// to the same rows.
func comparePeriods(t *testing.T, truth *demo.Truth, h *house) {
	t.Helper()
	all := h.report("client-usage").Rows
	var parts []map[string]any
	for m := truth.From.Time(); m.Before(truth.To.Time()); m = m.AddDate(0, 1, 0) {
		parts = append(parts, h.report("client-usage", "--from", m.Format(time.DateOnly), "--to", m.AddDate(0, 1, 0).Format(time.DateOnly)).Rows...)
	}
	key := func(r map[string]any) string { return fmt.Sprint(r["month"], r["client"]) }
	for _, rows := range [][]map[string]any{all, parts} {
		slices.SortFunc(rows, func(a, b map[string]any) int { return cmp.Compare(key(a), key(b)) })
	}
	if want, got := canonical(t, all), canonical(t, parts); want != got {
		t.Errorf("months asked for alone differ from months of the whole:\n%s", diff(want, got))
	}
}

// compareRecords holds the tables against what was written, file by file.
func compareRecords(t *testing.T, truth *demo.Truth, h *house) {
	t.Helper()
	var journal int64
	for _, f := range truth.Files {
		journal += f.Journal
	}
	got := h.count("SELECT (SELECT count(*) FROM allocator_log) + coalesce((SELECT sum(filtered) FROM units), 0) AS n")
	if got != journal {
		t.Errorf("%d lines of journals, want %d", got, journal)
	}
	if n := h.count("SELECT count(*) AS n FROM quarantine"); n != 0 {
		t.Errorf("%d rows in quarantine: %v", n, h.rows("SELECT object, position, reason FROM quarantine LIMIT 5"))
	}
}
