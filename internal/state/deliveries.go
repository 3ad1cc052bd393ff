package state

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// The states of a delivery's target.
const (
	DeliveryOpen    = "open"    // not tried, or an attempt whose end is not known
	DeliveryFailed  = "failed"  // the last attempt failed; it is tried again
	DeliveryUnknown = "unknown" // sent, and the answer was lost; it is tried once more
	// DeliveryUncertain is DeliveryUnknown for the second time: it is tried no more.
	DeliveryUncertain = "uncertain"
	DeliveryRefused   = "refused"  // refused for good; it is tried no more
	DeliverySent      = "sent"     // arrived
	DeliveryGivenUp   = "given-up" // a user wants no further attempt
)

// Delivery is one delivery at one instant for one client. Times are UTC.
type Delivery struct {
	ID, Name, Client string
	// Scheduled is the instant of the schedule, or of the user's wish where Forced.
	Scheduled time.Time
	Forced    bool
	// Schedule is the text of the schedule then, and its zone.
	Schedule string
	// From and To bound what the reports cover; zero is open.
	From, To time.Time
	// Missed counts earlier instants of the schedule at which nothing ran.
	Missed int
	// Created is when it was found to be due.
	Created time.Time
	// Content is the SHA-256 of what is sent, empty until it is made. Incomplete counts
	// objects of evidence that were missing then.
	Content    string
	Incomplete int
	Targets    []DeliveryTarget
}

// DeliveryTarget is one target of a delivery.
type DeliveryTarget struct {
	// Target names it within the delivery: mail, mail 2. Address is for people.
	Target, Address string
	// State is one of the Delivery states.
	State    string
	Attempts int
	// Tried and Sent are zero before.
	Tried, Sent    time.Time
	Receipt, Error string
}

