package cloudtrail

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// memorySink keeps what a source gives.
type memorySink struct {
	batches  map[string]*trailhouse.Batch
	records  int
	rejected []trailhouse.Rejected
	filtered int64
	covers   []trailhouse.Coverage
	// each, where set, is called for each record, and the batches are emptied behind it.
	each func(s *memorySink) error
}

func newSink() *memorySink { return &memorySink{batches: map[string]*trailhouse.Batch{}} }

func (s *memorySink) Batch(t *trailhouse.Table) *trailhouse.Batch {
	b := s.batches[t.Name]
	if b == nil {
		b = trailhouse.NewBatch(t)
		s.batches[t.Name] = b
	}
	return b
}

func (s *memorySink) Next(context.Context) error {
	s.records++
	if s.each == nil {
		return nil
	}
	err := s.each(s)
	for _, b := range s.batches {
		b.Reset()
	}
	return err
}

func (s *memorySink) Reject(r trailhouse.Rejected) {
	r.Content = append([]byte(nil), r.Content...)
	s.rejected = append(s.rejected, r)
}
func (s *memorySink) Filter(n int64)              { s.filtered += n }
func (s *memorySink) Cover(c trailhouse.Coverage) { s.covers = append(s.covers, c) }

func (s *memorySink) events() *trailhouse.Batch { return s.Batch(EventTable()) }

// write puts a file into a new directory.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// read reads one object that nobody named.
func read(t testing.TB, o Options, path string) (*memorySink, error) {
	t.Helper()
	sink := newSink()
	err := New(o).Read(context.Background(), trailhouse.Unit{ID: "unit", Object: path, Size: -1}, sink)
	return sink, err
}

// readText reads a text that is in no file.
func readText(t testing.TB, name, text string) (*memorySink, error) {
	t.Helper()
	return read(t, Options{}, write(t, name, []byte(text)))
}

// value returns a column as text.
func value(b *trailhouse.Batch, row int, column string) string {
	return b.String(b.Table.MustIndex(column), row)
}

// mapOf returns a map column.
func mapOf(b *trailhouse.Batch, row int, column string) map[string]string {
	col := b.Table.MustIndex(column)
	if b.IsNull(col, row) {
		return nil
	}
	m := map[string]string{}
	from, to := b.Rows(col, row)
	for i := from; i < to; i++ {
		m[b.Child(col).String(0, i)] = b.Child(col).String(1, i)
	}
	return m
}

// reasons are why records were refused.
func (s *memorySink) reasons() []string {
	var out []string
	for _, r := range s.rejected {
		out = append(out, r.Reason)
	}
	return out
}
