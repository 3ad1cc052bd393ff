package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"github.com/trailhouse/trailhouse"
)

// FileSink appends lines to a file, for good before Write returns. Beyond a size the file
// is renamed to .1, .2 and so on, and what is too old is removed.
type FileSink struct {
	path string
	most int64 // bytes of one file
	keep int   // files beside the newest
	file *os.File
	size int64
	// removed is told how many lines are removed with a file.
	removed func(lines int64)
}

// NewFileSink returns a sink for a file of at most so many bytes, beside which so many
// older ones are kept. Nothing is opened yet.
func NewFileSink(path string, most int64, keep int, removed func(lines int64)) *FileSink {
	return &FileSink{path: path, most: most, keep: keep, removed: removed}
}

// Write appends lines. After an error, as of a full disk, none of them is in the file.
func (s *FileSink) Write(lines []Line) error {
	var b bytes.Buffer
	for _, l := range lines {
		b.Write(l.Text)
		b.WriteByte('\n')
	}
	if err := s.ready(int64(b.Len())); err != nil {
		return err
	}
	_, err := s.file.Write(b.Bytes())
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		return errors.Join(err, s.file.Truncate(s.size), s.Close())
	}
	s.size += int64(b.Len())
	return nil
}

// Room reports that lines may always come: the oldest ones make room.
func (s *FileSink) Room() bool { return true }

// ready opens the file, or another one where it is full or was taken away.
func (s *FileSink) ready(more int64) error {
	if s.file != nil {
		info, err := os.Stat(s.path)
		own, ownErr := s.file.Stat()
		if err != nil || ownErr != nil || !os.SameFile(info, own) {
			if err := s.Close(); err != nil {
				return err
			}
		}
	}
	if s.file == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	if s.size == 0 || s.size+more <= s.most {
		return nil
	}
	if err := s.rotate(); err != nil {
		return err
	}
	return s.open()
}

// open opens the file behind its last whole line: a loss of power may leave half a one.
func (s *FileSink) open() error {
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("another process writes to %s: %w", s.path, err), f.Close())
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.file, s.size = f, info.Size()
	if err := s.mend(); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// maxHalf is how long a line of ours may be that was cut, in bytes.
const maxHalf = 2 << 20

// mend takes half a line of ours off the end of the file: what it told of the log is copied
// again. What somebody else wrote stays.
func (s *FileSink) mend() error {
	tail := make([]byte, min(s.size, maxHalf))
	if _, err := s.file.ReadAt(tail, s.size-int64(len(tail))); err != nil {
		return err
	}
	half := tail[bytes.LastIndexByte(tail, '\n')+1:]
	switch {
	case len(half) == 0:
		return nil
	case bytes.HasPrefix(half, []byte(trailhouse.AgentPrefix[:min(len(half), len(trailhouse.AgentPrefix))])):
		s.size -= int64(len(half))
		return s.file.Truncate(s.size)
	}
	s.size++
	_, err := s.file.Write([]byte("\n"))
	return err
}

// rotate renames the files, the oldest of which is removed.
func (s *FileSink) rotate() error {
	if err := s.Close(); err != nil {
		return err
	}
	name := func(n int) string { return s.path + "." + strconv.Itoa(n) }
	if text, err := os.ReadFile(name(s.keep)); err == nil {
		s.removed(int64(bytes.Count(text, []byte("\n"))))
	}
	for n := s.keep - 1; n >= 1; n-- {
		if err := os.Rename(name(n), name(n+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("old files cannot be renamed: %w", err)
		}
	}
	return os.Rename(s.path, name(1))
}

// Close closes the file.
func (s *FileSink) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file, s.size = nil, 0
	return err
}
