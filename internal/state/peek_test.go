package state

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
)

// filesOf returns the files below a directory with size and time of change.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			out[path] = info.ModTime().String() + " " + info.Mode().String()
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return out
}

// TestPeekChangesNothing asks for deliveries where there is no state, an old one, one that
// is closed and one that another process has open, and looks at every file before and after.
func TestPeekChangesNothing(t *testing.T) {
	d := Delivery{ID: "d1", Name: "bill", Scheduled: time.Date(2026, 1, 3, 6, 0, 0, 0, time.UTC), Targets: []DeliveryTarget{{Target: "mail", State: DeliveryOpen}}}
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, dir string)
		want    int
	}{
		"no directory": {func(*testing.T, string) {}, 0},
		"empty file": {func(t *testing.T, dir string) {
			if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "state.db"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}, 0},
		"before there were deliveries": {func(t *testing.T, dir string) {
			s := open(t, dir)
			if _, err := s.write.Exec("DROP TABLE delivery_target; DROP TABLE delivery; PRAGMA user_version = 2"); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}, 0},
		"closed": {func(t *testing.T, dir string) {
			s := open(t, dir)
			if err := errors.Join(s.BeginDelivery(t.Context(), d), s.Close()); err != nil {
				t.Fatal(err)
			}
		}, 1},
		"in use": {func(t *testing.T, dir string) {
			if err := open(t, dir).BeginDelivery(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data with space %41?#")
			tt.prepare(t, dir)
			before := filesOf(t, dir)
			s, err := Peek(t.Context(), dir, trailhouse.SystemClock{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Deliveries(t.Context(), DeliveryFilter{Open: true})
			last, _, lastErr := s.LastDelivery(t.Context(), "bill", "")
			if err := errors.Join(err, lastErr, s.Close()); err != nil || len(got) != tt.want || last.IsZero() != (tt.want == 0) {
				t.Errorf("%d deliveries, last at %v, want %d: %v", len(got), last, tt.want, err)
			}
			after := filesOf(t, dir)
			delete(before, filepath.Join(dir, "state.db-shm")) // locks of readers, which the kernel times
			delete(after, filepath.Join(dir, "state.db-shm"))
			if !maps.Equal(before, after) {
				t.Errorf("files changed: %s", cmp.Diff(before, after))
			}
		})
	}
}

// TestPeekRefuses wants the errors of Open.
func TestPeekRefuses(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.write.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if _, err := Peek(t.Context(), dir, trailhouse.SystemClock{}); trailhouse.CodeOf(err) != trailhouse.CodeNewer {
		t.Errorf("newer: %v", err)
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "state.db"), []byte("no database at all, but long enough to be one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Peek(t.Context(), dir, trailhouse.SystemClock{}); trailhouse.CodeOf(err) != trailhouse.CodeDamaged {
		t.Errorf("damaged: %v", err)
	}
}
