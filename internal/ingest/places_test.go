package ingest

import (
	"slices"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// TestMissingPlaceIsTakenBack lists a folder and a prefix that could not be listed
// before: their rows say so once something below them is found, and not before; what is
// still missing stays so.
func TestMissingPlaceIsTakenBack(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	misses := []trailhouse.Coverage{
		{Object: "/logs/host", Detail: "permission denied"}, {Object: "s3://b/AWSLogs/1/", Detail: "denied"}, {Object: "/other", Detail: "denied"},
	}
	near := []file{{name: "/logs/host2/a", records: rows(0, 2)}, {name: "s3://b/AWSLogs/12/x", records: rows(2, 4)}}
	first := w.run(&testSource{files: near, misses: misses}, Options{})
	if first.Units.Missing != 3 || w.covered()["/logs/host"] != trailhouse.CoverageMissing {
		t.Fatalf("first %+v, %v", first, w.covered())
	}
	w.run(&testSource{files: near, misses: misses[2:]}, Options{})
	if got := w.covered(); got["/logs/host"] != trailhouse.CoverageMissing || got["s3://b/AWSLogs/1/"] != trailhouse.CoverageMissing {
		t.Errorf("files of neighbours take a place back: %v", got)
	}
	below := append(slices.Clone(near), file{name: "/logs/host/b", records: rows(4, 6)}, file{name: "s3://b/AWSLogs/1/y", records: rows(6, 8)})
	src := &testSource{files: below, misses: misses[2:]}
	w.run(src, Options{})
	got := w.covered()
	if got["/logs/host"] != trailhouse.CoverageRead || got["s3://b/AWSLogs/1/"] != trailhouse.CoverageRead || got["/other"] != trailhouse.CoverageMissing {
		t.Errorf("coverage %v", got)
	}
	src.misses = []trailhouse.Coverage{{Object: "/other", Scope: "o", Detail: "was let in", Result: trailhouse.CoverageRead}, {Object: "/never", Result: trailhouse.CoverageRead}}
	w.run(src, Options{})
	if got := w.covered(); got["/other"] != trailhouse.CoverageRead || got["/never"] != "" {
		t.Errorf("coverage %v of places that could be listed", got)
	}
	if got := w.detailOf("/other"); got != "o: was let in" {
		t.Errorf("taken back with %q, not with what the source says", got)
	}
	before := w.snapshots()
	if again := w.run(src, Options{}); again.Batches != 0 || w.snapshots() != before {
		t.Errorf("places are taken back again: %+v", again)
	}
}

// TestLostStateForgetsNoMissingPlace loses the state beside a lake that says that places
// are missing: they are taken back all the same, once; those that are missing still stay.
func TestLostStateForgetsNoMissingPlace(t *testing.T) {
	w := newWorld(t, newTestLake(t))
	misses := []trailhouse.Coverage{{Object: "/logs/host", Detail: "denied"}, {Object: "/other", Detail: "denied"}, {Object: "/told", Detail: "denied"}}
	w.run(&testSource{misses: misses}, Options{})
	w.dir = tempDir(t)
	src := &testSource{
		files:  []file{{name: "/logs/host/a", records: rows(0, 2)}},
		misses: []trailhouse.Coverage{misses[1], {Object: "/told", Result: trailhouse.CoverageRead}},
	}
	w.run(src, Options{})
	if got := w.covered(); got["/logs/host"] != trailhouse.CoverageRead || got["/told"] != trailhouse.CoverageRead || got["/other"] != trailhouse.CoverageMissing {
		t.Errorf("coverage %v", got)
	}
	src.misses = []trailhouse.Coverage{{Object: "/other", Result: trailhouse.CoverageRead}}
	w.run(src, Options{})
	if got := w.covered(); got["/other"] != trailhouse.CoverageRead {
		t.Errorf("coverage %v", got)
	}
	for range 2 { // also where the state is lost once more, nothing is told again
		before := w.snapshots()
		if again := w.run(&testSource{misses: src.misses}, Options{}); again.Batches != 0 || w.snapshots() != before {
			t.Errorf("places are taken back again: %+v", again)
		}
		w.dir = tempDir(t)
	}
}

// detailOf returns scope and detail of the newest row of an object.
func (w *world) detailOf(object string) (text string) {
	t := CoverageTable()
	var newest int64
	w.each(t, func(b *trailhouse.Batch, row int) {
		if at := b.Int(t.MustIndex("found_at"), row); b.String(t.MustIndex("object"), row) == object && at >= newest {
			newest, text = at, b.String(t.MustIndex("scope"), row)+": "+b.String(t.MustIndex("detail"), row)
		}
	})
	return text
}

// covered returns the newest result of each object.
func (w *world) covered() map[string]string {
	t := CoverageTable()
	newest, result := map[string]int64{}, map[string]string{}
	w.each(t, func(b *trailhouse.Batch, row int) {
		object, at := b.String(t.MustIndex("object"), row), b.Int(t.MustIndex("found_at"), row)
		if at >= newest[object] {
			newest[object], result[object] = at, b.String(t.MustIndex("result"), row)
		}
	})
	return result
}
