package derive_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
)

// trail imports events, one to a line.
func (w *world) trail(lines ...string) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "111122223333_CloudTrail_us-east-1_20251103T0005Z_AAAAaaaa00001111.json")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.trailFile(path)
}

// trailFile imports a file of events.
func (w *world) trailFile(path string) {
	w.t.Helper()
	r, err := w.ingest.Run(w.t.Context(), cloudtrail.New(cloudtrail.Options{Paths: []string{path}}), ingest.Options{})
	if err != nil || r.Counts.Quarantined > 0 {
		w.t.Fatal(err, r.Counts)
	}
}

// frame is a record of an event.
func frame(source, name string, at time.Time, more string) string {
	t := at.UTC().Format("2006-01-02T15:04:05Z")
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", at.Unix(), len(name)+len(more))
	return `{"eventVersion":"1.08","eventTime":"` + t + `","eventSource":"` + source + `","eventName":"` + name + `","awsRegion":"eu-west-1","eventID":"` + id + `","recipientAccountId":"111122223333"` + more + `}`
}

// attest is an attested call of an enclave on an instance, by its role.
func attest(instance, slot string, at time.Time, more string) string {
	return frame("kms.amazonaws.com", "Decrypt", at, `,"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/Host/`+instance+`"},"additionalEventData":{"recipient":{"attestationDocumentModuleId":"`+
		instance+`-enc`+strings.Repeat("0", 16-len(slot))+slot+`","attestationDocumentEnclaveImageDigest":"`+strings.Repeat("0a", 48)+`"}}`+more)
}

// stop is a StopInstances.
func stop(instance string, at time.Time) string {
	return frame("ec2.amazonaws.com", "StopInstances", at, `,"requestParameters":{"instancesSet":{"items":[{"instanceId":"`+instance+`"}]}}`)
}

// open is the log of an enclave without its end.
func open(instance string, at time.Time, slot string) string {
	lines := strings.SplitAfter(life(instance, at, slot), "\n")
	return strings.Join(lines[:3], "")
}

