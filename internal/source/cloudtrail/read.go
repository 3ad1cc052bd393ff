package cloudtrail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/head"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// The sizes up to which an object is held in memory: as it is stored where that is
// compressed, and inflated. Larger ones are read in two passes, piece by piece.
const (
	maxStored = 16 << 20
	maxWhole  = 64 << 20
)

// maxTape is how many nodes of an object in memory are kept between the two steps, in
// bytes about 24 times as many. Records behind them are scanned again.
const maxTape = 512 << 10

// memory is what is used again from unit to unit.
type memory struct {
	inflater         objects.Inflater
	stored, inflated []byte
	nodes, again     tape.Tape
	mended           []byte // a record that is no JSON, without what makes it none
	records          []tape.Record
	row              row
}

// content is an object that was opened.
type content struct {
	open   func() (io.ReadCloser, error) // gives the inflated bytes from the start
	whole  []byte                        // all of them with padding, where they are in memory
	head   []byte                        // the first of them
	sha256 string
}

// Read implements trailhouse.Source. The first step reads the whole object, and finds
// all damage to its container and its JSON; the second fills rows.
func (s *Source) Read(ctx context.Context, u trailhouse.Unit, sink trailhouse.Sink) error {
	d := parseName(u.Object)
	if d.kind == fileDigest {
		sink.Cover(trailhouse.Coverage{Source: Name, Scope: d.scope(), Object: u.Object, Result: trailhouse.CoverageIgnored, Detail: head.Digest})
		return nil
	}
	m, ok := s.memory.Get().(*memory)
	if !ok {
		m = &memory{}
	}
	defer s.forget(m)
	c, err := s.load(ctx, u, m)
	if err != nil {
		return err
	}
	if err := readable(u, d, c.head); err != nil {
		return err
	}
	if reason := foreign(c.head, d); reason != "" {
		return s.ignore(u, d, reason, sink)
	}
	r := newReader(ctx, s, u, d, sink, m)
	if c.whole != nil {
		return r.readWhole(c)
	}
	return r.readPieces(c)
}

// forget keeps memory for the next unit, unless it grew for an unusual one.
func (s *Source) forget(m *memory) {
	const most = 16 << 20
	if cap(m.stored) > most || cap(m.inflated) > most || cap(m.nodes.Nodes) > 2*maxTape || cap(m.row.scratch) > most {
		return
	}
	s.memory.Put(m)
}

// load opens a unit and takes it into memory where it is not too large.
func (s *Source) load(ctx context.Context, u trailhouse.Unit, m *memory) (*content, error) {
	in, err := s.store.Open(ctx, u)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	c := &content{open: func() (io.ReadCloser, error) {
		in, err := s.store.Open(ctx, u)
		if err != nil {
			return nil, err
		}
		return closing{objects.Single(in, u.Object, s.limits), in}, nil
	}}
	all := false
	if m.stored, all, err = readUpTo(m.stored[:0], in, u.Size); err != nil {
		return nil, err
	}
	switch {
	case all && !objects.IsGzip(m.stored):
		m.stored = append(m.stored, make([]byte, tape.Padding)...)
		c.whole = m.stored
	case all:
		if m.inflated, all, err = m.inflater.All(m.inflated, m.stored, u.Object, maxWhole, tape.Padding, s.limits); err != nil {
			return nil, err
		}
		if all {
			c.whole = m.inflated
		}
	}
	if c.whole == nil {
		c.head = head.Skip(objects.Single(bytes.NewReader(m.stored), u.Object, s.limits), make([]byte, head.Size)) // whatever is wrong will be found
		if len(c.head) > 0 {
			return c, nil
		}
		again, err := c.open() // what was read is nothing but white space
		if err != nil {
			return nil, err
		}
		defer again.Close()
		c.head = head.Skip(again, make([]byte, head.Size))
		return c, nil
	}
	text := c.whole[:len(c.whole)-tape.Padding]
	sum := sha256.Sum256(text)
	c.sha256, c.head = hex.EncodeToString(sum[:]), head.Trim(text)
	c.head = c.head[:min(len(c.head), head.Size)]
	return c, nil
}

