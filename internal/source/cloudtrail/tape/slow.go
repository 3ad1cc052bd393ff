package tape

import (
	"bytes"
	"encoding/json"
)

// SlowScan does the work of scan with encoding/json. It is asked where Scan refuses a
// text, so that a mistake of ours in a rare case costs time and no evidence, and tests
// hold the two against each other.
func (t *Tape) SlowScan(b []byte, i int) (int, bool) {
	text := b[i : len(b)-Padding]
	d := json.NewDecoder(bytes.NewReader(text))
	var whole json.RawMessage
	if d.Decode(&whole) != nil {
		return i, false
	}
	end := int(d.InputOffset())
	d = json.NewDecoder(bytes.NewReader(text[:end]))
	d.UseNumber()
	w := slowWalk{tape: t, d: d, text: text[:end], base: uint32(i)}
	t.deep = false
	return i + end, w.value(Node{}, 0) == nil
}

// slowWalk puts the tokens of a decoder on a tape.
type slowWalk struct {
	tape *Tape
	d    *json.Decoder
	text []byte
	base uint32 // of text in the tape's text
}

// token returns the next token and its bytes. encoding/json gives only where a token
// ends: what stands before it is white space, a comma or a colon.
func (w *slowWalk) token() (json.Token, uint32, uint32, error) {
	from := int(w.d.InputOffset())
	token, err := w.d.Token()
	for from < len(w.text) && bytes.IndexByte([]byte(" \t\r\n,:"), w.text[from]) >= 0 {
		from++
	}
	return token, uint32(from), uint32(w.d.InputOffset()), err
}

// value puts the next value on the tape; n has its key.
func (w *slowWalk) value(n Node, depth int) error {
	token, from, to, err := w.token()
	if err != nil {
		return err
	}
	n.From, n.To = w.base+from, w.base+to
	switch v := token.(type) {
	case json.Delim:
		return w.container(n, v == '{', depth)
	case string:
		n.Kind = String
		n.From, n.To = n.From+1, n.To-1
		if bytes.IndexByte(w.text[from:to], '\\') >= 0 {
			n.Flags |= Escaped
		}
	case json.Number:
		n.Kind = Number
	case bool:
		n.Kind = False
		if v {
			n.Kind = True
		}
	case nil:
		n.Kind = Null
	}
	if depth <= MaxDepth {
		w.tape.append(n)
	}
	return nil
}

// container puts a container on the tape whose opening bracket was read.
func (w *slowWalk) container(n Node, object bool, depth int) error {
	t, at := w.tape, len(w.tape.Nodes)
	n.Kind, n.Flags = Array, n.Flags|Spaced
	if object {
		n.Kind = Object
	}
	if depth < MaxDepth {
		t.Nodes = append(t.Nodes, n)
	} else {
		t.deep = true
	}
	for w.d.More() {
		var member Node
		if object {
			_, from, to, err := w.token()
			if err != nil {
				return err
			}
			member.Key, member.KeyEnd = w.base+from+1, w.base+to-1
			if bytes.IndexByte(w.text[from:to], '\\') >= 0 {
				member.Flags = KeyEscaped
			}
		}
		if err := w.value(member, depth+1); err != nil {
			return err
		}
	}
	_, _, to, err := w.token()
	if depth < MaxDepth {
		t.Nodes[at].To, t.Nodes[at].Next = w.base+to, uint32(len(t.Nodes))
	}
	return err
}
