package deliver

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/deliver/mail"
	"github.com/trailhouse/trailhouse/internal/deliver/sns"
	"github.com/trailhouse/trailhouse/internal/state"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

const (
	byMail  = "  - {name: week, report: events, schedule: daily, target: {mail: {host: h, from: a@x.example, to: [b@x.example]}}}\n"
	byTopic = `  - {name: week, report: events, schedule: daily, target: {sns: {topic_arn: "arn:aws:sns:us-east-1:123456789012:r"}}}` + "\n"
)

// TestLostAnswers has the far end take what is sent and drop the connection: one copy in
// that run, one more of the same id in the next, and then no more until someone looks.
func TestLostAnswers(t *testing.T) {
	server := testkit.NewMailServer(t, testkit.MailOptions{TLS: "none"})
	moto := testkit.Moto(t)
	proxy := testkit.NewProxy(t, moto)
	arn, messages := testkit.Topic(t, moto)
	session, err := aws.Open(t.Context(), aws.Options{Endpoint: proxy.URL, Region: "us-east-1", Attempts: 3, MaxBackoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	proxy.Fail(func(int, *http.Request) testkit.Fault { return testkit.CutAfter(0) })
	server.Lose(true)
	kinds := map[string]struct {
		yaml   string
		sender trailhouse.Sender
		ids    func() []string
	}{
		"mail": {byMail, mail.New(mail.Options{Host: server.Host, Port: server.Port, TLS: mail.NoTLS, From: "a@x.example", To: []string{"b@x.example"}}), func() []string {
			var ids []string
			for _, m := range server.Mails() {
				ids = append(ids, m.Header.Get(mail.Header))
			}
			return ids
		}},
		"sns": {byTopic, sns.New(session.Topic(arn)), func() []string {
			var ids []string
			for _, m := range messages() {
				ids = append(ids, m.Attributes["delivery_id"].Value)
			}
			return ids
		}},
	}
	for kind, k := range kinds {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, k.yaml)
			r := w.runner()
			r.Open = func(context.Context, Target) (trailhouse.Sender, error) { return k.sender, nil }
			id := ""
			for run, want := range []struct {
				copies int
				state  string
			}{{1, state.DeliveryUnknown}, {2, state.DeliveryUncertain}, {2, state.DeliveryUncertain}} {
				w.set(w.now.Add(time.Hour))
				out := w.run(r)
				if len(out) != 1 || !out[0].Failed() || !out[0].Targets[0].InDoubt() || out[0].Targets[0].State != want.state || len(k.ids()) != want.copies {
					t.Fatalf("run %d: %d copies, %+v", run+1, len(k.ids()), out)
				}
				if got := out[0].Targets[0]; !strings.Contains(got.Error, "its answer was lost") || !strings.Contains(got.Hint, "give-up "+out[0].ID) {
					t.Errorf("run %d says %q, %q", run+1, got.Error, got.Hint)
				}
				id = out[0].ID
			}
			for _, one := range k.ids() {
				if one != id {
					t.Errorf("a copy with the id %s, want %s", one, id)
				}
			}
			if open, err := r.List(t.Context(), state.DeliveryFilter{Open: true}); len(open) != 1 || open[0].Targets[0].Hint == "" || err != nil {
				t.Errorf("open %+v, %v", open, err)
			}
			if n, err := r.GiveUp(t.Context(), id); n != 1 || err != nil {
				t.Errorf("gave %d up, %v", n, err)
			}
			if out := w.run(r); len(out) > 0 {
				t.Errorf("%+v", out)
			}
		})
	}
}

