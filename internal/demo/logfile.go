package demo

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/trailhouse/trailhouse"
)

// layout is the form in which people keep a host's log.
type layout uint8

const (
	layoutPlain      layout = iota // one file below the instance's folder
	layoutRotated                  // cut at each month: .log, .log.1, .log.2.gz …
	layoutEvents                   // {"events":[…]} as filter-log-events prints it
	layoutEventLines               // one such event per line, several streams possible
	layoutExport                   // an export task's object: <time> <message>, gzip
	layoutFlat                     // one file without the instance in its path
)

// logFile writes the records of one host to its files. An error stays and is told
// by close.
type logFile struct {
	layout     layout
	stream     string // the CloudWatch log stream: the instance id
	parts      []*part
	cuts       []Instant // when each part but the first begins
	generation int       // of the part that new processes write to
	last       Instant   // time of the last record
	bytes      int64     // of text
	limit      int64     // of text, 0 for none
	scratch    []byte
}

// part is one file.
type part struct {
	path   string // below the demo's folder
	file   *os.File
	zip    *gzip.Writer
	out    *bufio.Writer
	counts File
	events int64
	held   []byte  // lines behind a record's first that wait for the next record
	heldAt Instant // the agent's instant of them
	last   Instant
	err    error
}

// current returns the generation of the file that a process opens now.
func (l *logFile) current(now Instant) int {
	for l.generation < len(l.cuts) && now >= l.cuts[l.generation] {
		l.generation++
	}
	return l.generation
}

// write writes one record, which ends with a line feed.
func (l *logFile) write(generation int, at Instant, text []byte) {
	l.last = max(l.last, at)
	l.bytes += int64(len(text))
	p := l.parts[generation]
	p.last = max(p.last, at)
	p.counts.Records++
	if l.layout == layoutPlain || l.layout == layoutRotated || l.layout == layoutFlat {
		p.counts.Continuations += int64(bytes.Count(text, []byte{'\n'}) - 1)
		p.put(text)
		return
	}
	l.send(p, (at/250+1)*250, text)
}

// send writes a record as CloudWatch's agent sends it: line by line, without empty
// lines, under the agent's own clock. Many events share an instant, which leaves
// their order open, so the lines behind a record's first come behind the next
// record's where that one has the same instant.
func (l *logFile) send(p *part, seen Instant, text []byte) {
	if seen != p.heldAt {
		l.release(p)
	}
	line, rest, _ := bytes.Cut(text, []byte{'\n'})
	l.event(p, seen, line)
	l.release(p)
	p.heldAt = seen
	p.held = append(p.held, rest...)
}

// release writes the lines that wait behind their record.
func (l *logFile) release(p *part) {
	for rest := p.held; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		if len(line) > 0 {
			p.counts.Continuations++
			l.event(p, p.heldAt, line)
		}
	}
	p.held = p.held[:0]
}

// event writes one CloudWatch event.
func (l *logFile) event(p *part, at Instant, line []byte) {
	b := l.scratch[:0]
	switch l.layout {
	case layoutExport:
		b = at.Time().AppendFormat(b, "2006-01-02T15:04:05.000Z ")
		b = append(b, line...)
		b = append(b, '\n')
	case layoutEvents:
		if p.events++; p.events > 1 {
			b = append(b, ",\n"...)
		}
		b = append(b, "        {\n            \"logStreamName\": \""...)
		b = append(b, l.stream...)
		b = append(b, "\",\n            \"timestamp\": "...)
		b = strconv.AppendInt(b, int64(at), 10)
		b = append(b, ",\n            \"message\": "...)
		b = appendJSON(b, line)
		b = append(b, ",\n            \"ingestionTime\": "...)
		b = strconv.AppendInt(b, int64(at)+1733, 10)
		b = append(b, ",\n            \"eventId\": \""...)
		b = fmt.Appendf(b, "%026d%030d", int64(at), p.events)
		b = append(b, "\"\n        }"...)
	default:
		b = append(b, `{"logStreamName":"`...)
		b = append(b, l.stream...)
		b = append(b, `","timestamp":`...)
		b = strconv.AppendInt(b, int64(at), 10)
		b = append(b, `,"message":`...)
		b = appendJSON(b, line)
		b = append(b, "}\n"...)
	}
	l.scratch = b
	p.put(b)
}

// full reports whether the limit of text is reached.
func (l *logFile) full() bool { return l.limit > 0 && l.bytes >= l.limit }

// put writes bytes; the first error stays.
func (p *part) put(b []byte) {
	if _, err := p.out.Write(b); err != nil && p.err == nil {
		p.err = err
	}
}

// openPart makes a file below dir, compressed where its name ends with .gz; without
// dir, what is written is forgotten.
func openPart(dir, path string) (*part, error) {
	if dir == "" {
		return &part{path: path, out: bufio.NewWriter(io.Discard), counts: File{Path: path}}, nil
	}
	full := filepath.Join(dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return nil, storage("make the folder of", full, err)
	}
	f, err := os.Create(full)
	if err != nil {
		return nil, storage("make", full, err)
	}
	p := &part{path: path, file: f, counts: File{Path: path}}
	var w io.Writer = f
	if filepath.Ext(path) == ".gz" {
		p.zip = gzip.NewWriter(f)
		w = p.zip
	}
	p.out = bufio.NewWriterSize(w, 1<<18)
	return p, nil
}

// close ends the file and gives it the time of its last record: from that, a reader
// of the journal learns the year.
func (p *part) close(dir string) error {
	if err := p.out.Flush(); err != nil && p.err == nil {
		p.err = err
	}
	if p.zip != nil {
		if err := p.zip.Close(); err != nil && p.err == nil {
			p.err = err
		}
	}
	if p.file == nil {
		return p.err
	}
	if err := p.file.Close(); err != nil && p.err == nil {
		p.err = err
	}
	full := filepath.Join(dir, p.path)
	if p.err == nil {
		p.err = os.Chtimes(full, time.Time{}, p.last.Time())
	}
	if p.err != nil {
		return storage("write", full, p.err)
	}
	return nil
}

func storage(what, path string, err error) error {
	return trailhouse.Errorf(trailhouse.CodeStorage, "cannot %s %s: %w", what, path, err).
		WithHint("see that the disk has room and the folder may be written")
}

// appendJSON appends text as a JSON string.
func appendJSON(b, text []byte) []byte {
	b = append(b, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
