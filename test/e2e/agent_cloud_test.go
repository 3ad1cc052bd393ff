package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse/internal/testkit"
	"github.com/trailhouse/trailhouse/packaging"
)

// answerLost lets the server do as it is asked and cuts the connection before it says so.
func answerLost(w http.ResponseWriter, r *http.Request, next http.Handler) {
	testkit.Record(next, r)
	testkit.Reset()(w, r, next)
}

// TestAgentToCloudWatch is the way of an unattended host: the agent writes to CloudWatch
// Logs, which throttles, does what it is asked and loses the answer, and is away for a
// while, in which the log is rotated, the agent killed and started again, and an enclave
// killed. Each line comes once, the killed one ended when it did, the others are proven to
// the last heartbeat.
func TestAgentToCloudWatch(t *testing.T) {
	server := testkit.Moto(t)
	proxy := testkit.NewProxy(t, server)
	group := testkit.LogGroup(t, server, "/trailhouse/agent")
	n, h := newFakeNitro(t), newHouse(t)
	flags := []string{"--log-group", group, "--region", "us-east-1", "--endpoint", proxy.URL}
	lines := 0
	var first *fakeEnclave
	put := func(count int) {
		for range count {
			n.put(fmt.Sprintf("enc-19a48bae81e5f1c:%d", first.cmd.Process.Pid), fmt.Sprintf("Received command: Describe %d", lines))
			lines++
		}
	}
	imported := func(what string, is func() bool) {
		t.Helper()
		waitFor(t, 2*time.Minute, what, func() bool { // the agent rests for up to a minute behind failures
			h.must(0, "import", "enclave-log", "--log-group", group, "--region", "us-east-1", "--endpoint", server)
			return is()
		})
	}
	const carried = "SELECT count(*) FROM enclave_log WHERE logger NOT LIKE 'trailhouse-agent%' AND message LIKE 'Received command: Describe %'"

	proxy.Fail(func(i int, r *http.Request) testkit.Fault {
		switch {
		case !testkit.IsLogs(r, "PutLogEvents"):
			return nil
		case i%5 == 1:
			return testkit.LogsError(400, "ThrottlingException", "Rate exceeded")
		case i%5 == 3:
			return answerLost
		}
		return nil
	})
	a := n.agent(h, flags...)
	first = n.start("19a48bae81e5f1c", "acme-tokenizer", true)
	n.start("19a48bae81e6a2d", "globex-signer", true)
	put(120)
	imported("the first lines and both enclaves", func() bool {
		return h.count(carried) == int64(lines) && h.count("SELECT count(*) FROM enclave_sessions WHERE reason = 'running' AND pcr0 IS NOT NULL") == 2
	})

	proxy.Fail(func(int, *http.Request) testkit.Fault { return testkit.Reset() })
	put(50)
	if err := os.Rename(n.log, n.log+".1"); err != nil {
		t.Fatal(err)
	}
	put(50)
	wait(t, "words about the outage", func() bool { return strings.Contains(a.said(), "wait in the spool") })
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-a.done
	put(20)
	a = n.agent(h, flags...)
	wait(t, "words about the outage again", func() bool { return strings.Contains(a.said(), "wait in the spool") })
	killed := n.kill(first)
	wait(t, "the end", func() bool { return strings.Contains(a.metrics(), "trailhouse_agent_ends_total 1\n") })
	if got := h.count(carried); got != 120 {
		t.Errorf("%d lines came through an outage", got)
	}

	proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	imported("all lines and the end", func() bool {
		return h.count(carried) == int64(lines) && h.count("SELECT count(*) FROM enclave_sessions WHERE reason = 'ended'") == 1
	})
	a.stop()
	imported("the rest", func() bool { return true })
	rows := h.rows(`SELECT name, reason, stop, stop_not_before, stop_not_after,
		(SELECT max(time) FROM enclave_log WHERE message LIKE '%"event":"heartbeat"%') AS beat FROM enclave_sessions ORDER BY slot`)
	if len(rows) != 2 || rows[0]["reason"] != "ended" || rows[1]["reason"] != "running" || rows[1]["stop_not_before"] != rows[1]["beat"] {
		t.Fatalf("%v", rows)
	}
	if end, err := time.Parse(time.RFC3339Nano, rows[0]["stop"].(string)); err != nil || end.Sub(killed).Abs() > time.Second {
		t.Errorf("killed at %v: %v, %v", killed, rows[0], err)
	}
	if n := h.count("SELECT count(*) FROM (SELECT message FROM enclave_log GROUP BY message, logger, time HAVING count(*) > 1)"); n != 0 {
		t.Errorf("%d lines are there twice", n)
	}
	all := h.count("SELECT count(*) FROM enclave_log")
	h.must(0, "import", "enclave-log", "--instance", agentHost, n.log, n.log+".1")
	if now := h.count("SELECT count(*) FROM enclave_log"); now != all || h.count("SELECT count(*) FROM quarantine") != 0 {
		t.Errorf("%d records with the log itself, %d without", now, all)
	}
}

