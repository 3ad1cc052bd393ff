package agent

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// stillListed is how often nitro-cli may list an enclave on whose process went away before
// the process is taken for another one's. It is asked again after askAgain.
const (
	stillListed = 3
	askAgain    = time.Second
)

// stuckAfter is how long beyond its time nitro-cli may take to end when it is killed.
const stuckAfter = 5 * time.Second

// askBehindSocket is when nitro-cli is asked behind a socket that came or went, unless the
// log or a process tells before: an enclave that boots may not answer yet.
const askBehindSocket = 5 * time.Second

// socketsChanged reports whether enclaves came or went by the names of their sockets: the
// log is silent about both where RUST_LOG says so (facts/nitro.md 2.1, 2.2).
func (a *Agent) socketsChanged() bool {
	var names strings.Builder
	entries, _ := os.ReadDir(a.options.Host.Sockets) // in order; what is not there has no sockets
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".sock") {
			names.WriteString(e.Name() + "/")
		}
	}
	was := a.sockets
	a.sockets = names.String()
	return was != a.sockets
}

// due reports whether nitro-cli is to be asked again, and tells ends without it where it
// hangs for good.
func (a *Agent) due() bool {
	now := a.options.Clock.Now()
	if a.asking && !a.stuck && now.Sub(a.asked) > a.options.Timeout+stuckAfter {
		a.stuck = true
		a.metrics.errorOf("nitro_cli")
		a.failed(fmt.Sprintf("%s describe-enclaves was killed and does not end: it is not asked until it does", a.options.NitroCLI))
	}
	if a.stuck && len(a.gone) > 0 {
		a.tellGone(answer{err: fmt.Errorf("no answer")})
	}
	return !a.asking && !a.askAt.IsZero() && !now.Before(a.askAt)
}

// tellGone tells the ends of processes, once nitro-cli has answered a question that is
// not older. Where it goes on to list the enclave as running in that process, the process
// was another one's, as of another namespace of pids.
func (a *Agent) tellGone(got answer) {
	var later []gone
	for _, g := range a.gone {
		switch {
		case got.err == nil && a.asked.Before(g.at):
			a.again = true
			later = append(later, g)
			continue
		case got.err == nil && got.running(g.enclave):
			g.listed++
			if g.listed < stillListed || a.asked.Sub(g.at) < a.options.Heartbeat {
				a.askAt = a.options.Clock.Now().Add(min(askAgain<<min(g.listed, 10), a.options.Heartbeat))
				later = append(later, g)
				continue
			}
			a.failed(fmt.Sprintf("process %d went away and nitro-cli still lists %s as running: it is not the process that is seen from here", g.enclave.PID, g.enclave.EnclaveID))
			continue
		case got.err != nil && g.listed > 0:
			later = append(later, g) // it was listed behind its end, and only a list tells more
			continue
		}
		a.tellEnd(g)
	}
	a.gone = later
}

// doubt takes away the proof of life of enclaves whose process went away before.
func (a *Agent) doubt(list []trailhouse.AgentEnclave) {
	for i := range list {
		e := &list[i]
		if slices.ContainsFunc(a.gone, func(g gone) bool {
			return g.listed > 0 && g.enclave.EnclaveID == e.EnclaveID && g.enclave.PID == e.PID
		}) {
			e.State = trailhouse.AgentGone
		}
	}
}

// tellEnd tells the end of one process.
func (a *Agent) tellEnd(g gone) {
	reason := endedUnseen
	if id, ok := trailhouse.ParseEnclaveID(g.enclave.EnclaveID); ok {
		if told, ok := a.ends[id.Slot.Key()]; ok {
			reason = told
			delete(a.ends, id.Slot.Key())
		}
	}
	a.metrics.ended(reason, g.at)
	a.own(trailhouse.AgentLine{
		Event: trailhouse.AgentEnded, Time: g.at, Enclave: &g.enclave, Exact: g.exact, AliveAt: g.aliveAt,
		Text: fmt.Sprintf("process %d went away: %s", g.enclave.PID, reason),
	})
}

// endedUnseen is how an enclave ended of which the log has no line: it was killed, or it
// logs elsewhere (facts/nitro.md 2.4).
const endedUnseen = "ended"

// maxEnds bounds how many ends by the log are remembered: those of enclaves that were not
// watched are never told.
const maxEnds = 64

// read takes from a record how an enclave ends, and reports whether it tells that one
// started. Words as those of the column reason of enclave_sessions.
func (a *Agent) read(record []byte) (started bool) {
	logger, rest, ok := bytes.Cut(record, []byte("]["))
	slot, _, isDaemon := bytes.Cut(bytes.TrimPrefix(logger, []byte("[enc-")), []byte(":"))
	_, message, whole := bytes.Cut(rest, []byte("] "))
	if !ok || !isDaemon || !whole || !bytes.HasPrefix(logger, []byte("[enc-")) {
		return false
	}
	if bytes.HasPrefix(message, []byte("Enclave ID = ")) {
		return true
	}
	reason := endWords(message)
	key := trailhouse.Slot(slot).Key()
	if _, told := a.ends[key]; reason == "" || told { // the first line tells why
		return false
	}
	if len(a.ends) == maxEnds {
		clear(a.ends)
	}
	a.ends[key] = reason
	return false
}

// endWords returns why an enclave ends of which that is the first line of the end, empty
// for another line (facts/nitro.md 2.4).
func endWords(message []byte) string {
	for _, w := range [...]struct{ begin, reason string }{
		{"Received command: TerminateComplete", "terminated"},
		{"Enclave has completed termination", "terminated"},
		{"Received hang-up event", "crashed"},
		{"Received signal", "signal"},
		{"Received command: ConnectionListenerStop", "signal"},
		{"The enclave process socket has been deleted", "socket-deleted"},
		{"Enclave terminated", "crashed"},
	} {
		if bytes.HasPrefix(message, []byte(w.begin)) {
			return w.reason
		}
	}
	return ""
}
