package sessions

import (
	"fmt"
	"iter"
	"os"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

func readFile(t testing.TB, path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// polledDay gives the lines of a day on which a host with two enclaves is polled
// every 10 seconds.
func polledDay(midnight time.Time) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		info := []byte("INFO")
		at := midnight.UnixMicro()
		pid := int(midnight.Unix()/86400%100)*1000 + 1000
		slots := [...]string{"19a48bae81e5f1c", "19a48bfa49409ab"}
		put := func(logger, message string) bool {
			at += 2000
			l := Line{Micros: at, Logger: []byte(logger), Level: info, Message: []byte(message)}
			l.ID[0], l.ID[1], l.ID[2] = byte(at>>11), byte(at>>19), byte(at>>27)
			return yield(l)
		}
		for range 8640 {
			pid++
			cli := fmt.Sprintf("nitro-cli:%d", pid)
			ok := put(cli, "Start Nitro CLI")
			for _, s := range slots {
				ok = ok && put(cli, "Connected to: /run/nitro_enclaves/"+s+".sock")
			}
			for _, s := range slots {
				ok = ok && put("enc-"+s+":4105", "Received command: Describe")
			}
			if !ok || !put(cli, "Sent command: Describe") {
				return
			}
			at += 10_000_000 - 12_000
		}
	}
}

// BenchmarkFold is the cost of one line from Add to marks.
func BenchmarkFold(b *testing.B) {
	var lines []Line
	for l := range polledDay(time.Date(2025, 11, 3, 0, 0, 0, 0, time.UTC)) {
		lines = append(lines, l)
	}
	b.ReportAllocs()
	folder := NewFolder(host)
	for b.Loop() {
		folder.Reset(host)
		for i := range lines {
			folder.Add(lines[i])
		}
		if len(folder.Marks()) > 100 {
			b.Fatal("too many marks")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(lines)), "ns/line")
}

// BenchmarkAdd is the cost of Add alone.
func BenchmarkAdd(b *testing.B) {
	var lines []Line
	for l := range polledDay(time.Date(2025, 11, 3, 0, 0, 0, 0, time.UTC)) {
		lines = append(lines, l)
	}
	b.ReportAllocs()
	folder := NewFolder(host)
	for b.Loop() {
		folder.Reset(host)
		for i := range lines {
			folder.Add(lines[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(lines)), "ns/line")
}

// BenchmarkDeriveYear derives the sessions of a host that was polled for a year.
func BenchmarkDeriveYear(b *testing.B) {
	var marks []Mark
	for d := range 365 {
		folder := NewFolder(host)
		for l := range polledDay(time.Date(2025, 1, 1+d, 0, 0, 0, 0, time.UTC)) {
			folder.Add(l)
		}
		marks = append(marks, folder.Marks()...)
	}
	batch := trailhouse.NewBatch(MarkTable())
	EncodeMarks(marks, batch)
	b.ReportAllocs()
	for b.Loop() {
		decoded := make([]Mark, batch.Len())
		for i := range decoded {
			decoded[i] = DecodeMark(batch, i)
		}
		if r := Derive(Input{Instance: host, Marks: decoded}); len(r.Sessions) != 2 {
			b.Fatal(len(r.Sessions))
		}
	}
	b.ReportMetric(float64(len(marks)), "marks")
}
