package agent

import (
	"context"

	"golang.org/x/sys/unix"
)

// pidfd returns a wait for the end of a process by a descriptor of it, which no other
// process can take over; nil where the kernel has none (before Linux 5.3, or forbidden).
// The wait reports false where the context ended first.
func pidfd(pid int64) func(context.Context) bool {
	fd, err := unix.PidfdOpen(int(pid), 0)
	if err != nil {
		return nil
	}
	return func(ctx context.Context) bool {
		defer func() { _ = unix.Close(fd) }() // nothing was written
		for ctx.Err() == nil {
			ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(ready, 200) // milliseconds
			if n > 0 && err == nil {
				return true
			}
			if err != nil && err != unix.EINTR {
				return false
			}
		}
		return false
	}
}
