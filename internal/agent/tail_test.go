package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// logOf is the log of a test.
type logOf struct {
	t              *testing.T
	path, position string
	wrote          int
}

func newLog(t *testing.T) *logOf {
	dir := t.TempDir()
	return &logOf{t: t, path: filepath.Join(dir, "nitro_enclaves.log"), position: filepath.Join(dir, "position.json")}
}

// put appends lines to a file as an enclave's daemon does, which keeps its inode.
func (l *logOf) put(path string, count int) {
	l.t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		l.t.Fatal(err)
	}
	for range count {
		l.wrote++
		fmt.Fprintf(f, "[enc-19a48bae81e5f1c:41][INFO][2025-11-03T08:%02d:%02d.000Z][src/x.rs:1] Received command: %d\n", l.wrote/60, l.wrote%60, l.wrote)
	}
	if err := f.Close(); err != nil {
		l.t.Fatal(err)
	}
}

// size returns how long the log is, in bytes.
func (l *logOf) size() int64 {
	l.t.Helper()
	info, err := os.Stat(l.path)
	l.do(err)
	return info.Size()
}

// do wants a change of files to succeed.
func (l *logOf) do(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// copyTruncate is what logrotate does with that option.
func (l *logOf) copyTruncate(name string) {
	l.t.Helper()
	text, err := os.ReadFile(l.path)
	l.do(err)
	l.do(os.WriteFile(l.path+name, text, 0o600))
	l.do(os.Truncate(l.path, 0))
}

// run reads all that there is and keeps the position.
func (l *logOf) run(tl *tail) (texts []string) {
	l.t.Helper()
	for {
		records, err := tl.next()
		if err != nil {
			l.t.Fatal(err)
		}
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			texts = append(texts, string(r.text[strings.LastIndexByte(string(r.text), ' ')+1:]))
		}
	}
	l.do(tl.save(l.position))
	return texts
}

// again is a new run of the agent.
func (l *logOf) again() *tail {
	l.t.Helper()
	tl := newTail(l.path)
	l.do(tl.load(l.position))
	return tl
}

// TestTailAcrossRuns changes the files while the agent is away: each line that is in a
// file is copied once, and where it may not be, that is told.
func TestTailAcrossRuns(t *testing.T) {
	for _, c := range []struct {
		name  string
		away  func(l *logOf)
		want  int // lines of the second run
		notes int
	}{
		{"nothing", func(*logOf) {}, 0, 0},
		{"grown", func(l *logOf) { l.put(l.path, 3) }, 3, 0},
		{"renamed", func(l *logOf) {
			l.put(l.path, 2)
			l.do(os.Rename(l.path, l.path+".1"))
			l.put(l.path, 3)
			l.put(l.path+".1", 1) // a running enclave
		}, 6, 0},
		{"renamed twice", func(l *logOf) {
			l.put(l.path, 2)
			l.do(os.Rename(l.path, l.path+".2"))
			l.put(l.path, 3)
			l.do(os.Rename(l.path, l.path+".1"))
			l.put(l.path, 4)
		}, 9, 0},
		{"copied and cut", func(l *logOf) {
			l.put(l.path, 2)
			l.copyTruncate(".1")
			l.put(l.path, 30) // beyond the position
		}, 32, 0},
		{"copied and cut twice", func(l *logOf) {
			l.put(l.path, 2)
			l.copyTruncate(".2")
			l.put(l.path, 30)
			l.copyTruncate(".1")
			l.put(l.path, 3)
		}, 35, 0},
		{"cut without a copy", func(l *logOf) {
			l.do(os.Truncate(l.path, 0))
			l.put(l.path, 30)
		}, 30, 1},
		{"another file in the same inode", func(l *logOf) {
			l.do(os.Truncate(l.path, 0)) // as good as removed and made again, where inodes come again
			l.put(l.path, 20)
		}, 20, 1},
		{"removed", func(l *logOf) {
			l.do(os.Remove(l.path))
			l.put(l.path, 2)
		}, 2, 1},
		{"packed", func(l *logOf) {
			l.put(l.path, 2)
			l.do(os.Remove(l.path))
			l.do(os.WriteFile(l.path+".1.gz", []byte("\x1f\x8b"), 0o600))
			l.put(l.path, 2)
		}, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLog(t)
			l.put(l.path, 10)
			if got := l.run(l.again()); len(got) != 10 {
				t.Fatalf("%d lines of the first run", len(got))
			}
			old := time.Now().Add(-time.Minute) // the positions are older than what follows
			l.do(os.Chtimes(l.position, old, old))
			c.away(l)
			tl := newTail(l.path)
			notes := 0
			if err := tl.load(l.position); err != nil {
				notes++
			}
			got := l.run(tl)
			if notes += len(tl.notes); len(got) != c.want || notes != c.notes {
				t.Errorf("%d lines and %d notes, want %d and %d: %q", len(got), notes, c.want, c.notes, tl.notes)
			}
			slices.Sort(got)
			if n := len(got); len(slices.Compact(got)) != n {
				t.Error("lines are copied twice")
			}
			if rest := l.run(l.again()); len(rest) != 0 {
				t.Errorf("%d lines once more in the third run", len(rest))
			}
		})
	}
}

