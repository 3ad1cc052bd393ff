package agent

import (
	"errors"
	"os"
	"syscall"

	"github.com/trailhouse/trailhouse"
)

// Lock takes the directory of an agent for this process, which the kernel frees when it
// ends however it ends. CodeLocked where another agent has it: two would copy each line
// twice and overwrite each other's positions.
func Lock(dir string) (unlock func() error, err error) {
	f, err := os.Open(dir) // the directory itself, so that nothing more lies in it for import to look at
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeStorage, "the agent's directory cannot be opened: %w", err).
			WithHint("name another one with --dir, or run the agent as a user that may write there")
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(trailhouse.Errorf(trailhouse.CodeLocked, "another agent works in %s", dir).
			WithHint("one agent watches a host; name another directory with --dir for one of another place, such as a container"), f.Close())
	case err != nil:
		return nil, errors.Join(trailhouse.Errorf(trailhouse.CodeStorage, "%s cannot be locked: %w", f.Name(), err), f.Close())
	}
	return f.Close, nil
}
