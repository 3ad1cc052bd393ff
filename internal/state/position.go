package state

import (
	"context"
	"database/sql"
)

// Positions returns how far a version of a source has listed its places, by place.
// What a place and a position are, the source alone knows.
func (s *State) Positions(ctx context.Context, source, version string) (map[string]string, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT place, value FROM position WHERE source = ? AND version = ?", source, version)
	if err != nil {
		return nil, s.wrap(err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]string{}
	for rows.Next() {
		var place, value string
		if err := rows.Scan(&place, &value); err != nil {
			return nil, s.wrap(err)
		}
		out[place] = value
	}
	return out, s.wrap(rows.Err())
}

// SetPositions notes how far places were listed, all or none of them. It is called
// when everything up to there is in the lake, never before.
func (s *State) SetPositions(ctx context.Context, source, version string, positions map[string]string) error {
	if len(positions) == 0 {
		return nil
	}
	return s.update(ctx, func(tx *sql.Tx) error {
		at := s.clock.Now().UnixMicro()
		for place, value := range positions {
			_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO position (source, version, place, value, set_at)
				VALUES (?, ?, ?, ?, ?)`, source, version, place, value, at)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