// BeginDelivery notes that a delivery is due, before anything of it is sent. One that is
// there already stays as it is.
func (s *State) BeginDelivery(ctx context.Context, d Delivery) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO delivery
			(id, name, client, scheduled_at, schedule, forced, period_from, period_to, missed, created_at, content, incomplete)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0)`,
			d.ID, d.Name, d.Client, d.Scheduled.UnixMicro(), d.Schedule, d.Forced, micros(d.From), micros(d.To), d.Missed, s.clock.Now().UnixMicro())
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		for i, t := range d.Targets {
			_, err := tx.ExecContext(ctx, `INSERT INTO delivery_target (delivery_id, position, target, address, state, attempts, receipt, error)
				VALUES (?, ?, ?, ?, ?, 0, '', '')`, d.ID, i, t.Target, t.Address, DeliveryOpen)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// LastDelivery returns the latest instant of the schedule for which there is a delivery
// of the name and client, and the schedule then; a zero time where there is none. Forced
// ones do not count.
func (s *State) LastDelivery(ctx context.Context, name, client string) (at time.Time, schedule string, err error) {
	var micros int64
	err = s.read.QueryRowContext(ctx, `SELECT scheduled_at, schedule FROM delivery
		WHERE name = ? AND client = ? AND forced = 0 ORDER BY scheduled_at DESC LIMIT 1`, name, client).Scan(&micros, &schedule)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, "", nil
	}
	return time.UnixMicro(micros).UTC(), schedule, s.wrap(err)
}

// DeliveryFilter picks deliveries. Its zero value picks all.
type DeliveryFilter struct {
	// ID and Name are exact, empty for any.
	ID, Name string
	// Open picks those with a target that is neither sent nor given up.
	Open bool
	// Limit is the most, newest first; 0 for no limit.
	Limit int
}

// Deliveries returns deliveries with their targets, oldest first.
func (s *State) Deliveries(ctx context.Context, f DeliveryFilter) ([]Delivery, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = -1
	}
	rows, err := s.read.QueryContext(ctx, `SELECT id, name, client, scheduled_at, schedule, forced, period_from, period_to, missed, created_at, content, incomplete,
			target, address, state, attempts, tried_at, sent_at, receipt, error
		FROM (SELECT * FROM delivery AS d
			WHERE (?1 = '' OR id = ?1) AND (?2 = '' OR name = ?2)
				AND (NOT ?3 OR EXISTS (SELECT 1 FROM delivery_target WHERE delivery_id = d.id AND state IN ('open', 'failed', 'unknown', 'uncertain', 'refused')))
			ORDER BY scheduled_at DESC, name DESC, client DESC, id LIMIT ?4) AS d
		JOIN delivery_target ON delivery_id = id
		ORDER BY scheduled_at, name, client, id, position`, f.ID, f.Name, f.Open, limit)
	if err != nil {
		return nil, s.wrap(err)
	}
	defer func() { _ = rows.Close() }()
	var out []Delivery
	for rows.Next() {
		d, t, err := scanDelivery(rows)
		if err != nil {
			return nil, s.wrap(err)
		}
		if n := len(out); n == 0 || out[n-1].ID != d.ID {
			out = append(out, d)
		}
		last := &out[len(out)-1]
		last.Targets = append(last.Targets, t)
	}
	return out, s.wrap(rows.Err())
}

// scanDelivery reads one row of a delivery and target.
func scanDelivery(rows *sql.Rows) (Delivery, DeliveryTarget, error) {
	var d Delivery
	var t DeliveryTarget
	var scheduled, created int64
	var from, to, tried, sent sql.NullInt64
	err := rows.Scan(&d.ID, &d.Name, &d.Client, &scheduled, &d.Schedule, &d.Forced, &from, &to, &d.Missed, &created, &d.Content, &d.Incomplete,
		&t.Target, &t.Address, &t.State, &t.Attempts, &tried, &sent, &t.Receipt, &t.Error)
	d.Scheduled, d.Created = time.UnixMicro(scheduled).UTC(), time.UnixMicro(created).UTC()
	d.From, d.To, t.Tried, t.Sent = instant(from), instant(to), instant(tried), instant(sent)
	return d, t, err
}

// SetContent notes what is sent. It is called when the content is on disk.
func (s *State) SetContent(ctx context.Context, id, sha256 string, incomplete int) error {
	return s.exec(ctx, "UPDATE delivery SET content = ?, incomplete = ? WHERE id = ?", sha256, incomplete, id)
}

// BeginAttempt notes an attempt before it is made, and where it goes.
func (s *State) BeginAttempt(ctx context.Context, id, target, address string) error {
	return s.exec(ctx, "UPDATE delivery_target SET attempts = attempts + 1, tried_at = ?, address = ? WHERE delivery_id = ? AND target = ?",
		s.clock.Now().UnixMicro(), address, id, target)
}

// EndAttempt notes how an attempt ended: sent with a receipt, or in another state with an
// error in words.
func (s *State) EndAttempt(ctx context.Context, id, target, ended, receipt, failure string) error {
	if ended != DeliverySent {
		return s.exec(ctx, "UPDATE delivery_target SET state = ?, error = ? WHERE delivery_id = ? AND target = ?", ended, failure, id, target)
	}
	return s.exec(ctx, "UPDATE delivery_target SET state = ?, error = '', receipt = ?, sent_at = ? WHERE delivery_id = ? AND target = ?",
		DeliverySent, receipt, s.clock.Now().UnixMicro(), id, target)
}

// GiveUp ends attempts for the targets of a delivery that have not arrived, and returns
// how many these are.
func (s *State) GiveUp(ctx context.Context, id string) (int64, error) {
	var n int64
	err := s.update(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, "UPDATE delivery_target SET state = ? WHERE delivery_id = ? AND state NOT IN (?, ?)", DeliveryGivenUp, id, DeliverySent, DeliveryGivenUp)
		if err == nil {
			n, err = done.RowsAffected()
		}
		return err
	})
	return n, err
}

// exec runs one statement that writes.
func (s *State) exec(ctx context.Context, text string, args ...any) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, text, args...)
		return err
	})
}

// micros returns an instant as the state keeps it, null where it is zero.
func micros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

// instant is the inverse of micros.
func instant(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}
