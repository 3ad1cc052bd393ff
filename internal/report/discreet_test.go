package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// TestDiscreet wants every format to say how much is missing, and none to say where.
func TestDiscreet(t *testing.T) {
	head := Head{Report: "client-usage", Columns: []trailhouse.ResultColumn{{Name: "client", Type: "varchar"}}, Coverage: []trailhouse.Coverage{
		{Source: "enclave-log", Scope: "i-0globex1", Object: "s3://logs/globex1", Result: trailhouse.CoverageMissing, Detail: "denied to globex"},
		{Source: "enclave-log", Scope: "i-0globex2", Result: trailhouse.CoverageMissing},
		{Source: "cloudtrail", Scope: "globex", Result: trailhouse.CoverageRead},
	}}
	people := &Collector{Most: 5}
	writers, buffers := []Writer{people}, map[string]*bytes.Buffer{}
	for _, format := range []string{"table", "json", "jsonl", "csv"} {
		buffers[format] = &bytes.Buffer{}
		w, err := NewWriter(format, buffers[format])
		if err != nil {
			t.Fatal(err)
		}
		writers = append(writers, w)
	}
	out := Discreet(Tee(writers...))
	if err := out.Begin(head); err != nil {
		t.Fatal(err)
	}
	_ = out.Row([]any{"acme"})
	_ = out.End()
	for format, b := range buffers {
		if text := b.String(); strings.Contains(text, "globex") || !strings.Contains(text, "acme") {
			t.Errorf("%s: %s", format, text)
		}
	}
	if got := strings.Join(people.Lost, "; "); got != "enclave-log missing: 2 places" {
		t.Errorf("people read %q", got)
	}
	for format, want := range map[string]string{"json": `"detail":"2 places"`, "table": "2 places"} {
		if !strings.Contains(buffers[format].String(), want) {
			t.Errorf("%s: %s", format, buffers[format])
		}
	}
}
