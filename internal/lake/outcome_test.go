package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/apache/iceberg-go/table"
	"github.com/trailhouse/trailhouse"
)

// outcome is what a catalog does with one commit: whether it lands, and what it
// answers.
type outcome struct {
	lands bool
	err   error
}

// scripted is a catalog that answers commits by a script, then as it is.
type scripted struct {
	table.CatalogIO
	script []outcome
	loads  int
}

func (s *scripted) LoadTable(ctx context.Context, id table.Identifier) (*table.Table, error) {
	s.loads++
	return s.CatalogIO.LoadTable(ctx, id)
}

func (s *scripted) CommitTable(ctx context.Context, id table.Identifier, reqs []table.Requirement, updates []table.Update) (table.Metadata, string, error) {
	if len(s.script) == 0 {
		return s.CatalogIO.CommitTable(ctx, id, reqs, updates)
	}
	next := s.script[0]
	s.script = s.script[1:]
	if !next.lands {
		return nil, "", next.err
	}
	meta, location, err := s.CatalogIO.CommitTable(ctx, id, reqs, updates)
	if err == nil && next.err != nil {
		return nil, "", next.err
	}
	return meta, location, err
}

// TestCommitOutcomes plays the five outcomes that a commit can have, for each
// kind of change, and checks that each data file is named exactly once and that
// nothing is deleted (facts/reliability.md A3).
func TestCommitOutcomes(t *testing.T) {
	conflict := fmt.Errorf("%w: metadata moved", table.ErrCommitFailed)
	stale := errors.New("requirement failed: branch main has changed")
	unknown := errors.New("connection reset by peer")
	outcomes := []struct {
		name   string
		script []outcome
		loads  int // by the commit loop
	}{
		{"landed and ok", []outcome{{true, nil}}, 1},
		{"landed, told as a conflict", []outcome{{true, conflict}}, 2},
		{"conflict", []outcome{{false, conflict}}, 2},
		{"conflict, not classed as one", []outcome{{false, stale}}, 2},
		{"landed, answer lost", []outcome{{true, unknown}}, 2},
		{"not landed, answer lost", []outcome{{false, unknown}}, 2},
		{"one after the other", []outcome{{false, conflict}, {false, unknown}, {true, unknown}}, 4},
	}
	for _, kind := range []string{"append", "replace", "replace by nothing", "compaction"} {
		for _, o := range outcomes {
			t.Run(kind+"/"+o.name, func(t *testing.T) { playOutcome(t, kind, o.script, o.loads) })
		}
	}
}

func playOutcome(t *testing.T, kind string, script []outcome, loads int) {
	l := open(t, t.TempDir(), events())
	a := add(t, l, events(), day(3), "a", 10)
	b := add(t, l, events(), day(3), "b", 10)
	c := file(t, l, events(), day(3), "c", 10)
	before := onDisk(t, l)
	seam := &scripted{CatalogIO: l.cat, script: script}
	l.cat, l.known.tables = seam, nil
	var want []trailhouse.DataFile
	switch kind {
	case "append":
		commit(t, l, trailhouse.Commit{Table: events(), BatchID: "x", Add: []trailhouse.DataFile{c}})
		want = []trailhouse.DataFile{a, b, c}
	case "replace":
		commit(t, l, trailhouse.Commit{Table: events(), BatchID: "x", Add: []trailhouse.DataFile{c}, Replace: []time.Time{day(3)}})
		want = []trailhouse.DataFile{c}
	case "replace by nothing":
		commit(t, l, trailhouse.Commit{Table: events(), BatchID: "x", Replace: []time.Time{day(3)}})
	case "compaction":
		if _, err := l.Compact(context.Background(), events(), CompactOptions{}); err != nil {
			t.Fatal(err)
		}
		loads++ // its plan
	}
	if seam.loads != loads {
		t.Errorf("the table was read %d times, want %d", seam.loads, loads)
	}
	if len(seam.script) != 0 {
		t.Errorf("%d outcomes were not met", len(seam.script))
	}
	got := current(t, l, events())
	if kind == "compaction" {
		if len(got) != 1 || got[0].Rows != 20 {
			t.Errorf("files %v", got)
		}
	} else if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if h, _ := l.History(context.Background(), "events"); len(h) != 3 {
		t.Errorf("%d snapshots, want 3", len(h))
	}
	for path := range before {
		if !onDisk(t, l)[path] {
			t.Errorf("%s was deleted", path)
		}
	}
	clean(t, l)
}

// onDisk returns the files of a lake's tables.
func onDisk(t *testing.T, l *Lake) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(l.files.dir, "events"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestFullDisk checks that a fault of the machine is told as such, once it is
// known that the commit did not land.
func TestFullDisk(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	for _, lands := range []bool{false, true} {
		l := open(t, t.TempDir(), events())
		f := file(t, l, events(), day(3), "a", 10)
		l.cat, l.known.tables = &scripted{CatalogIO: l.cat, script: []outcome{{lands, full}}}, nil
		err := l.Commit(context.Background(), trailhouse.Commit{Table: events(), BatchID: "a", Add: []trailhouse.DataFile{f}})
		if lands && err != nil {
			t.Errorf("landed: %v", err)
		}
		if !lands && (trailhouse.CodeOf(err) != trailhouse.CodeStorage || !errors.Is(err, syscall.ENOSPC)) {
			t.Errorf("not landed: %v", err)
		}
	}
}

// TestEnsureOutcomes loses the answer to the creation of a table.
func TestEnsureOutcomes(t *testing.T) {
	lost := errors.New("connection reset by peer")
	for _, lands := range []bool{false, true} {
		l := open(t, t.TempDir())
		l.cat = &scripted{CatalogIO: l.cat, script: []outcome{{lands, lost}}}
		if err := l.Ensure(context.Background(), events()); err != nil {
			t.Error(err)
		}
		add(t, l, events(), day(3), "a", 1)
	}
}

func TestInterrupted(t *testing.T) {
	l := open(t, t.TempDir(), events())
	f := file(t, l, events(), day(3), "a", 10)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := l.Commit(ctx, trailhouse.Commit{Table: events(), BatchID: "a", Add: []trailhouse.DataFile{f}})
	if trailhouse.CodeOf(err) != trailhouse.CodeInterrupted {
		t.Error(err)
	}
}

// beforeCommit does something once, just before the first commit.
type beforeCommit struct {
	scripted
	do func()
}

func (b *beforeCommit) CommitTable(ctx context.Context, id table.Identifier, reqs []table.Requirement, updates []table.Update) (table.Metadata, string, error) {
	if b.do != nil {
		b.do()
		b.do = nil
	}
	return b.scripted.CommitTable(ctx, id, reqs, updates)
}
