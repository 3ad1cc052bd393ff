package demo

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// request is what run-enclave was asked for.
type request struct {
	eif     string
	name    string
	cid     int64 // -1 where none was asked for
	mib     int64
	cpus    []int64 // CPU ids, nil where a count was asked for
	count   int64
	debug   bool
	console bool
}

// vcpus is how many vCPUs the request takes.
func (r request) vcpus() int64 {
	if r.cpus != nil {
		return int64(len(r.cpus))
	}
	return r.count
}

// text returns the request as the version prints it: Rust's Debug form, never JSON
// (facts/nitro.md 2.3).
func (r request) text(v version) string {
	var b strings.Builder
	b.WriteString("Run args = RunEnclavesArgs { eif_path: " + rustString(r.eif))
	b.WriteString(", enclave_cid: " + rustOption(r.cid >= 0, strconv.FormatInt(r.cid, 10)))
	fmt.Fprintf(&b, ", memory_mib: %d", r.mib)
	b.WriteString(", cpu_ids: " + rustOption(r.cpus != nil, rustList(r.cpus)))
	if v.plainDebug {
		fmt.Fprintf(&b, ", debug_mode: %t", r.debug)
	} else {
		b.WriteString(", debug_mode: " + rustOption(r.debug, "true"))
	}
	if v.console {
		fmt.Fprintf(&b, ", attach_console: %t", r.console)
	}
	b.WriteString(", cpu_count: " + rustOption(r.cpus == nil, strconv.FormatInt(r.count, 10)))
	if v.named {
		b.WriteString(", enclave_name: " + rustOption(true, rustString(r.name)))
	}
	b.WriteString(" }")
	return b.String()
}

func rustOption(some bool, value string) string {
	if some {
		return "Some(" + value + ")"
	}
	return "None"
}

func rustList(values []int64) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strconv.FormatInt(v, 10)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// rustString writes a string as Rust's {:?} does.
func rustString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		case 0:
			b.WriteString(`\0`)
		default:
			if unicode.IsPrint(r) {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, `\u{%x}`, r)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}
