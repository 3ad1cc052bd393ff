package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
)

// earlyState makes the state of a build before the first release: testdata/early-0003.sql
// is what it had as migrations/0003.sql. There is one delivery in it, sent.
func earlyState(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir)
	text, err := os.ReadFile(filepath.Join("testdata", "early-0003.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{
		"DROP TABLE delivery_target", "DROP TABLE delivery", string(text),
		`INSERT INTO delivery (id, name, client, scheduled_at, forced, period_from, period_to, missed, created_at, content, incomplete)
			VALUES ('d1', 'bill', '', 1767420000000000, 0, NULL, 1767225600000000, 2, 1767420060000000, 'c0ffee', 1)`,
		`INSERT INTO delivery_target (delivery_id, position, target, address, state, attempts, tried_at, sent_at, receipt, error)
			VALUES ('d1', 0, 'mail', 'a@example.com', 'sent', 1, 1767420061000000, 1767420062000000, '250', '')`,
	} {
		if _, err := s.write.ExecContext(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestEarlyState: deliveries of an early build stay known, to Peek, which changes nothing,
// and to Open, after which the state is as any other.
func TestEarlyState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data with space %41?#")
	earlyState(t, dir)
	at := func(second int) time.Time { return time.Date(2026, 1, 3, 6, 0, second, 0, time.UTC) }
	want := []Delivery{{
		ID: "d1", Name: "bill", Scheduled: at(0), To: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Missed: 2, Created: at(60), Content: "c0ffee", Incomplete: 1,
		Targets: []DeliveryTarget{{Target: "mail", Address: "a@example.com", State: DeliverySent, Attempts: 1, Tried: at(61), Sent: at(62), Receipt: "250"}},
	}}
	before := filesOf(t, dir)
	peeked, err := Peek(t.Context(), dir, trailhouse.SystemClock{})
	if err != nil {
		t.Fatal(err)
	}
	knows := func(s *State) {
		t.Helper()
		got, err := s.Deliveries(t.Context(), DeliveryFilter{})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("deliveries (-want +got), %v:\n%s", err, diff)
		}
		if last, schedule, err := s.LastDelivery(t.Context(), "bill", ""); !last.Equal(at(0)) || schedule != "" || err != nil {
			t.Errorf("last at %v by %q, %v", last, schedule, err)
		}
	}
	knows(peeked)
	if err := peeked.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, filesOf(t, dir)); diff != "" {
		t.Errorf("files changed: %s", diff)
	}
	s := open(t, dir)
	knows(s)
	next := Delivery{ID: "d2", Name: "bill", Scheduled: at(0).AddDate(0, 1, 0), Schedule: "monthly", Targets: []DeliveryTarget{{Target: "mail"}}}
	if err := errors.Join(s.BeginDelivery(t.Context(), next), s.Close()); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	if _, schedule, err := again.LastDelivery(t.Context(), "bill", ""); schedule != "monthly" || err != nil {
		t.Errorf("the next delivery is of schedule %q, %v", schedule, err)
	}
}
