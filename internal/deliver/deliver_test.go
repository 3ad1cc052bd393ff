package deliver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/state"
)

// world is what lies outside of the runners of one data directory: the clock, the
// reports, and the receivers at the end of each target.
type world struct {
	t     *testing.T
	dir   string
	plans []Plan

	mu       sync.Mutex
	now      time.Time
	rendered int
	// refuse says for a target what its receiver answers; nil takes the delivery.
	refuse map[string]error
	// lose has a receiver take the delivery and answer as if it had not.
	lose map[string]error
	got  map[string][]*trailhouse.Delivery // by id of the target
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) set(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = t
}

// newWorld reads the deliveries of a trailhouse.yaml.
func newWorld(t *testing.T, deliver string) *world {
	t.Helper()
	w := &world{
		t: t, dir: t.TempDir(), now: time.Date(2025, 10, 8, 12, 0, 0, 0, time.UTC),
		refuse: map[string]error{}, lose: map[string]error{}, got: map[string][]*trailhouse.Delivery{},
	}
	var err error
	if w.plans, err = plansOf(t, w.dir, deliver); err != nil {
		t.Fatal(err)
	}
	return w
}

func plansOf(t *testing.T, dir, deliver string) ([]Plan, error) {
	t.Helper()
	text := "clients:\n  - {client: acme, name: \"a*\"}\n  - {client: \"../z\", name: \"z*\"}\ndeliver:\n" + deliver
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Input{Dir: dir, Environ: []string{"HOME=" + dir}})
	if err != nil {
		t.Fatal(err)
	}
	return Compile(c)
}

// runner returns a runner with a state of its own on the world's data directory, as
// another process has.
func (w *world) runner() *Runner {
	w.t.Helper()
	st, err := state.Open(w.t.Context(), filepath.Join(w.dir, "house"), w)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = st.Close() })
	return &Runner{
		State: st, Clock: w, Dir: filepath.Join(w.dir, "house", "deliveries"),
		Render: w.render, Open: w.open, Pause: func(context.Context, time.Duration) error { return nil },
	}
}

// render gives another content each time, so that a repeated one shows.
func (w *world) render(_ context.Context, q Request) (Rendered, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rendered++
	if q.Name == "broken" {
		return Rendered{}, trailhouse.Errorf(trailhouse.CodeUsage, "report broken is broken")
	}
	out := Rendered{
		Title: "Report " + q.Name, Columns: []Column{{"client", false}, {"hours", true}}, Cells: [][]string{{q.Client, fmt.Sprint(w.rendered)}}, Rows: 1,
		Files: map[string][]byte{},
	}
	for _, f := range q.Formats {
		out.Files[f] = fmt.Appendf(nil, "%s %s %s %s %d", q.Name, q.Client, f, q.Period.To, w.rendered)
	}
	return out, nil
}

func (w *world) open(_ context.Context, t Target) (trailhouse.Sender, error) {
	return receiver{w, t.ID}, nil
}

// receiver is the far end of a target.
type receiver struct {
	*world
	id string
}

// Send implements trailhouse.Sender.
func (r receiver) Send(_ context.Context, d *trailhouse.Delivery) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refuse[r.id]; err != nil {
		return "", err
	}
	r.got[r.id] = append(r.got[r.id], d)
	return "got " + d.ID, r.lose[r.id]
}

// Link implements linker.
func (r receiver) Link(_ context.Context, key string, _ time.Duration) (trailhouse.DeliveryLink, error) {
	return trailhouse.DeliveryLink{Key: key, URL: "https://example.com/" + key}, nil
}

