package dedup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

type key = trailhouse.Key

// world is a partition of a lake held in memory, and the index over it.
type world struct {
	t     testing.TB
	x     *Index
	lake  []key
	has   map[key]bool
	scans int
}

func newWorld(t testing.TB) *world {
	return &world{t: t, x: New(t.TempDir()), has: map[key]bool{}}
}

func (w *world) open() *Part {
	w.t.Helper()
	p, err := w.x.Open(w.t.Context(), "table", time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC), int64(len(w.lake)), w.scan)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) scan(_ context.Context, yield func([]key) error) error {
	w.scans++
	for from := 0; from < len(w.lake); from += 1000 {
		if err := yield(w.lake[from:min(from+1000, len(w.lake))]); err != nil {
			return err
		}
	}
	return nil
}

// add filters keys, compares the answer with the map and commits what is fresh.
func (w *world) add(keys []key, index bool) {
	w.t.Helper()
	p := w.open()
	fresh, err := p.Filter(w.t.Context(), keys)
	if err != nil {
		w.t.Fatal(err)
	}
	var news []key
	for i, k := range keys {
		if fresh[i] == w.has[k] {
			w.t.Fatalf("key %d of %d, %v: fresh %v, but the lake has it: %v", i, len(keys), k, fresh[i], w.has[k])
		}
		if fresh[i] {
			w.has[k] = true
			news = append(news, k)
		}
	}
	w.lake = append(w.lake, news...)
	if !index {
		return
	}
	if err := p.Add(w.t.Context(), news); err != nil {
		w.t.Fatal(err)
	}
	if len(p.runs) >= MaxRuns {
		w.t.Fatalf("%d runs", len(p.runs))
	}
}

// randomKey draws from spread keys, as hashes are, or from clustered ones.
func randomKey(r *rand.Rand, space uint64, clustered bool) key {
	var k key
	n := r.Uint64N(space)
	if clustered {
		binary.BigEndian.PutUint64(k[8:], n)
		return k
	}
	binary.BigEndian.PutUint64(k[:8], n*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(k[8:], n)
	return k
}

// TestAgainstMap drives the index with random batches, crashes between commit and
// index, lost and damaged files, and compares each answer with a map.
func TestAgainstMap(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t)
			space := uint64(1) << (6 + seed)
			for range 60 {
				n := []int{1, 3, 300, 2000}[r.IntN(4)]
				keys := make([]key, n)
				for i := range keys {
					keys[i] = randomKey(r, space, seed%3 == 0)
				}
				w.add(keys, r.IntN(10) > 0)
				if r.IntN(12) == 0 {
					w.damage(r)
				}
			}
			w.add(w.lake, true)
		})
	}
}

