package objects

import (
	"errors"
	"io/fs"

	"github.com/trailhouse/trailhouse"
)

// Fault turns an error of the file system into an Error: CodeNotFound, CodeDenied,
// else CodeStorage. Other Errors and nil are returned as they are.
func Fault(path string, err error) error {
	var known *trailhouse.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return trailhouse.Errorf(trailhouse.CodeNotFound, "%s is not there: %w", path, reason(err)).
			WithHint("check the path")
	case errors.Is(err, fs.ErrPermission):
		return trailhouse.Errorf(trailhouse.CodeDenied, "%s may not be read: %w", path, reason(err)).
			WithHint("run as a user who may read it, or copy it to a place where you may")
	}
	return trailhouse.Errorf(trailhouse.CodeStorage, "%s cannot be read: %w", path, reason(err)).
		WithHint("check the disk or the mount and import again")
}

// reason is the operating system's own word without the call and the path, which
// the text around it has already.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