func (w *world) run(r *Runner) []Outcome {
	w.t.Helper()
	out, err := r.Run(w.t.Context(), w.plans, Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func digest(d *trailhouse.Delivery) string {
	return fmt.Sprintf("%s %x", d.ID, sha256.Sum256(fmt.Appendf(nil, "%+v", d)))
}

const daily = `
  - name: day
    report: events
    period: yesterday
    schedule: daily at 06:00
    target: {mail: {host: h, from: a@b.example, to: c@d.example}}
`

func TestOnceForEachInstant(t *testing.T) {
	w := newWorld(t, daily)
	r := w.runner()
	first := w.run(r)
	if len(first) != 1 || first[0].Failed() || first[0].Missed != 0 || !first[0].Scheduled.Equal(time.Date(2025, 10, 8, 6, 0, 0, 0, time.UTC)) ||
		!first[0].From.Equal(time.Date(2025, 10, 7, 0, 0, 0, 0, time.UTC)) || first[0].ID != ID("day", first[0].Scheduled, "", false) {
		t.Fatalf("%+v", first)
	}
	if again := w.run(w.runner()); len(again) > 0 {
		t.Errorf("the same instant again: %+v", again)
	}
	w.set(time.Date(2025, 10, 9, 5, 59, 59, 0, time.UTC))
	if early := w.run(r); len(early) > 0 {
		t.Errorf("before the next instant: %+v", early)
	}
	// Three instants pass without a run: the last one counts.
	w.set(time.Date(2025, 10, 12, 6, 0, 0, 0, time.UTC))
	late := w.run(r)
	if len(late) != 1 || late[0].Missed != 3 || !late[0].From.Equal(time.Date(2025, 10, 11, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("after a pause: %+v", late)
	}
	if got := w.got["mail"]; len(got) != 2 || !strings.Contains(got[1].Text, "Nothing ran at 3 earlier instants") {
		t.Errorf("%d arrived; %s", len(got), got[1].Text)
	}
	// Another schedule has other instants: nobody missed them.
	plans := w.plans
	if w.plans, _ = plansOf(t, w.dir, strings.Replace(daily, "daily at 06:00", "hourly", 1)); w.plans == nil {
		t.Fatal("no plans")
	}
	w.set(time.Date(2025, 10, 12, 11, 30, 0, 0, time.UTC))
	if other := w.run(r); len(other) != 1 || other[0].Missed != 0 || !other[0].Scheduled.Equal(time.Date(2025, 10, 12, 11, 0, 0, 0, time.UTC)) {
		t.Errorf("by another schedule: %+v", other)
	}
	w.plans = plans
	// A clock that was put back sends nothing again.
	w.set(time.Date(2025, 10, 11, 6, 30, 0, 0, time.UTC))
	if back := w.run(r); len(back) > 0 {
		t.Errorf("by a clock that was put back: %+v", back)
	}
	if left, _ := os.ReadDir(r.Dir); len(left) > 0 {
		t.Errorf("content is left: %v", left)
	}
}

func TestForcedIsAnotherDelivery(t *testing.T) {
	w := newWorld(t, daily+strings.Replace(daily, "name: day", "name: hand", 1)+"")
	w.plans[1].Schedule = nil
	r := w.runner()
	out, err := r.Run(t.Context(), w.plans, Options{Now: "hand"})
	if err != nil || len(out) != 1 || !out[0].Forced || !out[0].Scheduled.Equal(w.now) {
		t.Fatalf("%+v, %v", out, err)
	}
	if out := w.run(r); len(out) != 1 || out[0].Name != "day" {
		t.Errorf("the schedule after it: %+v", out)
	}
	if _, err := r.Run(t.Context(), w.plans, Options{Now: "nothing"}); trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.Contains(trailhouse.HintOf(err), "day, hand") {
		t.Errorf("%v, %s", err, trailhouse.HintOf(err))
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	w := newWorld(t, daily)
	r := w.runner()
	for range 2 {
		out, err := r.Due(t.Context(), w.plans, Options{})
		if err != nil || len(out) != 1 || out[0].Targets[0].State != state.DeliveryOpen || out[0].Targets[0].Address != "mailto:c@d.example" {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	if list, err := r.List(t.Context(), state.DeliveryFilter{}); err != nil || len(list) > 0 || w.rendered > 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

const three = `
  - name: week
    reports: [events, {report: events, as: again}]
    formats: [csv, json]
    schedule: weekly
    target:
      directory: out
      s3: {bucket: b, prefix: /p/}
      mail: {host: h, from: a@b.example, to: c@d.example}
      sns: {topic_arn: "arn:aws:sns:eu-west-1:111122223333:r", subject: "{delivery} {report} {period_from}"}
`

// TestFailingTargetIsTriedAgain wants one failing target not to keep the others, and to
// get the same bytes under the same id when it works.
func TestFailingTargetIsTriedAgain(t *testing.T) {
	w := newWorld(t, three)
	r := w.runner()
	w.refuse["s3"] = trailhouse.Errorf(trailhouse.CodeDenied, "no").WithHint("allow it")
	w.lose["mail"] = trailhouse.Errorf(trailhouse.CodeUnavailable, "gone in mid-answer")
	out := w.run(r)[0]
	states := map[string]string{}
	attempts := map[string]int{}
	for _, target := range out.Targets {
		states[target.Target], attempts[target.Target] = target.State, target.Attempts
	}
	if fmt.Sprint(states) != "map[directory:sent mail:failed s3:failed sns:failed]" || fmt.Sprint(attempts) != "map[directory:1 mail:3 s3:1 sns:1]" {
		t.Fatalf("%v %v", states, attempts)
	}
	if out.Targets[1].Hint != "allow it" || !strings.Contains(out.Targets[2].Error, "waits for the objects") {
		t.Errorf("%+v", out.Targets)
	}
	w.set(w.now.Add(time.Hour))
	if due, err := r.Due(t.Context(), w.plans, Options{}); err != nil || len(due) != 1 || len(due[0].Targets) != 3 {
		t.Errorf("due %+v, %v", due, err)
	}
	if all, err := r.List(t.Context(), state.DeliveryFilter{}); err != nil || len(all) != 1 || len(all[0].Targets) != 4 {
		t.Errorf("all %+v, %v", all, err)
	}
	delete(w.refuse, "s3")
	delete(w.lose, "mail")
	out = w.run(w.runner())[0]
	if out.Failed() || !out.Again || w.rendered != 2 {
		t.Fatalf("%+v, made %d times", out, w.rendered)
	}
	if len(out.Targets) != 3 || out.Targets[0].Target != "s3" || len(out.Earlier) != 1 || out.Earlier[0].Target != "directory" {
		t.Errorf("the second run tells of what it did not do: %+v", out)
	}
	if n := len(w.got["directory"]); n != 1 {
		t.Errorf("%d times in the directory", n)
	}
	for _, got := range w.got["mail"] {
		if digest(got) != digest(w.got["mail"][0]) {
			t.Errorf("mail with other bytes: %+v", got)
		}
	}
	message := w.got["sns"][0]
	if len(message.Links) != 4 || !strings.HasPrefix(message.Links[0].Key, "p/week/events/all/"+out.ID) || message.Subject != "week events all" {
		t.Errorf("%+v, subject %q", message.Links, message.Subject)
	}
	if again := w.run(r); len(again) > 0 {
		t.Errorf("%+v", again)
	}
}

// TestKillAtEveryStep dies at each step, and wants the next run to send the same bytes
// under the same id; twice only where death came between sending and noting it.
func TestKillAtEveryStep(t *testing.T) {
	for _, step := range []string{"begin", "content", "send", "record"} {
		t.Run(step, func(t *testing.T) {
			w := newWorld(t, daily)
			r := w.runner()
			r.Step = func(name string) {
				if name == step {
					panic("killed")
				}
			}
			func() {
				defer func() {
					if recover() == nil {
						t.Error("nobody died")
					}
				}()
				_, _ = r.Run(t.Context(), w.plans, Options{})
			}()
			out := w.run(w.runner())
			want := 1
			if step == "record" {
				want = 2
			}
			got := w.got["mail"]
			if len(out) != 1 || out[0].Failed() || len(got) != want || digest(got[0]) != digest(got[len(got)-1]) || got[0].ID != out[0].ID {
				t.Errorf("%+v: %d arrived", out, len(got))
			}
			if again := w.run(w.runner()); len(again) > 0 {
				t.Errorf("%+v", again)
			}
		})
	}
}

// TestTwoRunners has two runners at every tick, each of which is killed now and then:
// every instant that a run saw is delivered, none twice but for deaths between sending
// and noting it.
func TestTwoRunners(t *testing.T) {
	ticks := 10_000
	if testing.Short() {
		ticks = 500
	}
	w := newWorld(t, strings.Replace(daily, "daily at 06:00", "0 */6 * * *", 1))
	r := rand.New(rand.NewPCG(7, 7))
	runners := [2]*Runner{w.runner(), w.runner()}
	deaths := 0 // between sending and noting it
	for range ticks {
		w.set(w.now.Add(10 * time.Minute))
		if r.IntN(200) == 0 {
			w.set(w.now.Add(time.Duration(r.IntN(30)) * time.Hour)) // nothing runs for a while
		}
		var wg sync.WaitGroup
		for _, runner := range runners {
			dies := [...]string{"begin", "content", "send", "record", "", "", "", ""}[r.IntN(8)]
			runner.Step = func(name string) {
				if name == dies {
					panic(name)
				}
			}
			wg.Go(func() {
				defer func() {
					if recover() == "record" {
						w.mu.Lock()
						deaths++
						w.mu.Unlock()
					}
				}()
				if _, err := runner.Run(t.Context(), w.plans, Options{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	runners[0].Step = nil
	w.run(runners[0])
	list, err := runners[0].List(t.Context(), state.DeliveryFilter{})
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, d := range w.got["mail"] {
		times[d.ID]++
	}
	extra := 0
	for _, d := range list {
		if d.Failed() || times[d.ID] == 0 {
			t.Errorf("not delivered: %+v", d)
		}
		extra += times[d.ID] - 1
	}
	if len(times) != len(list) || extra != deaths || deaths == 0 {
		t.Errorf("%d deliveries, %d ids arrived, %d more than once after %d deaths behind sending", len(list), len(times), extra, deaths)
	}
}

func TestMachineFaultsStop(t *testing.T) {
	w := newWorld(t, daily)
	r := w.runner()
	r.Dir = filepath.Join(w.dir, config.FileName, "below") // below a file
	if out, err := r.Run(t.Context(), w.plans, Options{}); trailhouse.CodeOf(err) != trailhouse.CodeStorage || len(w.got["mail"]) > 0 {
		t.Errorf("%+v, %v", out, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r = w.runner()
	r.Step = func(name string) {
		if name == "send" {
			cancel()
		}
	}
	w.refuse["mail"] = errors.New("refused")
	if _, err := r.Run(ctx, w.plans, Options{}); trailhouse.CodeOf(err) != trailhouse.CodeInterrupted {
		t.Errorf("%v", err)
	}
	delete(w.refuse, "mail")
	if out := w.run(w.runner()); len(out) != 1 || out[0].Failed() {
		t.Errorf("%+v", out)
	}
}

func TestBrokenReportIsToldAndTriedAgain(t *testing.T) {
	w := newWorld(t, strings.Replace(daily, "report: events", "report: broken", 1)+strings.Replace(daily, "name: day", "name: other", 1))
	r := w.runner()
	out := w.run(r)
	if len(out) != 2 || !out[0].Failed() || out[1].Failed() || !strings.Contains(out[0].Targets[0].Error, "broken is broken") || out[0].Targets[0].Attempts != 1 {
		t.Fatalf("%+v", out)
	}
	w.plans[0].Reports[0].Name = "events"
	if out = w.run(r); len(out) != 1 || out[0].Failed() || out[0].Name != "day" {
		t.Errorf("%+v", out)
	}
}

func TestLostContentIsMadeAgain(t *testing.T) {
	w := newWorld(t, daily)
	r := w.runner()
	w.refuse["mail"] = errors.New("refused")
	w.run(r)
	files, _ := filepath.Glob(filepath.Join(r.Dir, "*.json"))
	if len(files) != 1 || os.WriteFile(files[0], []byte("{}"), 0o600) != nil {
		t.Fatal(files)
	}
	delete(w.refuse, "mail")
	if out := w.run(r); len(out) != 1 || out[0].Failed() || w.rendered != 2 {
		t.Errorf("%+v, made %d times", out, w.rendered)
	}
}

func TestGiveUp(t *testing.T) {
	w := newWorld(t, three)
	r := w.runner()
	w.refuse["mail"] = errors.New("refused")
	id := w.run(r)[0].ID
	if n, err := r.GiveUp(t.Context(), id); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if out := w.run(r); len(out) > 0 {
		t.Errorf("%+v", out)
	}
	if _, err := r.GiveUp(t.Context(), "nothing"); trailhouse.CodeOf(err) != trailhouse.CodeNotFound {
		t.Error(err)
	}
}

func TestForEachClient(t *testing.T) {
	w := newWorld(t, strings.Replace(daily, "target:", "for_each_client: true\n    clients: {acme: {to: x@y.example}}\n    target:", 1))
	out := w.run(w.runner())
	if len(out) != 2 || out[0].Client != "acme" || out[1].Client != "../z" || out[0].ID == out[1].ID {
		t.Fatalf("%+v", out)
	}
	if out[0].Targets[0].Address != "mailto:x@y.example" || out[1].Targets[0].Address != "mailto:c@d.example" {
		t.Errorf("%+v", out)
	}
	for i, client := range []string{"acme", "../z"} {
		if got := w.got["mail"][i]; !strings.HasPrefix(string(got.Files[0].Content), "events "+client+" ") || !strings.Contains(got.Subject, "for "+client) {
			t.Errorf("%s got %s, %q", client, got.Files[0].Content, got.Subject)
		}
	}
}
