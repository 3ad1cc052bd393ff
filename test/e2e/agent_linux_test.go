package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAgentFullDisk fills the disk under an agent and makes room again: each line of the
// log is carried once, whole, and no heartbeat is lost.
func TestAgentFullDisk(t *testing.T) {
	n, h := newFakeNitro(t), newHouse(t)
	dir := filepath.Join(n.dir, "agent")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("no disk of its own: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	lines := 0
	put := func(count int) {
		for range count {
			lines++
			n.put("enc-19a48bae81e5f1c:41", fmt.Sprintf("Received command: Describe %d", lines))
		}
	}
	a := n.agent(h)
	put(50)
	wait(t, "the first lines", func() bool { return len(n.lines()["log"]) == 50 })
	fill := filepath.Join(dir, "fill")
	f, err := os.Create(fill)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	_ = f.Close() // it is full, as meant
	put(200)
	wait(t, "words about it", func() bool { return strings.Contains(a.said(), "no space left") })
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	wait(t, "all lines", func() bool { return len(n.lines()["log"]) >= lines })
	wait(t, "words that it is over", func() bool { return strings.Contains(a.said(), "can be written again") })
	a.stop()
	seq := map[float64]bool{}
	for _, kind := range n.lines() {
		for _, l := range kind {
			if lost, _ := l["lost"].(float64); lost != 0 || seq[l["seq"].(float64)] {
				t.Errorf("%v", l)
			}
			seq[l["seq"].(float64)] = true
		}
	}
	h.must(0, "import", "enclave-log", filepath.Join(dir, "agent.jsonl"))
	if got := h.count("SELECT count(DISTINCT message) FROM enclave_log WHERE file <> 'agent'"); got != int64(lines) || len(n.lines()["log"]) != lines {
		t.Errorf("%d of %d lines, %d carried", got, lines, len(n.lines()["log"]))
	}
}
