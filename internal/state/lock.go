package state

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Lock waits for the lock of a table and takes it. It holds between processes and
// between goroutines of one process, is not reentrant, and is freed by the kernel
// when its owner dies: so there are no leases and no time-outs (design, Decisions
// 3). Who needs several locks takes them in the order of their names. unlock may be
// called more than once. Where ctx ends first the error is CodeInterrupted.
func (s *State) Lock(ctx context.Context, name string) (unlock func(), err error) {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "%q cannot name a lock", name)
	}
	turn, err := s.turn(ctx, name)
	if err != nil {
		return nil, s.lockError(name, err)
	}
	f, err := os.OpenFile(filepath.Join(s.dir, "locks", name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		turn()
		return nil, s.fileError(err)
	}
	if err := flock(ctx, f); err != nil {
		turn()
		return nil, errors.Join(s.lockError(name, err), f.Close())
	}
	return sync.OnceFunc(func() {
		_ = f.Close() // closing the only descriptor frees the lock
		turn()
	}), nil
}

// turn waits until no other goroutine that uses this State holds the lock. The kernel
// would see to that too, but what it orders is not ordered for Go's memory.
func (s *State) turn(ctx context.Context, name string) (done func(), err error) {
	place, _ := s.turns.LoadOrStore(name, make(chan struct{}, 1))
	turns := place.(chan struct{}) //nolint:forcetypeassert // nothing else is stored
	select {
	case turns <- struct{}{}:
		return func() { <-turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// flock asks for the lock again and again: a blocking flock could not be
// interrupted. The pauses grow from 0.2 to 20 ms.
func flock(ctx context.Context, f *os.File) error {
	const longest = 20 * time.Millisecond
	for pause := 200 * time.Microsecond; ; pause = min(2*pause, longest) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// lockError says which lock was not had.
func (s *State) lockError(name string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted while waiting for table %s, which another command is writing: %w", name, err)
	}
	return trailhouse.Errorf(trailhouse.CodeStorage, "the lock of table %s: %w", name, err).
		WithHint("The data directory must be on a file system with locks (not every network file system has them).")
}
