package derive_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
)

// tree writes the files of a host and imports them.
func (w *world) tree(dir string, files map[string]string) ingest.Result {
	w.t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, host, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			w.t.Fatal(err)
		}
	}
	r, err := w.ingest.Run(w.t.Context(), enclavelog.New(enclavelog.Options{Paths: []string{dir}}), ingest.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// ends returns when the only session stopped and until when it is presumed.
func (w *world) ends() (stop, presumed time.Time) {
	w.t.Helper()
	w.run()
	table := sessions.SessionTable()
	files, _, err := w.Files(w.t.Context(), table.Name, trailhouse.Period{})
	if err != nil || len(files) != 1 {
		w.t.Fatalf("%v %v", files, err)
	}
	err = columns.Read(w.t.Context(), files[0].Path, table, nil, func(b *trailhouse.Batch) error {
		stop, presumed = b.Time(table.MustIndex("stop"), 0), b.Time(table.MustIndex("presumed_until"), 0)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return stop, presumed
}

func cliLine(at time.Time) string {
	return "[nitro-cli:9][INFO][" + at.Format("2006-01-02T15:04:05.000Z") + "][src/main.rs:64] Start Nitro CLI\n"
}

// rotated is a rotated set in the middle of whose files the enclave stops.
func rotated() (oldest, middle, newest string) {
	text := life(host, day(1, 5), "19a48bae81e5f1c")
	at := strings.LastIndex(strings.TrimSpace(text), "\n") + 1
	stop := strings.Replace(text[at:], "2025-01-05T09", "2025-01-12T09", 1)
	return text[:at] + cliLine(day(1, 10)), cliLine(day(1, 11)) + stop + cliLine(day(1, 13)), cliLine(day(1, 20)) + cliLine(day(1, 31))
}

func TestPresumedOnlyToAGap(t *testing.T) {
	oldest, middle, newest := rotated()
	var z bytes.Buffer
	gz := gzip.NewWriter(&z)
	_, err := gz.Write([]byte(middle))
	if err = errors.Join(err, gz.Close()); err != nil {
		t.Fatal(err)
	}
	whole := z.String()
	broken := []byte(whole)
	broken[len(broken)-6] ^= 1
	w, dir := newWorld(t), t.TempDir()
	r := w.tree(dir, map[string]string{"n.log.2": oldest, "n.log.1.gz": string(broken), "n.log": newest})
	if stop, presumed := w.ends(); !r.Partial() || !stop.IsZero() || !presumed.Equal(day(1, 10)) {
		t.Errorf("%+v: stop %v, presumed to %v, want 10 January", r, stop, presumed)
	}
	w.tree(dir, map[string]string{"n.log.1.gz": whole})
	if stop, _ := w.ends(); !stop.Equal(day(1, 12).Add(time.Hour)) {
		t.Errorf("healed: stop %v, want 12 January", stop)
	}
}

func TestGapsHeal(t *testing.T) {
	oldest, middle, newest := rotated()
	cut := strings.Replace(middle, "completed", "\x00", 1)
	w, dir := newWorld(t), t.TempDir()
	w.tree(dir, map[string]string{"n.log": oldest + cut + newest})
	if _, presumed := w.ends(); !presumed.Equal(day(1, 11)) {
		t.Errorf("presumed to %v, want the last good record before the damage", presumed)
	}
	w.tree(dir, map[string]string{"n.log": oldest + newest + cliLine(day(2, 3))})
	if _, presumed := w.ends(); !presumed.Equal(day(2, 3)) {
		t.Errorf("healed: presumed to %v, want the end of the log", presumed)
	}
}

func TestPackedFileThatIsNotReadIsAGap(t *testing.T) {
	oldest, _, newest := rotated()
	w := newWorld(t)
	files := map[string]string{"nitro_enclaves.log.2": oldest, "nitro_enclaves.log.1.xz": "\xfd7zXZ\x00 packed", "nitro_enclaves.log": newest}
	dir := t.TempDir()
	r := w.tree(dir, files)
	if r.Units.Missing != 1 || r.Result != ingest.RunPartial || r.Counts.Quarantined != 0 {
		t.Errorf("%+v", r)
	}
	if _, presumed := w.ends(); !presumed.Equal(day(1, 10)) {
		t.Errorf("presumed to %v, want 10 January", presumed)
	}
	if r := w.tree(dir, nil); r.Units.Missing != 1 {
		t.Errorf("the second import forgot it: %+v", r)
	}
}

func TestGapBeforeTheSessionDoesNotMatter(t *testing.T) {
	oldest, _, newest := rotated()
	w := newWorld(t)
	w.tree(t.TempDir(), map[string]string{"n.log": cliLine(day(1, 1)) + "[nitro\x00]\n" + cliLine(day(1, 2)) + oldest + newest})
	if _, presumed := w.ends(); !presumed.Equal(day(1, 31)) {
		t.Errorf("presumed to %v, want the end of the log", presumed)
	}
}
