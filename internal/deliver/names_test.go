package deliver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

// TestIDNeverChanges holds ids that are out in the world: an id that changed would send
// everything again.
func TestIDNeverChanges(t *testing.T) {
	at := time.Date(2025, 11, 3, 5, 0, 0, 0, time.UTC)
	tests := []struct {
		name, client string
		at           time.Time
		forced       bool
		want         string
	}{
		{"bill", "", at, false, "2b68af888add8626bdfad41971f56a64"},
		{"bill", "", at.In(time.FixedZone("x", 3600)), false, "2b68af888add8626bdfad41971f56a64"},
		{"bill", "acme", at, false, ""},
		{"bill", "", at, true, ""},
		{"bill", "", at.Add(time.Microsecond), false, ""},
		{"bil", "l", at, false, ""},
	}
	seen := map[string]bool{}
	for i, tt := range tests {
		got := ID(tt.name, tt.at, tt.client, tt.forced)
		if tt.want != "" && got != tt.want || len(got) != 32 || i > 1 && seen[got] {
			t.Errorf("%+v: %s", tt, got)
		}
		seen[got] = true
	}
}

func TestKeys(t *testing.T) {
	d := &trailhouse.Delivery{
		ID: "0123", Name: "bill", Scheduled: time.Date(2025, 11, 3, 5, 0, 0, 0, time.UTC),
		Period: trailhouse.Period{From: time.Date(2025, 9, 30, 22, 0, 0, 0, time.UTC), To: time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)},
	}
	f := trailhouse.DeliveryFile{Report: "client-usage", Format: "csv", Ext: "csv"}
	tests := []struct{ template, client, want string }{
		{DefaultKey, "", "bill/client-usage/2025-09-30T220000Z/0123.csv"},
		{DefaultKey, "acme", "bill/acme/client-usage/2025-09-30T220000Z/0123.csv"},
		{"/" + DefaultKey, "../../etc", "bill/_.._etc/client-usage/2025-09-30T220000Z/0123.csv"},
		{"x/{client}/{delivery_id}", "..", "x/0123"},
		{"{client}-{delivery_id}", "a\\b:c\x00d\u202ee/f", "a_b_c_d_e_f-0123"},
		{"p/../{period_to}_{scheduled}/./{delivery_id}.{format}", "", "p/2025-11-01_2025-11-03T050000Z/0123.csv"},
	}
	for _, tt := range tests {
		d.Client = tt.client
		if got := expandKey(tt.template, words(d, f)); got != tt.want {
			t.Errorf("%s for %q: %s, want %s", tt.template, tt.client, got, tt.want)
		}
	}
	d.Client = "a\r\nBcc: x@y"
	if got := expandSubject("{client} {delivery}", words(d, f)); got != "a  Bcc: x@y bill" {
		t.Errorf("subject %q", got)
	}
	if words(&trailhouse.Delivery{}, f)["period_from"] != "all" {
		t.Error("an open period has no word")
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct{ name, deliver, want string }{
		{"schedule", "{name: d, report: r, schedule: sometimes, target: {directory: x}}", `deliver[1].schedule: "sometimes" is not a schedule`},
		{"period", "{name: d, report: r, period: next week, target: {directory: x}}", `deliver[1].period: "next week" is not a period`},
		{"zone", "{name: d, report: r, time_zone: Mars, target: {directory: x}}", `deliver[1].time_zone`},
		{"word", "{name: d, report: r, target: {s3: {bucket: b, key: \"{id}\"}}}", "there is no {id}"},
		{"braces", "{name: d, report: r, target: {s3: {bucket: b, key: \"{delivery_id}}\"}}}", "is not a template"},
		{"no id", "{name: d, report: r, target: {s3: {bucket: b, key: \"{report}\"}}}", "s3.key must hold {delivery_id}"},
		{"no report", "{name: d, reports: [r, s], target: {directory: {path: x, key: \"{delivery_id}\"}}}", "directory.key must hold {report}"},
		{"no ext", "{name: d, report: r, formats: [csv, json], target: {directory: {path: x, key: \"{delivery_id}\"}}}", "must hold {ext}"},
		{"from", "{name: d, report: r, target: {mail: {host: h, from: nobody, to: a@b}}}", `"nobody" is not one mail address`},
		{"two", "{name: d, report: r, target: {mail: {host: h, from: nobody, to: [noone, a@b]}}}", `"nobody", "noone" are not one mail address each`},
		{"key", "{name: d, report: r, target: {directory: {path: out, key: \"../../esc/{delivery_id}.csv\"}}}", "leads out of its folder"},
		{"to", "{name: d, report: r, target: {mail: {host: h, from: a@b, to: \"a@b, c@d\"}}}", "is not one mail address"},
		{"client", "{name: d, report: r, for_each_client: true, clients: {acme: {to: x}}, target: {mail: {host: h, from: a@b, to: a@b}}}", `"x" is not`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plansOf(t, t.TempDir(), "  - "+tt.deliver+"\n")
			if trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "trailhouse.yaml:5: ") {
				t.Errorf("%v does not say %q", err, tt.want)
			}
		})
	}
}

// TestPageExample compiles the example of docs/deliver.md.
func TestPageExample(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "deliver.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```yaml\ndeliver:\n")
	example, _, _ = strings.Cut(example, "```")
	plans, err := plansOf(t, t.TempDir(), strings.ReplaceAll(example, "zeta:", `"../z":`))
	if err != nil || len(plans) != 2 || plans[0].Schedule.Zone().String() != "Europe/Paris" || len(plans[0].Targets) != 3 || len(plans[1].Clients) != 2 {
		t.Errorf("%+v, %v", plans, err)
	}
}
