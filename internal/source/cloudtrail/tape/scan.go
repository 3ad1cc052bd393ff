package tape

import (
	"encoding/binary"
	"math/bits"
)

// Kind is what a JSON value is.
type Kind uint8

// The kinds of values: those from Array on are containers, those below Number words.
const (
	Null Kind = iota
	False
	True
	Number
	String
	Array
	Object
)

// Flags of a node.
const (
	KeyEscaped uint8 = 1 << iota // the member's key has escapes
	Escaped                      // the string has escapes
	Spaced                       // there is white space between the tokens of the container
)

// Padding is how many zero bytes stand behind the text that is scanned. A zero byte
// ends every loop of the scanner, so that only faults are compared with the end.
const Padding = 8

// The most levels of containers. encoding/json refuses a document of more than 10,000.
// Here a record with more than MaxDepth is refused alone, and only a document that
// would fill the memory with its open containers is refused whole.
const (
	MaxDepth  = 1000
	maxLevels = 100_000
)

// Node is one value of a text. The nodes of a container's members follow it.
type Node struct {
	Key, KeyEnd uint32 // bytes of the member's key, without quotes; both 0 where it has none
	From, To    uint32 // bytes of the value, of a string without quotes
	Next        uint32 // first node behind the value
	Kind        Kind
	Flags       uint8
}

// Tape is the values of a text in the order of their beginnings.
type Tape struct {
	Nodes  []Node
	open   []uint32 // node of each open container, doubled, plus 1 for an object
	spaces uint32   // white space between tokens so far
	deep   bool     // the last value has more than MaxDepth levels
	inDeep bool     // such a level is open
	loose  bool     // a comma in front of a closing bracket is no fault
	high   uint64   // 0 where all strings so far, and a few bytes behind them, are ASCII
}

// Reset empties the tape.
func (t *Tape) Reset() { t.Nodes, t.high = t.Nodes[:0], 0 }

// ASCII reports whether all that was scanned since Reset is ASCII. It may be false where
// it is, never true where it is not.
func (t *Tape) ASCII() bool { return t.high == 0 }

// Deep reports whether the value that was scanned last has more than MaxDepth levels, so
// that not all of them are on the tape.
func (t *Tape) Deep() bool { return t.deep }

// Scan appends the value at b[i:] to the tape and returns where it ends. On a fault it
// returns false and where that is; at the end of the text or behind it means that the
// text is cut. The last bytes of b, of the number Padding, are zero and no part of the
// text. Positions are 32 bits: b is never as large as that.
//
// It is written for speed: one pass, eight bytes at a time within strings, no copies.
// In its parts a negative position is the complement of where a fault is.
func (t *Tape) Scan(b []byte, i int) (int, bool) {
	t.open, t.deep, t.inDeep = t.open[:0], false, false
	var n Node
	for i >= 0 {
		if b[i] <= ' ' {
			i = t.space(b, i)
		}
		switch b[i] {
		case '"':
			n.Kind, n.From = String, uint32(i+1)
			if i = t.skipString(b, i+1, &n.Flags, Escaped); i >= 0 {
				n.To = uint32(i)
				t.append(n)
				i = t.after(b, i+1, &n)
			}
		case '{':
			i = t.enter(b, i, &n, 1)
		case '[':
			i = t.enter(b, i, &n, 0)
		case ']':
			if !t.loose || len(t.open) == 0 {
				return i, false
			}
			i = t.after(b, i, &n)
		default:
			if i = t.scalar(b, i, &n); i >= 0 {
				t.append(n)
				i = t.after(b, i, &n)
			}
		}
		if len(t.open) == 0 && i >= 0 {
			return i, true
		}
	}
	return ^i, false
}

// append puts a value on the tape that is no container.
func (t *Tape) append(n Node) {
	if !t.inDeep {
		n.Next = uint32(len(t.Nodes) + 1)
		t.Nodes = append(t.Nodes, n)
	}
}

// enter opens a container, object 1 or array 0, and goes to its first value, or behind
// it where it is empty.
func (t *Tape) enter(b []byte, i int, n *Node, object uint32) int {
	switch {
	case len(t.open) < MaxDepth:
		t.open = append(t.open, uint32(len(t.Nodes))<<1|object)
		n.Kind, n.From, n.To = Array+Kind(object), uint32(i), t.spaces
		t.Nodes = append(t.Nodes, *n)
	case len(t.open) < maxLevels:
		t.open = append(t.open, object)
		t.deep, t.inDeep = true, true
	default:
		return ^i
	}
	if i++; b[i] <= ' ' {
		i = t.space(b, i)
	}
	switch {
	case b[i] == byte(']'|object<<5):
		return t.after(b, i, n)
	case object != 0:
		return t.key(b, i, n)
	}
	n.Key, n.KeyEnd, n.Flags = 0, 0, 0
	return i
}

