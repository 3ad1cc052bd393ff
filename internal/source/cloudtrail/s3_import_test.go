package cloudtrail

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/state"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// s3House is a lake that imports from a bucket.
type s3House struct {
	bucket *s3Bucket
	lake   *lake.Lake
	state  *state.State
	ingest *ingest.Ingester
}

func newS3House(t *testing.T, b *s3Bucket) *s3House {
	t.Helper()
	dir, clock := t.TempDir(), trailhouse.SystemClock{}
	st, err := state.Open(t.Context(), dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lake.Open(t.Context(), filepath.Join(dir, "lake"), clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = l.Close(), st.Close() })
	files := ingest.Files{Write: columns.Write, Read: columns.Read}
	return &s3House{bucket: b, lake: l, state: st, ingest: ingest.New(l, st, files, clock, "test")}
}

func (h *s3House) run(batch int) (ingest.Result, error) {
	h.bucket.t.Helper()
	return h.ingest.Run(h.bucket.t.Context(), h.bucket.source(S3Options{Positions: h.state}), ingest.Options{BatchRecords: batch})
}

// runRules is run with rules for what is left out.
func (h *s3House) runRules(exclude ...Rule) ingest.Result {
	h.bucket.t.Helper()
	store := h.bucket.source(S3Options{Positions: h.state}).store
	result, err := h.ingest.Run(h.bucket.t.Context(), New(Options{Store: store, Exclude: exclude}), ingest.Options{})
	if err != nil {
		h.bucket.t.Fatal(err)
	}
	return result
}

// TestRulesChange imports with rules, with the same in another order, and without: what
// was left out comes in, on days that lie before the position of the first listing too.
func TestRulesChange(t *testing.T) {
	b := newS3Bucket(t)
	h := newS3House(t, b)
	b.organisation("")
	one, two := Rule{Account: "111122223330"}, Rule{Account: "111122223331", Source: "ec2.*"}
	left := int64(6*5 + 6*6)
	all := int64(b.total())
	for i, step := range []struct {
		rules                              []Rule
		done, written, duplicate, filtered int64
	}{
		{[]Rule{one, two}, 18, all - left, 0, left},
		{[]Rule{two, one, two}, 0, 0, 0, 0},
		{[]Rule{one}, 18, 6 * 6, all - left, 6 * 5},
		{nil, 18, 6 * 5, all - 6*5, 0},
		{nil, 0, 0, 0, 0},
		{[]Rule{one}, 0, 0, 0, 0},
	} {
		r := h.runRules(step.rules...)
		if c := r.Counts; r.Units.Done != step.done || c.Written != step.written || c.Duplicate != step.duplicate || c.Filtered != step.filtered {
			t.Errorf("step %d: %+v", i, r)
		}
	}
	if rows, ids := h.rows(EventTable(), "eventid"); rows != b.total() || len(ids) != rows {
		t.Errorf("%d rows, %d ids, want %d", rows, len(ids), b.total())
	}
}

// rows returns how many rows a table has and how many distinct values a text column.
func (h *s3House) rows(t *trailhouse.Table, column string) (rows int, values map[string]int) {
	h.bucket.t.Helper()
	files, _, err := h.lake.Files(h.bucket.t.Context(), t.Name, trailhouse.Period{})
	if err != nil {
		h.bucket.t.Fatal(err)
	}
	values = map[string]int{}
	for _, f := range files {
		err := columns.Read(h.bucket.t.Context(), f.Path, t, []string{column}, func(b *trailhouse.Batch) error {
			for row := range b.Len() {
				values[b.String(t.MustIndex(column), row)]++
				rows++
			}
			return nil
		})
		if err != nil {
			h.bucket.t.Fatal(err)
		}
	}
	return rows, values
}

func (h *s3House) snapshots() (n int) {
	for _, t := range append(ingest.Tables(), EventTable()) {
		history, err := h.lake.History(h.bucket.t.Context(), t.Name)
		if err != nil {
			h.bucket.t.Fatal(err)
		}
		n += len(history)
	}
	return n
}

