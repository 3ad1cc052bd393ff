package enclavelog

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog/cloudwatch"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// kept are Positions in memory.
type kept map[string]string

func (k kept) Positions(context.Context, string, string) (map[string]string, error) {
	return maps.Clone(k), nil
}

func (k kept) SetPositions(_ context.Context, _, _ string, positions map[string]string) error {
	maps.Copy(k, positions)
	return nil
}

// cloud is a log group at a real server, behind a proxy, and what imports remember of it.
type cloud struct {
	t             *testing.T
	server, group string
	proxy         *testkit.Proxy
	positions     kept
	now           int64
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	server := testkit.Moto(t)
	return &cloud{
		t: t, server: server, group: testkit.LogGroup(t, server, "/aws/nitro/"), proxy: testkit.NewProxy(t, server),
		positions: kept{}, now: time.Now().UnixMilli(),
	}
}

// put adds lines to a stream, all of one instant, which is so long before now.
func (c *cloud) put(stream string, before time.Duration, lines ...string) {
	c.t.Helper()
	var out []testkit.LogLine
	for _, l := range lines {
		out = append(out, testkit.LogLine{Time: c.now - before.Milliseconds(), Text: l})
	}
	testkit.PutLogs(c.t, c.server, c.group, stream, out...)
}

// pass is what one import of all units gave.
type pass struct {
	memory
	units  []trailhouse.Unit
	misses []trailhouse.Coverage
	errs   []error
}

// source returns a source of the group, or of groups.
func (c *cloud) source(groups ...string) *Source {
	c.t.Helper()
	session, err := aws.Open(c.t.Context(), aws.Options{Endpoint: c.proxy.URL, Attempts: 3, MaxBackoff: time.Millisecond})
	if err != nil {
		c.t.Fatal(err)
	}
	if groups == nil {
		groups = []string{c.group}
	}
	return New(Options{CloudWatch: NewCloudWatch(cloudwatch.Options{
		Regions: []*aws.Logs{session.Logs("us-east-1")}, Groups: groups, Positions: c.positions, TempDir: c.t.TempDir(),
	})})
}