// TestAgentAsksTheMachine lets a host that is told nothing find its instance and the region
// of its log group in the metadata, and wants words where there is none.
func TestAgentAsksTheMachine(t *testing.T) {
	server := testkit.Moto(t)
	if tag, _ := os.ReadFile("/sys/devices/virtual/dmi/id/board_asset_tag"); strings.HasPrefix(string(tag), "i-") {
		t.Skip("this machine knows its instance id")
	}
	group := testkit.LogGroup(t, server, "/trailhouse/agent")
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		fmt.Fprint(w, "a token")
	})
	mux.HandleFunc("GET /latest/dynamic/instance-identity/document", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"accountId":"111122223333","region":"us-east-1","instanceId":"`+agentHost+`"}`)
	})
	machine := httptest.NewServer(mux)
	t.Cleanup(machine.Close)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.URL)
	t.Setenv("AWS_REGION", "")
	n, h := newFakeNitro(t), newHouse(t)
	run := func(more ...string) []string {
		return append([]string{"agent", "--dir", filepath.Join(n.dir, "agent"), "--log", n.log, "--nitro-cli", n.program, "--sockets", n.dir,
			"--heartbeat", "1s", "--listen", ""}, more...)
	}
	for what, args := range map[string][]string{
		"--instance": run(),
		"--region":   run("--instance", agentHost, "--log-group", group, "--endpoint", server),
	} {
		if o := h.must(2, args...); !strings.Contains(o.err, "IMDSv2") || !strings.Contains(o.err, "name it with "+what) {
			t.Errorf("%s", o.err)
		}
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	n.start("19a48bae81e5f1c", "acme-tokenizer", true)
	a := n.agentWith(h, run("--log-group", group, "--endpoint", server))
	wait(t, "the account", func() bool { return strings.Contains(a.said(), "account=111122223333") })
	wait(t, "a session", func() bool {
		h.try("import", "enclave-log", "--log-group", group, "--region", "us-east-1", "--endpoint", server)
		return h.count("SELECT count(*) FROM enclave_sessions WHERE instance_id = '"+agentHost+"'") == 1
	})
	a.stop()
}

// TestAgentRefuses wants what cannot work to be said at once.
func TestAgentRefuses(t *testing.T) {
	n, h := newFakeNitro(t), newHouse(t)
	dir := filepath.Join(n.dir, "agent")
	n.agent(h)
	wait(t, "a heartbeat", func() bool { return len(n.lines()["heartbeat"]) > 0 })
	if o := h.must(4, "agent", "--dir", dir, "--instance", agentHost, "--listen", ""); !strings.Contains(o.err, "another agent") {
		t.Errorf("%s", o.err)
	}
	if o := h.must(2, "agent", "--dir", t.TempDir(), "--instance", agentHost, "--log-group", "a group"); !strings.Contains(o.err, "log group") {
		t.Errorf("%s", o.err)
	}
	for _, bad := range []string{"bogus host", "i-0000000000000000", "i-0A1B2C3D4E5F60718", "m-0a1b2c3d4e5f60718"} {
		if o := h.must(2, "agent", "--dir", t.TempDir(), "--instance", bad, "--listen", ""); !strings.Contains(o.err, "no instance id") {
			t.Errorf("%s: %s", bad, o.err)
		}
	}
}

// TestAgentUnit starts the agent as the unit of systemd does, which gives a service of root
// no HOME.
func TestAgentUnit(t *testing.T) {
	n, h := newFakeNitro(t), newHouse(t)
	_, start, _ := strings.Cut(packaging.AgentService, "\nExecStart=/usr/local/bin/trailhouse ")
	start, _, _ = strings.Cut(start, "\n")
	dir := filepath.Join(n.dir, "agent")
	var args []string
	for _, word := range strings.Fields(start) {
		switch word {
		case "$AGENT_FLAGS":
			args = append(args, "--instance", agentHost, "--nitro-cli", n.program, "--heartbeat", "1s", "--listen", "")
		case "/var/lib/trailhouse-agent":
			args = append(args, dir)
		default:
			args = append(args, word)
		}
	}
	if len(args) < 10 || args[0] != "--no-progress" {
		t.Fatalf("the unit starts %q", start)
	}
	if err := os.Mkdir(dir, 0o700); err != nil { // StateDirectory=
		t.Fatal(err)
	}
	a := n.begin(h, func(cmd *exec.Cmd) {
		cmd.Args, cmd.Env, cmd.Dir = append(cmd.Args[:1], args...), []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "NITRO_CLI_LOGS_PATH=" + filepath.Dir(n.log), "NITRO_CLI_SOCKETS_PATH=" + n.dir,
		}, "/"
	})
	wait(t, "a heartbeat", func() bool { return len(n.lines()["heartbeat"]) > 0 })
	n.put("nitro-cli:9", "Start Nitro CLI")
	wait(t, "a line of the log where nitro-cli was told to write it", func() bool { return len(n.lines()["log"]) == 1 && n.lines()["log"][0]["scope"] != nil })
	a.stop()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "agent.") && e.Name() != "position.json" {
			t.Errorf("the agent made %s", e.Name())
		}
	}
}