// readUpTo reads what is stored, or the beginning of what is too large to be held:
// false then.
func readUpTo(dst []byte, r io.Reader, size int64) ([]byte, bool, error) {
	most := int64(maxWhole)
	if size > most {
		most = head.Size
	}
	if want := int(min(max(size, 0), most)) + 512; cap(dst) < want {
		dst = make([]byte, 0, want)
	}
	for {
		if len(dst) == cap(dst) {
			dst = append(make([]byte, 0, 2*cap(dst)), dst...)
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst) >= 2 && dst[0] == 0x1f && dst[1] == 0x8b {
			most = min(most, maxStored)
		}
		switch {
		case int64(len(dst)) > most:
			return dst, false, nil
		case errors.Is(err, io.EOF):
			return dst, true, nil
		case err != nil:
			return dst, false, err
		}
	}
}

// closing is a reader of inflated bytes that closes what is below it.
type closing struct {
	io.Reader
	io.Closer
}

// readable refuses an object with records of a trail in a form that is not read, with
// what to do.
func readable(u trailhouse.Unit, d delivery, text []byte) error {
	if head.HoldsTexts(text) {
		return trailhouse.Errorf(trailhouse.CodeInvalid, "%s holds records of CloudTrail as texts, as answers of LookupEvents and of CloudWatch Logs do", u.Object).
			WithHint("take them out and import the result: jq '{Records: [.. | strings | fromjson? | objects | select(.eventTime)]}' FILE > records.json")
	}
	how, trail := head.Encoded(text)
	if how == "" || !trail && d.kind == "" {
		return nil
	}
	hint := "import it as it was delivered, or inflate it once: gzip -dc FILE > inner.json.gz"
	if how == "UTF-16" {
		hint = "import it as it was delivered, or write it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > records.json"
	}
	return trailhouse.Errorf(trailhouse.CodeDamaged, "%s is %s, which no trail delivers", u.Object, how).WithHint("%s", hint)
}

// foreign says why an object is not read. A name of a trail's makes it one all the same,
// and then whatever is wrong with it is damage.
func foreign(text []byte, d delivery) string {
	if d.kind != "" {
		return ""
	}
	if how, _ := head.Encoded(text); how != "" {
		return "it is " + how + ", and no record of CloudTrail is in it"
	}
	return head.Foreign(text)
}

// ignore passes over an object that is no trail's, which is an error where the user
// named it.
func (s *Source) ignore(u trailhouse.Unit, d delivery, reason string, sink trailhouse.Sink) error {
	if u.Explicit && reason != head.Digest {
		return trailhouse.Errorf(trailhouse.CodeInvalid, "%s is not a file of CloudTrail: %s", u.Object, reason).
			WithHint(`name files such as 111122223333_CloudTrail_us-east-1_20250102T0305Z_….json.gz, or the directory with them`)
	}
	sink.Cover(trailhouse.Coverage{Source: Name, Scope: d.scope(), Object: u.Object, Result: trailhouse.CoverageIgnored, Detail: reason})
	return nil
}

// broken is the error of an object whose JSON is wrong.
func (r *reader) broken(err error) error {
	var at *tape.SyntaxError
	var large *tape.LimitError
	switch {
	case err == io.EOF:
		return trailhouse.Errorf(trailhouse.CodeDamaged, "%s is empty; a trail delivers no empty files", r.unit.Object).
			WithHint("copy it again from the bucket")
	case errors.As(err, &at):
		return trailhouse.Errorf(trailhouse.CodeDamaged, "%s is no whole JSON document: %w", r.unit.Object, err).
			WithHint("copy it again from the bucket; nothing of it was imported")
	case errors.As(err, &large):
		return trailhouse.Errorf(trailhouse.CodeLimit, "%s: %w", r.unit.Object, err).
			WithHint("no event of CloudTrail is as large: look at the object; nothing of it was imported")
	}
	return err
}

