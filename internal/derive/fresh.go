package derive

import (
	"sync"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
)

// freshBytes bounds what Fresh keeps in memory.
const freshBytes = 32 << 20

// Fresh keeps what this process's imports wrote to the trail and a Job takes out of it:
// the rows are in memory then, and reading them back is an eighth of an import's CPU
// time. A file that it does not know is read. Its methods may be called by several
// goroutines.
type Fresh struct {
	trail *trailhouse.Table
	mu    sync.Mutex
	taker *attested.Taker
	files map[string]attested.Taken // by path, which no two writes share
	bytes int
}

// NewFresh returns a Fresh for the table cloudtrail.
func NewFresh(trail *trailhouse.Table) *Fresh {
	return &Fresh{trail: trail, taker: attested.NewTaker(trail), files: map[string]attested.Taken{}}
}

// Wrote notes that the rows of a batch were written to a file, in their order. Batches of
// other tables are passed over.
func (f *Fresh) Wrote(path string, b *trailhouse.Batch, rows []int32) {
	if b.Table.Name != f.trail.Name {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes >= freshBytes {
		return
	}
	taken := f.taker.Take(b, rows)
	f.files[path] = taken
	f.bytes += taken.Bytes() + len(path)
}

// of returns what a file holds, false where that is not known.
func (f *Fresh) of(path string) (attested.Taken, bool) {
	if f == nil {
		return attested.Taken{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	taken, ok := f.files[path]
	return taken, ok
}

// forget drops everything, once it was taken.
func (f *Fresh) forget() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.files)
	f.bytes = 0
}
