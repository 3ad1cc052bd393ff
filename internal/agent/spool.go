package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// segmentSize is from where on a new segment begins, in bytes.
const segmentSize = 256 << 10

// segment is one file of a spool.
type segment struct {
	number      int64
	size, lines int64
	taken       bool // is being sent: nothing is added any more
}

// spool keeps lines on the disk until they are sent, within a bound. Its methods may be
// called by several goroutines.
type spool struct {
	dir     string
	most    int64 // bytes
	dropped func(lines int64)

	mu   sync.Mutex
	list []segment // oldest first
	open *FileSink // of the last one, nil where none is open
}

// openSpool finds what the run before left.
func openSpool(dir string, most int64, dropped func(lines int64)) (*spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	s := &spool{dir: dir, most: most, dropped: dropped}
	for _, e := range entries { // in order of their names
		number, err := strconv.ParseInt(strings.TrimSuffix(e.Name(), ".jsonl"), 10, 64)
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		s.list = append(s.list, segment{number: number, size: int64(len(text)), lines: int64(bytes.Count(text, []byte("\n"))), taken: true})
	}
	return s, nil
}

func (s *spool) path(number int64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%018d.jsonl", number))
}

// add keeps lines.
func (s *spool) add(lines []Line) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.list) - 1
	if last < 0 || s.list[last].taken || s.list[last].size > segmentSize {
		next := int64(1)
		if last >= 0 {
			next = s.list[last].number + 1
		}
		s.shut()
		s.open = NewFileSink(s.path(next), 1<<40, 1, func(int64) {})
		s.list = append(s.list, segment{number: next})
		last++
	}
	if err := s.open.Write(lines); err != nil {
		return err
	}
	for _, l := range lines {
		s.list[last].size += int64(len(l.Text)) + 1
	}
	s.list[last].lines += int64(len(lines))
	return s.bound()
}

// size returns how many bytes are kept.
func (s *spool) size() (all int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.list {
		all += g.size
	}
	return all
}

// bound removes the oldest segments where there are too many.
func (s *spool) bound() error {
	var all int64
	for _, g := range s.list {
		all += g.size
	}
	for len(s.list) > 1 && all > s.most {
		g := s.list[0]
		if err := os.Remove(s.path(g.number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		all -= g.size
		s.list = s.list[1:]
		s.dropped(g.lines)
	}
	return nil
}

// shut closes the open segment.
func (s *spool) shut() {
	if s.open != nil {
		_ = s.open.Close() // its lines are synced
		s.open = nil
	}
}

// take returns the lines of the oldest segments, of about so many bytes together but of
// one at least, and the number of the last of them; 0 where there are none.
func (s *spool) take(most int64) (lines [][]byte, through int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		g := &s.list[i]
		if most -= g.size; i > 0 && most < 0 {
			break
		}
		if !g.taken {
			g.taken = true
			s.shut()
		}
		text, err := os.ReadFile(s.path(g.number))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, err
		}
		for line := range bytes.Lines(text) {
			lines = append(lines, bytes.TrimSuffix(line, []byte("\n")))
		}
		through = g.number
	}
	return lines, through, nil
}

// sent removes the segments up to one: their lines are where they belong.
func (s *spool) sent(through int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.list) > 0 && s.list[0].number <= through {
		if err := os.Remove(s.path(s.list[0].number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.list = s.list[1:]
	}
	return nil
}
