package lake

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

// TestTwoLakes writes from several goroutines through two lakes on one directory
// while a third compacts and expires, and reads all the time.
func TestTwoLakes(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	lakes := []*Lake{first, open(t, dir)}
	const writers, batches, rows = 4, 6, 20
	var wg, background sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			l := lakes[w%2]
			if err := l.Ensure(context.Background(), events()); err != nil {
				t.Error(err)
				return
			}
			for i := range batches {
				if err := appendBatch(l, fmt.Sprintf("w%d-%d", w, i), rows); err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	background.Go(func() { disturb(t, open(t, dir), stop) })
	wg.Wait()
	close(stop)
	background.Wait()
	if got := len(names(t, first, events())); got != writers*batches*rows {
		t.Errorf("%d rows, want %d", got, writers*batches*rows)
	}
	problems, err := first.Check(context.Background(), CheckOptions{Deep: []*trailhouse.Table{events()}})
	for _, p := range problems {
		if !p.Note {
			t.Errorf("%+v", p)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// appendBatch writes and commits one file.
func appendBatch(l *Lake, name string, rows int) error {
	f, err := writeRows(l, events(), day(1+len(name)%3), name, rows)
	if err != nil {
		return err
	}
	return l.Commit(context.Background(), trailhouse.Commit{Table: events(), BatchID: name, Add: []trailhouse.DataFile{f}})
}

// disturb reads, compacts and expires until it is stopped.
func disturb(t *testing.T, l *Lake, stop chan struct{}) {
	ctx := context.Background()
	for {
		select {
		case <-stop:
			return
		case <-time.After(5 * time.Millisecond):
		}
		if _, err := l.Compact(ctx, events(), CompactOptions{MinFiles: 4}); err != nil {
			t.Errorf("compact: %v", err)
		}
		if _, err := l.Expire(ctx, ExpireOptions{}); err != nil {
			t.Errorf("expire: %v", err)
		}
		if _, _, err := l.Files(ctx, "events", trailhouse.Period{}); err != nil {
			t.Errorf("files: %v", err)
		}
	}
}

// childVariable makes the test binary a process that commits until it is killed.
const childVariable = "TRAILHOUSE_TEST_LAKE_CHILD"

// TestMain runs the child where it is asked for.
func TestMain(m *testing.M) {
	if spec := os.Getenv(childVariable); spec != "" {
		child(spec)
		return
	}
	os.Exit(m.Run())
}

// child commits batches of 3 rows for ever, naming each before and after.
func child(spec string) {
	dir, prefix, _ := strings.Cut(spec, "|")
	l, err := Open(context.Background(), dir, trailhouse.SystemClock{})
	if err == nil {
		err = l.Ensure(context.Background(), events())
	}
	for i := 0; err == nil; i++ {
		name := prefix + "-" + strconv.Itoa(i)
		fmt.Println("begin", name)
		if err = appendBatch(l, name, 3); err == nil {
			fmt.Println("done", name)
		}
	}
	fmt.Println("failed", err)
}

// TestKill kills two processes in the midst of their commits, again and again.
// Every batch that was acknowledged must be there, no batch in part or twice, and
// Lookup must tell the truth about each.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	begun, done := map[string]bool{}, map[string]bool{}
	for round := range 6 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for p := range 2 {
			wg.Go(func() {
				lines := runAndKill(t, dir, fmt.Sprintf("r%dp%d", round, p), time.Duration(200+71*round+40*p)*time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				for _, line := range lines {
					verb, name, _ := strings.Cut(line, " ")
					begun[name] = begun[name] || verb == "begin"
					done[name] = done[name] || verb == "done"
					if verb == "failed" {
						t.Error(line)
					}
				}
			})
		}
		wg.Wait()
	}
	l := open(t, dir, events())
	rows := map[string]int{}
	for _, n := range names(t, l, events()) {
		rows[n[:strings.LastIndex(n, "-")]]++
	}
	acknowledged := 0
	for name := range begun {
		there, err := l.Lookup(context.Background(), "events", name)
		if err != nil {
			t.Fatal(err)
		}
		if done[name] {
			acknowledged++
		}
		if (done[name] && !there) || (there && rows[name] != 3) || (!there && rows[name] != 0) {
			t.Errorf("batch %s: acknowledged %v, there %v, %d rows", name, done[name], there, rows[name])
		}
	}
	if acknowledged == 0 {
		t.Error("no batch was committed")
	}
	clean(t, l)
}

// runAndKill runs a child for a while, from its first batch on, and returns the whole
// lines it printed.
func runAndKill(t *testing.T, dir, prefix string, after time.Duration) []string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+dir+"|"+prefix)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Error(err)
		return nil
	}
	var lines []string
	for s := bufio.NewScanner(out); s.Scan(); {
		if len(lines) == 0 {
			timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
		}
		lines = append(lines, s.Text())
	}
	_ = cmd.Wait()
	return lines
}
