package directory

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

func TestConformance(t *testing.T) {
	testkit.Senders(t, func(t *testing.T) testkit.Target {
		dir := filepath.Join(t.TempDir(), "new", "folder")
		return testkit.Target{
			Sender: New(dir), Stores: true,
			Got: func() map[string]string {
				got := map[string]string{}
				_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
					if err != nil || d.IsDir() {
						return nil //nolint:nilerr // nothing was written yet
					}
					text, _ := os.ReadFile(path)
					key, _ := filepath.Rel(dir, path)
					got[filepath.ToSlash(key)] = string(text)
					return nil
				})
				return got
			},
		}
	})
}

func delivery(content string) *trailhouse.Delivery {
	return &trailhouse.Delivery{ID: "0123", Files: []trailhouse.DeliveryFile{{Key: "a/b.csv", Content: []byte(content)}}}
}

// TestKeptNameIsFinished finds what a process left that died between keeping the name and
// the rename.
func TestKeptNameIsFinished(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b.csv")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{path, filepath.Join(dir, "a", ".0123-b.csv.tmp")} {
		if err := os.WriteFile(left, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := New(dir).Send(t.Context(), delivery("x")); err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir(filepath.Dir(path))
	if text, err := os.ReadFile(path); err != nil || string(text) != "x" || len(files) != 1 {
		t.Errorf("%q, %v, %v", text, files, err)
	}
}

// TestWritersOfOneName lets many write different contents to one name: one is there
// whole.
func TestWritersOfOneName(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := ""
	for i := range 8 {
		content := strings.Repeat(string(rune('a'+i)), 10_000)
		wg.Go(func() {
			d := delivery(content)
			d.ID = "id" + content[:1]
			if _, err := New(dir).Send(t.Context(), d); err == nil {
				mu.Lock()
				won += content[:1]
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	text, err := os.ReadFile(filepath.Join(dir, "a", "b.csv"))
	if err != nil || len(text) != 10_000 || strings.Count(string(text), string(text[:1])) != len(text) || !strings.Contains(won, string(text[:1])) {
		t.Errorf("%d bytes, %v, written by %s", len(text), err, won)
	}
}

func TestRefusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(file).Send(t.Context(), delivery("x")); trailhouse.CodeOf(err) != trailhouse.CodeStorage || trailhouse.HintOf(err) == "" {
		t.Errorf("below a file: %v", err)
	}
	if os.Geteuid() != 0 {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		if _, err := New(dir).Send(t.Context(), delivery("x")); trailhouse.CodeOf(err) != trailhouse.CodeDenied {
			t.Errorf("in a directory of another: %v", err)
		}
	}
	if _, err := New("/dev/full").Send(t.Context(), delivery("x")); err == nil {
		t.Error("a device takes files")
	}
}