// table spells rows of a table, sorted.
func (w *world) table(t *trailhouse.Table, names string) []string {
	w.t.Helper()
	files, _, err := w.Files(w.t.Context(), t.Name, trailhouse.Period{})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		err := columns.Read(w.t.Context(), f.Path, t, nil, func(b *trailhouse.Batch) error {
			for i := range b.Len() {
				var row []string
				for _, name := range strings.Fields(names) {
					col := t.MustIndex(name)
					text := "-"
					switch {
					case b.IsNull(col, i):
					case t.Columns[col].Type == trailhouse.TypeTimestamp:
						text = b.Time(col, i).Format("02T15:04:05")
					case t.Columns[col].Type == trailhouse.TypeInt64 || t.Columns[col].Type == trailhouse.TypeBool:
						text = fmt.Sprint(b.Int(col, i))
					default:
						text = b.String(col, i)
					}
					row = append(row, text)
				}
				out = append(out, strings.Join(row, " "))
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

func (w *world) calls() []string {
	return w.table(attested.JoinTable(), "eventtime instance_id session_id session_match")
}

// TestATerminatedHostEndsWhatStartsBehindIt has an enclave start while its host shuts down,
// and another one on a host that was only stopped, and may be back.
func TestATerminatedHostEndsWhatStartsBehindIt(t *testing.T) {
	w := newWorld(t)
	at := day(11, 3)
	const other = "i-0bbbbbbbbbbbbbbb2"
	w.add(host, "a.log", open(host, at, slotA))
	w.add(other, "b.log", open(other, at, slotB))
	w.trail(
		frame("ec2.amazonaws.com", "TerminateInstances", at.Add(-time.Minute), `,"requestParameters":{"instancesSet":{"items":[{"instanceId":"`+host+`"}]}}`),
		stop(other, at.Add(-time.Minute)),
	)
	w.run()
	want := []string{host + " lost 03T08:00:02", other + " running -"}
	if diff := cmp.Diff(want, w.table(sessions.SessionTable(), "instance_id reason stop_not_after")); diff != "" {
		t.Error(diff)
	}
}

const slotA, slotB = "19a48bae81e5f1c", "19a48bfa49409ab"

// TestCallsMeetSessions derives from a trail and logs and looks at what each says of the
// other.
func TestCallsMeetSessions(t *testing.T) {
	w := newWorld(t)
	at := day(11, 3)
	const other, silent = "i-0bbbbbbbbbbbbbbb2", "i-0ccccccccccccccc3"
	w.add(host, "a.log", life(host, at, slotA))
	w.add(other, "b.log", open(other, at, slotB))
	w.trail(
		attest(host, slotA, at.Add(time.Minute), ""),
		attest(host, slotA, at.Add(2*time.Hour), ""),
		attest(other, slotB, at.Add(3*time.Hour), ""),
		attest(other, slotB, at.Add(4*time.Hour), `,"errorCode":"AccessDenied"`),
		attest(other, slotA, at.Add(5*time.Hour), ""),
		attest(silent, slotA, at.Add(6*time.Hour), ""),
		stop(other, at.Add(7*time.Hour)),
	)
	if r := w.run(); r.Calls != 6 || r.Hosts != 2 {
		t.Errorf("%+v", r)
	}
	a, b := host+"-enc"+slotA, other+"-enc"+slotB
	want := []string{
		"03T08:01:00 " + host + " " + a + " within", "03T10:00:00 " + host + " " + a + " outside",
		"03T11:00:00 " + other + " " + b + " within", "03T12:00:00 " + other + " " + b + " uncertain",
		"03T13:00:00 " + other + " - no-session", "03T14:00:00 " + silent + " - no-log",
	}
	if diff := cmp.Diff(want, w.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	pcr := strings.Repeat("0a", 48)
	lives := []string{
		a + " 03T09:00:00 03T09:00:00 - terminated " + pcr + " Enclave has completed termination by enc-" + slotA + ":41 at 2025-11-03T09:00:00.000Z",
		b + " 03T11:00:00 03T15:00:00 - lost " + pcr + " StopInstances at 2025-11-03T15:00:00.000Z",
	}
	got := w.table(sessions.SessionTable(), "session_id stop_not_before stop_not_after presumed_until reason pcr0 evidence")
	for i := range got {
		got[i] = strings.Replace(got[i], " by -", "", 1)
	}
	if diff := cmp.Diff(lives, got); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	if r := w.run(); r != (derive.Result{}) {
		t.Errorf("again: %+v", r)
	}
}

// TestCallsBehindTheEndOfTheHost lets a call of a host that shuts down be the last of its
// enclave, and puts one long after it outside, however much log came later.
func TestCallsBehindTheEndOfTheHost(t *testing.T) {
	w := newWorld(t)
	at := day(11, 3)
	w.add(host, "a.log", open(host, at, slotB))
	w.trail(
		attest(host, slotB, at.Add(2*time.Hour-10*time.Second), ""),
		stop(host, at.Add(2*time.Hour)),
		attest(host, slotB, at.Add(2*time.Hour+20*time.Second), ""),
		attest(host, slotB, at.Add(14*time.Hour), ""),
	)
	w.run()
	w.add(host, "b.log", life(host, at.AddDate(0, 0, 16), slotA))
	w.run()
	b := host + "-enc" + slotB
	want := []string{
		"03T09:59:50 " + host + " " + b + " within", "03T10:00:20 " + host + " " + b + " within",
		"03T22:00:00 " + host + " " + b + " outside",
	}
	if diff := cmp.Diff(want, w.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	lives := w.table(sessions.SessionTable(), "session_id stop_not_before stop_not_after presumed_until reason")
	if want := b + " 03T10:00:20 03T10:00:20 - lost"; !slices.Contains(lives, want) {
		t.Errorf("%q, want %s", lives, want)
	}
}

// TestOnlyATrailOrOnlyLogs derives where the other kind of evidence is missing, and
// after it came.
func TestOnlyATrailOrOnlyLogs(t *testing.T) {
	at := day(11, 3)
	w := newWorld(t)
	w.trail(frame("s3.amazonaws.com", "GetObject", at, ""))
	w.run()
	if stale, err := w.job.Stale(t.Context()); stale || err != nil {
		t.Errorf("a trail without attested calls is stale for ever: %v", err)
	}
	w.trail(attest(host, slotA, at.Add(time.Minute), ""))
	if r := w.run(); r.Calls != 1 || r.Hosts != 0 {
		t.Errorf("%+v", r)
	}
	if got := w.calls(); len(got) != 1 || !strings.HasSuffix(got[0], "- no-log") {
		t.Errorf("%v", got)
	}
	w.add(host, "a.log", life(host, at.Add(-24*time.Hour), slotB))
	w.run()
	if got := w.calls(); len(got) != 1 || !strings.HasSuffix(got[0], "- no-session") {
		t.Errorf("%v", got)
	}
	w.add(host, "b.log", life(host, at, slotA))
	w.run()
	if got := w.calls(); len(got) != 1 || !strings.HasSuffix(got[0], slotA+" within") {
		t.Errorf("%v", got)
	}
}

// TestNewCallsAreAppended wants a new call to touch no file of others, and each call to
// be there once.
func TestNewCallsAreAppended(t *testing.T) {
	w := newWorld(t)
	at := day(11, 3)
	w.add(host, "a.log", life(host, at, slotA))
	w.trail(attest(host, slotA, at.Add(time.Minute), ""))
	w.run()
	_, before := w.rows(attested.JoinTable())
	for i := range 3 {
		w.trail(attest(host, slotA, at.Add(time.Duration(i+2)*time.Minute), ""))
		if r := w.run(); r.Calls != 1 || r.Rewritten > 1 {
			t.Errorf("%+v, want one new call and the month of its session", r)
		}
	}
	_, after := w.rows(attested.JoinTable())
	for _, path := range before["2025-11"] {
		if !slices.Contains(after["2025-11"], path) {
			t.Error("calls whose session is the same were written again")
		}
	}
	if got := w.calls(); len(got) != 4 || len(slices.Compact(got)) != 4 {
		t.Errorf("%v", got)
	}
	// Merging files is nothing new.
	if _, err := w.Compact(t.Context(), attested.CallTable(), lake.CompactOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Compact(t.Context(), cloudtrail.EventTable(), lake.CompactOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	if r := w.run(); r.Calls != 0 || r.Hosts != 0 || r.Rewritten != 0 {
		t.Errorf("after merging: %+v", r)
	}
	if got := w.groups(); len(got) != 1 || !strings.HasSuffix(got[0], " 0 4 03T08:01:00 03T08:04:00") {
		t.Errorf("%v, want one group of four calls", got)
	}
	if got := w.calls(); len(got) != 4 {
		t.Errorf("%v", got)
	}
}

// piece is evidence that is imported in one go.
type piece func(w *world)

// evidence is logs and trails of some hosts, cut into pieces. Some calls prove enclaves
// alive that the log lost, some come before the host stopped, some from elsewhere.
func evidence(rng *rand.Rand) []piece {
	var out []piece
	for n := range 2 {
		instance := fmt.Sprintf("i-0%016x", 0xb0+n)
		at := day(time.Month(9+rng.IntN(3)), 28+rng.IntN(3)).Add(time.Duration(rng.IntN(80)) * time.Hour)
		slots := []string{slotA, slotB}
		for k, slot := range slots {
			from := at.Add(time.Duration(k) * 90 * time.Minute)
			text := open(instance, from, slot)
			if rng.IntN(2) == 0 {
				text = life(instance, from, slot)
			}
			name := fmt.Sprintf("%d.log", k)
			out = append(out, func(w *world) { w.add(instance, name, text) })
		}
		for range 2 {
			var lines []string
			for range 2 + rng.IntN(4) {
				when := at.Add(time.Duration(rng.IntN(6*3600)) * time.Second)
				switch rng.IntN(6) {
				case 0:
					lines = append(lines, stop(instance, when))
				case 1:
					lines = append(lines, attest(instance, "19a48bae81e5fff", when, ""))
				case 2:
					lines = append(lines, attest(instance, slots[rng.IntN(2)], when, `,"errorCode":"AccessDenied"`))
				default:
					lines = append(lines, attest(instance, slots[rng.IntN(2)], when, ""))
				}
			}
			out = append(out, func(w *world) { w.trail(lines...) })
		}
	}
	return out
}

// common is what calls of a group have in common.
const common = "group_key account_id awsregion key_arn key_id principal caller_instance_id errorcode kind module_id instance_id slot_key pcr0 pcr8 debug session_id session_match"

// groups spells kms_call_groups, and wants it to be what kms_calls adds up to.
func (w *world) groups() []string {
	w.t.Helper()
	counts := map[string]int{}
	for _, call := range w.table(attested.JoinTable(), common) {
		counts[call]++
	}
	want := []string{}
	for call, n := range counts {
		want = append(want, fmt.Sprint(call, " ", n))
	}
	slices.Sort(want)
	got := w.table(attested.GroupTable(), common+" calls")
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("groups (-of the calls +stored):\n%s", diff)
	}
	return w.table(attested.GroupTable(), common+" failed calls first_call last_call")
}

// everything spells all rows that are derived, but for what names a temporary file.
func (w *world) everything() []string {
	out := append(w.calls(), w.groups()...)
	out = append(out, w.table(sessions.SessionTable(), "session_id started stop_not_before stop_not_after presumed_until reason evidence pcr0")...)
	return append(out, w.table(attested.HostEndTable(), "instance_id eventtime eventname")...)
}

// seeds is how many heaps of evidence TestOrderOfImportsLeavesNoTrace shuffles.
var seeds = flag.Uint64("seeds", 2, "heaps of evidence to shuffle")

// TestOrderOfImportsLeavesNoTrace imports the same evidence in different orders, in one
// go and derived in between, trails first and logs first.
func TestOrderOfImportsLeavesNoTrace(t *testing.T) {
	rounds := *seeds
	if testing.Short() {
		rounds = 1
	}
	for seed := range rounds {
		rng := rand.New(rand.NewPCG(seed, 1))
		pieces := evidence(rng)
		one := newWorld(t)
		for _, add := range pieces {
			add(one)
		}
		one.run()
		want := one.everything()
		rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		w := newWorld(t)
		for i, add := range pieces {
			add(w)
			if i%2 == int(seed%2) {
				w.run()
			}
		}
		w.run()
		if diff := cmp.Diff(want, w.everything()); diff != "" {
			t.Fatalf("seed %d (-at once +bit by bit):\n%s", seed, diff)
		}
	}
}

// TestCrashOfTheTrailIsARedo lets each commit fail once and wants the result of a run
// that never failed.
func TestCrashOfTheTrailIsARedo(t *testing.T) {
	pieces := evidence(rand.New(rand.NewPCG(7, 1)))
	clean := newWorld(t)
	for _, add := range pieces {
		add(clean)
	}
	clean.run()
	want := clean.everything()
	for _, table := range []string{"host_ends", "attested_calls", "enclave_sessions", "kms_calls", "kms_call_groups"} {
		w := newWorld(t)
		for i, add := range pieces {
			add(w)
			if i == len(pieces)/2 {
				w.run()
			}
		}
		w.fail = table
		if _, err := w.job.Run(t.Context()); err == nil {
			t.Errorf("%s: the failed commit was not told", table)
		}
		if _, settled, err := w.job.Settled(t.Context()); settled == (table == "kms_call_groups") || err != nil {
			t.Errorf("%s: settled %t (%v)", table, settled, err)
		}
		w.fail = ""
		w.run()
		if diff := cmp.Diff(want, w.everything()); diff != "" {
			t.Errorf("%s (-clean +redone):\n%s", table, diff)
		}
		if stale, err := w.job.Stale(t.Context()); stale || err != nil {
			t.Errorf("%s: still stale (%v)", table, err)
		}
		if _, settled, err := w.job.Settled(t.Context()); !settled || err != nil {
			t.Errorf("%s: not settled (%v)", table, err)
		}
	}
	if len(want) < 12 {
		t.Errorf("only %d rows", len(want))
	}
}
