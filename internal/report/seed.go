package report

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// SeedWriter writes the rows of a report with seed: true as the objects of the
// first public enclave meter: an indented array numbered by ready time from 1,
// enclaves without a ready time last. While an enclave runs, end_time and duration
// are null. Where its end is not in the log, end_time is stop_not_before: only that
// part is billed. A duration has Python's form of a timedelta.
type SeedWriter struct {
	out   *bufio.Writer
	index map[string]int
	lives []seedLife
}

// seedColumns are the columns that a seed report has.
func seedColumns() []string {
	return []string{
		"enclave_id", "instance_id", "instance_type", "ready", "stop", "stop_not_before", "reason", "eif_path",
		"cid_requested", "memory_requested_mib", "cpu_ids", "debug", "attach_console", "vcpus", "name",
	}
}

// seedLife is one object; the order of its fields is that of the members.
type seedLife struct {
	Number       int         `json:"enclave_number"`
	InstanceID   any         `json:"instance_id"`
	InstanceType any         `json:"instance_type"`
	EnclaveID    any         `json:"enclave_id"`
	StartTime    any         `json:"start_time"`
	EndTime      any         `json:"end_time"`
	Duration     any         `json:"duration"`
	RunArgs      seedRunArgs `json:"run_args"`

	ready time.Time
}

type seedRunArgs struct {
	EIFPath       any `json:"eif_path"`
	EnclaveCID    any `json:"enclave_cid"`
	MemoryMiB     any `json:"memory_mib"`
	CPUIDs        any `json:"cpu_ids"`
	DebugMode     any `json:"debug_mode"`
	AttachConsole any `json:"attach_console"`
	CPUCount      any `json:"cpu_count"`
	EnclaveName   any `json:"enclave_name"`
}

// Begin implements Writer. A report without the columns is CodeUsage.
func (w *SeedWriter) Begin(h Head) error {
	if !h.Seed {
		return trailhouse.Errorf(trailhouse.CodeUsage, "only reports with seed: true in their header have the format seed").
			WithHint("take enclave-usage, or another format")
	}
	w.index = map[string]int{}
	for i, c := range h.Columns {
		w.index[c.Name] = i
	}
	return nil
}

// Row implements Writer.
func (w *SeedWriter) Row(row []any) error {
	get := func(name string) any { return row[w.index[name]] }
	life := seedLife{
		InstanceID: get("instance_id"), InstanceType: get("instance_type"), EnclaveID: get("enclave_id"),
		RunArgs: seedRunArgs{
			EIFPath: get("eif_path"), EnclaveCID: get("cid_requested"), MemoryMiB: get("memory_requested_mib"),
			CPUIDs: get("cpu_ids"), DebugMode: get("debug"), AttachConsole: get("attach_console"),
			CPUCount: get("vcpus"), EnclaveName: get("name"),
		},
	}
	if life.RunArgs.CPUIDs != nil {
		life.RunArgs.CPUCount = nil
	}
	ready, _ := get("ready").(time.Time)
	end := seedEnd(get("reason"), get("stop"), get("stop_not_before"))
	life.span(ready.Truncate(time.Millisecond), end.Truncate(time.Millisecond))
	w.lives = append(w.lives, life)
	return nil
}

// seedEnd returns the end of a life, zero while it runs.
func seedEnd(reason, stop, lastProof any) time.Time {
	if t, ok := stop.(time.Time); ok {
		return t
	}
	if t, ok := lastProof.(time.Time); ok && reason != "running" {
		return t
	}
	return time.Time{}
}

// span sets what follows from start and end.
func (l *seedLife) span(ready, end time.Time) {
	const layout = "2006-01-02 15:04:05.000"
	l.ready = ready
	if !ready.IsZero() {
		l.StartTime = ready.Format(layout)
	}
	if !end.IsZero() {
		l.EndTime = end.Format(layout)
	}
	if !ready.IsZero() && !end.IsZero() {
		l.Duration = timedelta(max(0, end.Sub(ready)))
	}
}

// End implements Writer.
func (w *SeedWriter) End() error {
	slices.SortStableFunc(w.lives, func(a, b seedLife) int {
		if a.ready.IsZero() != b.ready.IsZero() {
			return cmp.Compare(b.ready.Unix(), a.ready.Unix())
		}
		return cmp.Or(a.ready.Compare(b.ready), cmp.Compare(fmt.Sprint(a.EnclaveID), fmt.Sprint(b.EnclaveID)))
	})
	for i := range w.lives {
		w.lives[i].Number = i + 1
	}
	if w.lives == nil {
		w.lives = []seedLife{}
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(w.lives); err != nil {
		return trailhouse.Errorf(trailhouse.CodeInternal, "the rows have no seed form: %w", err)
	}
	_, _ = w.out.Write(text.Bytes()) // Flush gives its error
	return w.out.Flush()
}

// timedelta writes a duration as Python's str(timedelta) does: days where there are
// any, hours without padding, microseconds where there are any.
func timedelta(d time.Duration) string {
	var b strings.Builder
	days := d / (24 * time.Hour)
	if days > 0 {
		plural := "s"
		if days == 1 {
			plural = ""
		}
		fmt.Fprintf(&b, "%d day%s, ", days, plural)
	}
	d -= days * 24 * time.Hour
	fmt.Fprintf(&b, "%d:%02d:%02d", d/time.Hour, d/time.Minute%60, d/time.Second%60)
	if us := d / time.Microsecond % 1_000_000; us > 0 {
		fmt.Fprintf(&b, ".%06d", us)
	}
	return b.String()
}
