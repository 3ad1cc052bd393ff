package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// unit is a unit of the run under way.
type unit struct {
	trailhouse.Unit
	readAt time.Time
	result string
	// seen, rejected and covers belong to the goroutine that reads.
	seen     int64 // records, rejected or not
	rejected int64
	covers   []trailhouse.Coverage
	spans    int // batches that were handed over with rows of it
	// counts belong to the goroutine that writes.
	counts Counts
}

// scoper is a source that knows of a unit which could not be read what it would have
// told about, so that its coverage says where something is missing.
type scoper interface {
	// Scope returns what the unit is about, empty where that is not known.
	Scope(u trailhouse.Unit) string
}

// unread is the coverage of a unit of which nothing can be used. Its lines are from
// before its last write.
func (r *run) unread(u *unit, result string, reason error) trailhouse.Coverage {
	c := trailhouse.Coverage{Object: u.Object, Result: result, Detail: reason.Error()}
	if s, ok := r.src.(scoper); ok && trailhouse.CodeOf(reason) != trailhouse.CodeInvalid {
		if c.Scope = s.Scope(u.Unit); c.Scope != "" {
			c.Through = u.Modified
		}
	}
	return c
}

// damaged adds what the user must know of rejected records to the unit's coverage:
// to the rows in which the source says where they are missing, else as a row.
func (u *unit) damaged(detail string) {
	told := false
	for i := range u.covers {
		if c := &u.covers[i]; c.Result == trailhouse.CoverageDamaged {
			told = true
			c.Detail = strings.TrimSuffix(detail+": "+c.Detail, ": ")
		}
	}
	if !told {
		u.covers = append(u.covers, trailhouse.Coverage{
			Scope: u.covers[0].Scope, Object: u.Object, Result: trailhouse.CoverageDamaged, Detail: detail,
		})
	}
}

// missed returns the source's word for a unit that is packed in a way that it does
// not read, and whether the unit is one.
func (u *unit) missed() (trailhouse.Coverage, bool) {
	if u.seen > 0 || u.spans > 0 || len(u.covers) == 0 {
		return trailhouse.Coverage{}, false
	}
	for _, c := range u.covers {
		if c.Result != trailhouse.CoverageMissing {
			return trailhouse.Coverage{}, false
		}
	}
	return u.covers[0], true
}

// ignored reports whether the source found that the unit is not its evidence.
func (u *unit) ignored() bool {
	if u.seen > 0 || len(u.covers) == 0 {
		return false
	}
	for _, c := range u.covers {
		if c.Result != trailhouse.CoverageIgnored {
			return false
		}
	}
	return true
}

// sink takes the rows of one unit into the run's open batch.
type sink struct {
	run  *run
	unit *unit
	ctx  context.Context // of the call of Source.Read that the sink was made for
	err  error           // why the run stops; every later call returns it
}

// Batch implements trailhouse.Sink.
func (s *sink) Batch(t *trailhouse.Table) *trailhouse.Batch { return s.run.open.rowsOf(t).batch }

// Next implements trailhouse.Sink.
func (s *sink) Next(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	s.run.open.endRecord()
	s.run.records++
	if s.run.records%1024 == 0 && ctx.Err() != nil {
		s.err = interrupted(ctx.Err())
		return s.err
	}
	s.handOver(ctx)
	return s.err
}

// Reject implements trailhouse.Sink. A file of nothing but damage would fill the
// memory, so it hands a full batch over as Next does; its error waits for the next
// call that can return one.
func (s *sink) Reject(r trailhouse.Rejected) {
	if s.err != nil {
		return
	}
	s.run.reject(s.unit, r)
	s.run.records++
	if s.run.open.whole() {
		s.handOver(s.ctx)
	}
}

// Filter implements trailhouse.Sink.
func (s *sink) Filter(n int64) {
	s.run.open.span().filtered += n
	s.unit.seen += n
	s.run.records += n
}

// Cover implements trailhouse.Sink.
func (s *sink) Cover(c trailhouse.Coverage) { s.unit.covers = append(s.unit.covers, c) }

// handOver hands the open batch over if it is full, and goes on in a new one.
func (s *sink) handOver(ctx context.Context) {
	if !s.run.open.full(s.run.opts) {
		return
	}
	s.unit.spans++
	if s.err = s.run.handOver(ctx); s.err == nil {
		s.run.open.begin(s.unit)
	}
}

// hashOf returns the SHA-256 of a stored object in hex, empty where it is not a
// file that can be read.
func hashOf(ctx context.Context, object string) string {
	if !filepath.IsAbs(object) {
		return ""
	}
	f, err := os.Open(object)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	h := sha256.New()
	for ctx.Err() == nil {
		_, err := io.CopyN(h, f, 1<<20)
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil))
		}
		if err != nil {
			break
		}
	}
	return ""
}
