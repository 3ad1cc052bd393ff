package trailhouse

import (
	"encoding/json"
	"strings"
	"time"
)

// AgentPrefix is how each line of the host agent begins.
const AgentPrefix = `{"trailhouse_agent":1,`

// AgentLogPrefix is how each line of the host agent begins that carries lines of the
// log of nitro-cli.
const AgentLogPrefix = AgentPrefix + `"event":"` + AgentLog + `"`

// AgentLogger is what stands before the pid in the logger id that the agent's own lines
// have in the table enclave_log.
const AgentLogger = "trailhouse-agent:"

// The events of AgentLine.
const (
	AgentLog       = "log"       // lines of the log of nitro-cli
	AgentStarted   = "start"     // the agent began to watch
	AgentHeartbeat = "heartbeat" // nitro-cli described the enclaves
	AgentEnded     = "ended"     // the process of an enclave went away
	AgentFailed    = "failed"    // something could not be done
	AgentStopped   = "stopped"   // the agent was asked to end
)

// AgentLine is one line of the host agent, as a JSON object. Trailhouse is the sender and
// the receiver of it, and years may lie between the two: fields are added, never changed.
type AgentLine struct {
	// Format is 1.
	Format int `json:"trailhouse_agent"`
	// Event is one of those above.
	Event string `json:"event"`
	// Time is when it was, in UTC, whole milliseconds.
	Time time.Time `json:"time"`
	// PID is the agent's process and Seq the number of the line since it began, so that no
	// two lines are equal.
	PID int64 `json:"pid"`
	Seq int64 `json:"seq"`
	// Instance is the host, BootID its boot and Booted when that was.
	Instance InstanceID `json:"instance_id"`
	BootID   string     `json:"boot_id,omitempty"`
	Booted   time.Time  `json:"booted,omitzero"`
	// Scope names the place in which nitro-cli looks for enclaves. Within a container it
	// finds only those of the container (facts/nitro.md 2.2), so that an enclave is missing
	// only from a list of the scope that it was in.
	Scope string `json:"scope,omitempty"`

	// Line is text of the log: the lines of one record, without the last line end. Raw
	// stands for it where the text is not UTF-8.
	Line string `json:"line,omitempty"`
	Raw  []byte `json:"raw,omitempty"`
	// File and Offset are where the line begins; Ordinal counts the equal first lines
	// before it, from 0.
	File    string `json:"file,omitempty"`
	Offset  int64  `json:"offset,omitempty"`
	Ordinal int64  `json:"ordinal,omitempty"`
	// Open says that the file ended without a line end, Cut that the line is longer than
	// what is given of it.
	Open bool `json:"open,omitempty"`
	Cut  bool `json:"cut,omitempty"`

	// Enclaves are those that nitro-cli described; Complete says that there were no others.
	Enclaves []AgentEnclave `json:"enclaves,omitempty"`
	Complete bool           `json:"complete,omitempty"`
	// Enclave is the one that ended, AliveAt when its process was last seen, and Exact
	// that the kernel told of its end at once.
	Enclave *AgentEnclave `json:"enclave,omitempty"`
	AliveAt time.Time     `json:"alive_at,omitzero"`
	Exact   bool          `json:"exact,omitempty"`
	// Text says in words what was done, what failed or how it ended.
	Text string `json:"text,omitempty"`
	// Lost is how many lines the agent could not write since it began.
	Lost int64 `json:"lost,omitempty"`
}

// AgentEnclave is an enclave as nitro-cli describes it (facts/nitro.md 2.7).
type AgentEnclave struct {
	EnclaveID string  `json:"enclave_id"`
	Name      string  `json:"name,omitempty"`
	PID       int64   `json:"pid,omitempty"`
	CID       int64   `json:"cid,omitempty"`
	VCPUs     int64   `json:"vcpus,omitempty"`
	CPUIDs    []int64 `json:"cpu_ids,omitempty"`
	MemoryMiB int64   `json:"memory_mib,omitempty"`
	// State is RUNNING, TERMINATING or EMPTY as nitro-cli says, or AgentGone. Debug is
	// whether its flags say so.
	State string `json:"state,omitempty"`
	Debug bool   `json:"debug,omitempty"`
	// Measurements of the image as lower-case hex. In debug mode an attestation says
	// zeros instead (facts/nitro.md 2.7).
	PCR0 string `json:"pcr0,omitempty"`
	PCR1 string `json:"pcr1,omitempty"`
	PCR2 string `json:"pcr2,omitempty"`
	PCR8 string `json:"pcr8,omitempty"`
}

// AgentRunning is the state of an enclave that lives.
const AgentRunning = "RUNNING"

// AgentGone is the state of an enclave that nitro-cli describes as running though its
// process was seen to go away before: it proves neither.
const AgentGone = "PROCESS_GONE"

// ParseAgentLine reads a line of the host agent without its line end. It reports false
// for one that is cut, has no event, time or instance, or is of another format.
func ParseAgentLine(text []byte) (AgentLine, bool) {
	var l AgentLine
	if !strings.HasPrefix(string(text[:min(len(text), len(AgentPrefix))]), AgentPrefix) || json.Unmarshal(text, &l) != nil {
		return l, false
	}
	l.Time, l.Booted, l.AliveAt = l.Time.UTC(), l.Booted.UTC(), l.AliveAt.UTC()
	return l, l.Event != "" && !l.Time.IsZero() && l.Instance != "" && l.PID >= 0
}

// Logged returns the text of the log that the line carries.
func (l *AgentLine) Logged() []byte {
	if l.Raw != nil {
		return l.Raw
	}
	return []byte(l.Line)
}
