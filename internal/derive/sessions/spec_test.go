package sessions

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
)

var update = flag.Bool("update", false, "rewrite the expected results of testdata/*.txt")

const host trailhouse.InstanceID = "i-0a1b2c3d4e5f60718"

// header is the header of a nitro-cli record (facts/nitro.md 2.1).
var header = regexp.MustCompile(`^\[([^\]]*)\]\[([A-Z]+)\]\[([^\]]+)\]\[([^\]]+):(\d+)\] (.*)$`)

// journal is our own short form of an allocator line: allocator TIME IDENTIFIER: TEXT.
var journal = regexp.MustCompile(`^allocator (\S+) ([^:]+): (.*)$`)

// event is one line of either log.
type event struct {
	line      Line
	allocator AllocatorLine
	journal   bool
}

func (e *event) micros() int64 {
	if e.journal {
		return e.allocator.Micros
	}
	return e.line.Micros
}

func parseTime(t testing.TB, text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatalf("bad time %q in test data: %v", text, err)
	}
	return at
}

// parseEvents reads log lines; continuation lines are passed over.
func parseEvents(t testing.TB, text string) []event {
	var events []event
	for i, l := range strings.Split(text, "\n") {
		var e event
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", i, l))
		if m := header.FindStringSubmatch(l); m != nil {
			e.line = Line{Micros: parseTime(t, m[3]).UnixMicro(), Logger: []byte(m[1]), Level: []byte(m[2]), Message: []byte(m[6])}
			copy(e.line.ID[:], sum[:])
		} else if m := journal.FindStringSubmatch(l); m != nil {
			e.journal = true
			e.allocator = AllocatorLine{Micros: parseTime(t, m[1]).UnixMicro(), Identifier: []byte(m[2]), Message: []byte(m[3])}
			copy(e.allocator.ID[:], sum[:])
		} else {
			continue
		}
		events = append(events, e)
	}
	return events
}

// fold gives the marks of all days. get is (*Folder).Marks or (*Folder).all.
func fold(events []event, get func(*Folder) []Mark) []Mark {
	days := make(map[int64]*Folder)
	var order []int64
	for i := range events {
		e := &events[i]
		d := dayOf(e.micros())
		if days[d] == nil {
			days[d] = NewFolder(host)
			order = append(order, d)
		}
		if e.journal {
			days[d].AddAllocator(e.allocator)
		} else {
			days[d].Add(e.line)
		}
	}
	var marks []Mark
	for _, d := range order {
		marks = append(marks, get(days[d])...)
	}
	return marks
}

// rendered is a Result as the spec files write it: nulls left out, by column name.
type rendered struct {
	Sessions []map[string]any
	Attempts []map[string]any
}

func render(r Result) rendered {
	sessions := trailhouse.NewBatch(SessionTable())
	EncodeSessions(r.Sessions, sessions)
	attempts := trailhouse.NewBatch(AttemptTable())
	EncodeAttempts(r.Attempts, attempts)
	return rendered{Sessions: rows(sessions), Attempts: rows(attempts)}
}

func rows(b *trailhouse.Batch) []map[string]any {
	var out []map[string]any
	for row := range b.Len() {
		m := make(map[string]any)
		for col, c := range b.Table.Columns {
			if b.IsNull(col, row) {
				continue
			}
			switch c.Type {
			case trailhouse.TypeString:
				m[c.Name] = b.String(col, row)
			case trailhouse.TypeInt64:
				m[c.Name] = float64(b.Int(col, row))
			case trailhouse.TypeBool:
				m[c.Name] = b.Bool(col, row)
			case trailhouse.TypeTimestamp:
				m[c.Name] = b.Time(col, row).Format("2006-01-02T15:04:05.000Z")
			case trailhouse.TypeInt64s:
				list := make([]any, 0)
				for _, v := range b.Ints(col, row) {
					list = append(list, float64(v))
				}
				m[c.Name] = list
			}
		}
		out = append(out, m)
	}
	return out
}

// text writes rows one per line, without what is the same in every case.
func (r rendered) text() string {
	var b strings.Builder
	for _, part := range []struct {
		name string
		rows []map[string]any
	}{{"session", r.Sessions}, {"attempt", r.Attempts}} {
		for _, row := range part.rows {
			kept := make(map[string]any)
			for k, v := range row {
				if k != "instance_id" && k != "slot_key" {
					kept[k] = v
				}
			}
			var line bytes.Buffer
			enc := json.NewEncoder(&line)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(kept); err != nil {
				panic("BUG: " + err.Error())
			}
			b.WriteString(part.name + " " + line.String())
		}
	}
	return b.String()
}

