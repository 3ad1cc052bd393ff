package sessions

import (
	"bytes"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// starts reports whether b begins with prefix.
func starts(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// starter is the logger name of a daemon that has no enclave yet.
const starter = "xxxxxxx"

// splitLogger returns what stands before and behind the colon of a logger id:
// nitro-cli:P gives no slot and cli, enc-<slot>:Q the slot. ok is false for ids
// that name no process.
func splitLogger(logger []byte) (slot []byte, pid int32, cli, ok bool) {
	colon := bytes.LastIndexByte(logger, ':')
	if colon < 0 {
		return nil, 0, false, false
	}
	if pid, ok = parsePID(logger[colon+1:]); !ok {
		return nil, 0, false, false
	}
	name := logger[:colon]
	if string(name) == "nitro-cli" {
		return nil, pid, true, true
	}
	if !starts(name, "enc-") {
		return nil, 0, false, false
	}
	slot = name[len("enc-"):]
	return slot, pid, false, string(slot) == starter || isSlot(slot)
}

// parsePID reads a process id. Linux has none above 4,194,304.
func parsePID(b []byte) (int32, bool) {
	if len(b) == 0 || len(b) > 9 {
		return 0, false
	}
	var n int32
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int32(c-'0')
	}
	return n, n > 0
}

// isSlot reports whether b can be an enclave's slot: hexadecimal digits, with some
// room above 16 of them, since examples with 18 are published.
func isSlot(b []byte) bool {
	if len(b) == 0 || len(b) > 64 {
		return false
	}
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// socketSlot returns the slot that a socket's path is named after, nil where it is
// named otherwise. The path stands bare (enclave_proc_comm.rs) or in quotes
// (lib.rs).
func socketSlot(path []byte) []byte {
	path = bytes.Trim(path, "\" \t\r")
	if slash := bytes.LastIndexByte(path, '/'); slash >= 0 {
		path = path[slash+1:]
	}
	slot, found := bytes.CutSuffix(path, []byte(".sock"))
	if !found || !isSlot(slot) {
		return nil
	}
	return slot
}

// The beginnings of messages that several loggers print.
const (
	msgConnected = "Connected to: "
	msgStale     = "Deleting stale socket: "
	msgReceived  = "Received command: "
	msgAttempt   = "Enclave process PID: "
	msgReady     = "Enclave ID = "
)

// cliKind classifies a line of nitro-cli. text is what the mark keeps.
func cliKind(level, message []byte) (kind Kind, text []byte) {
	if len(message) == 0 {
		return 0, nil
	}
	switch message[0] {
	case 'C':
		if starts(message, msgConnected) {
			return KindConnected, message[len(msgConnected):]
		}
	case 'S':
		if starts(message, "Start Nitro CLI") {
			return KindCLIStart, nil
		}
		if starts(message, "Sent command: ") {
			return KindSent, bytes.TrimSpace(message[len("Sent command: "):])
		}
	case 'D':
		if starts(message, msgStale) {
			return KindStale, message[len(msgStale):]
		}
	case '[':
		if isError(level, message) {
			return KindCLIError, message
		}
	}
	return 0, nil
}

// isError reports whether a record is one of nitro-cli's numbered errors.
func isError(level, message []byte) bool {
	return starts(message, "[ E") && string(level) == "ERROR"
}

// errorCode returns the E27 of "[ E27 ] …", empty where there is none.
func errorCode(text string) string {
	rest, _ := strings.CutPrefix(text, "[ ")
	code, _, found := strings.Cut(rest, " ]")
	if !found || len(code) > 8 {
		return ""
	}
	return code
}

// startKind classifies a line of a daemon that has no enclave yet. "Enclave
// terminated." here is the trap of facts/nitro.md 2.4: nothing ran.
func startKind(level, message []byte) (kind Kind, text []byte) {
	switch {
	case starts(message, msgReceived+"Run") && len(bytes.TrimSpace(message)) == len(msgReceived+"Run"):
		return KindRunReceived, nil
	case starts(message, "Run args = "):
		return KindRunArgs, message[len("Run args = "):]
	case starts(message, msgAttempt):
		return KindAttempt, nil
	case starts(message, "Allocating memory regions to hold "):
		return KindAllocating, nil
	case starts(message, "Allocated ") && bytes.Contains(message, []byte(" region(s): ")):
		return KindAllocated, message
	case starts(message, "Finished initializing memory"):
		return KindReserved, nil
	case starts(message, msgReady):
		return KindReady, bytes.TrimSpace(message[len(msgReady):])
	case isError(level, message):
		return KindStartError, message
	}
	return KindStartLine, nil
}

// aliveKind classifies a line of a daemon whose enclave runs.
func aliveKind(message []byte) (kind Kind, text []byte) {
	if len(message) == 0 {
		return KindLife, nil
	}
	switch message[0] {
	case 'R':
		return receivedKind(message)
	case 'E':
		switch {
		case starts(message, "Enclave has completed termination"):
			return KindCompleted, nil
		case starts(message, "Enclave terminated."):
			return KindTerminated, nil
		case starts(message, msgReady):
			return KindReady, bytes.TrimSpace(message[len(msgReady):])
		case starts(message, "Enclave process ") && bytes.Contains(message, []byte(" exited event loop")):
			return KindExited, nil
		}
	case 'T':
		if starts(message, "The enclave process socket has been deleted") {
			return KindSocketDeleted, nil
		}
	}
	return KindLife, nil
}

// receivedKind classifies the "Received …" lines of a running daemon.
func receivedKind(message []byte) (kind Kind, text []byte) {
	switch {
	case starts(message, msgReceived):
		switch string(bytes.TrimRight(message[len(msgReceived):], " \r")) {
		case "TerminateComplete":
			return KindTerminateComplete, nil
		case "ConnectionListenerStop":
			return KindListenerStop, nil
		}
	case starts(message, "Received hang-up event"):
		return KindHangUp, nil
	case starts(message, "Received signal "):
		name, _, _ := bytes.Cut(message[len("Received signal "):], []byte("."))
		return KindSignal, name
	}
	return KindLife, nil
}

// allocatorKind classifies a line of the allocator's journal (facts/nitro.md 2.5,
// 2.8). The unit's own lines come from systemd, the rest from the script.
func allocatorKind(message []byte) Kind {
	switch {
	case starts(message, "Starting Nitro Enclaves Resource Allocator"):
		return KindAllocatorStart
	case starts(message, "Successfully allocated Nitro Enclaves resources"):
		return KindPool
	case starts(message, "Error"), starts(message, "Failed to start Nitro Enclaves Resource Allocator"):
		return KindAllocatorFailed
	}
	return 0
}

// poolSize reads "…: 4096 MiB, 6 CPUs".
func poolSize(text string) (mib, cpus int64) {
	_, sizes, _ := strings.Cut(text, ": ")
	memory, cpu, _ := strings.Cut(sizes, ", ")
	mib, _ = leadingInt(memory)
	cpus, _ = leadingInt(cpu)
	return mib, cpus
}

// allocatedMiB sums the regions of "Allocated n region(s): c page(s) of s MB[, …]".
// It reports false where a part is not of that form.
func allocatedMiB(text string) (int64, bool) {
	_, list, _ := strings.Cut(text, " region(s): ")
	var sum int64
	for part := range strings.SplitSeq(strings.TrimSpace(list), ", ") {
		count, size, found := strings.Cut(part, " page(s) of ")
		pages, ok1 := leadingInt(count)
		mib, ok2 := leadingInt(size)
		if !found || !ok1 || !ok2 || !strings.HasSuffix(size, " MB") || pages > 1<<30 || mib > 1<<30 || sum > 1<<60 {
			return 0, false
		}
		sum += pages * mib
	}
	return sum, true
}

// leadingInt reads the digits that s begins with.
func leadingInt(s string) (int64, bool) {
	var n int64
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if n > 1<<58 {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, i > 0
}

// created returns the instant hidden in a slot above its last 16 bits, as Unix
// milliseconds in microseconds, for slots that look like the published ones: 15
// digits, or 16 with a leading zero, and an instant since Nitro Enclaves exist
// (facts/nitro.md 2.6).
func created(slot trailhouse.Slot) (int64, bool) {
	n, ok := slot.Uint64()
	if !ok || len(slot) < 15 || len(slot) > 16 {
		return 0, false
	}
	const from, to = 1577836800000, 4102444800000 // 2020-01-01, 2100-01-01
	ms := int64(n >> 16)
	return ms * 1000, ms >= from && ms < to
}