// after goes on behind a value: it closes containers up to the one that has another
// value, and goes there.
func (t *Tape) after(b []byte, i int, n *Node) int {
	for len(t.open) > 0 {
		if b[i] <= ' ' {
			i = t.space(b, i)
		}
		top := t.open[len(t.open)-1]
		if b[i] == ',' {
			if top&1 != 0 {
				return t.key(b, i+1, n)
			}
			n.Key, n.KeyEnd, n.Flags = 0, 0, 0
			return i + 1
		}
		if b[i] != byte(']'|top&1<<5) {
			return ^i
		}
		i++
		t.open = t.open[:len(t.open)-1]
		if t.inDeep {
			t.inDeep = len(t.open) > MaxDepth
			continue
		}
		c := &t.Nodes[top>>1]
		if t.spaces != c.To {
			c.Flags |= Spaced
		}
		c.To, c.Next = uint32(i), uint32(len(t.Nodes))
	}
	return i
}

// key reads a member's key and its colon.
func (t *Tape) key(b []byte, i int, n *Node) int {
	if b[i] <= ' ' {
		i = t.space(b, i)
	}
	if b[i] != '"' {
		if t.loose && b[i] == '}' {
			return t.after(b, i, n)
		}
		return ^i
	}
	n.Key, n.Flags = uint32(i+1), 0
	if i = t.skipString(b, i+1, &n.Flags, KeyEscaped); i < 0 {
		return i
	}
	n.KeyEnd = uint32(i)
	if i++; b[i] <= ' ' {
		i = t.space(b, i)
	}
	if b[i] != ':' {
		return ^i
	}
	return i + 1
}

// space skips white space and counts it.
func (t *Tape) space(b []byte, i int) int {
	from := i
	for b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t' {
		i++
	}
	t.spaces += uint32(i - from)
	return i
}

// scalar reads a number, true, false or null.
func (t *Tape) scalar(b []byte, i int, n *Node) int {
	n.From = uint32(i)
	word := ""
	switch b[i] {
	case 't':
		n.Kind, word = True, "true"
	case 'f':
		n.Kind, word = False, "false"
	case 'n':
		n.Kind, word = Null, "null"
	default:
		n.Kind = Number
		i = skipNumber(b, i)
		n.To = uint32(i)
		return i
	}
	for k := range len(word) {
		if b[i+k] != word[k] {
			return ^(i + k)
		}
	}
	i += len(word)
	n.To = uint32(i)
	return i
}

// skipNumber returns where the number at i ends (RFC 8259 6).
func skipNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch {
	case b[i] == '0':
		i++
	case isDigit(b[i]):
		i = skipDigits(b, i)
	default:
		return ^i
	}
	if b[i] == '.' {
		if i++; !isDigit(b[i]) {
			return ^i
		}
		i = skipDigits(b, i)
	}
	if b[i]|0x20 == 'e' {
		if i++; b[i] == '+' || b[i] == '-' {
			i++
		}
		if !isDigit(b[i]) {
			return ^i
		}
		i = skipDigits(b, i)
	}
	return i
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func skipDigits(b []byte, i int) int {
	for isDigit(b[i]) {
		i++
	}
	return i
}

// skipString returns the place of the quote that ends the string whose text begins at
// i, and sets the flag where the text has escapes. Eight bytes are looked at in one: a
// byte is of interest where it is below 0x20, a quote (0x22, which becomes 0x20 when its
// second bit is flipped, as no other byte of text does) or a backslash. Borrows make
// such bytes out of others only behind a true one, and the first one is taken.
func (t *Tape) skipString(b []byte, i int, flags *uint8, flag uint8) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	high := uint64(0)
	for {
		x := binary.LittleEndian.Uint64(b[i:])
		high |= x & tops
		low, slash := x^0x02*ones, x^'\\'*ones
		found := ((low-0x21*ones)&^low | (slash-ones)&^slash) & tops
		if found == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(found) >> 3
		if b[i] == '"' {
			t.high |= high
			return i
		}
		if b[i] != '\\' {
			return ^i
		}
		*flags |= flag
		if i = skipEscape(b, i+1); i < 0 {
			return i
		}
	}
}

// skipEscape returns where the escape ends whose letter is at i.
func skipEscape(b []byte, i int) int {
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		for k := 1; k <= 4; k++ {
			if _, ok := hexDigit(b[i+k]); !ok {
				return ^(i + k)
			}
		}
		return i + 5
	}
	return ^i
}

// hexDigit returns the value of a hexadecimal digit.
func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
