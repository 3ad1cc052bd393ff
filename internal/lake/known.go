package lake

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"

	"github.com/apache/iceberg-go/table"
	"github.com/trailhouse/trailhouse"
)

// known remembers how tables looked when they were last read, so that to plan a table
// that nobody changed costs one look into the catalog. It answers for one metadata
// file, which is never written twice: what the catalog names now is always what is
// read. Of each table only the newest state is kept.
type known struct {
	mu     sync.Mutex
	tables map[string]*state
}

// state is a table as one metadata file describes it.
type state struct {
	tbl *table.Table
	// planned are the files of the current snapshot in the span, by partition and path;
	// asked says that there was a question for files at all.
	mu      sync.Mutex
	asked   bool
	planned []trailhouse.DataFile
	span    span
}

// read returns the current state of a table, nil where there is no such table.
func (l *Lake) read(ctx context.Context, name string) (*state, error) {
	location, err := l.pointer(ctx, name)
	if err != nil {
		return nil, err
	}
	l.known.mu.Lock()
	s := l.known.tables[name]
	l.known.mu.Unlock()
	if s != nil && location != "" && s.tbl.MetadataLocation() == location {
		return s, nil
	}
	tbl, err := l.load(ctx, name)
	if err != nil || tbl == nil {
		return nil, err
	}
	return l.known.remember(name, tbl), nil
}

// remember takes a table as it is now.
func (k *known) remember(name string, tbl *table.Table) *state {
	s := &state{tbl: tbl}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tables == nil {
		k.tables = map[string]*state{}
	}
	k.tables[name] = s
	return s
}

// now is read where a missing table is an error.
func (l *Lake) now(ctx context.Context, name string) (*table.Table, error) {
	s, err := l.read(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return nil, noTable(name)
	}
	return s.tbl, nil
}

// pointer returns which metadata file the catalog names for a table, empty where it
// knows none.
func (l *Lake) pointer(ctx context.Context, name string) (string, error) {
	var location sql.NullString
	err := l.db.QueryRowContext(ctx, "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?",
		catalogName, namespace, name).Scan(&location)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", loadError(name, err)
	}
	return location.String, nil
}

// files returns the data files in a span of partitions. The first question is answered
// from the manifests that may hold them; one beyond it reads all manifests, and what
// follows is answered from memory. The slice is the caller's.
func (s *state) files(ctx context.Context, l *Lake, wanted span) ([]trailhouse.DataFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asked || !s.span.holds(wanted) {
		reach := wanted
		if s.asked {
			reach = everything()
		}
		files, err := l.filesOf(ctx, s.tbl, *s.tbl.CurrentSnapshot(), reach)
		if err != nil {
			return nil, err
		}
		s.asked, s.planned, s.span = true, files, reach
	}
	if s.span == wanted {
		return slices.Clone(s.planned), nil
	}
	_, _, tr, _ := specOf(s.tbl.Spec())
	var some []trailhouse.DataFile
	for _, f := range s.planned {
		if wanted.contains(ordinalOf(tr, f.Partition)) {
			some = append(some, f)
		}
	}
	return some, nil
}
