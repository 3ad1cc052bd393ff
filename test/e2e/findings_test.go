package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse/internal/demo"
	"github.com/trailhouse/trailhouse/internal/demo/audit"
)

// compareFindings holds the report findings against the truth: every finding, none
// else, with the same things that it is about, calls and evidence.
func compareFindings(t *testing.T, truth *demo.Truth, rows []map[string]any) {
	t.Helper()
	kinds := map[string]bool{}
	var want, got []string
	for _, f := range truth.Findings {
		kinds[f.Kind] = true
		want = append(want, strings.Join([]string{
			f.Kind, f.Severity, "open", f.Client, f.Account, f.Instance, f.Enclave, f.Session, f.Key, f.PCR0, f.Caller, fmt.Sprintf("%v of %v", f.Failed, f.Calls),
			f.First.UTC().Format("2006-01-02T15:04:05.000Z"), f.Last.UTC().Format("2006-01-02T15:04:05.000Z"), strings.Join(f.Events, ","),
		}, " | "))
	}
	for _, r := range rows {
		text := func(name string) string { s, _ := r[name].(string); return s }
		var events []string
		list, _ := r["event_ids"].([]any)
		for _, id := range list {
			events = append(events, fmt.Sprint(id))
		}
		got = append(got, strings.Join([]string{
			text("kind"), text("severity"), text("state"), text("client"), text("account_id"), text("instance_id"), text("enclave_id"), text("session_id"),
			text("key_arn"), text("pcr0"), text("principal"), fmt.Sprintf("%v of %v", r["failed"], r["calls"]), text("first_seen"), text("last_seen"), strings.Join(events, ","),
		}, " | "))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("findings:\n%s", diff(strings.Join(want, "\n"), strings.Join(got, "\n")))
	}
	if len(kinds) != 8 {
		t.Errorf("the demo has only the kinds of findings %v", kinds)
	}
}

// compareCalls holds kms-calls and kms-by-key against the truth of calls by session
// and client.
func compareCalls(t *testing.T, truth *demo.Truth, h *house) {
	t.Helper()
	type of struct{ session, client string }
	counts, clients := map[of]int64{}, map[string]int64{}
	for _, r := range h.report("kms-calls", "--param", "kind=enclave", "--param", "limit=1000000").Rows {
		session, _ := r["session_id"].(string)
		counts[of{session, r["client"].(string)}]++
	}
	for _, r := range h.report("kms-by-key").Rows {
		n, err := r["calls"].(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		clients[r["client"].(string)] += n
	}
	var got []audit.Calls
	for k, n := range counts {
		got = append(got, audit.Calls{Session: k.session, Client: k.client, Calls: n})
	}
	slices.SortFunc(got, func(x, y audit.Calls) int {
		return cmp.Or(cmp.Compare(x.Session, y.Session), cmp.Compare(x.Client, y.Client))
	})
	if !slices.Equal(truth.Calls, got) {
		t.Errorf("calls by session and client:\n%s", diff(fmt.Sprintln(truth.Calls), fmt.Sprintln(got)))
	}
	for _, c := range truth.Calls {
		clients[c.Client] -= c.Calls
	}
	for client, n := range clients {
		if n != 0 {
			t.Errorf("kms-by-key has %d calls of %s too many", n, client)
		}
	}
	if len(truth.Calls) < 100 {
		t.Errorf("only %d sessions call", len(truth.Calls))
	}
}

// TestAcknowledgedFindingsComeBack acknowledges findings of the demo and lets more of
// the trail arrive.
func TestAcknowledgedFindingsComeBack(t *testing.T) {
	o := demo.DefaultOptions()
	o.Months, o.PollDays, o.Events = 1, 0, 3000
	dir := t.TempDir()
	truth, err := demo.Generate(t.Context(), dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	h.config = filepath.Join(dir, demo.ConfigName)
	h.must(0, "import", "enclave-log", filepath.Join(dir, "logs"))
	h.must(0, "import", "cloudtrail", filepath.Join(dir, "trail"))
	rows := h.report("findings").Rows
	id := rows[0]["finding_id"].(string)
	h.must(1, "findings", "acknowledge", "0123456789abcdef", "--reason", "x", "--by", "ann")
	h.must(2, "findings", "acknowledge", id, "--by", "ann")
	h.must(2, "findings", "acknowledge", id, "--by", "ann", "--reason", "two\nlines")
	for _, reason := range []string{"a test", "a test", "ticket 7"} { // the second says nothing new
		h.must(0, "findings", "acknowledge", strings.ToUpper(id), "--reason", reason, "--by", "ann")
	}
	if n := h.count("SELECT count(*) AS n FROM finding_acknowledgements"); n != 2 {
		t.Errorf("%d acknowledgements, want 2", n)
	}
	known := h.report("findings", "--param", "state=acknowledged").Rows
	if len(known) != 1 || known[0]["finding_id"] != id || known[0]["acknowledged_by"] != "ann" || known[0]["acknowledged_reason"] != "ticket 7" {
		t.Errorf("acknowledged: %v", known)
	}
	if left := h.report("findings", "--param", "state=open").Rows; len(left) != len(rows)-1 {
		t.Errorf("%d findings are open, want %d", len(left), len(rows)-1)
	}
	h.must(0, "lake", "compact", "finding_acknowledgements")
	h.must(0, "lake", "check")
	if len(truth.Findings) != len(rows) {
		t.Errorf("%d findings, want %d", len(rows), len(truth.Findings))
	}
	evidence := filepath.Join(t.TempDir(), "case.json")
	out := h.must(0, "report", "finding-calls", id, "--export", "records", "--out", evidence).out
	if want := fmt.Sprint(rows[0]["calls"], " record"); !strings.HasPrefix(out, want) {
		t.Errorf("exported %q, want %s", out, want)
	}
	again(t, h, dir, id)
}

// again delivers the records of a finding once more: first as calls like those that
// were known, then with another error.
func again(t *testing.T, h *house, dir, id string) {
	t.Helper()
	first := h.report("finding-calls", id).Rows[0]
	record := strings.TrimSpace(h.must(0, "show", "event", first["eventid"].(string)).out)
	at, err := time.Parse(time.RFC3339, first["eventtime"].(string))
	if err != nil {
		t.Fatal(err)
	}
	state := func() any { return h.report("findings", "--param", "id="+id).Rows[0]["state"] }
	for _, c := range []struct{ change, want string }{
		{``, "acknowledged"},
		{`"errorCode":"KMSInvalidStateException",`, "returned"},
	} {
		other := strings.Replace(record, first["eventid"].(string), fmt.Sprintf("00000000-0000-4000-8000-%012d", len(c.change)), 1)
		other = strings.Replace(other, `"eventSource"`, c.change+`"eventSource"`, 1)
		path := filepath.Join(dir, fmt.Sprintf("111122223333_CloudTrail_us-east-1_%s_AAAAaaaa%08d.json.gz", at.Format("20060102T1504Z"), len(c.change)))
		if err := os.WriteFile(path, gzipped(t, `{"Records":[`+other+`]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		h.must(0, "import", "cloudtrail", path)
		if got := state(); got != c.want {
			t.Errorf("after a call with %q the finding is %v, want %s", c.change, got, c.want)
		}
	}
	h.must(0, "findings", "acknowledge", id, "--reason", "that too", "--by", "bob")
	if got := state(); got != "acknowledged" {
		t.Errorf("acknowledged again it is %v", got)
	}
}
