package cloudtrail

import (
	"bytes"
	"encoding/json"
)

// slowScan does the work of scan with encoding/json. It is asked where scan refuses a
// text, so that a mistake of ours in a rare case costs time and no evidence, and tests
// hold the two against each other.
func (t *tape) slowScan(b []byte, i int) (int, bool) {
	text := b[i : len(b)-padding]
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
	return i + end, w.value(node{}, 0) == nil
}

// slowWalk puts the tokens of a decoder on a tape.
type slowWalk struct {
	tape *tape
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
func (w *slowWalk) value(n node, depth int) error {
	token, from, to, err := w.token()
	if err != nil {
		return err
	}
	n.from, n.to = w.base+from, w.base+to
	switch v := token.(type) {
	case json.Delim:
		return w.container(n, v == '{', depth)
	case string:
		n.kind = kindString
		n.from, n.to = n.from+1, n.to-1
		if bytes.IndexByte(w.text[from:to], '\\') >= 0 {
			n.flags |= escaped
		}
	case json.Number:
		n.kind = kindNumber
	case bool:
		n.kind = kindFalse
		if v {
			n.kind = kindTrue
		}
	case nil:
		n.kind = kindNull
	}
	if depth <= maxDepth {
		w.tape.append(n)
	}
	return nil
}

// container puts a container on the tape whose opening bracket was read.
func (w *slowWalk) container(n node, object bool, depth int) error {
	t, at := w.tape, len(w.tape.nodes)
	n.kind, n.flags = kindArray, n.flags|spaced
	if object {
		n.kind = kindObject
	}
	if depth < maxDepth {
		t.nodes = append(t.nodes, n)
	} else {
		t.deep = true
	}
	for w.d.More() {
		var member node
		if object {
			_, from, to, err := w.token()
			if err != nil {
				return err
			}
			member.key, member.keyEnd = w.base+from+1, w.base+to-1
			if bytes.IndexByte(w.text[from:to], '\\') >= 0 {
				member.flags = keyEscaped
			}
		}
		if err := w.value(member, depth+1); err != nil {
			return err
		}
	}
	_, _, to, err := w.token()
	if depth < maxDepth {
		t.nodes[at].to, t.nodes[at].next = w.base+to, uint32(len(t.nodes))
	}
	return err
}
