package agent

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Metrics are the series of an agent in the text format of Prometheus. Its methods may be
// called by several goroutines.
type Metrics struct {
	mu                     sync.Mutex
	running, vcpus, memory int64
	pool                   pool
	last                   time.Time // of the last list
	reason                 string    // of the last end
	stopped                time.Time // when that was
	ends, lines            int64
	errors                 map[string]int64
	lost                   atomic.Int64
}

func newMetrics() *Metrics {
	return &Metrics{pool: pool{-1, -1, -1}, errors: map[string]int64{}}
}

// beat notes a complete list.
func (m *Metrics) beat(at time.Time, list []trailhouse.AgentEnclave, p pool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last, m.pool = at, p
	m.running, m.vcpus, m.memory = 0, 0, 0
	for _, e := range list {
		if e.State == trailhouse.AgentRunning {
			m.running++
			m.vcpus += e.VCPUs
			m.memory += e.MemoryMiB
		}
	}
}

func (m *Metrics) ended(reason string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ends++
	m.reason, m.stopped = reason, at
}

func (m *Metrics) errorOf(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.errors[what]++
}

func (m *Metrics) copied(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines += int64(n)
}

// Drop counts lines that a sink could not keep.
func (m *Metrics) Drop(n int64) { m.lost.Add(n) }

func (m *Metrics) dropped() int64 { return m.lost.Load() }

// write writes the series as they are at an instant: text format 0.0.4 of Prometheus, each
// family once with its HELP and TYPE.
func (m *Metrics) write(w io.Writer, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var e exposition
	if !m.last.IsZero() {
		e.one("enclaves_running", gauge, "Enclaves that nitro-cli describes as running.", m.running)
		e.one("vcpus", gauge, "vCPUs of running enclaves.", m.vcpus)
		e.one("memory_mib", gauge, "Memory of running enclaves in MiB.", m.memory)
		e.family("heartbeat_age_seconds", gauge, "Time since nitro-cli last gave a complete list.")
		fmt.Fprintf(&e, "%sheartbeat_age_seconds %.3f\n", prefix, max(0, now.Sub(m.last).Seconds()))
	}
	for _, p := range [...]struct {
		name, help string
		value      int64
	}{
		{"pool_vcpus", "vCPUs reserved for enclaves.", m.pool.vcpus},
		{"pool_memory_mib", "Huge pages of the host in MiB, which are the memory reserved for enclaves.", m.pool.memoryMiB},
		{"pool_free_memory_mib", "Huge pages in MiB that nobody uses.", m.pool.freeMiB},
	} {
		if p.value >= 0 {
			e.one(p.name, gauge, p.help, p.value)
		}
	}
	e.one("ends_total", counter, "Enclaves whose process was seen to go away.", m.ends)
	if m.reason != "" {
		e.family("last_stop_reason", gauge, "How the last enclave ended, as a label; its value is always 1.")
		e.labelled("last_stop_reason", "reason", m.reason, 1)
		e.family("last_stop_timestamp_seconds", gauge, "When the last enclave ended, in seconds since 1970.")
		fmt.Fprintf(&e, "%slast_stop_timestamp_seconds %.3f\n", prefix, float64(m.stopped.UnixMilli())/1000)
	}
	e.one("log_records_total", counter, "Records of the log of nitro-cli that were copied.", m.lines)
	e.one("lost_lines_total", counter, "Lines that fell off a full spool or file.", m.lost.Load())
	if len(m.errors) > 0 {
		e.family("errors_total", counter, "What failed, by kind.")
		for _, kind := range slices.Sorted(maps.Keys(m.errors)) {
			e.labelled("errors_total", "kind", kind, m.errors[kind])
		}
	}
	_, err := io.WriteString(w, e.String())
	return err
}

// prefix begins the name of each series.
const prefix = "trailhouse_agent_"

// The types of series.
const (
	gauge   = "gauge"
	counter = "counter"
)

// exposition is the text of series.
type exposition struct{ strings.Builder }

// family begins the series of one name.
func (e *exposition) family(name, kind, help string) {
	fmt.Fprintf(e, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, name, help, prefix, name, kind)
}

// one writes a family of one series.
func (e *exposition) one(name, kind, help string, value int64) {
	e.family(name, kind, help)
	fmt.Fprintf(e, "%s%s %d\n", prefix, name, value)
}

// labelled writes one series with a label. Its value has backslash, quote and line feed
// escaped and nothing else, as the format asks.
func (e *exposition) labelled(name, label, text string, value int64) {
	text = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(text, "\uFFFD"))
	fmt.Fprintf(e, "%s%s{%s=\"%s\"} %d\n", prefix, name, label, text, value)
}
