package ingest

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/state"
)

// TestRealDiskFull imports onto a small disk that another file has filled but for a
// little, frees a little more after each failure, and expects a clear error each
// time, a state that is good, and everything once in the end. It needs to mount and
// is passed over where that is not allowed.
func TestRealDiskFull(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=8m"); err != nil {
		t.Skip("cannot mount a small disk here:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	src := &testSource{files: []file{{name: "/a", records: append(rows(0, 60), record{3, 'r'})}, {name: "/b", records: rows(40, 90)}}}
	filler := filepath.Join(disk, "filler")
	failures := 0
	for left := int64(0); ; left += 24 << 10 {
		fill(t, disk, filler, left)
		err := importOnce(disk, src)
		if err == nil {
			break
		}
		failures++
		if code := trailhouse.CodeOf(err); code != trailhouse.CodeStorage || trailhouse.HintOf(err) == "" {
			t.Fatalf("with %d bytes left: code %s, %v", left, code, err)
		}
	}
	if failures < 5 {
		t.Errorf("only %d failures", failures)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, openLake(t, filepath.Join(disk, "lake")))
	w.dir = disk
	w.wantWhole(src.files)
	w.wantNoOrphan(filepath.Join(disk, "lake"))
}

// importOnce is a process on the disk.
func importOnce(disk string, src *testSource) error {
	ctx := context.Background()
	clock := trailhouse.SystemClock{}
	st, err := state.Open(ctx, disk, clock)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	l, err := lake.Open(ctx, filepath.Join(disk, "lake"), clock)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	_, err = New(l, st, newWorldFiles(), clock, "test").Run(ctx, src, Options{BatchRecords: 20})
	return err
}

// fill leaves so many bytes of the disk free.
func fill(t *testing.T, disk, filler string, left int64) {
	t.Helper()
	_ = os.Remove(filler)
	var stat syscall.Statfs_t
	if err := syscall.Statfs(disk, &stat); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, max(0, int64(stat.Bavail)*stat.Bsize-left))
	_, _ = rand.Read(noise)
	_, _ = f.Write(noise)
	_ = f.Close()
}
