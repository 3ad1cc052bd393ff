package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/trailhouse/trailhouse"
)

// How often progress is drawn: a bar on a terminal, a line elsewhere.
const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 5 * time.Second
)

// screen is standard error: lines for good, and below them one line of progress
// that is drawn over. Its methods may be called from several goroutines.
type screen struct {
	w       io.Writer
	columns func() int
	clock   trailhouse.Clock

	mu   sync.Mutex // guards what follows and the order on w
	bar  string     // progress that is drawn at the moment
	last time.Time  // when progress was last drawn
}

// Write prints log lines above the progress.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	n, err := s.w.Write(p)
	s.draw()
	return n, err
}

// line prints one line above the progress.
func (s *screen) line(text string) {
	if _, err := io.WriteString(s, text+"\n"); err != nil {
		return // there is nowhere left to say it
	}
}

// progress shows p where it is time to: as a bar on a terminal, else as text that
// is a line of its own.
func (s *screen) progress(p Progress, asJSON bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	width := s.columns()
	every := lineEvery
	if width > 0 && !asJSON {
		every = barEvery
	}
	now := s.clock.Now()
	if s.last.IsZero() && every == lineEvery {
		s.last = now // short work needs no line of progress
	}
	if now.Sub(s.last) < every {
		return
	}
	s.last = now
	switch {
	case asJSON:
		fmt.Fprintf(s.w, "%s\n", mustJSON(struct {
			Progress Progress `json:"progress"`
		}{p}))
	case width > 0:
		s.erase()
		s.bar = barOf(p, width)
		s.draw()
	default:
		fmt.Fprintln(s.w, textOf(p))
	}
}

// finish removes the progress.
func (s *screen) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.bar = ""
}

// erase removes the bar from the terminal; draw puts it back.
func (s *screen) erase() {
	if s.bar != "" {
		fmt.Fprint(s.w, "\r\x1b[K")
	}
}

func (s *screen) draw() {
	if s.bar != "" {
		fmt.Fprint(s.w, s.bar)
	}
}

// textOf returns progress as a sentence.
func textOf(p Progress) string {
	return fmt.Sprintf("read %s of %s, %s, %s records", count(p.Units), files(p.UnitsTotal, p.Units), size(p.Bytes), count(p.Records))
}

// files returns the number of files, which is not known before all places are
// listed.
func files(total, done int64) string {
	if total < done || total == 0 {
		return "the files"
	}
	if total == 1 {
		return "1 file"
	}
	return count(total) + " files"
}

// barOf returns progress on one line of the width.
func barOf(p Progress, width int) string {
	const cells = 24
	text := textOf(p)
	if p.BytesTotal > 0 {
		full := int(min(cells, cells*p.Bytes/p.BytesTotal))
		text = "[" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "] " + text
	}
	if width > 1 && len(text) >= width {
		text = text[:width-1]
	}
	return text
}

// count returns a number with a comma before each group of three digits.
func count(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// size returns a number of bytes in the unit that suits it.
func size(n int64) string {
	const mib, gib = 1 << 20, 1 << 30
	switch {
	case n >= gib:
		return fmt.Sprintf("%.1f GiB", float64(n)/gib)
	case n >= mib:
		return fmt.Sprintf("%.1f MiB", float64(n)/mib)
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/1024)
}
