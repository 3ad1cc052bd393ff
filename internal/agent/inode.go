package agent

import (
	"fmt"
	"os"
	"syscall"
)

// fileID names a file by device and inode, empty where the system has none.
func fileID(info os.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d:%d", s.Dev, s.Ino)
	}
	return ""
}
