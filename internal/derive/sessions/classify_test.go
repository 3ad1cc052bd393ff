package sessions

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
)

func TestAllocatedMiB(t *testing.T) {
	for text, want := range map[string]int64{
		"Allocated 1 region(s): 1 page(s) of 1024 MB":                        1024,
		"Allocated 257 region(s): 256 page(s) of 2 MB, 1 page(s) of 1024 MB": 1536,
		"Allocated 1 region(s): 1 page(s) of 1024":                           -1,
		"Allocated 1 region(s): ":                                            -1,
		"Allocated 1 region(s): 99999999999999999999 page(s) of 2 MB":        -1,
	} {
		got, ok := allocatedMiB(text)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
}

// TestCreated decodes published ids (facts/nitro.md 2.6).
func TestCreated(t *testing.T) {
	for slot, want := range map[trailhouse.Slot]string{
		"19a48bae81e5f1c":    "2025-11-03T08:00:00.030Z",
		"019a48bae81e5f1c":   "2025-11-03T08:00:00.030Z",
		"19a48bae81e5f":      "", // too short
		"123456789abcdef012": "", // seed 001's own example has 18 digits
		"fedcba9876543210":   "",
	} {
		us, ok := created(slot)
		if ok != (want != "") || ok && instant(us).Format(time.RFC3339Nano) != parseTime(t, want).Format(time.RFC3339Nano) {
			t.Errorf("%s: %v, %v", slot, instant(us), ok)
		}
	}
}

func TestSocketSlot(t *testing.T) {
	for path, want := range map[string]string{
		"/run/nitro_enclaves/19a4.sock":     "19a4",
		`"/run/nitro_enclaves/19a4.sock"`:   "19a4",
		"/tmp/my sockets/19A4.sock\r":       "19A4",
		"/run/nitro_enclaves/resource.sock": "",
		"/run/nitro_enclaves/19a4":          "",
		"":                                  "",
	} {
		if got := string(socketSlot([]byte(path))); got != want {
			t.Errorf("%q: %q", path, got)
		}
	}
}

// TestOddLoggers adds loggers and messages that are cut or strange: they count for
// the span of the log and mean nothing else.
func TestOddLoggers(t *testing.T) {
	folder := NewFolder(host)
	for _, logger := range []string{"", ":", "enc-", "enc-:5", "enc-zz:5", "enc-19a4", "enc-19a4:", "enc-19a4:x", "nitro-cli", "nitro-cli:", "nitro-cli:-1", "nitro-cli:0", "nitro-cli:99999999999", "\xff:1"} {
		for _, message := range []string{"", "S", "Start Nitro CLI", "Enclave terminated.", "Enclave process PID: ", "Enclave process PID: x"} {
			folder.Add(Line{Micros: 5, Logger: []byte(logger), Message: []byte(message)})
		}
	}
	marks := folder.Marks()
	if len(marks) != 1 || marks[0].Kind != KindLog {
		t.Errorf("%+v", marks)
	}
}

func TestPoolMark(t *testing.T) {
	marks := fold(parseEvents(t, readFile(t, "testdata/journal.log")), (*Folder).Marks)
	var kinds []string
	for _, m := range marks {
		kinds = append(kinds, m.Kind.String())
		if m.Kind == KindPool && (m.MemoryMiB != 4096 || m.VCPUs != 6) {
			t.Errorf("%+v", m)
		}
	}
	if d := cmp.Diff([]string{"allocator_start", "pool", "allocator_failed"}, kinds); d != "" {
		t.Error(d)
	}
}

// TestMarksSurviveTheTable encodes marks and reads them back.
func TestMarksSurviveTheTable(t *testing.T) {
	events := parseEvents(t, readFile(t, "testdata/sample.log")+readFile(t, "testdata/journal.log"))
	events[0].line.Message = []byte("Sent command: \xff")
	marks := fold(events, (*Folder).Marks)
	batch := trailhouse.NewBatch(MarkTable())
	EncodeMarks(marks, batch)
	for i := range marks {
		if d := cmp.Diff(marks[i], DecodeMark(batch, i)); d != "" {
			t.Error(d)
		}
		if batch.Int(markDay, i) != dayOf(marks[i].Micros) {
			t.Errorf("day of %v is %v", marks[i], batch.Time(markDay, i))
		}
	}
	for i, name := range map[int]string{markInstance: "instance_id", markDay: "day", markTime: "time", markUntil: "until", markKind: "kind", markSlot: "slot", markSlotKey: "slot_key", markPID: "pid", markDetail: "detail", markVCPUs: "vcpus", markMemory: "memory_mib", markLines: "lines", markRecord: "record_id"} {
		if MarkTable().Index(name) != i {
			t.Errorf("%s is not column %d", name, i)
		}
	}
}

// TestColumnsHaveDocs holds every column of every table to a comment.
func TestColumnsHaveDocs(t *testing.T) {
	for _, table := range []*trailhouse.Table{MarkTable(), SessionTable(), AttemptTable()} {
		for _, c := range table.Columns {
			if c.Doc == "" {
				t.Errorf("%s.%s", table.Name, c.Name)
			}
		}
		if table.Index(table.PartitionBy) < 0 {
			t.Errorf("%s is cut by %s", table.Name, table.PartitionBy)
		}
	}
}

// TestInstancesAreIndependent derives one of two instances from the marks of both.
func TestInstancesAreIndependent(t *testing.T) {
	marks := fold(parseEvents(t, readFile(t, "testdata/sample.log")), (*Folder).Marks)
	want := Derive(Input{Instance: host, Marks: marks})
	both := append([]Mark(nil), marks...)
	for _, m := range marks {
		m.Instance = "i-0ffffffffffffffff"
		m.Micros += 1000
		m.Until += 1000
		both = append(both, m)
	}
	if d := cmp.Diff(want, Derive(Input{Instance: host, Marks: both})); d != "" {
		t.Error(d)
	}
}
