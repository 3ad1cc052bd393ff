package deliver

import (
	"fmt"
	"strings"
	"testing"
)

const four = `
  - name: week
    report: events
    schedule: weekly
    for_each_client: true
    clients: {acme: {%s}}
    target: {directory: out}
    targets:
      - mail: {host: h, from: a@b.example, to: [to@b.example], cc: [cc@b.example]}
      - s3: {bucket: b}
        sns: {topic_arn: "arn:aws:sns:eu-west-1:111122223333:house"}
`

// TestOnlyTheirOwnKindDiffers gives one client each subset of what may differ, for a
// delivery to every kind of target: each target stays what it is, and the other client
// gets what the targets say.
func TestOnlyTheirOwnKindDiffers(t *testing.T) {
	given := []struct{ yaml, target, from, to string }{
		{"to: [x@b.example, y@b.example]", "mail", "to@b.example", "x@b.example,y@b.example"},
		{"cc: [z@b.example]", "mail", "cc@b.example", "z@b.example"},
		{`topic_arn: "arn:aws:sns:eu-west-1:111122223333:own"`, "sns", ":house", ":own"},
	}
	for subset := range 1 << len(given) {
		want := map[string]string{
			"directory": "/out", "s3": "s3://b", "sns": "arn:aws:sns:eu-west-1:111122223333:house", "mail": "mailto:to@b.example,cc@b.example",
		}
		house := fmt.Sprint(want)
		var yaml []string
		for i, g := range given {
			if subset&(1<<i) != 0 {
				yaml = append(yaml, g.yaml)
				want[g.target] = strings.Replace(want[g.target], g.from, g.to, 1)
			}
		}
		t.Run(strings.Join(yaml, " "), func(t *testing.T) {
			w := newWorld(t, fmt.Sprintf(four, strings.Join(yaml, ", ")))
			got := map[string]map[string]string{}
			for _, o := range w.run(w.runner()) {
				got[o.Client] = map[string]string{}
				for _, target := range o.Targets {
					got[o.Client][target.Target] = strings.TrimPrefix(target.Address, w.dir)
				}
			}
			if fmt.Sprint(got["acme"]) != fmt.Sprint(want) || fmt.Sprint(got["../z"]) != house {
				t.Errorf("acme %v\nwant %v\n../z %v", got["acme"], want, got["../z"])
			}
			for _, target := range w.plans[0].Targets {
				if one := target.For(w.plans[0].Clients[0]); one.Kind() != target.ID || one.Kind() != target.Kind() {
					t.Errorf("%s is %s for acme", target.ID, one.Kind())
				}
			}
			for kind := range want {
				if n := len(w.got[kind]); n != 2 {
					t.Errorf("%s got %d deliveries", kind, n)
				}
			}
			if n := len(w.got["sns"][0].Links); n != 1 {
				t.Errorf("%d links in the message for acme", n)
			}
		})
	}
}

// TestNoCopies: an empty list of copies is none for that client.
func TestNoCopies(t *testing.T) {
	w := newWorld(t, fmt.Sprintf(four, "cc: []"))
	if out := w.run(w.runner()); out[0].Targets[3].Address != "mailto:to@b.example" || out[1].Targets[3].Address != "mailto:to@b.example,cc@b.example" {
		t.Errorf("%+v", out)
	}
}