// readWhole reads an object that is in memory.
func (r *reader) readWhole(c *content) error {
	err := r.findRecords(c, false)
	if strict := err; isSyntax(err) {
		if err = r.findRecords(c, true); err == nil && !slices.ContainsFunc(r.memory.records, r.isReadable) {
			err = strict
		}
	}
	if err != nil {
		return r.broken(err)
	}
	m := r.memory
	r.sha256, r.row.b = c.sha256, c.whole
	for i := range m.records {
		rec := &m.records[i]
		r.row.nodes = m.nodes.Nodes
		if rec.Node < 0 && rec.Broken == "" {
			m.again.Reset()
			if _, ok := m.again.Scan(c.whole, rec.At); !ok {
				m.again.Reset()
				_, _ = m.again.SlowScan(c.whole, rec.At) // as it was the first time
			}
			rec.Node, r.row.nodes = 0, m.again.Nodes
		}
		if err := r.record(rec, int64(rec.At)); err != nil {
			return err
		}
	}
	r.cover()
	return nil
}

// findRecords lists the records of an object that is in memory.
func (r *reader) findRecords(c *content, lenient bool) error {
	m := r.memory
	m.records = m.records[:0]
	d := tape.NewDocument(tape.Whole(c.whole), &m.nodes)
	if lenient {
		d.Lenient()
	}
	r.row.b = c.whole
	for {
		rec, err := d.Next()
		r.passed = d.Passed()
		if err == io.EOF && d.Values() > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		r.row.nodes = m.nodes.Nodes
		if len(m.nodes.Nodes) > maxTape {
			rec.Node = -1
		} else {
			d.Keep()
		}
		m.records = append(m.records, rec)
	}
}

// readPieces reads an object that is not in memory: once to know that it is whole, and
// again for its rows. Where it is damaged it is read once more in between, past the
// damage.
func (r *reader) readPieces(c *content) error {
	first := sha256.New()
	lenient := false
	err := r.eachPiece(c, first, lenient, func(*tape.Document, *tape.Record) error { return nil })
	if strict := err; isSyntax(err) {
		lenient = true
		first.Reset()
		readable := false
		err = r.eachPiece(c, first, lenient, func(d *tape.Document, rec *tape.Record) error {
			r.row.b, _ = d.Text()
			r.row.nodes = r.memory.nodes.Nodes
			readable = readable || r.isReadable(*rec)
			return nil
		})
		if err == nil && !readable {
			err = strict
		}
	}
	if err != nil {
		return r.broken(err)
	}
	r.sha256 = hex.EncodeToString(first.Sum(nil))
	second := sha256.New()
	err = r.eachPiece(c, second, lenient, func(d *tape.Document, rec *tape.Record) error {
		text, base := d.Text()
		r.row.b, r.row.nodes = text, r.memory.nodes.Nodes
		return r.record(rec, base+int64(rec.At))
	})
	if isSyntax(err) || trailhouse.CodeOf(err) == trailhouse.CodeDamaged || err == nil && !bytes.Equal(first.Sum(nil), second.Sum(nil)) {
		return trailhouse.Errorf(trailhouse.CodeConflict, "%s was changed while it was read", r.unit.Object).
			WithHint("import it again; what was read is not read twice")
	}
	if err == nil {
		r.cover()
	}
	return err
}

// eachPiece calls fn for each record of an object.
func (r *reader) eachPiece(c *content, h hash.Hash, lenient bool, fn func(*tape.Document, *tape.Record) error) error {
	in, err := c.open()
	if err != nil {
		return err
	}
	defer in.Close()
	d := tape.NewDocument(tape.Moving(in, h), &r.memory.nodes)
	if lenient {
		d.Lenient()
	}
	for {
		rec, err := d.Next()
		r.passed = d.Passed()
		if err == io.EOF && d.Values() > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := fn(d, &rec); err != nil {
			return err
		}
	}
}

// reject puts one record into quarantine.
func (r *reader) reject(rec *tape.Record, position int64, reason string) {
	text := r.row.b[rec.At:rec.End]
	r.sink.Reject(trailhouse.Rejected{
		Position: position, Length: int64(len(text)), Reason: reason, SHA256: sha256.Sum256(text),
		Content: text[:min(len(text), trailhouse.MaxRejected)],
	})
}

// kindName says what a value is.
func kindName(k tape.Kind) string {
	return [...]string{"null", "a boolean", "a boolean", "a number", "a text", "an array", "an object"}[k]
}

func notObject(k tape.Kind) string {
	return fmt.Sprintf("the record is %s and no JSON object", kindName(k))
}
