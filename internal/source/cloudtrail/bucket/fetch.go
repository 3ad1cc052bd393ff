package bucket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
)

const (
	// inMemory is the largest object that is held in memory, in stored bytes; a larger
	// one goes through a file.
	inMemory = 16 << 20
	// aheadObject and aheadBytes bound what is fetched before it is asked for: one
	// object, and all of them. Files of a trail have some kilobytes
	// (facts/cloudtrail.md 2.2).
	aheadObject = 4 << 20
	aheadBytes  = 32 << 20
)

// fetcher fetches the units that will be asked for next, several at a time.
type fetcher struct {
	store    *Store
	parallel int

	mu      sync.Mutex
	queue   []trailhouse.Unit
	next    int // in queue: the first unit that was not looked at
	waiting map[int]*fetched
	bytes   int64 // of what is in waiting
}

// fetched is an object on its way or here.
type fetched struct {
	size int64
	done chan struct{}
	body io.ReadCloser
	err  error
}

// plan sets the units that will be taken.
func (f *fetcher) plan(units []trailhouse.Unit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue, f.next, f.waiting, f.bytes = units, 0, map[int]*fetched{}, 0
}

// take returns the unit's bytes, which may be here already, and has the next ones
// fetched. A fetch that died with the context of another call is made again.
func (f *fetcher) take(ctx context.Context, u trailhouse.Unit) (io.ReadCloser, error) {
	if it := f.advance(ctx, u); it != nil {
		select {
		case <-it.done:
		case <-ctx.Done():
			return nil, trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted while reading %s: %w", u.Object, ctx.Err())
		}
		if trailhouse.CodeOf(it.err) != trailhouse.CodeInterrupted || ctx.Err() != nil {
			return it.body, it.err
		}
	}
	return f.store.fetch(ctx, f.store.object(u))
}

// advance finds the unit in the plan, starts what comes behind it and returns its
// fetch, nil where there is none.
func (f *fetcher) advance(ctx context.Context, u trailhouse.Unit) *fetched {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.find(u.ID)
	if at < 0 {
		return nil
	}
	it := f.waiting[at]
	f.drop(at)
	for i := range f.waiting { // those of units that were passed over
		if i < at-4*f.parallel {
			f.drop(i)
		}
	}
	f.next = max(f.next, at+1)
	for f.next < len(f.queue) && len(f.waiting) < f.parallel && f.bytes < aheadBytes {
		if f.queue[f.next].Size <= aheadObject {
			f.start(ctx, f.next)
		}
		f.next++
	}
	return it
}

// find returns where a unit is in the plan, or -1. Units are taken about in its order.
func (f *fetcher) find(id string) int {
	for i := max(f.next-8*f.parallel, 0); i < len(f.queue); i++ {
		if f.queue[i].ID == id {
			return i
		}
	}
	return -1
}

// drop forgets a fetch: it is taken, or nobody wants it.
func (f *fetcher) drop(i int) {
	if it := f.waiting[i]; it != nil {
		f.bytes -= it.size
		delete(f.waiting, i)
	}
}

// start fetches a unit in the background. It ends with ctx, which is the run's.
func (f *fetcher) start(ctx context.Context, i int) {
	o := f.store.object(f.queue[i])
	it := &fetched{size: o.Size, done: make(chan struct{})}
	f.waiting[i] = it
	f.bytes += it.size
	go func() {
		defer close(it.done)
		it.body, it.err = f.store.fetch(ctx, o)
	}()
}

// fetch returns the object's bytes once all of them are here.
func (s *Store) fetch(ctx context.Context, o aws.Object) (io.ReadCloser, error) {
	if o.Size > inMemory {
		return s.fetchLarge(ctx, o)
	}
	content, err := s.options.Bucket.Bytes(ctx, o)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// large is an object in a file. It stays until another unit is opened, because a large
// one is opened once for each pass over it.
type large struct {
	object aws.Object
	file   *os.File
	users  int // guarded by Store.mu; the store is one of them while it keeps it
}

// fetchLarge is fetch by way of a file.
func (s *Store) fetchLarge(ctx context.Context, o aws.Object) (io.ReadCloser, error) {
	s.mu.Lock()
	it := s.large
	if it != nil && it.object == o {
		it.users++
	} else {
		it = nil
	}
	s.mu.Unlock()
	if it != nil {
		return s.pass(it), nil
	}
	file, err := s.tempFile()
	if err != nil {
		return nil, err
	}
	it = &large{object: o, file: file, users: 1}
	if err := s.options.Bucket.Get(ctx, o, file); err != nil {
		return nil, errors.Join(err, s.release(it))
	}
	s.keep(it)
	return s.pass(it), nil
}

// keep has the store keep an object, nil for none, and let go of the one before.
func (s *Store) keep(it *large) {
	s.mu.Lock()
	old := s.large
	s.large = it
	if it != nil {
		it.users++
	}
	s.mu.Unlock()
	if old != nil {
		_ = s.release(old) // what was written to it is not wanted any more
	}
}

// release ends one use of an object, and with the last one its file.
func (s *Store) release(it *large) error {
	s.mu.Lock()
	it.users--
	last := it.users == 0
	s.mu.Unlock()
	if !last {
		return nil
	}
	err := it.file.Close()
	_ = os.Remove(it.file.Name()) // where a system keeps the name of an open file
	return err
}

// pass returns a reader of its own over an object that has one use more already.
func (s *Store) pass(it *large) io.ReadCloser {
	return passing{io.NewSectionReader(it.file, 0, it.object.Size), sync.OnceValue(func() error { return s.release(it) })}
}

// passing is one pass over a large object.
type passing struct {
	io.Reader
	done func() error
}

// Close ends the pass.
func (p passing) Close() error { return p.done() }

// tempFile makes a file that is gone when it is closed, or when we die.
func (s *Store) tempFile() (*os.File, error) {
	file, err := s.createTemp()
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeStorage, "a large object cannot be kept while it is read: %w", err).
			WithHint("check the space on the disk of the data directory and who owns it")
	}
	_ = os.Remove(file.Name()) // or when it is released, where a system does not let it go before
	return file, nil
}

func (s *Store) createTemp() (*os.File, error) {
	if s.options.TempDir != "" {
		if err := os.MkdirAll(s.options.TempDir, 0o700); err != nil {
			return nil, err
		}
	}
	return os.CreateTemp(s.options.TempDir, "object-*")
}
