package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// sources looks at the files and folders of this machine that the configuration reads.
func (e *examination) sources(context.Context) {
	for i, s := range e.Config.Sources {
		if s.Path == "" || strings.HasPrefix(s.Path, "s3://") {
			continue
		}
		place := fmt.Sprintf("sources[%d]", i+1)
		switch empty, err := readable(s.Path); {
		case err != nil:
			e.fail("path", place, trailhouse.Errorf(trailhouse.CodeNotFound, "%s cannot be read: %w", s.Path, err).
				WithHint("check the name (it counts from the folder of the configuration), and that the user of trailhouse may read it"))
		case empty:
			e.warn("path", place, "check the name; nothing is imported from it", "%s can be read and is empty", s.Path)
		default:
			e.ok("path", place, "%s can be read", s.Path)
		}
	}
}

// readable reads the first byte of a file, or the first name of a folder.
func readable(path string) (empty bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return false, nil // a pipe would be kept waiting
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	if info.IsDir() {
		_, err = f.ReadDir(1)
	} else {
		_, err = f.Read(make([]byte, 1))
	}
	empty = errors.Is(err, io.EOF)
	if empty {
		err = nil
	}
	return empty, errors.Join(err, f.Close())
}
