package enclavelog

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// memory is a Sink that keeps what it is given.
type memory struct {
	log, allocator *trailhouse.Batch
	records        int64 // calls of Next
	filtered       int64
	rejected       []trailhouse.Rejected
	covered        []trailhouse.Coverage
	forget         bool // drop rows at each Next
}

func newMemory(s *Source) *memory {
	return &memory{log: trailhouse.NewBatch(s.log), allocator: trailhouse.NewBatch(s.allocator)}
}

func (m *memory) Batch(t *trailhouse.Table) *trailhouse.Batch {
	if t == m.log.Table {
		return m.log
	}
	return m.allocator
}

func (m *memory) Next(context.Context) error {
	m.records++
	if m.forget && m.log.Len() > 4096 {
		m.log.Reset()
		m.allocator.Reset()
	}
	return nil
}

func (m *memory) Reject(r trailhouse.Rejected)   { m.rejected = append(m.rejected, r) }
func (m *memory) Filter(n int64)                 { m.filtered += n }
func (m *memory) Cover(c trailhouse.Coverage)    { m.covered = append(m.covered, c) }
func (m *memory) ids() map[string]string         { return idsOf(m.log) }
func (m *memory) text(name string, i int) string { return m.log.String(m.log.Table.MustIndex(name), i) }
func (m *memory) entry(name string, i int) string {
	return m.allocator.String(m.allocator.Table.MustIndex(name), i)
}

// idsOf returns the row keys of a batch with what the rows say.
func idsOf(b *trailhouse.Batch) map[string]string {
	out := map[string]string{}
	for i := range b.Len() {
		out[b.Key(0, i).String()] = b.String(b.Table.MustIndex("message"), i)
	}
	return out
}

// read writes content to a file of the name and reads it as a unit below a directory.
func read(t testing.TB, name, content string, o Options) (*memory, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return readFile(t, path, o)
}

func readFile(t testing.TB, path string, o Options) (*memory, error) {
	t.Helper()
	o.Paths = []string{filepath.Dir(path)}
	s := New(o)
	m := newMemory(s)
	err := s.Read(context.Background(), unitOf(t, s, path), m)
	return m, err
}

func unitOf(t testing.TB, s *Source, path string) trailhouse.Unit {
	t.Helper()
	var found trailhouse.Unit
	err := s.Units(context.Background(), func(u trailhouse.Unit) error {
		if u.Object == path {
			found = u
		}
		return nil
	}, func(trailhouse.Coverage) error { return nil })
	if err != nil || found.Object == "" {
		t.Fatalf("no unit %s: %v", path, err)
	}
	return found
}

func sample(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/nitro_enclaves.sample.log")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func code(err error) string { return string(trailhouse.CodeOf(err)) }

func sha(text string) [32]byte { return sha256.Sum256([]byte(text)) }

func itoa(n int) string { return strconv.Itoa(n) }
