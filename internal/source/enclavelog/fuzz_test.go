package enclavelog

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
)

// FuzzRead reads anything. It must not fall over, and each line of text must be
// somewhere: in a row, in a rejected record, filtered, or blank.
func FuzzRead(f *testing.F) {
	text := sample(f)
	for _, seed := range []string{
		"", text[:3000], text[5000:9000], journalSample(f), exported(text[:2000]), zipped(text[:2000]),
		marshal(page(cloudEvents(text[:1500], host)), " "), jsonLines(cloudEvents(text[:1500], "x")), marshal(cloudEvents(text[:900], ""), ""),
		first + "\x00\x00" + second + "[enc-\xff", "rest\n" + first + "\n\nmore\n" + third[:60] + second,
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, "unit")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s := New(Options{Paths: []string{path}, Instance: host, Limits: objects.Limits{InflatedBytes: 1 << 22}})
		m := newMemory(s)
		err := s.Read(context.Background(), trailhouse.Unit{ID: "x", Object: path}, m)
		if err != nil {
			if c := code(err); c == "internal" || m.records+m.filtered+int64(len(m.rejected)) != 0 {
				t.Fatalf("%v after %d records", err, m.records)
			}
			return
		}
		if int(m.records) != m.log.Len()+m.allocator.Len() {
			t.Errorf("%d records, %d and %d rows", m.records, m.log.Len(), m.allocator.Len())
		}
		oneStream := !strings.Contains(string(content), "logStreamName") // two may hold the same record
		if oneStream && (len(idsOf(m.log)) != m.log.Len() || len(idsOf(m.allocator)) != m.allocator.Len()) {
			t.Error("two rows of one key")
		}
		again := newMemory(s)
		if err := s.Read(context.Background(), trailhouse.Unit{ID: "x", Object: path}, again); err != nil || strings.Join(records(again), "\n") != strings.Join(records(m), "\n") {
			t.Errorf("read again it gives other rows: %v", err)
		}
		if len(content) > 2 && content[0] != 0x1f && !strings.Contains(string(content), `"message"`) && len(m.covered) > 0 && m.covered[0].Result == trailhouse.CoverageRead {
			checkNothingLost(t, string(content), m)
		}
	})
}

// checkNothingLost looks for the records that the format's own regular expression
// finds in a text.
func checkNothingLost(t *testing.T, content string, m *memory) {
	t.Helper()
	want := 0
	for _, l := range strings.Split(content, "\n") {
		if _, ok := ParseRecord([]byte(strings.TrimSuffix(l, "\r"))); ok {
			want++
		}
	}
	if got := m.log.Len() + len(m.rejected); got < want {
		t.Errorf("%d headers, but %d rows and %d rejected", want, m.log.Len(), len(m.rejected))
	}
}

// synthetic gives a text without holding it: the head, then size bytes of the body
// over and over, then the tail.
type synthetic struct {
	head, body, tail string
	size             int64
}

func (s *synthetic) Read(p []byte) (int, error) {
	if s.head != "" {
		n := copy(p, s.head)
		s.head = s.head[n:]
		return n, nil
	}
	if s.size > 0 {
		n := copy(p[:min(int64(len(p)), s.size)], s.body)
		s.size -= int64(n)
		return n, nil
	}
	n := copy(p, s.tail)
	s.tail = s.tail[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestLongLineInBoundedMemory reads a line of 300 MB, and JSON that is one long line.
func TestLongLineInBoundedMemory(t *testing.T) {
	const size = 64 << 20
	body := strings.Repeat("x", 1<<16)
	event := `{"message":"` + strings.TrimSpace(first) + `"},`
	event += strings.Repeat(" ", 256-len(event))
	cases := map[string]struct {
		text synthetic
		json bool
		want int // broken pieces
	}{
		"line":     {synthetic{first, body, "\n" + second, 300 << 20}, false, 1},
		"zeros":    {synthetic{first, strings.Repeat("\x00", 1<<16), second, size}, false, 1},
		"message":  {synthetic{`{"events":[{"message":"`, body, `"},{"message":"x"}]}`, size}, true, 1},
		"document": {synthetic{`{"events":[`, strings.Repeat(event, 256), `{"message":"x"}]}`, size}, true, 0},
	}
	for name, c := range cases {
		before := allocated()
		broken, whole := 0, 0
		give := func(p *piece) error {
			if p.broken != "" {
				broken++
			} else {
				whole++
			}
			return nil
		}
		var err error
		if c.json {
			e := newEvents(&c.text, &survey{lines: true})
			e.learn, e.give = true, give
			err = e.each()
		} else {
			err = eachLine(&c.text, give)
		}
		if err != nil || broken != c.want || whole == 0 {
			t.Errorf("%s: %v, %d broken, %d whole", name, err, broken, whole)
		}
		if grown := allocated() - before; grown > 24<<20 {
			t.Errorf("%s: %d bytes were allocated", name, grown)
		}
	}
}

// allocated returns how many bytes were allocated in all, freed or not.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
