package app

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/report"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
)

// Export runs a report and writes the original records of its rows, each once and in
// the order of the rows.
func (h *House) Export(ctx context.Context, r cli.ExportRequest) (cli.ExportResult, error) {
	p := packageOf(r.File)
	if err := p.free(); err != nil {
		return cli.ExportResult{}, err
	}
	rows := &evidence{known: map[origin]bool{}, texts: map[string]string{}}
	done, err := h.unlimited().Run(ctx, h.withoutLimit(r.Report), rows)
	if err != nil {
		return cli.ExportResult{}, err
	}
	spool, err := h.spool(ctx, p, rows)
	if err != nil {
		return cli.ExportResult{}, err
	}
	defer spool.close()
	result, err := p.write(rows, spool)
	if err != nil {
		return cli.ExportResult{}, err
	}
	result.Missing = int64(done.Missing)
	if result.LostRecords > 0 {
		err = trailhouse.Errorf(trailhouse.CodePartial, "done, but %d of %d records are left out, because their originals are not to be had: %s",
			result.LostRecords, result.LostRecords+result.Records, spool.reason).WithHint("%s lists them", result.Lost)
	}
	return result, err
}

// unlimited returns the reports without bounds on the size of an answer, which is not
// held in memory here.
func (h *House) unlimited() *report.Runner {
	r := *h.reports
	r.Limits.Rows, r.Limits.Bytes = 0, 0
	return &r
}

// withoutLimit asks for all rows of a report that would bound them by itself: evidence
// is cut only where the user says so.
func (h *House) withoutLimit(r cli.ReportRequest) report.Request {
	q := requestOf(r)
	rep, err := h.reports.Library.Report(r.Name)
	if err != nil { // which the run will tell
		return q
	}
	const limit = "limit"
	if _, given := q.Args[limit]; !given && slices.ContainsFunc(rep.Parameters, func(p report.Parameter) bool { return p.Name == limit }) {
		q.Args = maps.Clone(q.Args)
		if q.Args == nil {
			q.Args = map[string]string{}
		}
		q.Args[limit] = strconv.FormatInt(report.MaxLimit, 10)
	}
	return q
}

// evidence is a report.Writer that keeps where the rows' records are.
type evidence struct {
	columns struct{ object, position, length, sha256 int }
	id      int // column of the event's id, -1 where there is none
	list    []origin
	ids     []string
	known   map[origin]bool
	texts   map[string]string // names of objects, each once in memory
}

// Begin implements report.Writer.
func (e *evidence) Begin(h report.Head) error {
	at := func(name string) int {
		return slices.IndexFunc(h.Columns, func(c trailhouse.ResultColumn) bool { return c.Name == name })
	}
	e.columns.object, e.columns.position, e.columns.length, e.columns.sha256 = at("object"), at("position"), at("length"), at("object_sha256")
	e.id = at("eventid")
	if min(e.columns.object, e.columns.position, e.columns.length, e.columns.sha256) < 0 {
		return trailhouse.Errorf(trailhouse.CodeUsage, "the rows of report %s are not records, so there are none to export", h.Report).
			WithHint("take events, who-touched or enclave-launches")
	}
	return nil
}

// Row implements report.Writer. Rows may tell of one record several times.
func (e *evidence) Row(row []any) error {
	text := func(i int) string {
		s, _ := row[i].(string)
		if _, ok := e.texts[s]; !ok {
			e.texts[s] = s
		}
		return e.texts[s]
	}
	number := func(i int) int64 { n, _ := row[i].(int64); return n }
	o := origin{
		object: text(e.columns.object), sha256: text(e.columns.sha256),
		span: cloudtrail.Span{Position: number(e.columns.position), Length: number(e.columns.length)},
	}
	if e.known[o] {
		return nil
	}
	e.known[o] = true
	id := ""
	if e.id >= 0 {
		id, _ = row[e.id].(string)
	}
	e.list, e.ids = append(e.list, o), append(e.ids, id)
	return nil
}

// End implements report.Writer.
func (e *evidence) End() error { return nil }

// spool holds the records in the order in which objects were read.
type spool struct {
	file   *os.File
	at     []int64 // where a record is, -1 where it is lost
	lost   []error // why
	reason error   // the first of them
}

