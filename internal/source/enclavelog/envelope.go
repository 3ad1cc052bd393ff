package enclavelog

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"

	"github.com/trailhouse/trailhouse"
)

// envelope is what CloudWatch Logs sends to a subscriber, such as Firehose, which writes
// many of them one behind the other into an object: messageType, logGroup, logStream and
// logEvents with id, timestamp and message (user guide, "Log group-level subscription
// filters"). Its events are held until its end, since the stream may be named behind them.
type envelope struct {
	pieces []piece
	size   int
	sum    hash.Hash // of the ids of the events
}

// envelopeHead is what an envelope says of its events.
type envelopeHead struct {
	stream  []byte
	control bool
}

// maxEnvelope is how much text the events of one envelope may have, in bytes. A record of
// Firehose has at most 1,000 KiB before it is inflated.
const maxEnvelope = 64 << 20

// read reads a member of an envelope.
func (h *envelopeHead) read(e *events, key string) error {
	if err := e.s.Text(&e.key); err != nil {
		return err
	}
	if key == "logStream" {
		h.stream, e.cloud = slices.Clone(e.key.Kept), true
		return nil
	}
	h.control = string(e.key.Kept) == "CONTROL_MESSAGE"
	return nil
}

// hold reads the events of an envelope.
func (e *events) hold(depth int) error {
	e.envelope = &envelope{sum: sha256.New()}
	return e.s.List('[', ']', func() error { return e.item(depth + 1) })
}

// keep takes one event of an envelope, whose piece is made but for its text.
func (e *events) keep(p *piece) error {
	ev, held := &e.ev, *p
	held.text, held.stream = slices.Clone(ev.message.Kept), nil
	if ev.message.Cut() {
		held.broken = fmt.Sprintf("message of %d bytes, longer than %d", ev.message.Length, trailhouse.MaxRejected)
		held.hash = ev.message.Hash()
	}
	if e.envelope.size += len(held.text); e.envelope.size > maxEnvelope {
		return e.s.Wrong("an envelope with more than 64 MiB of events")
	}
	e.envelope.pieces = append(e.envelope.pieces, held)
	_, _ = fmt.Fprintf(e.envelope.sum, "%d %s %d ", len(ev.id.Kept), ev.id.Kept, ev.at)
	_, _ = e.envelope.sum.Write(held.text) // a hash takes everything
	return nil
}

// release gives the lines of an envelope's events. Those of a control message are no
// evidence, and an envelope that was delivered twice into one object counts once.
func (e *events) release(held *envelope, head *envelopeHead) error {
	_, _ = held.sum.Write(head.stream)
	sum := [32]byte(held.sum.Sum(nil))
	if e.given == nil {
		e.given = map[[32]byte]bool{}
	}
	passed := head.control || e.given[sum]
	e.given[sum] = true
	for i := range held.pieces {
		e.out = held.pieces[i]
		e.out.stream, e.out.passed = head.stream, passed
		if passed || e.out.broken != "" {
			if err := e.give(&e.out); err != nil {
				return err
			}
			continue
		}
		if err := messageLines(&e.out, held.pieces[i].text, e.give); err != nil {
			return err
		}
	}
	return nil
}
