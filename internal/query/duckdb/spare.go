package duckdb

import (
	"context"
	"sync"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/trailhouse/trailhouse"
)

// database is a database in which no statement has run yet but our own: nothing that
// belongs to a question is in it. It serves one statement and is thrown away.
type database struct {
	connector *duck.Connector
	conn      *duck.Conn
}

// newDatabase starts a database. That takes about 10 ms of one processor, most of it for
// the engine's own catalog of functions.
func newDatabase(ctx context.Context, o Options) (*database, error) {
	b := &database{}
	var err error
	if b.connector, err = duck.NewConnector("", nil); err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "the query engine does not start: %w", err)
	}
	conn, err := b.connector.Connect(ctx)
	if err == nil {
		b.conn = conn.(*duck.Conn)
		_, err = b.conn.ExecContext(ctx, settings(o)+";\n"+compatSQL, nil)
	}
	if err != nil {
		b.close()
		return nil, (&session{}).broken(ctx, err)
	}
	return b, nil
}

// close frees the database.
func (b *database) close() {
	if b.conn != nil {
		_ = b.conn.Close()
	}
	_ = b.connector.Close()
}

// made is a database, or why there is none.
type made struct {
	database *database
	err      error
}

// spares keeps at most one database ready, or in the making.
type spares struct {
	mu     sync.Mutex
	ready  chan made // holds one; nil where none is in the making
	wanted int       // statements that are announced and have not come yet
	taken  int       // statements that have come
	closed bool
}

// Warm announces that n statements follow, so that a database for each is made ready
// while others work. An engine that is asked again and again without announcement makes
// one ready for the next statement each time. Of the context its values are used, not
// its end.
func (e *Engine) Warm(ctx context.Context, n int) {
	s := &e.spares
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted += n
	s.begin(ctx, e.options)
}

// begin begins a database where none is in the making. The lock is held.
func (s *spares) begin(ctx context.Context, o Options) {
	if s.closed || s.ready != nil {
		return
	}
	ready := make(chan made, 1)
	s.ready = ready
	ctx = context.WithoutCancel(ctx)
	go func() {
		b, err := newDatabase(ctx, o)
		ready <- made{b, err}
	}()
}

// next takes the database that is ready or in the making, nil where there is none, and
// reports whether another one will be wanted.
func (s *spares) next() (ready chan made, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ready, s.ready = s.ready, nil
	s.taken++
	if s.wanted > 0 {
		s.wanted--
		return ready, s.wanted > 0
	}
	return ready, s.taken > 1
}

// take returns a database that is the caller's to close.
func (e *Engine) take(ctx context.Context) (*database, error) {
	ready, more := e.spares.next()
	if more {
		defer e.Warm(ctx, 0)
	}
	if ready == nil {
		return newDatabase(ctx, e.options)
	}
	select {
	case m := <-ready:
		return m.database, m.err
	case <-ctx.Done():
		go discard(ready)
		return nil, stopped(ctx, trailhouse.Limits{}, ctx.Err())
	}
}

// discard closes a database that nobody takes.
func discard(ready chan made) {
	if m := <-ready; m.err == nil {
		m.database.close()
	}
}

// Close frees what is kept ready. It does not wait for what is in the making.
func (e *Engine) Close() {
	e.spares.mu.Lock()
	defer e.spares.mu.Unlock()
	e.spares.closed = true
	if e.spares.ready != nil {
		go discard(e.spares.ready)
		e.spares.ready = nil
	}
}
