package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Intent is what one batch is about to do: which files it adds to which tables, and
// which units are done with it. It is journaled before the first file is written,
// so that whoever finds it can finish or drop the batch.
type Intent struct {
	// BatchID names the batch in the snapshots of its tables.
	BatchID string
	// Attempt is the run that made it.
	Attempt string
	// Source is the name of the source whose units it holds.
	Source string
	// Tables are the tables in the order of their commits.
	Tables []IntentTable
	// Done are the units that are done once every table has its commit.
	Done []Done
}

// IntentTable is one table of an Intent and the files that the batch adds to it.
type IntentTable struct {
	// Table is kept whole, so that a program that does not know the source can
	// finish its intent.
	Table trailhouse.Table
	Files []IntentFile
}

// IntentFile is a data file as Lake.DataPath names it, never a path: the data
// directory may have been moved when the intent is recovered.
type IntentFile struct {
	Name      string
	Partition time.Time
	Rows      int64
}

// Done is a unit that is done: it is not opened again by the same version of the
// source's decoder.
type Done struct {
	Source, Version, UnitID string
	// Result says how it ended: done or ignored.
	Result string
	RunID  string
}

// Begin journals an intent. It is on disk when Begin returns. CodeLocked means
// that a table of it has an open intent, which must be recovered first.
func (s *State) Begin(ctx context.Context, in Intent) error {
	body, err := json.Marshal(in)
	if err != nil {
		return trailhouse.Errorf(trailhouse.CodeInternal, "intent: %w", err)
	}
	return s.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO intent (batch_id, begun_at, body) VALUES (?, ?, ?)",
			in.BatchID, s.clock.Now().UnixMicro(), string(body))
		if err != nil {
			return err
		}
		for _, t := range in.Tables {
			if err := claim(ctx, tx, t.Table.Name, in.BatchID); err != nil {
				return err
			}
		}
		return nil
	})
}

// claim notes that a table has an open intent. The table's lock makes sure that it
// has no other; this is the net below the lock.
func claim(ctx context.Context, tx *sql.Tx, table, batchID string) error {
	var other string
	err := tx.QueryRowContext(ctx, "SELECT batch_id FROM intent_table WHERE table_name = ?", table).Scan(&other)
	if err == nil {
		return trailhouse.Errorf(trailhouse.CodeLocked, "table %s has the open batch %s", table, other).
			WithHint("The locks of this data directory do not hold: is it on a network file system?")
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO intent_table (table_name, batch_id) VALUES (?, ?)", table, batchID)
	return err
}

// Finish ends an intent whose commits have landed and, in the same transaction,
// marks units as done. It may be called again for the same intent.
func (s *State) Finish(ctx context.Context, batchID string, done []Done) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM intent WHERE batch_id = ?", batchID); err != nil {
			return err
		}
		at := s.clock.Now().UnixMicro()
		for _, d := range done {
			_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO ledger (source, version, unit_id, result, run_id, done_at)
				VALUES (?, ?, ?, ?, ?, ?)`, d.Source, d.Version, d.UnitID, d.Result, d.RunID, at)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Drop forgets an intent that left nothing in any table. It may be called again for
// the same intent.
func (s *State) Drop(ctx context.Context, batchID string) error { return s.Finish(ctx, batchID, nil) }

// OpenIntents returns the open intents that touch one of the tables, oldest first;
// all open intents where no table is named. Expiry of snapshots must keep what is
// newer than the oldest of them (facts/reliability.md 3), or have them recovered.
func (s *State) OpenIntents(ctx context.Context, tables ...string) ([]Intent, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT body FROM intent ORDER BY begun_at, batch_id")
	if err != nil {
		return nil, s.wrap(err)
	}
	defer func() { _ = rows.Close() }()
	var out []Intent
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, s.wrap(err)
		}
		var in Intent
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			return nil, trailhouse.Errorf(trailhouse.CodeDamaged, "an intent in %s cannot be read: %w", s.Path(), err)
		}
		if len(tables) == 0 || in.touches(tables) {
			out = append(out, in)
		}
	}
	return out, s.wrap(rows.Err())
}

// touches reports whether the intent adds to one of the tables.
func (in Intent) touches(tables []string) bool {
	return slices.ContainsFunc(in.Tables, func(t IntentTable) bool { return slices.Contains(tables, t.Table.Name) })
}

// Units returns how many units the ledger holds as read to rows.
func (s *State) Units(ctx context.Context) (n int64, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT count(*) FROM ledger WHERE result = 'done'").Scan(&n)
	return n, s.wrap(err)
}

// UnitDone returns how a unit ended, and whether it is done.
func (s *State) UnitDone(ctx context.Context, source, version, unitID string) (result string, done bool, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT result FROM ledger WHERE source = ? AND version = ? AND unit_id = ?",
		source, version, unitID).Scan(&result)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return result, err == nil, s.wrap(err)
}