// spool gets the original records. They wait in a file beside the package, since the
// order of rows goes back and forth between objects.
func (h *House) spool(ctx context.Context, p evidencePackage, rows *evidence) (_ *spool, err error) {
	if err := os.MkdirAll(filepath.Dir(p.file), 0o700); err != nil {
		return nil, cannotWrite(p.file, err)
	}
	s := &spool{at: make([]int64, len(rows.list)), lost: make([]error, len(rows.list))}
	if s.file, err = os.CreateTemp(filepath.Dir(p.file), ".records-*"); err != nil {
		return nil, cannotWrite(p.file, err)
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	out := bufio.NewWriterSize(s.file, 1<<20)
	var end int64
	err = h.originals(ctx, rows.list, func(i int, b []byte, lost error) error {
		if lost == nil && !json.Valid(b) {
			lost = trailhouse.Errorf(trailhouse.CodeInvalid, "the record in %s at byte %d is no JSON for a comma too many, and would make the file none", rows.list[i].object, rows.list[i].span.Position)
		}
		s.at[i], s.lost[i] = end, lost
		if lost != nil {
			s.at[i] = -1
			if s.reason == nil {
				s.reason = lost
			}
			return nil
		}
		end += int64(len(b))
		_, err := out.Write(b)
		return cannotWrite(s.file.Name(), err)
	})
	if err != nil {
		return nil, err
	}
	return s, cannotWrite(s.file.Name(), out.Flush())
}

// close removes the file.
func (s *spool) close() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}

// cannotWrite is the error of a file of the package; nil for nil.
func cannotWrite(path string, err error) error {
	if err == nil {
		return nil
	}
	return trailhouse.Errorf(trailhouse.CodeStorage, "%s cannot be written: %w", path, err).
		WithHint("check the space on the disk and who owns the directory; nothing was overwritten")
}

// evidencePackage names the files of one export.
type evidencePackage struct {
	file, hashes, lost string
}

func packageOf(file string) evidencePackage {
	return evidencePackage{file: file, hashes: file + ".sha256", lost: file + ".lost.jsonl"}
}

// free refuses to write over anything.
func (p evidencePackage) free() error {
	for _, path := range []string{p.file, p.hashes, p.lost} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return trailhouse.Errorf(trailhouse.CodeUsage, "%s is there already, and evidence is not overwritten", path).
				WithHint("name another file")
		}
	}
	return nil
}

// write writes the package: the records, those that are lost, and last the hashes, so
// that a package with its hashes is whole. Where it fails nothing of it stays.
func (p evidencePackage) write(rows *evidence, s *spool) (result cli.ExportResult, err error) {
	var made []string
	defer func() {
		for _, path := range made {
			if err != nil {
				_ = os.Remove(path)
			}
		}
	}()
	create := func(path string, fill func(io.Writer) error) (sum string, size int64, err error) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return "", 0, cannotWrite(path, err)
		}
		made = append(made, path)
		hash := sha256.New()
		out := bufio.NewWriterSize(io.MultiWriter(f, hash), 1<<20)
		err = errors.Join(fill(out), out.Flush(), f.Sync())
		info, statErr := f.Stat()
		if err = errors.Join(err, statErr, f.Close()); err != nil {
			return "", 0, cannotWrite(path, err)
		}
		return hex.EncodeToString(hash.Sum(nil)), info.Size(), nil
	}
	result = cli.ExportResult{File: p.file, Hashes: p.hashes}
	if result.SHA256, result.Bytes, err = create(p.file, func(w io.Writer) error { return s.records(w, rows, &result) }); err != nil {
		return result, err
	}
	hashes := result.SHA256 + "  " + filepath.Base(p.file) + "\n"
	if result.LostRecords > 0 {
		result.Lost = p.lost
		sum, _, err := create(p.lost, func(w io.Writer) error { return s.listLost(w, rows) })
		if err != nil {
			return result, err
		}
		hashes += sum + "  " + filepath.Base(p.lost) + "\n"
	}
	_, _, err = create(p.hashes, func(w io.Writer) error { _, err := io.WriteString(w, hashes); return err })
	return result, err
}

// records writes {"Records":[…]} with the bytes of the records as they were.
func (s *spool) records(w io.Writer, rows *evidence, result *cli.ExportResult) error {
	if _, err := io.WriteString(w, `{"Records":[`); err != nil {
		return err
	}
	for i, at := range s.at {
		if at < 0 {
			result.LostRecords++
			continue
		}
		before := "\n"
		if result.Records++; result.Records > 1 {
			before = ",\n"
		}
		if _, err := io.WriteString(w, before); err != nil {
			return err
		}
		if _, err := io.Copy(w, io.NewSectionReader(s.file, at, rows.list[i].span.Length)); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\n]}\n")
	return err
}

// lostLine is a record that is left out.
type lostLine struct {
	EventID      string `json:"event_id,omitempty"`
	Object       string `json:"object"`
	Position     int64  `json:"position"`
	Length       int64  `json:"length"`
	ObjectSHA256 string `json:"object_sha256"`
	Reason       string `json:"reason"`
}

// listLost writes what is known of the records that are left out, one a line.
func (s *spool) listLost(w io.Writer, rows *evidence) error {
	for i, lost := range s.lost {
		if lost == nil {
			continue
		}
		o := rows.list[i]
		line, err := json.Marshal(lostLine{rows.ids[i], o.object, o.span.Position, o.span.Length, o.sha256, lost.Error()})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}