const divider = "\n=== expected\n"

// TestSpecs runs the traps written down in testdata/*.txt: lines starting with #
// say what is shown, "complete through TIME" sets that, "gap FROM THROUGH" adds one, then come log lines, then
// the expected rows. To add a trap, add a file and run the test with -update.
func TestSpecs(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d spec files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runSpec(t, file) })
	}
}

// parseGaps reads the lines "gap FROM THROUGH", in which "-" is an open end.
func parseGaps(t *testing.T, log string) (gaps []Gap) {
	for _, m := range regexp.MustCompile(`(?m)^gap (\S+) (\S+)$`).FindAllStringSubmatch(log, -1) {
		var g Gap
		if m[1] != "-" {
			g.From = parseTime(t, m[1])
		}
		if m[2] != "-" {
			g.Through = parseTime(t, m[2])
		}
		gaps = append(gaps, g)
	}
	return gaps
}

func runSpec(t *testing.T, file string) {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	log, want, _ := strings.Cut(string(content), divider)
	in := Input{Instance: host}
	if _, rest, found := strings.Cut(log, "\ncomplete through "); found {
		at, _, _ := strings.Cut(rest, "\n")
		in.CompleteThrough = parseTime(t, at)
	}
	in.Gaps = parseGaps(t, log)
	events := parseEvents(t, log)
	in.Marks = fold(events, (*Folder).Marks)
	got := render(Derive(in)).text()
	if *update && got != want {
		if err := os.WriteFile(file, []byte(strings.TrimRight(log, "\n")+divider+got), 0o644); err != nil {
			t.Fatal(err)
		}
		want = got
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("folded (-want +got):\n%s", d)
	}
	in.Marks = fold(events, (*Folder).all)
	if d := cmp.Diff(want, render(Derive(in)).text()); d != "" {
		t.Fatalf("not folded (-want +got):\n%s", d)
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		in.Marks = fold(disturb(rng, events), (*Folder).Marks)
		rng.Shuffle(len(in.Marks), func(i, j int) { in.Marks[i], in.Marks[j] = in.Marks[j], in.Marks[i] })
		if d := cmp.Diff(want, render(Derive(in)).text()); d != "" {
			t.Fatalf("shuffled with seed %d (-want +got):\n%s", seed, d)
		}
	}
}

// disturb shuffles events and repeats some.
func disturb(rng *rand.Rand, events []event) []event {
	out := slices.Clone(events)
	for range len(events) / 3 {
		e := events[rng.IntN(len(events))]
		e.line.ID[0] ^= 1 // read again from another place
		out = append(out, e)
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// TestSample holds the sample log to its expected sessions, every field of them.
func TestSample(t *testing.T) {
	log, err := os.ReadFile("testdata/sample.log")
	if err != nil {
		t.Fatal(err)
	}
	expected, err := os.ReadFile("testdata/sample.expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Sessions     []map[string]any `json:"sessions"`
		FailedStarts int              `json:"failed_starts"`
	}
	if err := json.Unmarshal(expected, &want); err != nil {
		t.Fatal(err)
	}
	events := parseEvents(t, string(log))
	for seed := range uint64(10) {
		if seed > 0 {
			events = disturb(rand.New(rand.NewPCG(seed, 2)), events)
		}
		result := Derive(Input{Instance: host, Marks: fold(events, (*Folder).Marks)})
		got := render(result)
		if len(got.Sessions) != len(want.Sessions) {
			t.Fatalf("%d sessions, want %d", len(got.Sessions), len(want.Sessions))
		}
		for i, w := range want.Sessions {
			for field, value := range w {
				if have := got.Sessions[i][field]; !reflect.DeepEqual(have, value) {
					t.Errorf("session %d: %s is %v, want %v", i, field, have, value)
				}
			}
			if got.Sessions[i]["partial"] != false {
				t.Errorf("session %d is partial", i)
			}
		}
		failed := 0
		for _, a := range result.Attempts {
			if a.Outcome == OutcomeFailed {
				failed++
			}
		}
		if failed != want.FailedStarts || len(result.Attempts) != failed {
			t.Errorf("%d failed of %d attempts, want %d", failed, len(result.Attempts), want.FailedStarts)
		}
	}
	marks := fold(events, (*Folder).Marks)
	if d := cmp.Diff(render(Derive(Input{Instance: host, Marks: fold(events, (*Folder).all)})), render(Derive(Input{Instance: host, Marks: marks}))); d != "" {
		t.Error(d)
	}
}
