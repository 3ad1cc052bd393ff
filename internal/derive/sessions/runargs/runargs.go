// Package runargs reads what nitro-cli prints of the arguments of run-enclave: Debug text
// of Rust.
package runargs

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Request is what run-enclave was asked for, as far as the log shows it. Nil is
// unknown or, for CPUIDs and CIDRequested, not asked for.
type Request struct {
	Name               *string
	EIFPath            *string
	VCPUs              *int64
	CPUIDs             []int64
	MemoryRequestedMiB *int64
	// MemoryMiB is what the hypervisor took, nil where nothing was allocated.
	MemoryMiB     *int64
	Debug         *bool
	AttachConsole *bool
	CIDRequested  *int64
}

// errRunArgs says that a text is not Rust's Debug form of a struct.
var errRunArgs = errors.New("not the Debug text of RunEnclavesArgs")

// Parse reads the Debug text of RunEnclavesArgs as every nitro-cli since
// 1.0.10 prints it (facts/nitro.md 2.3). Fields may come in any order, unknown
// ones are passed over. named says that the text has a field enclave_name at all,
// which is so since 1.1.0.
func Parse(text string) (r Request, named bool, err error) {
	p := debugParser{text: text}
	root, ok := p.value(0)
	if !ok || strings.TrimSpace(p.text[p.at:]) != "" || root.kind != debugStruct || root.text != "RunEnclavesArgs" {
		return Request{}, false, errRunArgs
	}
	for i, name := range root.names {
		v := root.items[i]
		if name == "enclave_name" {
			named = true
		}
		if !r.set(name, v) {
			return Request{}, false, errRunArgs
		}
	}
	if r.CPUIDs != nil && r.VCPUs == nil {
		n := int64(len(r.CPUIDs))
		r.VCPUs = &n
	}
	return r, named, nil
}

// set takes over one field. It reports false where a known field has a value of
// another type.
func (r *Request) set(name string, v debugValue) bool {
	v, some := v.unwrap()
	switch name {
	case "eif_path":
		return setText(&r.EIFPath, v, some)
	case "enclave_name":
		return setText(&r.Name, v, some)
	case "enclave_cid":
		return setInt(&r.CIDRequested, v, some)
	case "memory_mib":
		return setInt(&r.MemoryRequestedMiB, v, some)
	case "cpu_count":
		return setInt(&r.VCPUs, v, some)
	case "cpu_ids":
		return r.setCPUs(v, some)
	case "attach_console":
		return setBool(&r.AttachConsole, v, some)
	case "debug_mode":
		if !some { // None is how 1.0.10 to 1.2.0 say false
			no := false
			r.Debug = &no
			return true
		}
		return setBool(&r.Debug, v, some)
	}
	return true
}

func (r *Request) setCPUs(v debugValue, some bool) bool {
	if !some {
		return true
	}
	if v.kind != debugList {
		return false
	}
	r.CPUIDs = make([]int64, 0, len(v.items))
	for _, item := range v.items {
		var id *int64
		if !setInt(&id, item, true) {
			return false
		}
		r.CPUIDs = append(r.CPUIDs, *id)
	}
	return true
}

func setText(to **string, v debugValue, some bool) bool {
	if some && v.kind == debugString {
		*to = &v.text
	}
	return !some || v.kind == debugString
}

