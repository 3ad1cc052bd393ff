package state

import (
	"context"
	"database/sql"
	"errors"
)

// Builds before the first release wrote deliveries of format 3 without the column
// schedule. Who has such a file keeps its deliveries: without them reports would be sent
// twice. The schedule of then is not known and stands as an empty text, which is another
// one than any: nobody missed instants of it.

// early reports whether the state that a database holds is of such a build.
func early(ctx context.Context, db *sql.DB) (bool, error) {
	var has bool
	err := db.QueryRowContext(ctx, "SELECT count(*) > 0 FROM pragma_table_info('delivery') WHERE name = 'schedule'").Scan(&has)
	return !has, err
}

// complete adds to a state of Format what an early build left out.
func (s *State) complete(ctx context.Context) error {
	lacks, err := early(ctx, s.write)
	if err != nil || !lacks {
		return s.wrap(err)
	}
	return s.exec(ctx, "ALTER TABLE delivery ADD COLUMN schedule TEXT NOT NULL DEFAULT ''")
}

// copyEarly opens a state in memory and copies the deliveries of an early build's file to
// it, which stays as it is. file is its name for SQLite.
func (s *State) copyEarly(ctx context.Context, file string) error {
	if err := s.openEmpty(ctx); err != nil {
		return err
	}
	if _, err := s.write.ExecContext(ctx, "ATTACH DATABASE ? AS early", file); err != nil {
		return s.wrap(err)
	}
	err := s.update(ctx, func(tx *sql.Tx) error {
		const columns = "id, name, client, scheduled_at, forced, period_from, period_to, missed, created_at, content, incomplete"
		_, err := tx.ExecContext(ctx, "INSERT INTO main.delivery ("+columns+", schedule) SELECT "+columns+", '' FROM early.delivery")
		if err != nil {
			return err
		}
		const targets = "delivery_id, position, target, address, state, attempts, tried_at, sent_at, receipt, error"
		_, err = tx.ExecContext(ctx, "INSERT INTO main.delivery_target ("+targets+") SELECT "+targets+" FROM early.delivery_target")
		return err
	})
	_, detached := s.write.ExecContext(ctx, "DETACH DATABASE early")
	return errors.Join(err, s.wrap(detached))
}
