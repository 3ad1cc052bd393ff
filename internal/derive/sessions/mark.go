package sessions

import (
	"time"

	"github.com/trailhouse/trailhouse"
)

// Kind says what a mark means. Kinds are ordered as the lines of one start and end
// follow each other, so that lines of the same millisecond are read in that order.
type Kind uint8

// The kinds of marks.
const (
	// KindLog spans all lines of the day, those without meaning included.
	KindLog Kind = iota + 1
	// KindAllocatorStart is the resource allocator beginning to run.
	KindAllocatorStart
	// KindAllocatorFailed is a run of the allocator that changed nothing.
	KindAllocatorFailed
	// KindPool is a successful run of the allocator: the pool from then on.
	KindPool
	// KindBoot is a boot of the host, by the host agent.
	KindBoot
	// KindListing is a complete list of the enclaves of one scope, by the host agent.
	KindListing
	// KindListed is an enclave in such a list that runs.
	KindListed
	// KindProcessGone is the end of an enclave's process, by the host agent.
	KindProcessGone
	// KindCLIStart is "Start Nitro CLI".
	KindCLIStart
	// KindAttempt is "Enclave process PID: Q": a daemon was forked.
	KindAttempt
	// KindRunReceived is "Received command: Run" of a starting daemon.
	KindRunReceived
	// KindRunArgs is "Run args = …"; the detail is the text behind the sign.
	KindRunArgs
	// KindAllocating is "Allocating memory regions to hold …".
	KindAllocating
	// KindAllocated is "Allocated n region(s): …": what the hypervisor took.
	KindAllocated
	// KindReserved is "Finished initializing memory."
	KindReserved
	// KindReady is "Enclave ID = …": the enclave has booted.
	KindReady
	// KindStartError is the first line of an [ Exx ] record of a starting daemon.
	KindStartError
	// KindStartLine is any other line of a starting daemon.
	KindStartLine
	// KindConnected is "Connected to: …": the daemon behind a socket answered.
	KindConnected
	// KindStale is "Deleting stale socket: …": nothing answered behind it.
	KindStale
	// KindSent is "Sent command: …" of nitro-cli.
	KindSent
	// KindCLIError is the first line of an [ Exx ] record of nitro-cli.
	KindCLIError
	// KindLife is any line of a running daemon that is none of those below.
	KindLife
	// KindTerminateComplete is "Received command: TerminateComplete".
	KindTerminateComplete
	// KindHangUp is the warning that the enclave hung up.
	KindHangUp
	// KindSignal is the warning that the daemon got a signal.
	KindSignal
	// KindListenerStop is "Received command: ConnectionListenerStop".
	KindListenerStop
	// KindCompleted is "Enclave has completed termination."
	KindCompleted
	// KindTerminated is "Enclave terminated." of a running daemon.
	KindTerminated
	// KindSocketDeleted is the warning that the daemon's socket was deleted.
	KindSocketDeleted
	// KindExited is "Enclave process Q exited event loop." of a running daemon.
	KindExited
	lastKind = KindExited
)

// kindNames are the names of kinds in the table, by kind.
func kindNames() [lastKind + 1]string {
	return [...]string{
		KindLog: "log", KindAllocatorStart: "allocator_start", KindAllocatorFailed: "allocator_failed", KindPool: "pool",
		KindBoot: "boot", KindListing: "listing", KindListed: "listed", KindProcessGone: "process_gone",
		KindCLIStart: "cli_start", KindAttempt: "attempt", KindRunReceived: "run_received", KindRunArgs: "run_args",
		KindAllocating: "allocating", KindAllocated: "allocated", KindReserved: "reserved", KindReady: "ready",
		KindStartError: "start_error", KindStartLine: "start_line", KindConnected: "connected", KindStale: "stale_socket",
		KindSent: "sent", KindCLIError: "cli_error", KindLife: "life", KindTerminateComplete: "terminate_complete",
		KindHangUp: "hang_up", KindSignal: "signal", KindListenerStop: "listener_stop", KindCompleted: "completed_termination",
		KindTerminated: "enclave_terminated", KindSocketDeleted: "socket_deleted", KindExited: "exited",
	}
}

// String returns the kind's name in the table enclave_marks, empty for none.
func (k Kind) String() string {
	if k > lastKind {
		return ""
	}
	return kindNames()[k]
}

// parseKind returns the kind of a name, zero where there is none.
func parseKind(name []byte) Kind {
	for k, n := range kindNames() {
		if n == string(name) {
			return Kind(k)
		}
	}
	return 0
}

// starting reports whether the kind is a line of a daemon that has no enclave yet.
func (k Kind) starting() bool { return k >= KindAttempt && k <= KindStartLine }

// cli reports whether the kind is a line of a nitro-cli process.
func (k Kind) cli() bool {
	return k == KindCLIStart || k >= KindConnected && k <= KindCLIError
}

// alive reports whether the kind is a line of a daemon whose enclave runs, the
// lines of its end included.
func (k Kind) alive() bool { return k >= KindLife && k <= lastKind }

// watched reports whether the kind is something that the host agent saw again and again.
func (k Kind) watched() bool { return k >= KindBoot && k <= KindListed }

// allocator reports whether the kind is from the allocator's journal.
func (k Kind) allocator() bool { return k >= KindAllocatorStart && k <= KindPool }

// Line is the first line of one record of a nitro-cli log. The slices are views
// that the Folder copies from where it keeps them.
type Line struct {
	// Micros is the printed time in microseconds since 1970 UTC.
	Micros int64
	// Logger, Level and Message are the parts of the header (facts/nitro.md 2.1).
	Logger, Level, Message []byte
	// LineNo is the source line that printed it. It differs between versions, so
	// nothing is decided by it.
	LineNo int64
	// ID is the record's id in the table enclave_log.
	ID trailhouse.Key
}

// AllocatorLine is one line of the resource allocator's journal.
type AllocatorLine struct {
	// Micros is the printed time, whole seconds, in microseconds since 1970 UTC.
	Micros int64
	// Identifier is the syslog identifier: systemd or nitro-enclaves-allocator.
	Identifier, Message []byte
	// ID is the record's id in the table allocator_log.
	ID trailhouse.Key
}

// Mark is one fact of an instance's log that matters to its sessions, or a span of
// equal facts of one day.
type Mark struct {
	Instance trailhouse.InstanceID
	// Micros and Until are the first and last printed time, in microseconds since
	// 1970 UTC. They are equal but for KindLog, KindLife, KindStartLine and
	// what the host agent sees again and again.
	Micros, Until int64
	Kind          Kind
	// PID is the process that printed it, 0 where there is none.
	PID int64
	// Slot is the enclave slot it is about, as the log spells it, empty for none.
	Slot string
	// Detail is the part of the text that carries the meaning.
	Detail string
	// VCPUs is set for KindPool, MemoryMiB for KindPool and KindAllocated; 0 else.
	VCPUs, MemoryMiB int64
	// Lines is how many different lines of the log it stands for.
	Lines int64
	// Record is the id of the first record it stands for.
	Record trailhouse.Key
}

// day is one day in microseconds.
const day = int64(24 * time.Hour / time.Microsecond)

// second is one second in microseconds.
const second = int64(time.Second / time.Microsecond)

// dayOf returns the UTC midnight at or before t, all in microseconds.
func dayOf(t int64) int64 {
	d := t % day
	if d < 0 {
		d += day
	}
	return t - d
}