// TestTailCopyTruncate cuts the log under a running agent between two looks: the lines in
// between are in the copy alone.
func TestTailCopyTruncate(t *testing.T) {
	l := newLog(t)
	tl := newTail(l.path)
	l.put(l.path, 5)
	got := l.run(tl)
	for i := range 3 {
		l.put(l.path, 7)
		l.copyTruncate(fmt.Sprintf(".%d", 3-i))
		l.put(l.path, 2)
		got = append(got, l.run(tl)...)
	}
	l.do(os.Truncate(l.path, 0)) // and once without a copy
	l.put(l.path, 1)
	got = append(got, l.run(tl)...)
	if len(tl.notes) != 1 || !strings.Contains(tl.notes[0], "may be missing") {
		t.Errorf("notes %q", tl.notes)
	}
	for i, n := range got {
		if n != fmt.Sprint(i+1) {
			t.Fatalf("line %d is %s", i+1, n)
		}
	}
	if len(got) != l.wrote || len(tl.files) != 1 {
		t.Errorf("%d of %d lines, %d files", len(got), l.wrote, len(tl.files))
	}
}

// TestTailBack takes back only what was given last, where several files are followed.
func TestTailBack(t *testing.T) {
	l := newLog(t)
	tl := newTail(l.path)
	l.put(l.path, 1)
	l.run(tl)
	l.do(os.Rename(l.path, l.path+".1"))
	l.put(l.path, 3)
	if got := l.run(tl); len(got) != 3 {
		t.Fatalf("%q", got)
	}
	l.put(l.path+".1", 2)
	if got, err := tl.next(); err != nil || len(got) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
	tl.back() // the lines of the new file were kept long ago
	if got := l.run(tl); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

// TestTailUnreadable copies the files that can be read beside one that cannot, and says so
// once until it can.
func TestTailUnreadable(t *testing.T) {
	l := newLog(t)
	tl := newTail(l.path)
	l.put(l.path, 1)
	l.run(tl)
	l.do(os.Rename(l.path, l.path+".1"))
	l.do(os.Mkdir(l.path, 0o700))
	l.put(l.path+".1", 2)
	if got, err := tl.next(); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	var n news
	_, err := tl.next()
	if err == nil || !n.begins(err) || n.begins(err) {
		t.Errorf("%v", err)
	}
	n.over()
	if !n.begins(err) {
		t.Error("a failure that came again is no news")
	}
}

// TestTailWholeRecords cuts no record of several lines where one read ends.
func TestTailWholeRecords(t *testing.T) {
	l := newLog(t)
	record := "[enc-1:1][ERROR][2025-11-03T08:00:00.000Z][src/x.rs:1] [ E27 ] no pages\n\nFor more details, please visit a page\n\nIf you open a support ticket, attach it\n"
	const count = 5 * maxRead / 160
	l.do(os.WriteFile(l.path, []byte(strings.Repeat(record, count)), 0o600))
	tl, got := newTail(l.path), 0
	for {
		records, err := tl.next()
		l.do(err)
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			if string(r.text)+"\n" != record || r.ordinal != int64(got) {
				t.Fatalf("record %d, ordinal %d: %q", got, r.ordinal, r.text)
			}
			got++
		}
	}
	if got != count {
		t.Errorf("%d of %d records", got, count)
	}
}

// TestTailEndlessLine carries the beginning of a line that no record holds, and nothing of
// its rest, over a restart too.
func TestTailEndlessLine(t *testing.T) {
	l := newLog(t)
	l.put(l.path, 1)
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
	l.do(err)
	long := strings.Repeat("z", maxRead)
	fmt.Fprint(f, "[enc-1:1]"+long+long)
	tl := newTail(l.path)
	if got := l.run(tl); len(got) != 2 {
		t.Fatalf("%d records", len(got))
	}
	fmt.Fprint(f, long+"\n")
	l.do(f.Close())
	l.put(l.path, 1)
	if got := l.run(l.again()); !slices.Equal(got, []string{"2"}) {
		t.Errorf("%.100q", got)
	}
}
