package enclavelog

import (
	"encoding/json"
	"strings"
	"testing"
)

// firehose is the envelopes of a stream's events, so many in each. late puts the stream's
// name behind the events, as a program does that sorts keys.
func firehose(events []cloudEvent, stream string, each int, late bool) []string {
	var out []string
	for len(events) > 0 {
		n := min(each, len(events))
		var list []map[string]any
		for _, e := range events[:n] {
			list = append(list, map[string]any{"id": e.EventID, "timestamp": e.Timestamp, "message": e.Message})
		}
		body, _ := json.Marshal(list) // texts and numbers
		head := `"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/aws/nitro/enclave","logStream":"` + stream + `","subscriptionFilters":["all"]`
		if late {
			out = append(out, `{"logEvents":`+string(body)+`,`+head+`}`)
		} else {
			out = append(out, `{`+head+`,"logEvents":`+string(body)+`}`)
		}
		events = events[n:]
	}
	return out
}

const controlMessage = `{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],` +
	`"logEvents":[{"id":"","timestamp":1510254469274,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}`

// TestEnvelopesGiveTheRowsOfTheFile wants of what Firehose delivers the rows of the log
// itself, in whatever way the envelopes are packed, delivered twice or mixed with others'.
func TestEnvelopesGiveTheRowsOfTheFile(t *testing.T) {
	text := sample(t)
	file, err := read(t, host+"/nitro_enclaves.log", text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	events := cloudEvents(text, "")
	for i := range events {
		events[i].EventID = strings.Repeat("3", 50) + itoa(100000+i)
	}
	plain, sorted := firehose(events, host, 40, false), firehose(events, host, 40, true)
	for name, c := range map[string]struct {
		content  string
		filtered int64
	}{
		"one behind the other":    {strings.Join(plain, ""), 0},
		"with a control message":  {controlMessage + strings.Join(plain, ""), 1},
		"in lines":                {strings.Join(plain, "\n") + "\n", 0},
		"the stream behind":       {strings.Join(sorted, ""), 0},
		"delivered twice":         {strings.Join(plain, "") + plain[1] + plain[2], 80},
		"members of gzip":         {zipped(plain...), 0},
		"nothing but a control":   {controlMessage, 1},
		"of two, mixed with none": {plain[0] + firehose(cloudEvents("nothing of ours\n", ""), "web", 1, false)[0] + strings.Join(plain[1:], ""), 0},
	} {
		m, err := read(t, "2025/11/03/08/stream-1", c.content, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.filtered != c.filtered {
			t.Errorf("%s: %d events filtered, want %d", name, m.filtered, c.filtered)
		}
		if c.content == controlMessage {
			if m.records != 0 || len(m.rejected) != 0 {
				t.Errorf("%s: %d records, %d rejected", name, m.records, len(m.rejected))
			}
			continue
		}
		if got, want := len(m.ids()), len(file.ids()); got != want || m.records != file.records {
			t.Errorf("%s: %d rows of %d records, want %d", name, got, m.records, want)
		}
		for id := range file.ids() {
			if _, ok := m.ids()[id]; !ok {
				t.Fatalf("%s: row %s is missing", name, id)
			}
		}
	}
}

// TestBrokenEnvelope wants an envelope that ends in the middle, at the end of the object or
// of a line, to be told, and the others to be read.
func TestBrokenEnvelope(t *testing.T) {
	envelopes := firehose(cloudEvents(sample(t), ""), host, 40, false)
	whole := strings.Join(envelopes, "")
	for name, content := range map[string]string{
		"cut":           whole[:len(whole)-20],
		"a broken line": envelopes[0] + "\n" + envelopes[1][:500] + "\n" + envelopes[2] + "\n",
	} {
		m, err := read(t, "a", content, Options{})
		if err != nil || len(m.rejected) == 0 || m.records < 40 {
			t.Errorf("%s: %v, %d records, %d rejected", name, err, m.records, len(m.rejected))
		}
	}
}