// TestS3Import imports an organisation's trail from a real server into a real lake, in
// bad weather: a denied region is a coverage row that names the permission, everything
// else is in, each event once; a file two days late and the region, once it is allowed,
// follow; the last import lists and writes nothing.
func TestS3Import(t *testing.T) {
	b := newS3Bucket(t)
	h := newS3House(t, b)
	b.organisation("audit/")
	weather := 0
	b.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		weather++
		switch {
		case strings.Contains(r.URL.Query().Get("prefix"), "/111122223331/CloudTrail/us-east-1/"):
			return testkit.S3Error(403, "AccessDenied")
		case weather%3 == 0:
			return testkit.S3Error(503, "SlowDown")
		case weather%11 == 0:
			return testkit.Reset()
		}
		return nil
	})
	result, err := h.run(13)
	if err != nil || result.Result != ingest.RunPartial || result.Units.Missing != 1 || result.Units.Done != 15 || result.Counts.Written != int64(b.total()-18) {
		t.Fatalf("%+v %v", result, err)
	}
	if p := result.Problems[0]; p.Code != trailhouse.CodeDenied || !strings.Contains(p.Hint, "allow s3:ListBucket on arn:aws:s3:::"+b.name) {
		t.Errorf("problem %+v", p)
	}
	_, details := h.rows(ingest.CoverageTable(), "detail")
	_, scopes := h.rows(ingest.CoverageTable(), "scope")
	found := false
	for detail := range details {
		found = found || strings.Contains(detail, "permission s3:ListBucket on arn:aws:s3:::"+b.name+" is missing")
	}
	if !found || scopes["111122223331/us-east-1"] == 0 {
		t.Errorf("coverage %v of %v", details, scopes)
	}
	late := b.deliver("audit/AWSLogs/o-a1b2c3d4e5/", "111122223330", "CloudTrail", "eu-west-1", "2025-03-01", 99, 8)
	copied := b.deliver("audit/AWSLogs/o-a1b2c3d4e5/", "111122223330", "CloudTrail", "eu-west-1", "2025-03-03", 98, 5)
	at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	b.put(copied, s3Gzip(s3File(late, "111122223330", "eu-west-1", at, 5))) // events of the late file, delivered twice
	b.proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	result, err = h.run(1000)
	if err != nil || result.Result != ingest.RunDone || result.Units.Done != 5 || result.Counts.Written != 18+8 || result.Counts.Duplicate != 5 {
		t.Fatalf("%+v %v", result, err)
	}
	rows, ids := h.rows(EventTable(), "eventid")
	if want := b.total() - 5; rows != want || len(ids) != want {
		t.Errorf("%d rows, %d ids, want %d", rows, len(ids), want)
	}
	before := h.snapshots()
	b.proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	result, err = h.run(1000)
	if err != nil || result.Result != ingest.RunDone || result.Units.Done != 0 || h.snapshots() != before {
		t.Errorf("%+v %v, %d snapshots more", result, err, h.snapshots()-before)
	}
	for _, asked := range b.proxy.Seen() {
		if !strings.Contains(asked, "list-type=2") {
			t.Errorf("more than a listing: %s", asked)
		}
	}
}

// TestS3ImportWithoutCredentials has them expire in the middle: the run fails and says
// so, what it had read whole is kept, and the next one gets the rest.
func TestS3ImportWithoutCredentials(t *testing.T) {
	b := newS3Bucket(t)
	h := newS3House(t, b)
	b.organisation("")
	opened := 0
	b.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if gets("")(r) {
			opened++
		}
		if opened > 7 {
			return testkit.S3Error(400, "ExpiredToken")
		}
		return nil
	})
	first, err := h.run(10)
	if trailhouse.CodeOf(err) != trailhouse.CodeCredentials || first.Result != ingest.RunFailed || first.Units.Missing != 0 {
		t.Fatalf("%+v %v", first, err)
	}
	b.proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	second, err := h.run(10)
	if err != nil || first.Counts.Written+second.Counts.Written != int64(b.total()) || second.Counts.Duplicate != 0 {
		t.Errorf("%+v then %+v, %v", first.Counts, second.Counts, err)
	}
	if rows, ids := h.rows(EventTable(), "eventid"); rows != b.total() || len(ids) != rows {
		t.Errorf("%d rows, %d ids of %d", rows, len(ids), b.total())
	}
}

// TestS3ImportOutage has the server go away for good behind some objects: the run ends
// soon and says why, what it read is kept, and the next one gets the rest.
func TestS3ImportOutage(t *testing.T) {
	b := newS3Bucket(t)
	h := newS3House(t, b)
	b.organisation("")
	opened := 0
	b.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if gets("")(r) {
			if opened++; opened > 5 {
				return testkit.Reset()
			}
		}
		return nil
	})
	first, err := h.run(10)
	if trailhouse.CodeOf(err) != trailhouse.CodeUnavailable || trailhouse.HintOf(err) == "" || first.Result != ingest.RunFailed || first.Units.Missing < 8 || first.Units.Done+first.Units.Missing == 18 {
		t.Fatalf("%+v %v", first, err)
	}
	b.proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	second, err := h.run(10)
	if err != nil || first.Counts.Written+second.Counts.Written != int64(b.total()) || second.Counts.Duplicate != 0 {
		t.Errorf("%+v then %+v, %v", first.Counts, second.Counts, err)
	}
}
