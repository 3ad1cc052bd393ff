package trail

import (
	"strconv"
	"strings"
)

// op is what a template has a value for.
type op uint8

const (
	opNone      op = iota
	opAccount      // <account>
	opRegion       // <region>
	opZone         // <zone>: an availability zone
	opUUID         // <uuid>
	opHex          // <hex N>
	opUpper        // <upper N>: capitals and digits
	opBase64       // <base64 N>
	opDigits       // <digits N>, no leading zero
	opNumber       // <number N>: below N
	opTime         // <time>: of the event, 2025-08-01T00:00:00Z
	opSince        // <since>: when the caller's session began
	opMillis       // <millis>: of the event
	opEnglish      // <english>: Aug 1, 2025, 12:00:00 AM
	opTemporary    // <temporary>: access key of the caller's session
	opEventID      // <eventid>
	opCaller       // <caller>: ARN of the caller
	opAddress      // <address>: where the caller is
	opRemoved      // <removed>: what stands for a secret
	opRegister     // <bucket>, <instance> …: see register
)

// piece is some text and the value behind it.
type piece struct {
	text string
	op   op
	n    int
}

// template is a text with values between. A value stands as its name in angle
// brackets; a register has one value for the whole of an event.
type template []piece

// compile parses a template. It panics on a name that does not exist.
func compile(text string) template {
	var t template
	for {
		before, rest, found := strings.Cut(text, "<")
		if !found {
			return append(t, piece{text: before})
		}
		name, after, _ := strings.Cut(rest, ">")
		p := parseOp(name)
		p.text = before
		t = append(t, p)
		text = after
	}
}

func parseOp(name string) piece {
	word, number, _ := strings.Cut(name, " ")
	n, _ := strconv.Atoi(number)
	for i, known := range [...]string{
		opAccount: "account", opRegion: "region", opZone: "zone", opUUID: "uuid", opHex: "hex", opUpper: "upper",
		opBase64: "base64", opDigits: "digits", opNumber: "number", opTime: "time", opSince: "since", opMillis: "millis",
		opEnglish: "english", opTemporary: "temporary", opEventID: "eventid", opCaller: "caller", opAddress: "address", opRemoved: "removed",
	} {
		if known == word {
			return piece{op: op(i), n: n}
		}
	}
	return piece{op: opRegister, n: int(registerNamed(word))}
}

// put writes a template with the values of the event under way.
func (w *writer) put(t template) {
	for i := range t {
		p := &t[i]
		w.out = append(w.out, p.text...)
		switch p.op {
		case opNone:
		case opAccount:
			w.out = append(w.out, w.cell.account...)
		case opRegion:
			w.out = append(w.out, w.cell.region...)
		case opRegister:
			w.out = append(w.out, w.entity(register(p.n))...)
		case opTime, opSince, opMillis, opEnglish:
			w.putTime(p.op)
		case opUUID, opHex, opUpper, opBase64, opDigits, opNumber:
			w.putChance(p.op, p.n)
		default:
			w.putOther(p.op)
		}
	}
}

func (w *writer) putChance(o op, n int) {
	switch o {
	case opUUID:
		w.out = w.uuid(w.out)
	case opHex:
		w.out = w.hex(w.out, n)
	case opUpper:
		w.out = w.upper(w.out, n)
	case opBase64:
		w.out = w.base64(w.out, n)
	case opNumber:
		w.out = strconv.AppendInt(w.out, int64(w.below(n)), 10)
	case opDigits:
		w.out = append(w.out, byte('1'+w.below(9)))
		for range n - 1 {
			w.out = append(w.out, byte('0'+w.below(10)))
		}
	}
}

func (w *writer) putTime(o op) {
	switch o {
	case opTime:
		w.out = w.clock.append(w.out, w.at)
	case opSince:
		w.out = w.clock.append(w.out, w.caller.since(w.at))
	case opMillis:
		w.out = strconv.AppendInt(w.out, w.at*1000, 10)
	case opEnglish:
		w.out = unix(w.at).AppendFormat(w.out, "Jan 2, 2006, 3:04:05 PM")
	}
}

func (w *writer) putOther(o op) {
	switch o {
	case opZone:
		w.out = append(append(w.out, w.cell.region...), "abc"[w.below(3)])
	case opTemporary:
		w.out = w.caller.key(w.out, w.at)
	case opEventID:
		w.out = append(w.out, w.id[:]...)
	case opCaller:
		w.out = append(w.out, w.caller.arn...)
	case opAddress:
		w.out = append(w.out, w.address()...)
	case opRemoved:
		w.out = append(w.out, "<sensitiveDataRemoved>"...)
	}
}
