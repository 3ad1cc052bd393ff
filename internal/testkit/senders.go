package testkit

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Target is a sender and the far end of its target.
type Target struct {
	Sender trailhouse.Sender
	// Stores says that the target keeps files by their keys, and so can refuse another
	// content; else it gives each message on, and the receiver knows it by its id.
	Stores bool
	// Got returns what is at the far end: by key where it stores, else each message as it
	// came, by a number.
	Got func() map[string]string
}

// sample is a delivery with two files.
func sample(id, content string) *trailhouse.Delivery {
	at := time.Date(2025, 11, 3, 5, 0, 0, 0, time.UTC)
	file := func(ext string, text string) trailhouse.DeliveryFile {
		return trailhouse.DeliveryFile{
			Report: "client-usage", Format: ext, Ext: ext, MediaType: "text/" + ext,
			Key: "bill/für acme+co/" + id + "." + ext, Content: []byte(text),
		}
	}
	return &trailhouse.Delivery{
		ID: id, Name: "bill", Client: "acme", Scheduled: at, Made: at.Add(time.Minute), Subject: "Client usage für acme, 2025-10-01 to 2025-11-01",
		Summary: "Client usage\nDelivery " + id, Text: "Client usage\nclient  hours\nacme  1.5\nDelivery " + id, HTML: "<p>Client usage</p><p>Delivery " + id + "</p>",
		Files: []trailhouse.DeliveryFile{file("csv", content), file("json", `{"rows":[]}`)},
	}
}

// Senders holds a sender to the contract of trailhouse.Sender. fresh returns a target
// that holds nothing.
func Senders(t *testing.T, fresh func(t *testing.T) Target) {
	const id = "00112233445566778899aabbccddeeff"
	key := sample(id, "").Files[0].Key
	send := func(t *testing.T, at Target, d *trailhouse.Delivery) error {
		t.Helper()
		receipt, err := at.Sender.Send(t.Context(), d)
		if err == nil && receipt == "" {
			t.Error("a success has no receipt")
		}
		return err
	}
	t.Run("arrives", func(t *testing.T) {
		at := fresh(t)
		if err := send(t, at, sample(id, "a,b\r\n")); err != nil {
			t.Fatal(err)
		}
		got := at.Got()
		if at.Stores {
			if len(got) != 2 || got[key] != "a,b\r\n" {
				t.Errorf("got %q", got)
			}
			return
		}
		if len(got) != 1 || !strings.Contains(got["1"], id) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("again", func(t *testing.T) {
		at := fresh(t)
		for range 3 {
			if err := send(t, at, sample(id, "same")); err != nil {
				t.Fatal(err)
			}
		}
		for number, got := range at.Got() {
			if !at.Stores && !strings.Contains(got, id) {
				t.Errorf("message %s does not tell its id: %s", number, got)
			}
		}
		if n := len(at.Got()); at.Stores && n != 2 {
			t.Errorf("%d files", n)
		}
	})
	t.Run("never overwrites", func(t *testing.T) {
		at := fresh(t)
		if !at.Stores {
			t.Skip("nothing is kept there")
		}
		if err := send(t, at, sample(id, "first")); err != nil {
			t.Fatal(err)
		}
		if err := send(t, at, sample(id, "second")); trailhouse.CodeOf(err) != trailhouse.CodeConflict || !strings.Contains(trailhouse.HintOf(err), "give-up "+id) {
			t.Errorf("other content under the same key: %v", err)
		}
		if got := at.Got()[key]; got != "first" {
			t.Errorf("holds %q", got)
		}
	})
	t.Run("made again", func(t *testing.T) {
		at := fresh(t)
		if !at.Stores {
			t.Skip("nothing is kept there")
		}
		made := func(asOf, rows string) *trailhouse.Delivery {
			d := sample(id, "x")
			d.Files[1].Content = []byte(`{"report":"r","parameters":{"p":"\"as_of\":\"1\""},"as_of":"` + asOf + `","rows":[` + rows + `]}`)
			return d
		}
		key := made("", "").Files[1].Key
		first := made("2025-11-03T05:01:00.000Z", "1")
		if err := errors.Join(send(t, at, first), send(t, at, made("2025-12-03T05:01:00.000Z", "1"))); err != nil {
			t.Errorf("the same rows, asked for later: %v", err)
		}
		if err := send(t, at, made("2025-11-03T05:01:00.000Z", "2")); trailhouse.CodeOf(err) != trailhouse.CodeConflict {
			t.Errorf("other rows: %v", err)
		}
		if got := at.Got()[key]; got != string(first.Files[1].Content) {
			t.Errorf("holds %s", got)
		}
	})
	t.Run("many and empty", func(t *testing.T) {
		at := fresh(t)
		for _, id := range []string{"aa", "bb", "cc"} {
			if err := send(t, at, sample(id, "")); err != nil {
				t.Fatal(err)
			}
		}
		want := 3
		if at.Stores {
			want = 6
		}
		if got := at.Got(); len(got) != want {
			t.Errorf("%d of %d arrived", len(got), want)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		at := fresh(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := at.Sender.Send(ctx, sample(id, "x")); err == nil {
			t.Error("an interrupted send succeeds")
		}
	})
}
