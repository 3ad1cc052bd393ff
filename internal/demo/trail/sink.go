package trail

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/trailhouse/trailhouse"
)

// object is a file under way.
type object struct {
	kind string
	cell *cell
	raw  []byte
	// records are in raw, own of which are no duplicates.
	records, own int64
	last         int64 // time of the last event
	delivered    int64
	path         string // below the demo's folder
	// sum, where not nil, receives the hash of raw.
	sum *[sha256.Size]byte
}

// sink compresses and writes objects, several at a time, and hands them back empty. It
// holds as many objects as there are, so memory does not depend on how many go through.
type sink struct {
	dir  string
	free chan *object
	jobs chan *object
	work sync.WaitGroup

	lock  sync.Mutex
	err   error
	bytes int64
}

func newSink(dir string) *sink {
	workers := min(runtime.GOMAXPROCS(0), 8)
	s := &sink{dir: dir, free: make(chan *object, workers+2), jobs: make(chan *object)}
	for range workers + 2 {
		s.free <- &object{}
	}
	for range workers {
		s.work.Go(s.run)
	}
	return s
}

// take returns an empty object.
func (s *sink) take() *object {
	o := <-s.free
	*o = object{raw: o.raw[:0]}
	return o
}

// put hands an object over and returns the first error of those before.
func (s *sink) put(o *object) error {
	s.jobs <- o
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.err
}

// close waits for all objects.
func (s *sink) close() error {
	close(s.jobs)
	s.work.Wait()
	return s.err
}

func (s *sink) run() {
	p := newPacker()
	for o := range s.jobs {
		err := p.write(s.dir, o)
		s.lock.Lock()
		s.bytes += int64(p.zipped.Len())
		if s.err == nil {
			s.err = err
		}
		s.lock.Unlock()
		s.free <- o
	}
}

// packer compresses one object behind the other.
type packer struct {
	zipped bytes.Buffer
	zip    *gzip.Writer
}

func newPacker() *packer {
	p := new(packer)
	zip, err := gzip.NewWriterLevel(&p.zipped, gzip.BestSpeed)
	if err != nil {
		panic("BUG: gzip does not know its own level: " + err.Error())
	}
	p.zip = zip
	return p
}

// write compresses an object and writes it with the time of its delivery.
func (p *packer) write(dir string, o *object) error {
	if o.sum != nil {
		*o.sum = sha256.Sum256(o.raw)
	}
	p.zipped.Reset()
	p.zip.Reset(&p.zipped)
	_, err := p.zip.Write(o.raw)
	if err = errors.Join(err, p.zip.Close()); err != nil {
		return trailhouse.Errorf(trailhouse.CodeInternal, "cannot compress %s: %w", o.path, err)
	}
	return save(filepath.Join(dir, filepath.FromSlash(o.path)), p.zipped.Bytes(), o.delivered)
}

// save writes one file.
func save(path string, content []byte, at int64) error {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, content, 0o644)
	}
	if err == nil {
		err = os.Chtimes(path, unix(at), unix(at))
	}
	if err != nil {
		return trailhouse.Errorf(trailhouse.CodeStorage, "cannot write %s: %w", path, err).
			WithHint("see that the disk has room and the folder may be written")
	}
	return nil
}
