package cloudtrail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// cpuTime is the processor time of this process: wall time means nothing on a machine
// that others use too.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("BUG: " + err.Error())
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// realBodies are the records of the invictus set.
func realBodies(t testing.TB) [][]byte {
	t.Helper()
	var bodies [][]byte
	dir := sharedData(t, "invictus/CloudTrail")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		stored, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		text, _, err := new(objects.Inflater).All(nil, stored, e.Name(), maxWhole, tape.Padding, objects.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		d := tape.NewDocument(tape.Whole(text), &tape.Tape{})
		for {
			r, err := d.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, text[r.At:r.End])
		}
	}
	return bodies
}

// trailFile builds a file of n real bodies with event and request ids of their own, as
// large as given on average, and returns it as text and packed.
func trailFile(t testing.TB, bodies [][]byte, from, n, size int) (text, packed []byte) {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		body := bytes.Clone(bodies[(from+i)%len(bodies)])
		for _, name := range []string{`"eventID":"`, `"requestID":"`} {
			if at := bytes.Index(body, []byte(name)); at > 0 && body[at+len(name)+36] == '"' {
				id := sha256.Sum256([]byte(fmt.Sprint(name, from+i)))
				copy(body[at+len(name):], trailhouse.Key(id[:16]).String())
			}
		}
		if missing := (i+1)*size - b.Len() - len(body); missing > 40 {
			at := bytes.Index(body, []byte(`"userAgent":"`)) + len(`"userAgent":"`)
			agent := []byte("aws-cli/2.13.0 Python/3.11.4 Linux/5.15.0 exe/x86_64.ubuntu.22 prompt/off command/")
			for len(agent) < missing {
				agent = append(agent, fmt.Sprintf("x%x ", sha256.Sum256([]byte{byte(i), byte(len(agent))}))...)
			}
			body = append(append(append([]byte(nil), body[:at]...), agent[:min(missing, 400)]...), body[at:]...)
		}
		b.Write(body)
	}
	b.WriteString("]}")
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, 6)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), z.Bytes()
}

// BenchmarkDecode reads gz files of 2,000 real events of about 1,500 bytes into
// batches: gunzip, hash, scan and rows, without Parquet. The parts are timed apart.
func BenchmarkDecode(b *testing.B) {
	bodies := realBodies(b)
	const events = 2000
	text, packed := trailFile(b, bodies, 0, events, 1500)
	path := filepath.Join(b.TempDir(), "111122223333_CloudTrail_us-east-1_20250102T0305Z_0123456789abcdef.json.gz")
	if err := os.WriteFile(path, packed, 0o600); err != nil {
		b.Fatal(err)
	}
	padded := append(bytes.Clone(text), make([]byte, tape.Padding)...)
	measure := func(name string, fn func()) {
		b.Run(name, func(b *testing.B) {
			fn()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			b.ResetTimer()
			from := cpuTime()
			for range b.N {
				fn()
			}
			used := cpuTime() - from
			b.ReportMetric(float64(b.N)*events/used.Seconds(), "events/cpu-s")
			b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/events, "cpu-ns/event")
		})
	}
	var inflated []byte
	var inflater objects.Inflater
	measure("gunzip", func() {
		inflated, _, _ = inflater.All(inflated, packed, path, maxWhole, tape.Padding, objects.Limits{})
	})
	measure("sha256", func() { sha256.Sum256(text) })
	t := &tape.Tape{}
	measure("scan", func() {
		t.Reset()
		if _, ok := t.Scan(padded, 0); !ok {
			b.Fatal("refused")
		}
	})
	s := New(Options{Paths: []string{path}})
	sink := newSink()
	measure("all", func() {
		for _, batch := range sink.batches {
			batch.Reset()
		}
		if err := s.Read(context.Background(), trailhouse.Unit{ID: "unit", Object: path, Size: -1}, sink); err != nil {
			b.Fatal(err)
		}
	})
	m, _ := s.memory.Get().(*memory)
	if m == nil {
		b.Fatal("the memory is gone")
	}
	measure("rows", func() {
		for _, batch := range sink.batches {
			batch.Reset()
		}
		r := newReader(context.Background(), s, trailhouse.Unit{ID: "unit", Object: path}, parseName(path), sink, m)
		r.row.b, r.row.nodes, r.sha256 = m.inflated, m.nodes.Nodes, string(make([]byte, 64))
		for i := range m.records {
			if err := r.record(&m.records[i], int64(m.records[i].At)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Logf("%d bytes an event, %d packed, %d nodes", len(text)/events, len(packed)/events, len(t.Nodes)/events)
}
