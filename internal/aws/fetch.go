package aws

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/trailhouse/trailhouse"
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

// DefaultParallel is how many objects are fetched at a time where nobody says otherwise.
const DefaultParallel = 8

// Fetcher gives the objects of a bucket whole, and has those that will be asked for next
// fetched meanwhile. It may be used by several goroutines.
type Fetcher struct {
	bucket   *Bucket
	parallel int
	tempDir  string

	mu      sync.Mutex
	queue   []Object
	next    int // in queue: the first object that was not looked at
	waiting map[int]*fetched
	bytes   int64  // of what is in waiting
	large   *large // the last large object
}

// Body is an object's bytes, all of them here. It must be closed.
type Body struct {
	*io.SectionReader
	done func() error
}

// Close lets go of the bytes.
func (b *Body) Close() error { return b.done() }

// fetched is an object on its way or here.
type fetched struct {
	size int64
	done chan struct{}
	body *Body
	err  error
}

// NewFetcher returns a fetcher that makes at most so many requests at a time, zero for
// DefaultParallel, and puts objects too large for memory into a directory, empty for the
// system's own. No request is made.
func NewFetcher(b *Bucket, parallel int, tempDir string) *Fetcher {
	if parallel <= 0 {
		parallel = DefaultParallel
	}
	return &Fetcher{bucket: b, parallel: parallel, tempDir: tempDir}
}

// Plan sets the objects that will be taken, about in their order.
func (f *Fetcher) Plan(objects []Object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue, f.next, f.waiting, f.bytes = objects, 0, map[int]*fetched{}, 0
}

// Take returns the object's bytes, which may be here already, and has the next ones
// fetched, with the errors of Bucket.Get. A fetch that died with the context of another
// call is made again.
func (f *Fetcher) Take(ctx context.Context, o Object) (*Body, error) {
	if o.Size <= inMemory {
		f.keep(nil)
	}
	if it := f.advance(ctx, o); it != nil {
		select {
		case <-it.done:
		case <-ctx.Done():
			return nil, trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted while reading %s: %w", f.bucket.Address(o.Key), ctx.Err())
		}
		if trailhouse.CodeOf(it.err) != trailhouse.CodeInterrupted || ctx.Err() != nil {
			return it.body, it.err
		}
	}
	return f.Fetch(ctx, o)
}

// advance finds the object in the plan, starts what comes behind it and returns its
// fetch, nil where there is none.
func (f *Fetcher) advance(ctx context.Context, o Object) *fetched {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.find(o)
	if at < 0 {
		return nil
	}
	it := f.waiting[at]
	f.drop(at)
	for i := range f.waiting { // those of objects that were passed over
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

// find returns where an object is in the plan, or -1. Objects are taken about in its
// order.
func (f *Fetcher) find(o Object) int {
	for i := max(f.next-8*f.parallel, 0); i < len(f.queue); i++ {
		if f.queue[i].Key == o.Key && f.queue[i].ETag == o.ETag {
			return i
		}
	}
	return -1
}

// drop forgets a fetch: it is taken, or nobody wants it.
func (f *Fetcher) drop(i int) {
	if it := f.waiting[i]; it != nil {
		f.bytes -= it.size
		delete(f.waiting, i)
	}
}

// start fetches an object in the background. It ends with ctx, which is the run's.
func (f *Fetcher) start(ctx context.Context, i int) {
	o := f.queue[i]
	it := &fetched{size: o.Size, done: make(chan struct{})}
	f.waiting[i] = it
	f.bytes += it.size
	go func() {
		defer close(it.done)
		it.body, it.err = f.Fetch(ctx, o)
	}()
}

// Fetch returns the object's bytes once all of them are here, with the errors of
// Bucket.Get. It knows no plan.
func (f *Fetcher) Fetch(ctx context.Context, o Object) (*Body, error) {
	if o.Size > inMemory {
		return f.fetchLarge(ctx, o)
	}
	content, err := f.bucket.Bytes(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Body{io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content))), func() error { return nil }}, nil
}

// large is an object in a file. It stays until another one is taken, because a large
// one may be opened once for each pass over it.
type large struct {
	object Object
	file   *os.File
	users  int // guarded by Fetcher.mu; the fetcher is one of them while it keeps it
}

// fetchLarge is Fetch by way of a file.
func (f *Fetcher) fetchLarge(ctx context.Context, o Object) (*Body, error) {
	f.mu.Lock()
	it := f.large
	if it != nil && it.object == o {
		it.users++
	} else {
		it = nil
	}
	f.mu.Unlock()
	if it != nil {
		return f.pass(it), nil
	}
	file, err := f.tempFile()
	if err != nil {
		return nil, err
	}
	it = &large{object: o, file: file, users: 1}
	if err := f.bucket.Get(ctx, o, file); err != nil {
		return nil, errors.Join(err, f.release(it))
	}
	f.keep(it)
	return f.pass(it), nil
}

// Forget lets go of the last large object.
func (f *Fetcher) Forget() { f.keep(nil) }

// keep has the fetcher keep an object, nil for none, and let go of the one before.
func (f *Fetcher) keep(it *large) {
	f.mu.Lock()
	old := f.large
	f.large = it
	if it != nil {
		it.users++
	}
	f.mu.Unlock()
	if old != nil {
		_ = f.release(old) // what was written to it is not wanted any more
	}
}

// release ends one use of an object, and with the last one its file.
func (f *Fetcher) release(it *large) error {
	f.mu.Lock()
	it.users--
	last := it.users == 0
	f.mu.Unlock()
	if !last {
		return nil
	}
	err := it.file.Close()
	_ = os.Remove(it.file.Name()) // where a system keeps the name of an open file
	return err
}

// pass returns a reader of its own over an object that has one use more already.
func (f *Fetcher) pass(it *large) *Body {
	return &Body{io.NewSectionReader(it.file, 0, it.object.Size), sync.OnceValue(func() error { return f.release(it) })}
}

// tempFile makes a file that is gone when it is closed, or when we die.
func (f *Fetcher) tempFile() (*os.File, error) {
	file, err := f.createTemp()
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeStorage, "a large object cannot be kept while it is read: %w", err).
			WithHint("check the space on the disk of the data directory and who owns it")
	}
	_ = os.Remove(file.Name()) // or when it is released, where a system does not let it go before
	return file, nil
}

func (f *Fetcher) createTemp() (*os.File, error) {
	if f.tempDir != "" {
		if err := os.MkdirAll(f.tempDir, 0o700); err != nil {
			return nil, err
		}
	}
	return os.CreateTemp(f.tempDir, "object-*")
}
