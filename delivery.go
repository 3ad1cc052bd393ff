package trailhouse

import (
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

// DeliveryLink is an address under which a file can be fetched for a while.
type DeliveryLink struct {
	Key, URL string
	// Until is when the address stops to work at the latest.
	Until time.Time
}

// Sender sends deliveries to one target. Send returns what the target calls what it got:
// a path, an address, an id. It may be called again for a delivery that arrived, because
// the answer was lost: where the target can tell, that is a success and nothing changes;
// a file or object of the same key and other content is CodeConflict and stays as it is.
// CodeUnavailable is worth another attempt at once. CodeUncertain is a target that cannot
// tell and may have got it: another attempt may be a second copy. Any other error needs a
// hand.
type Sender interface {
	Send(ctx context.Context, d *Delivery) (receipt string, err error)
}
