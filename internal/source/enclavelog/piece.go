package enclavelog

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
)

// piece is one physical line of a unit, without its line end, whatever container it
// came in. Its slices are valid until the next piece.
type piece struct {
	// stream is the log stream of CloudWatch, empty in a file of text.
	stream []byte
	text   []byte
	// start and end are where the line, or the event that holds it, stands in the
	// inflated object; event says which.
	start, end int64
	event      bool
	// at is the clock of the agent in microseconds, hasAt whether there is one.
	at    int64
	hasAt bool
	// open says that the text ends here without a line end.
	open bool
	// passed says that the piece is no evidence of its own, such as a control message.
	passed bool
	// broken, where not empty, says why the piece is no line; text holds its first
	// bytes and hash the hash of all of it.
	broken string
	hash   [32]byte
	// agent is the line of the host agent that carried it, nil for none.
	agent *trailhouse.AgentLine
}

// eachLine gives the lines of a text.
func eachLine(r io.Reader, give func(*piece) error) error {
	lines := objects.NewLines(r)
	var p piece // one for all, since it escapes
	for {
		l, err := lines.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		p = piece{text: l.Text, start: l.Offset, end: l.Offset + l.Length, open: !l.Terminated, hash: l.SHA256}
		switch {
		case l.Zeros:
			p.broken = fmt.Sprintf("%d zero bytes, as a loss of power leaves them", l.Length)
		case l.Cut():
			p.broken = fmt.Sprintf("line of %d bytes, longer than %d", l.Length, objects.MaxLine)
		default:
			if l.Offset == 0 {
				p.text = bytes.TrimPrefix(p.text, []byte("\ufeff"))
			}
			err = afterZeros(&p, give)
		}
		if err == nil {
			err = give(&p)
		}
		if err != nil {
			return err
		}
	}
}

// afterZeros takes the end of the line from p, and, where a good record was appended
// to the zeros that a loss of power left, gives what stands before it as a broken
// piece of its own.
func afterZeros(p *piece, give func(*piece) error) error {
	p.text = bytes.TrimSuffix(p.text, []byte("\r"))
	if bytes.IndexByte(p.text, 0) < 0 {
		return nil
	}
	at := bytes.LastIndexByte(p.text, 0) + 1
	if _, ok := ParseRecord(p.text[at:]); !ok {
		return nil
	}
	front := p.cut(at, "zero bytes, as a loss of power leaves them, before a whole record")
	return give(&front)
}

// cut takes the first bytes off the line and returns them as a broken piece.
func (p *piece) cut(at int, reason string) piece {
	front := *p
	front.text, front.broken, front.hash = p.text[:at], reason, sha256.Sum256(p.text[:at])
	p.text = p.text[at:]
	if !p.event {
		front.end = p.start + int64(at)
		p.start = front.end
	}
	return front
}
