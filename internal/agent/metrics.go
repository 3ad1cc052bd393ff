package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
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

func (m *Metrics) ended(reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ends++
	m.reason = reason
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

// WriteTo writes the series as they are at an instant.
func (m *Metrics) write(w io.Writer, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	series := func(name, kind, help string, value any) {
		fmt.Fprintf(&b, "# HELP trailhouse_agent_%s %s\n# TYPE trailhouse_agent_%s %s\ntrailhouse_agent_%s %v\n", name, help, name, kind, name, value)
	}
	if !m.last.IsZero() {
		series("enclaves_running", "gauge", "Enclaves that nitro-cli describes as running.", m.running)
		series("vcpus", "gauge", "vCPUs of running enclaves.", m.vcpus)
		series("memory_mib", "gauge", "Memory of running enclaves in MiB.", m.memory)
		series("heartbeat_age_seconds", "gauge", "Time since nitro-cli last gave a complete list.", fmt.Sprintf("%.3f", max(0, now.Sub(m.last).Seconds())))
	}
	if m.pool.vcpus >= 0 {
		series("pool_vcpus", "gauge", "vCPUs reserved for enclaves.", m.pool.vcpus)
	}
	if m.pool.memoryMiB >= 0 {
		series("pool_memory_mib", "gauge", "Huge pages of the host in MiB, which are the memory reserved for enclaves.", m.pool.memoryMiB)
	}
	if m.pool.freeMiB >= 0 {
		series("pool_free_memory_mib", "gauge", "Huge pages in MiB that nobody uses.", m.pool.freeMiB)
	}
	series("ends_total", "counter", "Enclaves whose process was seen to go away.", m.ends)
	if m.reason != "" {
		series(`last_stop_reason`, "gauge", "How the last enclave ended, as a label.", 1)
		s := strings.TrimSuffix(b.String(), "trailhouse_agent_last_stop_reason 1\n")
		b.Reset()
		b.WriteString(s)
		fmt.Fprintf(&b, "trailhouse_agent_last_stop_reason{reason=%q} 1\n", m.reason)
	}
	series("log_records_total", "counter", "Records of the log of nitro-cli that were copied.", m.lines)
	series("lost_lines_total", "counter", "Lines that fell off a full spool or file.", m.lost.Load())
	b.WriteString("# HELP trailhouse_agent_errors_total What failed, by kind.\n# TYPE trailhouse_agent_errors_total counter\n")
	for _, kind := range slices.Sorted(maps.Keys(m.errors)) {
		fmt.Fprintf(&b, "trailhouse_agent_errors_total{kind=%q} %d\n", kind, m.errors[kind])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Serve gives the series at /metrics of an address of the loopback until close is called,
// and returns the address. Others are refused with CodeUsage: what runs on a host is
// nobody else's business.
func (m *Metrics) Serve(ctx context.Context, address string, clock trailhouse.Clock) (at string, stop func() error, err error) {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	if err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", nil, trailhouse.Errorf(trailhouse.CodeUsage, "%s is no address of the loopback", address).
			WithHint("give one such as 127.0.0.1:9477, or nothing for no metrics")
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", nil, trailhouse.Errorf(trailhouse.CodeUnavailable, "metrics cannot be served: %w", err).
			WithHint("give another address with --listen, or an empty one for no metrics")
	}
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/metrics" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			_ = m.write(w, clock.Now()) // who asked has gone
		}),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	return l.Addr().String(), func() error {
		err := server.Close()
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}, nil
}