// TestDoubtStays: what fails surely behind a lost answer leaves the doubt, so that no
// further copies come from it; an arrival ends it.
func TestDoubtStays(t *testing.T) {
	w := newWorld(t, byMail)
	r := w.runner()
	lost := trailhouse.Errorf(trailhouse.CodeUncertain, "its answer was lost")
	for _, step := range []struct {
		lose, refuse error
		want         string
		copies       int
	}{
		{nil, trailhouse.Errorf(trailhouse.CodeUnavailable, "nobody there"), state.DeliveryFailed, 0},
		{lost, nil, state.DeliveryUnknown, 1},
		{nil, trailhouse.Errorf(trailhouse.CodeDenied, "no"), state.DeliveryUnknown, 1},
		{nil, nil, state.DeliverySent, 2},
	} {
		w.lose["mail"], w.refuse["mail"] = step.lose, step.refuse
		out := w.run(r)
		if len(out) != 1 || out[0].Targets[0].State != step.want || len(w.got["mail"]) != step.copies {
			t.Fatalf("%d copies, want %+v: %+v", len(w.got["mail"]), step, out)
		}
	}
	if w.got["mail"][0].ID != w.got["mail"][1].ID {
		t.Errorf("%+v", w.got)
	}
}

// TestRefusedForGood has a server that takes no mail of that size: one attempt, and then
// each run says so until someone ends it. A mail that is refused for what may be put right
// is tried by each run, and not for ever.
func TestRefusedForGood(t *testing.T) {
	server := testkit.NewMailServer(t, testkit.MailOptions{TLS: "none"})
	for _, tt := range []struct{ code, attempts int }{{552, 1}, {550, mostRefusals}} {
		w := newWorld(t, byMail)
		r := w.runner()
		asked := 0
		sender := mail.New(mail.Options{Host: server.Host, Port: server.Port, TLS: mail.NoTLS, From: "a@x.example", To: []string{"b@x.example"}})
		r.Open = func(context.Context, Target) (trailhouse.Sender, error) { asked++; return sender, nil }
		server.Refuse(tt.code, "no")
		var out Outcome
		for n := range tt.attempts + 2 {
			all := w.run(r)
			if len(all) != 1 || !all[0].Failed() {
				t.Fatalf("%d: run %d: %+v", tt.code, n+1, all)
			}
			out = all[0]
			if stuck := out.Targets[0].Stuck(); stuck != (n+1 >= tt.attempts) {
				t.Fatalf("%d: run %d: %+v", tt.code, n+1, out)
			}
		}
		if got := out.Targets[0]; got.State != state.DeliveryRefused || got.Attempts != tt.attempts || asked != tt.attempts || got.Error == "" ||
			!strings.Contains(got.Hint, "use s3 with a link") || !strings.Contains(got.Hint, "give-up "+out.ID) {
			t.Errorf("%d: %d attempts, %+v", tt.code, asked, got)
		}
		if open, err := r.List(t.Context(), state.DeliveryFilter{Open: true}); len(open) != 1 || err != nil {
			t.Errorf("%d: open %+v, %v", tt.code, open, err)
		}
		if n, err := r.GiveUp(t.Context(), out.ID); n != 1 || err != nil {
			t.Errorf("%d: gave %d up, %v", tt.code, n, err)
		}
		if all := w.run(r); len(all) > 0 {
			t.Errorf("%d: %+v", tt.code, all)
		}
	}
}

// TestNothingOfOtherClients: where each client gets its own, what failed is told without
// its places.
func TestNothingOfOtherClients(t *testing.T) {
	w := newWorld(t, "  - {name: x, report: events, schedule: daily, for_each_client: true, target: {directory: out}}\n")
	if _, err := w.runner().Run(t.Context(), w.plans, Options{Notes: []string{"the import of enclave-log failed: s3://globex"}}); err != nil {
		t.Fatal(err)
	}
	for _, d := range w.got["directory"] {
		if strings.Contains(d.Text+d.HTML+d.Summary, "globex") || !strings.Contains(d.Text, "imports of evidence that failed: 1;") {
			t.Errorf("%s", d.Text)
		}
	}
	if len(w.got["directory"]) != 2 {
		t.Errorf("%d deliveries", len(w.got["directory"]))
	}
}
