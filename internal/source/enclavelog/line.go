package enclavelog

import (
	"bytes"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// sort says what a physical line is. A new form of line, wherever it comes from, is a sort
// here, a case in sortOf, what survey.piece must know of it, and a case in joiner.begin.
type sort uint8

const (
	sortOther  sort = iota // continues what stands before it
	sortBlank              // nothing but space
	sortRecord             // begins a record of a nitro-cli log
	sortBroken             // would begin one, but its header is damaged
	sortEntry              // a line of the journal
	sortMarker             // a line of journalctl itself
)

// line is a physical line once its sort is known.
type line struct {
	sort sort
	// body is the line without the time that an export task puts before it, where
	// the line is of a sort that shows that the time is one.
	body []byte
	// prefixed says that a time stood before it, at is that time in microseconds.
	prefixed bool
	at       int64
	// rest is what stands behind a time, where the sort does not show whether the
	// time is part of the line.
	rest   []byte
	record Record
	entry  entry
}

// read sorts a line without its line end.
func (l *line) read(text []byte) {
	l.prefixed = false
	l.sort, l.body = l.sortOf(text), text
	if l.sort != sortOther || !isDigit(text[0]) {
		return
	}
	stamp, rest, _ := bytes.Cut(text, []byte(" "))
	at, ok := parseInstant(stamp)
	if !ok {
		return
	}
	l.prefixed, l.at, l.rest = true, at, rest
	if s := l.sortOf(rest); s != sortOther && s != sortBlank {
		l.sort, l.body = s, rest
	}
}

// sortOf sorts a line that has no time before it.
func (l *line) sortOf(text []byte) sort {
	var ok bool
	switch {
	case len(text) == 0:
		return sortBlank
	case text[0] == '[':
		if l.record, ok = ParseRecord(text); ok && bytes.IndexByte(l.record.Logger, '[') < 0 {
			return sortRecord
		}
		if ok || isHeaderLike(text) {
			return sortBroken
		}
	case bytes.HasPrefix(text, []byte(trailhouse.AgentPrefix)):
		if l.record, ok = agentRecord(text); ok {
			return sortRecord
		}
		return sortBroken
	case text[0] >= 'A' && text[0] <= 'Z':
		if l.entry, ok = parseEntry(text); ok {
			return sortEntry
		}
	case text[0] == '-' && isMarker(text):
		return sortMarker
	case len(bytes.TrimSpace(text)) == 0:
		return sortBlank
	}
	return sortOther
}

// recordIn returns where a good record begins in a line whose own header is broken: a
// full disk cuts a record, and the next one is written behind it. It looks at a few
// places only, so that a line made of brackets costs no more than another.
func recordIn(text []byte) (int, bool) {
	at := 1
	for range 16 {
		next := bytes.IndexByte(text[min(at, len(text)):], '[')
		if next < 0 {
			return 0, false
		}
		at += next
		if r, ok := ParseRecord(text[at:]); ok && bytes.IndexByte(r.Logger, '[') < 0 && isHeaderLike(text[at:]) {
			return at, true
		}
		at++
	}
	return 0, false
}

// isHeaderLike reports whether a line begins as only headers do.
func isHeaderLike(text []byte) bool {
	for _, start := range []string{"[nitro-cli:", "[enc-", "[][", trailhouse.AgentPrefix} {
		if len(text) >= len(start) && string(text[:len(start)]) == start {
			return true
		}
	}
	return false
}

// isWhole reports whether a message is complete for sure although no line end
// follows it: its text is known, and no other message begins with it (facts/nitro.md
// 2.3, 2.4). A number or a name at the end may always go on.
func isWhole(message string) bool {
	switch message {
	case "Start Nitro CLI", "Finished initializing memory.", "Enclave has completed termination.",
		"Enclave terminated.", "The connection listener has been stopped.", "The enclave process socket has been deleted!",
		"Received hang-up event from the enclave. Enclave process will shut down.", "Done.",
		"Configuring the enclave CPU pool...", "Configuring the huge page memory...":
		return true
	}
	for _, ends := range [][2]string{
		{"Enclave process ", " exited event loop."},
		{"Received signal ", ". The enclave process will now close."},
		{"Allocating memory regions to hold ", " bytes."},
		{"Connected to: ", ".sock"},
		{"Successfully allocated Nitro Enclaves resources: ", " CPUs"},
	} {
		if strings.HasPrefix(message, ends[0]) && strings.HasSuffix(message, ends[1]) {
			return true
		}
	}
	args, ok := strings.CutPrefix(message, "Run args = ")
	return ok && isClosed(args) || strings.HasPrefix(message, trailhouse.AgentPrefix)
}

// isClosed reports whether Rust Debug text ends with the brace that closes its first
// one. Braces inside strings do not count (facts/nitro.md 2.3).
func isClosed(text string) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[' || c == '(':
			depth++
		case c == '}' || c == ']' || c == ')':
			if depth--; depth <= 0 {
				return depth == 0 && c == '}' && i == len(text)-1
			}
		}
	}
	return false
}