func setInt(to **int64, v debugValue, some bool) bool {
	if !some {
		return true
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if v.kind != debugWord || err != nil {
		return false
	}
	*to = &n
	return true
}

func setBool(to **bool, v debugValue, some bool) bool {
	if !some {
		return true
	}
	b := v.text == "true"
	if v.kind != debugWord || !b && v.text != "false" {
		return false
	}
	*to = &b
	return true
}

// The shapes of a value in Rust's Debug text.
const (
	debugWord   = iota // number, bool, None, unit struct
	debugString        // text holds the unescaped string
	debugTuple         // Some(…), or any other name, or none, with items
	debugList          // […]
	debugStruct        // Name { names: items }
)

// debugValue is one value of Rust's Debug text.
type debugValue struct {
	kind  int
	text  string
	names []string
	items []debugValue
}

// unwrap takes a value out of any nesting of Some. some is false for None.
func (v debugValue) unwrap() (inner debugValue, some bool) {
	for v.kind == debugTuple && v.text == "Some" && len(v.items) == 1 {
		v = v.items[0]
	}
	return v, v.kind != debugWord || v.text != "None"
}

// debugParser reads Rust's {:?} text.
type debugParser struct {
	text string
	at   int
}

// maxDebugDepth bounds nesting, so that hostile text cannot exhaust the stack.
const maxDebugDepth = 32

func (p *debugParser) value(depth int) (debugValue, bool) {
	p.space()
	if depth > maxDebugDepth || p.at >= len(p.text) {
		return debugValue{}, false
	}
	switch c := p.text[p.at]; c {
	case '"':
		s, ok := p.quoted('"')
		return debugValue{kind: debugString, text: s}, ok
	case '\'':
		s, ok := p.quoted('\'')
		return debugValue{kind: debugString, text: s}, ok
	case '[':
		return p.list(debugValue{kind: debugList}, ']', depth)
	case '(':
		return p.list(debugValue{kind: debugTuple}, ')', depth)
	}
	word := p.word()
	if word == "" {
		return debugValue{}, false
	}
	p.space()
	if p.next('(') {
		p.at--
		return p.list(debugValue{kind: debugTuple, text: word}, ')', depth)
	}
	if p.next('{') {
		return p.fields(debugValue{kind: debugStruct, text: word}, depth)
	}
	return debugValue{kind: debugWord, text: word}, true
}

// list reads values up to the closing byte; the opening one is next.
func (p *debugParser) list(v debugValue, closing byte, depth int) (debugValue, bool) {
	p.at++
	for {
		p.space()
		if p.next(closing) {
			return v, true
		}
		item, ok := p.value(depth + 1)
		if !ok {
			return v, false
		}
		v.items = append(v.items, item)
		p.space()
		if !p.next(',') && !p.peek(closing) {
			return v, false
		}
	}
}

// fields reads "name: value, …}".
func (p *debugParser) fields(v debugValue, depth int) (debugValue, bool) {
	for {
		p.space()
		if p.next('}') {
			return v, true
		}
		if strings.HasPrefix(p.text[p.at:], "..") { // a struct that hides fields
			p.at += 2
			continue
		}
		name := p.word()
		p.space()
		if name == "" || !p.next(':') {
			return v, false
		}
		item, ok := p.value(depth + 1)
		if !ok {
			return v, false
		}
		v.names, v.items = append(v.names, name), append(v.items, item)
		p.space()
		if !p.next(',') && !p.peek('}') {
			return v, false
		}
	}
}

// quoted reads a string or char with Rust's escapes; the opening quote is next.
func (p *debugParser) quoted(quote byte) (string, bool) {
	p.at++
	var out strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == quote:
			return out.String(), true
		case c != '\\':
			out.WriteByte(c)
		case !p.escape(&out):
			return "", false
		}
	}
	return "", false
}

// escape reads what follows a backslash.
func (p *debugParser) escape(out *strings.Builder) bool {
	if p.at >= len(p.text) {
		return false
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '"', '\\', '\'':
		out.WriteByte(c)
	case 'n':
		out.WriteByte('\n')
	case 'r':
		out.WriteByte('\r')
	case 't':
		out.WriteByte('\t')
	case '0':
		out.WriteByte(0)
	case 'u':
		return p.unicode(out)
	default:
		return false
	}
	return true
}

// unicode reads the {200b} of \u{200b}.
func (p *debugParser) unicode(out *strings.Builder) bool {
	digits, _, found := strings.Cut(p.text[p.at:], "}")
	if !found || len(digits) < 2 || len(digits) > 7 || digits[0] != '{' {
		return false
	}
	n, err := strconv.ParseUint(digits[1:], 16, 32)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return false
	}
	p.at += len(digits) + 1
	out.WriteRune(rune(n))
	return true
}

// word reads a name, path or number.
func (p *debugParser) word() string {
	from := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c != '_' && c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			if !strings.HasPrefix(p.text[p.at:], "::") {
				break
			}
			p.at++
		}
		p.at++
	}
	return p.text[from:p.at]
}

func (p *debugParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// next passes over c and reports whether it was there.
func (p *debugParser) next(c byte) bool {
	if p.peek(c) {
		p.at++
		return true
	}
	return false
}

func (p *debugParser) peek(c byte) bool { return p.at < len(p.text) && p.text[p.at] == c }
