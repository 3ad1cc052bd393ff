package state

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDeliveries(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := open(t, dir)
	at := time.Date(2025, 11, 3, 5, 0, 0, 0, time.UTC)
	due := func(id string, at time.Time, forced bool) Delivery {
		return Delivery{
			ID: id, Name: "bill", Client: "acme", Scheduled: at, Schedule: "monthly UTC", Forced: forced, From: at.AddDate(0, -1, 0), Missed: 2,
			Targets: []DeliveryTarget{{Target: "s3", Address: "s3://b", State: DeliveryOpen}, {Target: "mail", Address: "mailto:x", State: DeliveryOpen}},
		}
	}
	if last, _, err := s.LastDelivery(ctx, "bill", "acme"); !last.IsZero() || err != nil {
		t.Errorf("before the first: %v, %v", last, err)
	}
	for _, d := range []Delivery{due("one", at, false), due("two", at.AddDate(0, 1, 0), false), due("hand", at.AddDate(0, 2, 0), true)} {
		for range 2 { // the second time changes nothing
			if err := s.BeginDelivery(ctx, d); err != nil {
				t.Fatal(err)
			}
			d.Missed, d.Targets = 9, nil
		}
	}
	again := open(t, dir)
	if last, schedule, err := again.LastDelivery(ctx, "bill", "acme"); schedule != "monthly UTC" || err != nil || !last.Equal(at.AddDate(0, 1, 0)) {
		t.Errorf("last %v, %q, %v", last, schedule, err)
	}
	if last, _, err := again.LastDelivery(ctx, "bill", ""); !last.IsZero() || err != nil {
		t.Errorf("of another client: %v, %v", last, err)
	}
	for _, step := range []error{
		s.SetContent(ctx, "one", "ab", 3),
		s.BeginAttempt(ctx, "one", "s3", "s3://c"),
		s.EndAttempt(ctx, "one", "s3", DeliveryFailed, "", "denied"),
		s.BeginAttempt(ctx, "one", "s3", "s3://c"),
		s.EndAttempt(ctx, "one", "s3", DeliverySent, "s3://c/key", ""),
		s.BeginAttempt(ctx, "one", "mail", "mailto:x"),
		s.EndAttempt(ctx, "one", "mail", DeliveryUncertain, "", "refused"),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	want := due("one", at, false)
	want.Content, want.Incomplete = "ab", 3
	want.Targets = []DeliveryTarget{
		{Target: "s3", Address: "s3://c", State: DeliverySent, Attempts: 2, Receipt: "s3://c/key"},
		{Target: "mail", Address: "mailto:x", State: DeliveryUncertain, Attempts: 1, Error: "refused"},
	}
	got, err := again.Deliveries(ctx, DeliveryFilter{ID: "one"})
	if err != nil || len(got) != 1 || got[0].Created.IsZero() || got[0].Targets[0].Sent.IsZero() || got[0].Targets[1].Tried.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	got[0].Created = time.Time{}
	for i := range got[0].Targets {
		got[0].Targets[i].Tried, got[0].Targets[i].Sent = time.Time{}, time.Time{}
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n, err := s.GiveUp(ctx, "one"); n != 1 || err != nil {
		t.Errorf("gave %d up, %v", n, err)
	}
	for _, c := range []struct {
		filter DeliveryFilter
		want   []string
	}{
		{DeliveryFilter{}, []string{"one", "two", "hand"}}, {DeliveryFilter{Open: true}, []string{"two", "hand"}},
		{DeliveryFilter{Limit: 2}, []string{"two", "hand"}}, {DeliveryFilter{Name: "other"}, nil},
	} {
		got, err := s.Deliveries(ctx, c.filter)
		var ids []string
		for _, d := range got {
			ids = append(ids, d.ID)
		}
		if diff := cmp.Diff(c.want, ids); diff != "" || err != nil {
			t.Errorf("%+v (-want +got), %v\n%s", c.filter, err, diff)
		}
	}
}