// damage deletes, cuts or flips a bit of one file of the index.
func (w *world) damage(r *rand.Rand) {
	w.t.Helper()
	names, err := filepath.Glob(filepath.Join(w.x.dir, "table", "*", "*"))
	if err != nil || len(names) == 0 {
		return
	}
	name := names[r.IntN(len(names))]
	content, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	switch r.IntN(4) {
	case 0:
		err = os.Remove(name)
	case 1:
		err = os.WriteFile(name, content[:r.IntN(len(content))], 0o600)
	case 2:
		content[r.IntN(len(content))] ^= 1 << r.IntN(8)
		err = os.WriteFile(name, content, 0o600)
	case 3:
		err = os.RemoveAll(w.x.dir)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestEveryFlippedBitIsFound damages bytes of a run in turn. A byte of the
// padding may change; no answer may be wrong.
func TestEveryFlippedBitIsFound(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(7, 7))
	keys := make([]key, 300)
	for i := range keys {
		keys[i] = randomKey(r, 1<<40, false)
	}
	w.add(keys, true)
	name := w.open().runs[0].path()
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 5 {
		broken := append([]byte(nil), whole...)
		broken[at] ^= 0x10
		if err := os.WriteFile(name, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		w.add(keys[:3], true)
		w.add(keys, true)
	}
	if w.scans < len(whole)/5-headerSize {
		t.Errorf("%d rebuilds for %d damages", w.scans, len(whole)/5)
	}
}

func TestHealthyIndexIsNotRebuilt(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(3, 3))
	for range 100 {
		keys := make([]key, 1+r.IntN(600))
		for i := range keys {
			keys[i] = randomKey(r, 1<<14, false)
		}
		w.add(keys, true)
	}
	if w.scans != 0 {
		t.Errorf("%d rebuilds", w.scans)
	}
}

// TestCrashInMerge leaves a merged run beside those that it was merged from, and a
// half written one: the index is whole without a rebuild.
func TestCrashInMerge(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(5, 5))
	for range MaxRuns - 1 {
		keys := make([]key, 500)
		for i := range keys {
			keys[i] = randomKey(r, 1<<30, false)
		}
		w.add(keys, true)
	}
	p := w.open()
	kept := map[string][]byte{}
	for _, run := range p.runs {
		content, err := os.ReadFile(run.path())
		if err != nil {
			t.Fatal(err)
		}
		kept[run.path()] = content
	}
	if err := p.merge(); err != nil {
		t.Fatal(err)
	}
	for name, content := range kept {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(p.dir, "00000009-00000009-5.keys.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.add(w.lake, true)
	if w.scans != 0 {
		t.Errorf("%d rebuilds", w.scans)
	}
	left, err := os.ReadDir(p.dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d files, %v", len(left), err)
	}
}

// TestLakeDisagreesWithItself wants a sentence where the key column holds another
// number of rows than the manifests.
func TestLakeDisagreesWithItself(t *testing.T) {
	w := newWorld(t)
	w.lake = make([]key, 3)
	_, err := w.x.Open(t.Context(), "table", time.Time{}, 5, w.scan)
	if trailhouse.CodeOf(err) != trailhouse.CodeDamaged || trailhouse.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

func TestScanFailure(t *testing.T) {
	w := newWorld(t)
	cause := trailhouse.Errorf(trailhouse.CodeDamaged, "file x")
	_, err := w.x.Open(t.Context(), "table", time.Time{}, 5, func(context.Context, func([]key) error) error { return cause })
	if !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// FuzzFilter reads a script of batches: each byte is a key, 0xff ends a batch,
// 0xfe ends one whose index is lost.
func FuzzFilter(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0xff, 3, 4, 4, 0xfe, 4, 5, 0xff, 1, 5})
	f.Add([]byte{0, 0, 0, 0xff, 0, 0xff, 0xff, 7, 0xfe})
	f.Fuzz(func(t *testing.T, script []byte) {
		w := newWorld(t)
		var batch []key
		for _, b := range script[:min(len(script), 400)] {
			if b < 0xfe {
				batch = append(batch, key{b & 7, 15: b})
				continue
			}
			w.add(batch, b == 0xff)
			batch = nil
		}
		w.add(batch, true)
	})
}

// BenchmarkFilter reports the time for each key of batches against a partition of
// so many keys; the promise is 0.1 to 0.7 µs for large batches.
func BenchmarkFilter(b *testing.B) {
	for _, size := range []int{1_000_000, 10_000_000} {
		w := newWorld(b)
		r := rand.New(rand.NewPCG(1, 1))
		p := w.open()
		for range 4 {
			keys := make([]key, size/4)
			for i := range keys {
				binary.BigEndian.PutUint64(keys[i][:], r.Uint64())
				binary.BigEndian.PutUint64(keys[i][8:], r.Uint64())
			}
			if err := p.Add(b.Context(), keys); err != nil {
				b.Fatal(err)
			}
		}
		for _, n := range []int{10, 1000, 10_000, 200_000} {
			keys := make([]key, n)
			for i := range keys {
				binary.BigEndian.PutUint64(keys[i][:], r.Uint64())
			}
			b.Run(fmt.Sprintf("%d_in_%d", n, size), func(b *testing.B) {
				for b.Loop() {
					if _, err := p.Filter(b.Context(), keys); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/key")
			})
		}
	}
}
