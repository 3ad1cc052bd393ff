// Package sns tells a topic of SNS that a delivery is there.
package sns

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// Sender publishes one message for a delivery: its summary, and links to its files where
// another target has stored them. What it is known by is the attribute delivery_id and
// the id in its text; a FIFO topic drops a repeated one itself.
type Sender struct {
	topic *aws.Topic
}

var _ trailhouse.Sender = (*Sender)(nil)

// New returns the sender of a topic.
func New(topic *aws.Topic) *Sender { return &Sender{topic} }

// Send implements trailhouse.Sender. The receipt is the id that the service gives.
func (s *Sender) Send(ctx context.Context, d *trailhouse.Delivery) (string, error) {
	id, err := s.topic.Publish(ctx, aws.Message{
		Subject: d.Subject, Text: text(d), Group: d.Name, Deduplication: d.ID,
		Attributes: map[string]string{
			"delivery_id": d.ID, "delivery": d.Name, "client": d.Client, "scheduled": d.Scheduled.UTC().Format(time.RFC3339),
		},
	})
	return id, err
}

// most is how many bytes of text a message may have: its attributes and their names need
// some of the service's limit.
const most = aws.MaxMessage - 4<<10

// text returns the summary with the links behind it. Links that do not fit are counted;
// one that is cut would lead nowhere.
func text(d *trailhouse.Delivery) string {
	const reserve = 200 // for the sentence about links that are left out
	summary := d.Summary
	if len(summary) > most/2 {
		cut := most / 2
		for cut > 0 && !utf8.RuneStart(summary[cut]) {
			cut--
		}
		summary = summary[:cut] + "…\nDelivery " + d.ID + "\n"
	}
	var b strings.Builder
	b.WriteString(summary)
	for i, l := range d.Links {
		line := fmt.Sprintf("\n%s\n%s\nuntil %s UTC\n", l.Key, l.URL, l.Until.UTC().Format("2006-01-02 15:04"))
		if b.Len()+len(line) > most-reserve {
			fmt.Fprintf(&b, "\nand %d further files beside it\n", len(d.Links)-i)
			break
		}
		b.WriteString(line)
	}
	return b.String()
}
