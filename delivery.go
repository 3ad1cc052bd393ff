package trailhouse

import (
	"bytes"
	"context"
	"time"
)

// Delivery is what is sent at one instant of a schedule to one receiver: the same bytes
// and the same ID at each attempt, so that a receiver knows a repeated one.
type Delivery struct {
	// ID is 32 hexadecimal digits, made of name, instant and client alone.
	ID string
	// Name is the delivery's name in trailhouse.yaml; Client is whom it is for, empty
	// where it is for all.
	Name, Client string
	// Scheduled is the instant that it was due, Made when its content was made, in UTC.
	Scheduled, Made time.Time
	// Period is what the reports cover; a zero side is open.
	Period Period
	// Subject is one line. Summary says in a few lines what is sent and what is missing;
	// Text is the same with the first rows, HTML a page with these.
	Subject, Summary, Text, HTML string
	// Files are the reports in their formats.
	Files []DeliveryFile
	// Links lead to the files where another target of the delivery stored them.
	Links []DeliveryLink
}

// DeliveryFile is one report in one format.
type DeliveryFile struct {
	// Report is what the file is called; Format is a format of reports, Ext its usual
	// ending without the dot, MediaType what mail and HTTP call it.
	Report, Format, Ext, MediaType string
	// Key is the path that the target's template gives, with slashes.
	Key string
	// Content is the file's bytes.
	Content []byte
}

// Name returns what the file is called where it stands beside others without a path, as
// in a mail.
func (f DeliveryFile) Name(d *Delivery) string {
	name := d.Name + "-" + f.Report
	if d.Name == f.Report {
		name = f.Report
	}
	if !d.Period.From.IsZero() {
		name += "-" + d.Period.From.UTC().Format(time.DateOnly)
	}
	return name + "." + f.Ext
}

// Same reports whether content says the same as the file: whether it is equal but for the
// instant of the question, which JSON tells before the rows. A delivery that is made again
// from the same evidence is the same in this sense.
func (f DeliveryFile) Same(content []byte) bool {
	if bytes.Equal(f.Content, content) {
		return true
	}
	if f.Format != "json" {
		return false
	}
	ours, rest, found := cutInstant(f.Content)
	theirs, other, also := cutInstant(content)
	return found && also && bytes.Equal(ours, theirs) && bytes.Equal(rest, other)
}

// cutInstant returns what stands before and behind the instant of the question. A text
// that holds the same words cannot come first: its quotes are escaped.
func cutInstant(content []byte) (before, after []byte, found bool) {
	before, after, found = bytes.Cut(content, []byte(`"as_of":"`))
	end := bytes.IndexByte(after, '"')
	if !found || end < 0 {
		return nil, nil, false
	}
	return before, after[end:], true
}

// Taken is the error of a sender that stores files, where something else is under the key
// of one: CodeConflict. The key holds the delivery's id, so it is the same delivery, made
// at another time.
func (d *Delivery) Taken(address string) *Error {
	return Errorf(CodeConflict, "%s is there with other content, and nothing is written over: this delivery was made before, from other evidence than there is now, "+
		"by another data directory or by this one before its state was lost", address).
		WithHint("if what is there is right, end this with trailhouse deliveries give-up %s; else move it away. trailhouse run --now %s sends what there is now under another id", d.ID, d.Name)
}

// DeliveryLink is an address under which a file can be fetched for a while.
type DeliveryLink struct {
	Key, URL string
	// Until is when the address stops to work at the latest.
	Until time.Time
}

// Sender sends deliveries to one target. Send returns what the target calls what it got:
// a path, an address, an id. It may be called again for a delivery that arrived, because
// the answer was lost: where the target can tell, that is a success and nothing changes;
// a file or object of the same key that is not the Same is what Taken says and stays as it is.
// CodeUnavailable is worth another attempt at once. CodeUncertain is a target that cannot
// tell and may have got it: another attempt may be a second copy. Any other error needs a
// hand.
type Sender interface {
	Send(ctx context.Context, d *Delivery) (receipt string, err error)
}
