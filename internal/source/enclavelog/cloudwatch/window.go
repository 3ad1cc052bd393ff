package cloudwatch

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// Event is one event. Its text is valid until the next one.
type Event struct {
	// Time is the writer's clock in milliseconds since 1970 UTC.
	Time int64
	// Position orders the events of a stream and is the same however often it is read:
	// Time times 1,000,000 and the number of the event among those of the same
	// millisecond, from 0.
	Position int64
	// Text is the message.
	Text []byte
}

// Window is what came to a stream since it was read last, and the look-back before, as it
// was when it was opened.
type Window struct {
	// Name is the stream's name, Address its address, From where the window begins, zero
	// for the beginning of the stream.
	Name, Address string
	From          time.Time
	store         *Store
	stream        *stream
	file          *os.File
	memory        []byte // while the window is small
	size          int64
	newest        int64
}

// inMemory is how many bytes of a window are kept in memory; a larger one goes through a
// file.
const inMemory = 16 << 20

// Open fetches a window whole. It fails with CodeNotFound where the stream is gone since it
// was listed, CodeDenied, CodeCredentials, CodeUnavailable, and CodeStorage of the
// temporary file.
func (s *Store) Open(ctx context.Context, u trailhouse.Unit) (*Window, error) {
	s.mu.Lock()
	st := s.streams[u.ID]
	s.mu.Unlock()
	if st == nil {
		return nil, trailhouse.Errorf(trailhouse.CodeNotFound, "%s was not listed by this import", u.Object)
	}
	w := &Window{Name: st.name, Address: st.address(), store: s, stream: st, newest: st.known.newest}
	if st.from > 0 {
		w.From = instant(st.from)
	}
	last, number := int64(-1), int64(0)
	err := st.logs.Events(ctx, st.group, st.name, st.from, func(page []aws.LogEvent) error {
		for i := range page {
			e := &page[i]
			if e.Time != last {
				last, number = e.Time, 0
			}
			w.append(e, e.Time*positionUnit+number)
			number++
			w.newest = max(w.newest, seen(e))
		}
		return w.spill()
	})
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// positionUnit is the distance of two milliseconds in positions.
const positionUnit = 1_000_000

// seen returns the instant by which an event moves the position on: its own, unless its
// writer's clock runs ahead of the service's.
func seen(e *aws.LogEvent) int64 {
	if e.Ingested > 0 {
		return min(e.Time, e.Ingested)
	}
	return e.Time
}

// append puts an event behind the others.
func (w *Window) append(e *aws.LogEvent, position int64) {
	w.memory = binary.AppendVarint(w.memory, e.Time)
	w.memory = binary.AppendVarint(w.memory, position)
	w.memory = binary.AppendUvarint(w.memory, uint64(len(e.Message)))
	w.memory = append(w.memory, e.Message...)
}

// spill moves what is in memory to a file once it is much.
func (w *Window) spill() error {
	if len(w.memory) < inMemory {
		return nil
	}
	if w.file == nil {
		file, err := w.store.tempFile()
		if err != nil {
			return full(err)
		}
		w.file = file
	}
	n, err := w.file.Write(w.memory)
	w.size += int64(n)
	if err != nil {
		return full(err)
	}
	w.memory = w.memory[:0]
	return nil
}

func full(err error) error {
	return trailhouse.Errorf(trailhouse.CodeStorage, "the events of a log stream cannot be kept while they are read: %w", err).
		WithHint("check the space on the disk of the data directory and who owns it")
}

// tempFile makes a file whose name is gone already, so that it is gone when we are.
func (s *Store) tempFile() (*os.File, error) {
	if s.options.TempDir != "" {
		if err := os.MkdirAll(s.options.TempDir, 0o700); err != nil {
			return nil, err
		}
	}
	file, err := os.CreateTemp(s.options.TempDir, "events-*")
	if err == nil {
		_ = os.Remove(file.Name()) // or when it is closed, where a system does not let it go before
	}
	return file, err
}

// Bytes returns about how many bytes of text the window has.
func (w *Window) Bytes() int64 { return w.size + int64(len(w.memory)) }

// Each calls fn for each event, in the order of the service. It may be called several
// times. It fails with CodeStorage and with what fn returns.
func (w *Window) Each(fn func(*Event) error) error {
	r := eventReader{}
	if w.file != nil {
		r.in = bufio.NewReaderSize(io.NewSectionReader(w.file, 0, w.size), 256<<10)
		if err := r.each(fn); err != nil {
			return err
		}
	}
	r.in = bufio.NewReader(bytes.NewReader(w.memory))
	return r.each(fn)
}

// eventReader reads what append wrote.
type eventReader struct {
	in    *bufio.Reader
	event Event
}

func (r *eventReader) each(fn func(*Event) error) error {
	for {
		var err error
		if r.event.Time, err = binary.ReadVarint(r.in); err == io.EOF {
			return nil
		}
		if err == nil {
			r.event.Position, err = binary.ReadVarint(r.in)
		}
		var length uint64
		if err == nil {
			length, err = binary.ReadUvarint(r.in)
		}
		if err == nil {
			r.event.Text = grown(r.event.Text, int(length))
			_, err = io.ReadFull(r.in, r.event.Text)
		}
		if err != nil {
			return full(err)
		}
		if err := fn(&r.event); err != nil {
			return err
		}
	}
}

// grown returns a slice of n bytes, b where it is large enough.
func grown(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// Read notes that the window was read to its end, and which host it comes from, empty
// where none of its events tells.
func (w *Window) Read(instance trailhouse.InstanceID) {
	p := position{newest: w.newest, instance: instance}
	if instance == "" {
		p.instance = w.stream.known.instance
	}
	if p.newest == 0 {
		return
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.after[w.stream.place] = p
}

// Close lets go of the window's events.
func (w *Window) Close() error {
	w.memory = nil
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	_ = os.Remove(w.file.Name()) // where a system keeps the name of an open file
	return err
}
