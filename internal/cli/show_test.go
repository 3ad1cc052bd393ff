package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

// twoRecords are records of one id in two accounts; the original of the second is gone.
func twoRecords() []Record {
	at := time.Date(2025, 10, 1, 10, 0, 0, 0, time.UTC)
	return []Record{
		{Table: "cloudtrail", EventID: "e1", EventTime: at, Account: "111122223333", Object: "/trail/a.json.gz", Unit: "u1", Index: 3,
			Position: 12, Length: 34, ObjectSHA256: "aa", Original: true, Text: []byte("{\"a\" : \"<&>\",\n \"b\":1.50}")},
		{Table: "cloudtrail", EventID: "e1", EventTime: at, Object: "s3://t/b.json", Unit: "u2", ObjectSHA256: "bb",
			Problem: "s3://t/b.json is gone", Text: []byte(`{"a":"rebuilt"}`)},
	}
}

// printed prints records and returns standard output.
func printed(t *testing.T, records []Record, asJSON bool) (string, error) {
	t.Helper()
	var out bytes.Buffer
	s := newShell(Env{Out: &out, Err: &bytes.Buffer{}, Clock: trailhouse.SystemClock{}})
	s.flags.json = asJSON
	err := s.printRecords(records)
	return out.String(), err
}

func TestRecordsArePrintedAsTheyWere(t *testing.T) {
	records := twoRecords()
	got, err := printed(t, records, false)
	if want := "{\"a\" : \"<&>\",\n \"b\":1.50}\n{\"a\":\"rebuilt\"}\n"; got != want {
		t.Errorf("printed %q", got)
	}
	if ExitCode(err) != ExitPartial || !strings.Contains(err.Error(), "not the original record of event e1: it is rebuilt from the table cloudtrail, because s3://t/b.json is gone") {
		t.Errorf("error %v", err)
	}
	if got, err := printed(t, records[:1], false); err != nil || got != string(records[0].Text)+"\n" {
		t.Errorf("the original alone: %q, %v", got, err)
	}
}

func TestRecordsAsJSONKeepTheirBytes(t *testing.T) {
	got, err := printed(t, twoRecords(), true)
	want := `{"table":"cloudtrail","event_id":"e1","event_time":"2025-10-01T10:00:00Z","account_id":"111122223333","object":"/trail/a.json.gz","unit_id":"u1","record_index":3,` +
		`"position":12,"length":34,"object_sha256":"aa","original":true,"record":{"a" : "<&>",` + "\n" + ` "b":1.50}}` + "\n" +
		`{"table":"cloudtrail","event_id":"e1","event_time":"2025-10-01T10:00:00Z","object":"s3://t/b.json","unit_id":"u2","record_index":0,` +
		`"position":0,"length":0,"object_sha256":"bb","original":false,"problem":"s3://t/b.json is gone","record":{"a":"rebuilt"}}` + "\n"
	if got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	if ExitCode(err) != ExitPartial {
		t.Errorf("exit code %d", ExitCode(err))
	}
}

func TestExportNamesItsFile(t *testing.T) {
	dir := t.TempDir()
	s := newShell(Env{Dir: dir, Clock: &clock{time.Date(2025, 11, 21, 12, 0, 0, 0, time.UTC)}})
	for out, want := range map[string]string{
		"x.json": dir + "/x.json", ".": dir + "/events-20251121T120000Z.json", "new/": dir + "/new/events-20251121T120000Z.json",
		dir: dir + "/events-20251121T120000Z.json", "new/x": dir + "/new/x",
	} {
		if got := s.exportFile(out, "events"); got != want {
			t.Errorf("%s: %s, want %s", out, got, want)
		}
	}
}

func TestLimitsAreTold(t *testing.T) {
	var errs bytes.Buffer
	s := newShell(Env{Err: &errs, Clock: trailhouse.SystemClock{}})
	if err := s.complete(Answer{Rows: 1000, Limit: 1000}, nil); err != nil {
		t.Fatal(err)
	}
	if want := "note: these are the first 1,000 rows, the limit of the report; there may be more: give --param limit=N or a shorter period\n"; errs.String() != want {
		t.Errorf("told %q", errs.String())
	}
}