// run reads all units. between, where not nil, is called once they are listed. A run whose
// units all came settles.
func (c *cloud) run(s *Source, between func()) *pass {
	c.t.Helper()
	p := &pass{memory: *newMemory(s)}
	err := s.Units(c.t.Context(), func(u trailhouse.Unit) error {
		p.units = append(p.units, u)
		return nil
	}, func(m trailhouse.Coverage) error {
		if m.Result != trailhouse.CoverageRead { // could be listed
			p.misses = append(p.misses, m)
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if between != nil {
		between()
	}
	s.Planned(p.units)
	for _, u := range p.units {
		if err := s.Read(c.t.Context(), u, p); err != nil {
			p.errs = append(p.errs, err)
		}
	}
	if err := s.Settled(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// started is the first line of a record of a host, n of them different.
func started(n int) string {
	return fmt.Sprintf("[nitro-cli:%d][INFO][2026-11-03T08:00:00.000Z][src/main.rs:64] Start Nitro CLI", 1000+n)
}

// TestLateEventsAndClocks wants what comes late, or from a clock that is a day wrong, to be
// read by the next import, and what is far behind the look-back not to be read again.
func TestLateEventsAndClocks(t *testing.T) {
	c := newCloud(t)
	testkit.LogStream(t, c.server, c.group, host)
	c.put(host, 100*time.Hour, started(1))
	c.put(host, 2*time.Hour, started(2))
	if p := c.run(c.source(), nil); p.records != 2 || !strings.HasSuffix(p.units[0].Object, c.group+"/"+host) {
		t.Fatalf("%d records of %+v", p.records, p.units)
	}
	c.put(host, 28*time.Hour, started(3)) // 26 hours behind
	if p := c.run(c.source(), nil); p.records != 2 || len(p.rejected) != 0 {
		t.Errorf("a late event: %d records", p.records)
	}
	c.put(host, -90*time.Minute, started(4)) // a clock that runs ahead
	if p := c.run(c.source(), nil); p.records != 3 {
		t.Errorf("an event ahead: %d records", p.records)
	}
	c.put(host, 47*time.Hour, started(5)) // within the look-back of the service's clock
	p := c.run(c.source(), nil)
	if p.records != 4 || !strings.Contains(p.units[0].Object, "?from=20") {
		t.Errorf("once the clock is right: %d records of %s", p.records, p.units[0].Object)
	}
}

// TestPositionsStayWhereTheyAre wants a unit that failed, and a run that did not come to its
// end, to be read again from the same place.
func TestPositionsStayWhereTheyAre(t *testing.T) {
	c := newCloud(t)
	testkit.LogStream(t, c.server, c.group, host)
	c.put(host, 100*time.Hour, started(1))
	c.put(host, time.Hour, started(2))
	c.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if testkit.IsLogs(r, "FilterLogEvents") {
			return testkit.LogsError(400, "ThrottlingException", "Rate exceeded")
		}
		return nil
	})
	if p := c.run(c.source(), nil); len(p.errs) != 1 || code(p.errs[0]) != "unavailable" || len(c.positions) != 0 {
		t.Errorf("throttled for ever: %v, positions %v", p.errs, c.positions)
	}
	c.proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	if p := c.run(c.source(), nil); p.records != 2 || len(c.positions) != 1 {
		t.Errorf("%d records, positions %v", p.records, c.positions)
	}
}

// TestRememberedHost wants a stream whose name is no instance to belong to the one that its
// enclave ids named once, and the rest of a record whose beginning was read before to be no
// damage.
func TestRememberedHost(t *testing.T) {
	c := newCloud(t)
	testkit.LogStream(t, c.server, c.group, "enclave-host-7")
	c.put("enclave-host-7", 100*time.Hour, "[enc-xxxxxxx:4105][INFO][2026-11-03T08:00:05.120Z][src/enclave_proc/mod.rs:281] Enclave ID = "+host+"-enc19a48bae81e5f1c")
	c.put("enclave-host-7", time.Hour, started(1))
	if p := c.run(c.source(), nil); p.records != 2 {
		t.Fatalf("%d records %v", p.records, p.errs)
	}
	c.put("enclave-host-7", 48*time.Hour, "the rest of a record", started(2))
	p := c.run(c.source(), nil)
	if p.records != 2 || p.filtered != 1 || len(p.rejected) != 0 || p.text("instance_id", 1) != host {
		t.Errorf("%d records, %d filtered, rejected %v, %v", p.records, p.filtered, p.rejected, p.errs)
	}
}

// TestVanishedStreams wants a stream that goes between listing and reading to be missing,
// and one that went since the last import to be told once, also where its group went.
func TestVanishedStreams(t *testing.T) {
	c := newCloud(t)
	other := testkit.LogGroup(t, c.server, c.group+"/other-")
	for _, stream := range []string{host, "i-0ffffffffffffffff"} {
		testkit.LogStream(t, c.server, c.group, stream)
		c.put(stream, time.Hour, started(1))
	}
	testkit.LogStream(t, c.server, other, "i-0eeeeeeeeeeeeeeee")
	testkit.PutLogs(t, c.server, other, "i-0eeeeeeeeeeeeeeee", testkit.LogLine{Time: c.now - 1000, Text: started(1)})
	pattern := c.group + "*"
	if p := c.run(c.source(pattern), nil); p.records != 3 || len(p.misses) != 0 {
		t.Fatalf("%d records, %v, %v", p.records, p.misses, p.errs)
	}
	testkit.LogsCall(t, c.server, "DeleteLogGroup", map[string]any{"logGroupName": other})
	testkit.LogsCall(t, c.server, "DeleteLogStream", map[string]any{"logGroupName": c.group, "logStreamName": "i-0ffffffffffffffff"})
	p := c.run(c.source(pattern), nil)
	if p.records != 1 || len(p.misses) != 2 {
		t.Fatalf("%d records, %+v", p.records, p.misses)
	}
	for _, m := range p.misses {
		if m.Result != trailhouse.CoverageMissing || !strings.HasPrefix(m.Scope, "i-0") || m.From.IsZero() || !strings.Contains(m.Object, "?from=") {
			t.Errorf("%+v", m)
		}
	}
	if p := c.run(c.source(pattern), nil); len(p.misses) != 0 {
		t.Errorf("told again: %+v", p.misses)
	}
	p = c.run(c.source(), func() {
		testkit.LogsCall(t, c.server, "DeleteLogGroup", map[string]any{"logGroupName": c.group})
	})
	if len(p.errs) != 1 || code(p.errs[0]) != "not_found" {
		t.Errorf("gone between: %v", p.errs)
	}
	if p := c.run(c.source(), nil); len(p.misses) != 1 || !strings.Contains(p.misses[0].Detail, "there is no log group") {
		t.Errorf("no group: %+v", p.misses)
	}
}

// TestOtherStreamsAndSilentOnes wants a stream that is no log to be ignored, and one that is
// silent for longer than the look-back to be the same unit as before.
func TestOtherStreamsAndSilentOnes(t *testing.T) {
	c := newCloud(t)
	for _, stream := range []string{"web", host, "i-0ffffffffffffffff", "empty"} {
		testkit.LogStream(t, c.server, c.group, stream)
	}
	c.put("web", time.Hour, "GET / 200")
	c.put(host, time.Hour, started(1))
	p := c.run(c.source(), nil)
	ignored := 0
	for _, cover := range p.covered {
		if cover.Result == trailhouse.CoverageIgnored {
			ignored++
		}
	}
	if p.records != 1 || ignored != 1 || len(p.rejected) != 0 || len(p.errs) != 0 {
		t.Errorf("%d records, %d ignored, %v, %v", p.records, ignored, p.rejected, p.errs)
	}
	again := c.run(c.source(), nil)
	for i, u := range again.units {
		if strings.Contains(u.Object, "empty") && u.ID != p.units[i].ID {
			t.Errorf("%s has another id", u.Object)
		}
	}
}

// TestLargeWindow wants a window that goes through a file to give what one in memory gives.
func TestLargeWindow(t *testing.T) {
	c := newCloud(t)
	testkit.LogStream(t, c.server, c.group, host)
	long := strings.Repeat("x", 200_000)
	for i := range 100 {
		c.put(host, time.Duration(200-i)*time.Second, started(i), "    "+long)
	}
	p := c.run(c.source(), nil)
	if p.records != 100 || len(p.rejected) != 0 || len(p.errs) != 0 {
		t.Fatalf("%d records, %d rejected, %v", p.records, len(p.rejected), p.errs)
	}
	for i := range 100 {
		if len(p.text("continuation", i)) != len(long)+4 {
			t.Fatalf("record %d has a continuation of %d bytes", i, len(p.text("continuation", i)))
		}
	}
}
