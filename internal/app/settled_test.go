package app

import (
	"io"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
)

// TestNoFindingsBetweenCallsAndTheirSums stops at the instant at which another process has
// written kms_calls and not kms_call_groups, and wants no answer instead of none of the
// findings. What reads no sums is answered.
func TestNoFindingsBetweenCallsAndTheirSums(t *testing.T) {
	dir := t.TempDir()
	h := trailHouse(t, deliver(t, dir, "CloudTrail", "20251103T0805Z", event(1, "2025-11-03T08:00:00Z", "")))
	ask := func(name string) error {
		_, err := h.Report(t.Context(), cli.ReportRequest{Name: name, Format: "csv"}, io.Discard)
		return err
	}
	if err := ask("findings"); err != nil {
		t.Fatal(err)
	}
	unlock, err := h.state.Lock(t.Context(), attested.CallTable().Name)
	if err != nil {
		t.Fatal(err)
	}
	commit := trailhouse.Commit{
		Table: attested.JoinTable(), BatchID: "derive-other", Replace: []time.Time{},
		Summary: map[string]string{"trailhouse.derive.version": "another"},
	}
	if err := h.lake.Commit(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	if err := ask("findings"); trailhouse.CodeOf(err) != trailhouse.CodeLocked {
		t.Errorf("findings: %v, want that another process is at work", err)
	}
	if err := ask("kms-by-key"); err != nil {
		t.Errorf("kms-by-key: %v", err)
	}
	unlock()
	if err := ask("findings"); err != nil {
		t.Errorf("findings after it: %v", err)
	}
}
