package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"time"

	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/objects"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
)

const microsOfDay = int64(24 * time.Hour / time.Microsecond)

// text measures the way from text to sessions without the lake, on one core.
func (b *bench) text() error {
	path, bytes, err := b.polled("text", b.textMiB, 0)
	if err != nil {
		return err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var ours, lines, expression []time.Duration
	for range b.rounds {
		for _, m := range []struct {
			into *[]time.Duration
			work func(string) error
		}{{&ours, textToSessions}, {&lines, countLines}, {&expression, matchLines}} {
			before := ownCPU()
			if err := m.work(path); err != nil {
				return err
			}
			*m.into = append(*m.into, ownCPU()-before)
		}
	}
	o, l, e := median(ours), median(lines), median(expression)
	b.add("text to sessions without the lake, one core", "at least 200 MB/s", fmt.Sprintf("%.0f MB/s", rate(bytes, o)),
		fmt.Sprintf("floor, splitting lines only: %.0f MB/s (%.1f times ours); Go's regexp on the header alone: %.0f MB/s (%.1f times slower than ours)",
			rate(bytes, l), o.Seconds()/l.Seconds(), rate(bytes, e), e.Seconds()/o.Seconds()))
	return os.Remove(path)
}

// textToSessions parses each line, folds each day to marks and derives the
// sessions. It fails where a session is missing.
func textToSessions(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var marks []sessions.Mark
	folders := map[int64]*sessions.Folder{}
	lines := objects.NewLines(f)
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		r, ok := enclavelog.ParseRecord(line.Text)
		if !ok {
			continue
		}
		day := r.Micros / microsOfDay
		folder := folders[day]
		if folder == nil {
			folder = sessions.NewFolder(polledInstance)
			folders[day] = folder
			marks = append(marks, takeBefore(folders, day-1)...)
		}
		folder.Add(sessions.Line{Micros: r.Micros, Logger: r.Logger, Level: r.Level, LineNo: r.Line, Message: r.Message})
	}
	marks = append(marks, takeBefore(folders, 1<<40)...)
	if got := sessions.Derive(sessions.Input{Instance: polledInstance, Marks: marks}); len(got.Sessions) < 2 {
		return fmt.Errorf("%d sessions, want at least 2", len(got.Sessions))
	}
	return nil
}

// takeBefore takes the marks of the days before a day, so that a year's text does
// not hold a year's folders. Days come in order here.
func takeBefore(folders map[int64]*sessions.Folder, day int64) []sessions.Mark {
	var marks []sessions.Mark
	for d, f := range folders {
		if d < day {
			marks = append(marks, f.Marks()...)
			delete(folders, d)
		}
	}
	return marks
}

// countLines is the floor: the text is read and cut at line feeds.
func countLines(path string) error {
	return eachLine(path, func(line []byte) bool { return len(line) > 0 })
}

// matchLines takes each header apart with the standard library's regexp.
func matchLines(path string) error {
	header := regexp.MustCompile(`^\[([^\]]*)\]\[([A-Z]+)\]\[([^\]]+)\]\[([^\]]+):(\d+)\] (.*)$`)
	return eachLine(path, func(line []byte) bool { return header.FindSubmatchIndex(line) != nil })
}

func eachLine(path string, match func([]byte) bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 256<<10)
	n := 0
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if match(bytes.TrimSuffix(line, []byte("\n"))) {
			n++
		}
	}
	if n == 0 {
		return errors.New("no line matched")
	}
	return nil
}
