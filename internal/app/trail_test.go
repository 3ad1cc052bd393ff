package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
)

// trailHouse opens an empty house and imports trails from paths.
func trailHouse(t *testing.T, paths ...string) *House {
	t.Helper()
	c, err := config.Load(config.Input{Dir: t.TempDir(), Flags: map[string]string{"data_dir": filepath.Join(t.TempDir(), "house")}})
	if err != nil {
		t.Fatal(err)
	}
	h, err := Open(t.Context(), c, trailhouse.SystemClock{}, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	done, err := h.ingest.Run(t.Context(), cloudtrail.New(cloudtrail.Options{Paths: paths}), ingest.Options{})
	if err != nil || done.Counts.Quarantined > 0 {
		t.Fatalf("%v, %+v", err, done)
	}
	return h
}

// id returns the GUID of a test's event.
func id(n int) string { return fmt.Sprintf("abcdef00-0000-4000-8000-%012d", n) }

// event writes a record in an unusual layout, so that only its own bytes are equal to
// it.
func event(n int, at, more string) string {
	return fmt.Sprintf("{ \"eventVersion\":\"1.08\", \"eventTime\" : \"%s\",\n\t\"eventSource\":\"ec2.amazonaws.com\",\"eventName\":\"Call%d\", \"awsRegion\":\"eu-west-1\","+
		" \"recipientAccountId\":\"111122223333\",\"eventID\":\"%s\"%s }", at, n, id(n), more)
}

// deliver writes a file of a trail.
func deliver(t *testing.T, dir, kind, minute string, records ...string) string {
	t.Helper()
	path := filepath.Join(dir, "111122223333_"+kind+"_eu-west-1_"+minute+"_AAAAaaaa00001111.json.gz")
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(`{"Records": [` + strings.Join(records, " ,\n") + `]}`)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// smallTrail is two files with events of three days and one with an Insights event.
func smallTrail(t *testing.T) (dir string, records []string, files []string) {
	dir = t.TempDir()
	records = []string{
		event(0, "2025-10-01T23:59:59Z", `,"requestParameters":{"bucketName":"ledger"},"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/alice"}`),
		event(1, "2025-10-02T00:00:00Z", `,"errorCode":"AccessDenied","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/bob"}`),
		event(2, "2025-10-02T12:00:00Z", `,"requestParameters":{"bucketName":"ledger","n":7,"html":"<&>"},"future":{"a":[1]}`),
		event(3, "2025-10-03T00:00:00Z", ""),
	}
	files = []string{
		deliver(t, dir, "CloudTrail", "20251002T0005Z", records[0], records[3]),
		deliver(t, dir, "CloudTrail", "20251002T1205Z", records[1], records[2]),
		deliver(t, dir, "CloudTrail-Insight", "20251002T1205Z",
			`{"eventVersion":"1.08","eventTime":"2025-10-02T12:00:00Z","awsRegion":"eu-west-1","eventID":"`+id(2)+`","eventType":"AwsCloudTrailInsight","recipientAccountId":"444455556666","insightDetails":{"state":"Start"},"eventCategory":"Insight"}`),
	}
	return dir, records, files
}

func TestEventGivesTheBytesOfTheSource(t *testing.T) {
	dir, records, files := smallTrail(t)
	h := trailHouse(t, dir)
	for n, want := range records {
		for _, asked := range []string{id(n), strings.ToUpper(id(n)), strings.Replace(id(n), "abc", "aBc", 1)} {
			got, err := h.Event(t.Context(), asked)
			if err != nil || len(got) == 0 || string(got[0].Text) != want || !got[0].Original || got[0].Problem != "" {
				t.Errorf("%s: %+v, %v", asked, got, err)
			}
		}
	}
	got, err := h.Event(t.Context(), id(2))
	if err != nil || len(got) != 2 || got[0].Table != "cloudtrail" || got[1].Table != "cloudtrail_insight" || got[1].Account != "444455556666" {
		t.Fatalf("two events of one id: %+v, %v", got, err)
	}
	want := cli.Record{
		Table: "cloudtrail", EventID: id(2), EventTime: time.Date(2025, 10, 2, 12, 0, 0, 0, time.UTC), Account: "111122223333",
		Object: files[1], Index: 1, Position: got[0].Position, Length: int64(len(records[2])), Original: true, Text: []byte(records[2]),
	}
	want.Unit, want.ObjectSHA256 = got[0].Unit, got[0].ObjectSHA256
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	for _, unknown := range []string{id(9), "", "' OR true --"} {
		if _, err := h.Event(t.Context(), unknown); trailhouse.CodeOf(err) != trailhouse.CodeNotFound || trailhouse.HintOf(err) == "" {
			t.Errorf("%q: %v", unknown, err)
		}
	}
}

// TestEventByKey asks for a record without an id by its key, in all forms of one.
func TestEventByKey(t *testing.T) {
	dir, record := t.TempDir(), `{"eventVersion":"1.0","eventTime":"2025-10-01T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"A"}`
	deliver(t, dir, "CloudTrail", "20251002T0005Z", record)
	sum := sha256.Sum256([]byte(record))
	key := trailhouse.Key(sum[:16]).String()
	h := trailHouse(t, dir)
	for _, asked := range []string{key, strings.ToUpper(key), strings.ReplaceAll(key, "-", ""), " " + key + "\n"} {
		got, err := h.Event(t.Context(), asked)
		if err != nil || len(got) != 1 || string(got[0].Text) != record {
			t.Errorf("%q: %+v, %v", asked, got, err)
		}
	}
}

// TestLostOriginalsAreRebuilt wants every way of losing an original to be told.
func TestLostOriginalsAreRebuilt(t *testing.T) {
	dir, records, files := smallTrail(t)
	h := trailHouse(t, dir)
	path := files[1]
	lose := []struct {
		want string
		do   func() error
	}{
		{"is gone", func() error { return nil }},
		{"is not what it was", func() error {
			deliver(t, dir, "CloudTrail", "20251002T1205Z", records[1], records[2], "{}")
			return nil
		}},
		{"is not what it was", func() error { deliver(t, dir, "CloudTrail", "20251002T1205Z"); return nil }},
		{"is not what it was", func() error { return os.WriteFile(path, []byte("\x1f\x8b\x08"), 0o600) }},
		{"is not a regular file", func() error { return os.Mkdir(path, 0o700) }},
	}
	for _, l := range lose {
		if err := errors.Join(os.RemoveAll(path), l.do()); err != nil {
			t.Fatal(err)
		}
		got, err := h.Event(t.Context(), id(2))
		if err != nil || len(got) != 2 || got[0].Original || !strings.Contains(got[0].Problem, l.want) || !got[1].Original {
			t.Fatalf("%s: %+v, %v", l.want, got, err)
		}
		var original, rebuilt map[string]any
		if err := json.Unmarshal([]byte(records[2]), &original); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got[0].Text, &rebuilt); err != nil {
			t.Fatal(err)
		}
		delete(rebuilt, "responseElements") // null
		if diff := cmp.Diff(original, rebuilt); diff != "" || bytes.Contains(got[0].Text, []byte("\n")) {
			t.Errorf("%s: %s", got[0].Text, diff)
		}
	}
}

// export runs an export of events into a new directory.
func export(t *testing.T, h *House, r cli.ReportRequest) (cli.ExportResult, []json.RawMessage, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "new", "case.json")
	got, err := h.Export(t.Context(), cli.ExportRequest{Report: r, File: file})
	if err != nil && trailhouse.CodeOf(err) != trailhouse.CodePartial {
		return got, nil, err
	}
	text, readErr := os.ReadFile(file)
	if readErr != nil {
		t.Fatal(readErr)
	}
	var body struct{ Records []json.RawMessage }
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	sum := sha256.Sum256(text)
	if got.SHA256 != hex.EncodeToString(sum[:]) || got.Bytes != int64(len(text)) || got.Records != int64(len(body.Records)) || got.File != file {
		t.Errorf("%+v of %d records", got, len(body.Records))
	}
	hashes, readErr := os.ReadFile(file + ".sha256")
	if readErr != nil || !strings.HasPrefix(string(hashes), got.SHA256+"  case.json\n") {
		t.Errorf("hashes %q, %v", hashes, readErr)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return got, body.Records, err
}

func TestExportIsTheReportInOriginals(t *testing.T) {
	dir, records, files := smallTrail(t)
	h := trailHouse(t, dir)
	tests := []struct {
		request cli.ReportRequest
		want    []int
	}{
		{cli.ReportRequest{Name: "events"}, []int{3, 2, 1, 0}},
		{cli.ReportRequest{Name: "events", Parameters: map[string]string{"limit": "2"}}, []int{3, 2}},
		{cli.ReportRequest{Name: "events", Parameters: map[string]string{"error": "any"}}, []int{1}},
		{cli.ReportRequest{Name: "events", Period: trailhouse.Period{From: time.Date(2025, 10, 2, 0, 0, 0, 0, time.UTC), To: time.Date(2025, 10, 3, 0, 0, 0, 0, time.UTC)}}, []int{2, 1}},
		{cli.ReportRequest{Name: "who-touched", Argument: "ledger"}, []int{2, 0}},
		{cli.ReportRequest{Name: "events", Parameters: map[string]string{"name": "None"}}, nil},
	}
	for _, tt := range tests {
		_, got, err := export(t, h, tt.request)
		if err != nil || len(got) != len(tt.want) {
			t.Fatalf("%+v: %d records, %v", tt.request, len(got), err)
		}
		for i, n := range tt.want {
			if string(got[i]) != records[n] {
				t.Errorf("%+v: record %d is %s", tt.request, i, got[i])
			}
		}
	}
	if err := os.Remove(files[1]); err != nil {
		t.Fatal(err)
	}
	result, got, err := export(t, h, cli.ReportRequest{Name: "events"})
	if trailhouse.CodeOf(err) != trailhouse.CodePartial || !strings.HasPrefix(err.Error(), "done, but 2 of 4 records are left out") {
		t.Errorf("with a file that is gone: %v", err)
	}
	if len(got) != 2 || string(got[0]) != records[3] || string(got[1]) != records[0] || result.LostRecords != 2 {
		t.Errorf("with a file that is gone: %+v, %s", result, got)
	}
	lost, err := os.ReadFile(result.Lost)
	if err != nil || strings.Count(string(lost), "\n") != 2 || !strings.HasPrefix(string(lost), `{"event_id":"`+id(2)+`","object":"`+files[1]) {
		t.Errorf("lost: %s, %v", lost, err)
	}
	sum := sha256.Sum256(lost)
	hashes, err := os.ReadFile(result.Hashes)
	if err != nil || !strings.HasSuffix(string(hashes), "\n"+hex.EncodeToString(sum[:])+"  case.json.lost.jsonl\n") {
		t.Errorf("hashes %s, %v", hashes, err)
	}
}

// TestExportLeavesOutWhatIsNoJSON wants a package that can be read, and the record that
// was read without its comma told beside it; show event prints its bytes.
func TestExportLeavesOutWhatIsNoJSON(t *testing.T) {
	dir := t.TempDir()
	odd := strings.TrimSuffix(event(1, "2025-10-01T08:00:00Z", ""), "}") + ", }"
	deliver(t, dir, "CloudTrail", "20251001T0805Z", event(0, "2025-10-01T08:00:00Z", ""), odd)
	h := trailHouse(t, dir)
	result, got, err := export(t, h, cli.ReportRequest{Name: "events"})
	if trailhouse.CodeOf(err) != trailhouse.CodePartial || !strings.Contains(err.Error(), "is no JSON for a comma too many") || len(got) != 1 || result.LostRecords != 1 {
		t.Errorf("%d records, %+v, %v", len(got), result, err)
	}
	records, err := h.Event(t.Context(), id(1))
	if err != nil || len(records) != 1 || !records[0].Original || string(records[0].Text) != odd {
		t.Errorf("%+v, %v", records, err)
	}
}

func TestExportRefuses(t *testing.T) {
	dir, _, _ := smallTrail(t)
	h := trailHouse(t, dir)
	for _, suffix := range []string{"", ".sha256", ".lost.jsonl"} {
		file := filepath.Join(t.TempDir(), "case.json")
		if err := os.WriteFile(file+suffix, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := h.Export(t.Context(), cli.ExportRequest{Report: cli.ReportRequest{Name: "events"}, File: file})
		kept, _ := os.ReadFile(file + suffix)
		others, _ := os.ReadDir(filepath.Dir(file))
		if trailhouse.CodeOf(err) != trailhouse.CodeUsage || string(kept) != "mine" || len(others) != 1 {
			t.Errorf("over case.json%s: %v, %q, %v", suffix, err, kept, others)
		}
	}
	if _, _, err := export(t, h, cli.ReportRequest{Name: "trail-coverage"}); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
		t.Errorf("rows that are no records: %v", err)
	}
	if _, _, err := export(t, h, cli.ReportRequest{Name: "nothing"}); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
		t.Errorf("no report: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "case.json")
	if _, err := h.Export(ctx, cli.ExportRequest{Report: cli.ReportRequest{Name: "events"}, File: file}); err == nil {
		t.Error("an interrupted export succeeds")
	}
	if left, _ := os.ReadDir(filepath.Dir(file)); len(left) > 0 {
		t.Errorf("an interrupted export leaves %v", left)
	}
}

// TestAllRealEventsComeBack exports every real event and holds it against its file.
func TestAllRealEventsComeBack(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared", "data", "cloudtrail")
	if _, err := os.Stat(shared); err != nil {
		t.Skip("the full set of sample data is not there")
	}
	h := trailHouse(t, filepath.Join(shared, "invictus"), filepath.Join(shared, "stratus"))
	_, got, err := export(t, h, cli.ReportRequest{Name: "events"})
	if err != nil || len(got) != 3210 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	left := map[string]int{}
	for _, record := range got {
		left[string(record)]++
	}
	for _, record := range realRecords(t, shared) {
		left[string(record)]--
	}
	for record, n := range left {
		if n != 0 {
			t.Fatalf("%d too many of %s", n, record)
		}
	}
}

// realRecords reads the records of all files with encoding/json alone.
func realRecords(t *testing.T, dir string) []json.RawMessage {
	t.Helper()
	var all []json.RawMessage
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, ".json") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(text))
			if err != nil {
				return err
			}
			var out bytes.Buffer
			if _, err := out.ReadFrom(z); err != nil {
				return err
			}
			text = out.Bytes()
		}
		var body struct{ Records []json.RawMessage }
		if json.Unmarshal(text, &body.Records) != nil {
			if err := json.Unmarshal(text, &body); err != nil {
				return err
			}
		}
		all = append(all, body.Records...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCheckFindsContradictions wants repeated records that differ, and ids of two days,
// to be told; copies are not. An id need not be a GUID.
func TestCheckFindsContradictions(t *testing.T) {
	dir := t.TempDir()
	same := event(0, "2025-10-01T08:00:00Z", `,"requestParameters":{"a":1,"b":2}`)
	first := deliver(t, dir, "CloudTrail", "20251001T0805Z", same, event(1, "2025-10-01T08:00:00Z", `,"errorCode":"AccessDenied"`), event(2, "2025-10-01T23:00:00Z", ""),
		`{"eventTime":"2025-10-01T09:00:00Z","eventID":"evt-1","eventName":"A"}`)
	h := trailHouse(t, dir)
	if problems, err := h.Lake().Check(t.Context()); err != nil || len(problems) > 0 {
		t.Fatalf("before: %+v, %v", problems, err)
	}
	other := t.TempDir()
	copied := strings.ReplaceAll(event(0, "2025-10-01T08:00:00Z", `,"requestParameters":{"b":2,"a":1}`), "\n", "")
	second := deliver(t, other, "CloudTrail", "20251001T0810Z", event(1, "2025-10-01T08:00:00Z", ""), copied, event(2, "2025-10-02T01:00:00Z", ""),
		`{"eventTime":"2025-10-01T09:00:00Z","eventID":"evt-1","eventName":"B"}`)
	if _, err := h.ingest.Run(t.Context(), cloudtrail.New(cloudtrail.Options{Paths: []string{other}}), ingest.Options{}); err != nil {
		t.Fatal(err)
	}
	problems, err := h.Lake().Check(t.Context())
	if err != nil || len(problems) != 3 {
		t.Fatalf("%+v, %v", problems, err)
	}
	at := slices.IndexFunc(problems, func(p cli.Problem) bool {
		return !strings.Contains(p.Text, id(1)) && strings.Contains(p.Text, "another body")
	})
	if at < 0 {
		t.Fatalf("evt-1 is not told: %+v", problems)
	}
	problems = slices.Delete(problems, at, at+1)
	for i, want := range [][]string{
		{"event " + id(1) + " differs", "from " + first + " at byte", second + " has another body at byte 13"},
		{"1 records have the event_key of a record of another day: " + id(2) + " on 2025-10-01 and 2025-10-02"},
	} {
		for _, part := range want {
			if !strings.Contains(problems[i].Text, part) || !problems[i].Evidence || problems[i].Table != "cloudtrail" {
				t.Errorf("%+v does not say %q", problems[i], part)
			}
		}
	}
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	if problems, err = h.Lake().Check(t.Context()); err != nil || len(problems) != 1 {
		t.Errorf("without the object: %+v, %v", problems, err)
	}
}
