package cloudtrail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
)

// trailName is a name as a trail gives it.
const trailName = "111122223333_CloudTrail_us-east-1_20250102T0305Z_0123456789abcdef.json"

// small are three records of which the second may be replaced.
func small(middle string) string {
	one := `{"eventVersion":"1.08","eventTime":"2025-01-02T03:00:0%dZ","eventSource":"ec2.amazonaws.com","eventName":"DescribeVpcs","awsRegion":"us-east-1","eventID":"00000000-0000-0000-0000-00000000000%d","recipientAccountId":"111122223333"}`
	first, last := fmt.Sprintf(one, 1, 1), fmt.Sprintf(one, 3, 3)
	if middle == "" {
		middle = fmt.Sprintf(one, 2, 2)
	}
	return `{"Records":[` + first + `,` + middle + `,` + last + `]}`
}

func pack(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		if _, err := io.WriteString(w, p); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// TestBadRecords wants a record that cannot be used to be refused alone, with a reason,
// and the records beside it read.
func TestBadRecords(t *testing.T) {
	const when = `"eventTime":"2025-01-02T03:00:02Z"`
	for name, c := range map[string]struct{ record, reason string }{
		"no time":              {`{"eventName":"X"}`, "the record has no eventTime"},
		"time null":            {`{"eventTime":null}`, "eventTime is no time between 1970 and 2199: null"},
		"bad time":             {`{"eventTime":"yesterday"}`, `eventTime is no time between 1970 and 2199: "yesterday"`},
		"day that is not":      {`{"eventTime":"2025-02-30T00:00:00Z"}`, `eventTime is no time between 1970 and 2199: "2025-02-30T00:00:00Z"`},
		"time as a number":     {`{"eventTime":1735786802}`, "eventTime is no time between 1970 and 2199: 1735786802"},
		"before our time":      {`{"eventTime":"0001-01-01T00:00:00Z"}`, `eventTime is no time between 1970 and 2199: "0001-01-01T00:00:00Z"`},
		"null":                 {`null`, "the record is null and no JSON object"},
		"number":               {`17`, "the record is a number and no JSON object"},
		"text":                 {`"{}"`, "the record is a text and no JSON object"},
		"array":                {`[1,2]`, "the record is an array and no JSON object"},
		"not UTF-8":            {"{" + when + ",\"eventName\":\"\xff\xfe\"}", "the record is not UTF-8"},
		"deep":                 {`{` + when + `,"requestParameters":{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}`, "it is nested deeper than 1000 levels"},
		"deeper than json can": {`{` + when + `,"requestParameters":{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}}`, "it is nested deeper than 1000 levels"},
		"records null":         {`{"Records":null}`, "Records is null and no array of records"},
		"no window":            {`{"eventCategory":"Aggregated","eventId":"x"}`, "the record has no timeWindow.windowStart"},
	} {
		for form, text := range map[string]string{
			"wrapped": small(c.record),
			"array":   strings.TrimSuffix(strings.TrimPrefix(small(c.record), `{"Records":`), "}"),
			"lines":   strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(small(c.record), `{"Records":[`), "]}"), "},{", "}\n{"),
		} {
			if form == "lines" && !strings.HasPrefix(c.record, "{") {
				continue
			}
			sink, err := readText(t, trailName, text)
			if err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
				continue
			}
			if sink.records != 2 || len(sink.rejected) != 1 || sink.rejected[0].Reason != c.reason {
				t.Errorf("%s, %s: %d records, %d rejected: %.200q", name, form, sink.records, len(sink.rejected), sink.reasons())
				continue
			}
			r := sink.rejected[0]
			if got := text[r.Position : r.Position+r.Length]; got != c.record || string(r.Content) != c.record {
				t.Errorf("%s, %s: the record at its position is %.100s", name, form, got)
			}
		}
	}
}

// TestOddRecords wants records that are odd and can be used to be read, with all that
// they say.
func TestOddRecords(t *testing.T) {
	const start = `{"eventTime":"2025-01-02T03:00:02Z",`
	for name, c := range map[string]struct {
		record string
		check  func(b *trailhouse.Batch) string
		want   string
	}{
		"text where an object is expected": {start + `"requestParameters":"all of it","responseElements":""}`,
			func(b *trailhouse.Batch) string {
				return fmt.Sprint(mapOf(b, 1, "unknownfields"), mapOf(b, 1, "requestparameters") == nil)
			}, `map[requestParameters:"all of it" responseElements:""] true`},
		"member twice": {start + `"eventName":"A","requestParameters":{"a":1,"b":2,"\u0061":3},"eventName":"B"}`,
			func(b *trailhouse.Batch) string {
				return fmt.Sprint(value(b, 1, "eventname"), mapOf(b, 1, "requestparameters"))
			}, "Bmap[a:3 b:2]"},
		"no eventID": {start + `"eventName":"A"}`,
			func(b *trailhouse.Batch) string {
				return fmt.Sprint(b.Key(b.Table.MustIndex("event_key"), 1) != trailhouse.Key{})
			}, "true"},
		"impossible region": {start + `"awsRegion":"us-north-2r"}`, func(b *trailhouse.Batch) string { return value(b, 1, "awsregion") }, "us-north-2r"},
		"large integer": {start + `"requestParameters":{"n":12345678901234567890,"f":1.0,"e":1e3,"deep":{"n":12345678901234567890}}}`,
			func(b *trailhouse.Batch) string { return fmt.Sprint(mapOf(b, 1, "requestparameters")) },
			`map[deep:{"n":12345678901234567890} e:1e3 f:1.0 n:12345678901234567890]`},
		"numbers for texts": {start + `"recipientAccountId":111122223333,"readOnly":"true","managementEvent":"maybe","apiVersion":20120601}`,
			func(b *trailhouse.Batch) string {
				return fmt.Sprint(value(b, 1, "recipientaccountid"), b.Bool(b.Table.MustIndex("readonly"), 1), b.IsNull(b.Table.MustIndex("managementevent"), 1), mapOf(b, 1, "unknownfields"))
			}, `111122223333true true map[apiVersion:20120601 managementEvent:"maybe" readOnly:"true" recipientAccountId:111122223333]`},
		"unknown fields": {start + `"newField":{"a" : [1, 2]},"userIdentity":{"type":"Root","shoeSize":44},"resources":[{"ARN":"arn:aws:s3:::b"},{"colour":"red"},7]}`,
			func(b *trailhouse.Batch) string { return fmt.Sprint(mapOf(b, 1, "unknownfields")) },
			`map[newField:{"a":[1,2]} resources[1].colour:"red" resources[2]:7 userIdentity.shoeSize:44]`},
		"white space in payloads": {start + `"requestParameters": { "a" : { "b c" : [ 1 , "x  y\" , " ] } , "t" : " text " } }`,
			func(b *trailhouse.Batch) string { return fmt.Sprint(mapOf(b, 1, "requestparameters")) }, `map[a:{"b c":[1,"x  y\" , "]} t: text ]`},
		"escapes": {start + `"eventName":"\u00e4\ud83d\ude00\n\"\\\/","requestParameters":{"k\u0065y":"a\tb"}}`,
			func(b *trailhouse.Batch) string {
				return fmt.Sprintf("%q %q", value(b, 1, "eventname"), mapOf(b, 1, "requestparameters"))
			}, `"ä😀\n\"\\/" map["key":"a\tb"]`},
		"time with a fraction": {`{"eventTime":"2025-01-02T03:00:02.198Z"}`,
			func(b *trailhouse.Batch) string {
				return fmt.Sprint(b.Time(b.Table.MustIndex("eventtime"), 1).UnixMilli(), mapOf(b, 1, "unknownfields"))
			}, `1735786802198 map[eventTime:"2025-01-02T03:00:02.198Z"]`},
		"nulls": {start + `"requestParameters":null,"userIdentity":null,"resources":null,"eventName":null,"tlsDetails":{}}`,
			func(b *trailhouse.Batch) string {
				return fmt.Sprint(b.IsNull(b.Table.MustIndex("requestparameters"), 1), b.IsNull(b.Table.MustIndex("useridentity"), 1), b.IsNull(b.Table.MustIndex("tlsdetails"), 1), mapOf(b, 1, "unknownfields"))
			}, "true true false map[]"},
	} {
		sink, err := readText(t, trailName, small(c.record))
		if err != nil || sink.records != 3 || len(sink.rejected) != 0 {
			t.Errorf("%s: %v, %d records, %q", name, err, sink.records, sink.reasons())
			continue
		}
		if got := c.check(sink.events()); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		told := strings.Contains(sink.covers[0].Detail, "member twice")
		if told != (name == "member twice") {
			t.Errorf("%s: coverage says %q", name, sink.covers[0].Detail)
		}
	}
}

// TestBadObjects wants an object that is damaged to be refused whole, before its first
// row, with words that name it.
func TestBadObjects(t *testing.T) {
	good := small("")
	for name, c := range map[string]struct {
		content []byte
		code    trailhouse.Code
		text    string
	}{
		"second gzip member": {pack(t, good, good), trailhouse.CodeDamaged, "goes on behind its gzip data"},
		"empty gzip member":  {pack(t, good, ""), trailhouse.CodeDamaged, "goes on behind its gzip data"},
		"zeros behind gzip":  {append(pack(t, good), 0, 0, 0), trailhouse.CodeDamaged, "goes on behind its gzip data"},
		"UTF-16":             {[]byte("\xff\xfe{\x00}\x00"), trailhouse.CodeDamaged, "is UTF-16"},
		"twice":              {pack(t, string(pack(t, good))), trailhouse.CodeDamaged, "is compressed twice"},
		"empty":              {nil, trailhouse.CodeDamaged, "is empty"},
		"no JSON":            {[]byte("<html></html>"), trailhouse.CodeDamaged, "byte 0: '<' does not belong there"},
		"deep for ever":      {[]byte(strings.Repeat("[", 200_000)), trailhouse.CodeDamaged, "nested deeper than 100000 levels"},
		"only damage":        {[]byte(`{"Records":[{"eventTime":"2025-01-02T03:00:02Z","eventName":"a` + "\x00" + `"}]}`), trailhouse.CodeDamaged, "there is a zero byte in it"},
		"bomb":               {pack(t, strings.Repeat(" ", 40<<20)), trailhouse.CodeLimit, "times its size"},
	} {
		path := write(t, trailName, c.content)
		sink, err := read(t, Options{}, path)
		if trailhouse.CodeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.text) || !strings.Contains(fmt.Sprint(err), path) {
			t.Errorf("%s: %s %v", name, trailhouse.CodeOf(err), err)
		}
		if sink.records != 0 || sink.events().Len() != 0 || trailhouse.HintOf(err) == "" {
			t.Errorf("%s: %d records, hint %q", name, sink.records, trailhouse.HintOf(err))
		}
	}
}

// TestForeignFiles wants files that are no trail's to be told apart, with what to do.
func TestForeignFiles(t *testing.T) {
	const lookup = `{"Events":[{"EventId":"1","EventName":"N","CloudTrailEvent":"{\"eventVersion\":\"1.08\"}"}]}`
	if _, err := readText(t, "events.json", lookup); trailhouse.CodeOf(err) != trailhouse.CodeInvalid || !strings.Contains(trailhouse.HintOf(err), "fromjson") {
		t.Errorf("%v, %s", err, trailhouse.HintOf(err))
	}
	for text, want := range map[string]string{
		`{"fileVersion":"1.0","configSnapshotId":"x","configurationItems":[]}`: "a file of AWS Config", `{"a":1}`: "no record of CloudTrail", "": "it is empty", "x": "it is not JSON",
	} {
		sink, err := readText(t, "x.json", text)
		if err != nil || len(sink.covers) != 1 || sink.covers[0].Result != trailhouse.CoverageIgnored || !strings.Contains(sink.covers[0].Detail, want) {
			t.Errorf("%s: %v %+v", text, err, sink.covers)
		}
	}
}

// utf16 writes a text as PowerShell does.
func utf16(text, mark string) string {
	out := mark
	for _, c := range text {
		if mark == "\xfe\xff" {
			out += "\x00" + string(c)
		} else {
			out += string(c) + "\x00"
		}
	}
	return out
}

// TestFilesOfOnesOwn wants trails in files of any name to be read, or refused for what
// is so with them, and files of others in such forms to be passed over.
func TestFilesOfOnesOwn(t *testing.T) {
	good, other := small(""), `{"greeting":"hello"}`
	const escaped = `"{\"eventVersion\":\"1.08\",\"eventTime\":\"2025-01-02T03:00:02Z\"}"`
	for name, c := range map[string]struct {
		content string
		records int
		code    trailhouse.Code
		text    string // of the error or of coverage
	}{
		"white space":             {strings.Repeat(" \n", 150_000) + good, 3, "", ""},
		"white space, compressed": {string(pack(t, strings.Repeat(" \n", 15_000)+good)), 3, "", ""},
		"only white space":        {strings.Repeat(" \n", 150_000), 0, "", "it is empty"},
		"UTF-16":                  {utf16(good, "\xff\xfe"), 0, trailhouse.CodeDamaged, "is UTF-16"},
		"UTF-16, other order":     {utf16(good, "\xfe\xff"), 0, trailhouse.CodeDamaged, "is UTF-16"},
		"UTF-16 without a mark":   {utf16(good, ""), 0, trailhouse.CodeDamaged, "is UTF-16"},
		"UTF-16 of others":        {utf16(other, "\xff\xfe"), 0, "", "it is UTF-16, and no record"},
		"twice":                   {string(pack(t, string(pack(t, good)))), 0, trailhouse.CodeDamaged, "is compressed twice"},
		"twice, of others":        {string(pack(t, string(pack(t, other)))), 0, "", "it is compressed twice, and no record"},
		"list of texts":           {"[" + escaped + "]", 0, trailhouse.CodeInvalid, "as texts"},
		"list of lookups":         {`[{"EventId":"1","CloudTrailEvent":` + escaped + "}]", 0, trailhouse.CodeInvalid, "as texts"},
		"log events":              {`{"events":[{"timestamp":1,"message":` + escaped + "}]}", 0, trailhouse.CodeInvalid, "as texts"},
		"texts within a record":   {small(`{"eventTime":"2025-01-02T03:00:02Z","requestParameters":{"m":` + escaped + "}}"), 3, "", ""},
	} {
		sink, err := readText(t, "mine.json", c.content)
		if c.code != "" {
			if trailhouse.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.text) || trailhouse.HintOf(err) == "" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || sink.records != c.records || len(sink.covers) == 0 || !strings.Contains(sink.covers[0].Detail, c.text) {
			t.Errorf("%s: %v, %d records, %+v", name, err, sink.records, sink.covers)
		}
	}
}

// TestDamagedDocuments wants what is good in a document beside something that is no JSON
// to be read, and what is not to be in quarantine alone, with its place, its bytes and
// a reason.
func TestDamagedDocuments(t *testing.T) {
	good := small("")
	middle := strings.Split(strings.TrimSuffix(strings.TrimPrefix(good, `{"Records":[`), "]}"), "},{")[1]
	second := "{" + middle + "}"
	nested := `{"eventTime":"2025-01-02T03:00:02Z","eventName":"N","requestParameters":{"Records":[{"eventVersion":"2.1","eventTime":"2025-01-02T03:00:02Z","eventName":"ObjectCreated:Put"}]},"bad":tru}`
	for name, c := range map[string]struct {
		text     string
		good     int
		rejected string // "" for none, - for one that may be as it likes
		reason   string
		told     string
	}{
		"raw NUL":               {small(`{"eventTime":"2025-01-02T03:00:02Z","eventName":"a` + "\x00" + `b"}`), 2, `{"eventTime":"2025-01-02T03:00:02Z","eventName":"a` + "\x00" + `b"}`, "there is a zero byte in it", ""},
		"control character":     {strings.Replace(good, "0002\"", "0002\x1b\"", 1), 2, strings.Replace(second, "0002\"", "0002\x1b\"", 1), "control character (0x1b)", ""},
		"in the last record":    {strings.Replace(good, "0003\"", "0003\x1b\"", 1), 2, "-", "control character (0x1b)", ""},
		"in the first record":   {strings.Replace(good, "0001\"", "0001\x1b\"", 1), 2, "-", "control character (0x1b)", ""},
		"text behind it":        {good + " x", 3, "x", "'x' does not belong there", ""},
		"zeros behind it":       {good + "\x00\x00", 3, "\x00\x00", "there is a zero byte in it", ""},
		"bracket too many":      {good + "]}", 3, "]}", "']' does not belong there", ""},
		"comma in a record":     {strings.Replace(good, `"}]`, `",}]`, 1), 3, "", "", "1 records are no JSON for a comma in front of a closing bracket"},
		"comma behind the last": {strings.Replace(good, `"}]`, `"},]`, 1), 3, "", "", "1 commas between records are missing or too many"},
		"two commas":            {strings.Replace(good, `},{`, `},,{`, 1), 3, "", "", "1 commas between records"},
		"comma in front":        {strings.Replace(good, `[{`, `[,{`, 1), 3, "", "", "1 commas between records"},
		"no comma":              {strings.Replace(good, `},{`, "}\n{", 1), 3, "", "", "1 commas between records"},
		"no bracket":            {strings.Replace(good, `"},{`, `",{`, 1), 2, "-", "'{' does not belong there", ""},
		"no quote":              {strings.Replace(good, `0002"`, `0002`, 1), 2, strings.Replace(second, `0002"`, `0002`, 1), "does not belong there", ""},
		"no quote at the end":   {strings.Replace(good, `"},{`, `},{`, 1), 2, "-", "does not belong there", ""},
		"array left open":       {small(`{"eventTime":"2025-01-02T03:00:02Z","resources":[{"a":1},tru`), 2, `{"eventTime":"2025-01-02T03:00:02Z","resources":[{"a":1},tru`, "it is no JSON", ""},
		// What is missing is found at the end, so the last record is the second one's.
		"array closed by the document": {small(`{"eventTime":"2025-01-02T03:00:02Z","resources":[{"a":1}`), 2, "", "the document is cut", ""},
		"garbage for a record":         {small("nonsense"), 2, "nonsense", "does not belong there", ""},
		"a notification of S3":         {small(nested), 2, nested, "does not belong there", ""},
		"member before":                {`{"x":tru,` + good[1:], 3, `{"x":tru,"Records":[`, "does not belong there", ""},
		"member behind":                {good[:len(good)-1] + `,"x":tru}`, 3, `,"x":tru`, "does not belong there", ""},
		"array":                        {strings.TrimSuffix(strings.TrimPrefix(small("nonsense"), `{"Records":`), "}"), 2, "nonsense", "does not belong there", ""},
		"two documents":                {good + "nonsense" + strings.NewReplacer("0001", "0004", "0002", "0005", "0003", "0006").Replace(good), 6, "nonsense", "does not belong there", ""},
		"not closed":                   {good[:len(good)-1], 3, "", "the document is cut", ""},
		"array not closed":             {good[:len(good)-2], 3, "", "the document is cut", ""},
		"first line":                   {"nonsense\n" + strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(good, `{"Records":[`), "]}"), "},{", "}\n{"), 3, "nonsense", "does not belong there", ""},
	} {
		for form, content := range map[string][]byte{"plain": []byte(c.text), "gzip": pack(t, c.text)} {
			sink, err := read(t, Options{}, write(t, trailName, content))
			if err != nil || sink.records != c.good || len(sink.rejected) > 1 || (len(sink.rejected) == 1) != (c.reason != "") {
				t.Errorf("%s, %s: %v, %d records, rejected %q", name, form, err, sink.records, sink.reasons())
				continue
			}
			if !strings.Contains(sink.covers[0].Detail, c.told) || c.told == "" && sink.covers[0].Detail != "" {
				t.Errorf("%s: coverage says %q", name, sink.covers[0].Detail)
			}
			if c.reason == "" {
				continue
			}
			r := sink.rejected[0]
			if want := strings.TrimLeft(c.rejected, ","); want != "-" && string(r.Content) != want || !strings.Contains(r.Reason, c.reason) ||
				c.text[r.Position:r.Position+r.Length] != string(r.Content) || r.SHA256 != sha256.Sum256(r.Content) {
				t.Errorf("%s, %s: %d %d %q: %s", name, form, r.Position, r.Length, r.Content, r.Reason)
			}
		}
	}
}

// TestCutDocuments cuts a document at every byte: the records before the cut are read,
// and the rest is in quarantine.
func TestCutDocuments(t *testing.T) {
	text := small(`{"eventTime":"2025-01-02T03:00:02Z","eventName":"a,{\"b","requestParameters":{"a":[{"b":"c"}]}}`)
	for cut := range text {
		whole := 0
		for _, end := range []string{"0001\"", "]}}", "0003\""} {
			if at := strings.Index(text, end); cut > at && strings.Contains(text[at:cut], "}") && (end != "]}}" || cut >= at+3) {
				whole++
			}
		}
		sink, err := readText(t, trailName, text[:cut])
		if whole == 0 {
			if trailhouse.CodeOf(err) != trailhouse.CodeDamaged || sink.records+len(sink.rejected) > 0 {
				t.Fatalf("cut at %d: %v, %d records", cut, err, sink.records)
			}
			continue
		}
		if err != nil || sink.records != whole || len(sink.rejected) != 1 || !strings.Contains(sink.rejected[0].Reason, "it is cut") && !strings.Contains(sink.rejected[0].Reason, "is cut") {
			t.Fatalf("cut at %d: %v, %d records of %d, %q: ...%s", cut, err, sink.records, whole, sink.reasons(), text[max(cut-40, 0):cut])
		}
		if r := sink.rejected[0]; r.Position+r.Length != int64(cut) && strings.Trim(text[r.Position+r.Length:cut], ",") != "" {
			t.Fatalf("cut at %d: quarantine ends at %d", cut, r.Position+r.Length)
		}
	}
}

// TestGoodObjects wants all forms of one document to give the same rows.
func TestGoodObjects(t *testing.T) {
	good := small("")
	array := strings.TrimSuffix(strings.TrimPrefix(good, `{"Records":`), "}")
	lines := strings.ReplaceAll(strings.Trim(array, "[]"), "},{", "}\n{")
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(good), "", "  "); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"plain": []byte(good), "gzip": pack(t, good), "array": []byte(array), "lines": []byte(lines), "lines with an end": []byte(lines + "\r\n"),
		"BOM": []byte("\xef\xbb\xbf" + good), "BOM in each line": []byte(strings.ReplaceAll("\xef\xbb\xbf"+strings.TrimSuffix(strings.TrimPrefix(good, `{"Records":[`), "]}"), "},{", "}\r\n\xef\xbb\xbf{")), "pretty": pretty.Bytes(), "white space": []byte("\n\t " + good + " \r\n"),
		"members before": []byte(`{"version":[1],` + good[1:]), "members behind": []byte(good[:len(good)-1] + `,"more":{"x":[]}}`),
		"two documents": []byte(strings.Replace(good, `},{`, `}]} {"Records":[{`, 1)), "in two arrays": []byte(strings.Replace(good, `},{`, `}],"Records":[{`, 1)),
	} {
		sink, err := read(t, Options{}, write(t, trailName, content))
		if err != nil || sink.records != 3 || len(sink.rejected) != 0 || len(sink.covers) != 1 {
			t.Errorf("%s: %v, %d records, %+v, %+v", name, err, sink.records, sink.reasons(), sink.covers)
			continue
		}
		b := sink.events()
		for i := range 3 {
			if want := fmt.Sprintf("00000000-0000-0000-0000-00000000000%d", i+1); value(b, i, "eventid") != want || b.Int(b.Table.MustIndex("record_index"), i) != int64(i) {
				t.Errorf("%s: record %d is %s", name, i, value(b, i, "eventid"))
			}
		}
		c := sink.covers[0]
		if c.Scope != "111122223333/us-east-1" || c.From.Second() != 1 || c.Through.Second() != 3 || c.Result != trailhouse.CoverageRead {
			t.Errorf("%s: %+v", name, c)
		}
	}
	for _, empty := range []string{`{"Records":[]}`, `[]`, ` {"Records" : [ ] , "x":1 } `} {
		if sink, err := readText(t, trailName, empty); err != nil || sink.records != 0 || len(sink.rejected) != 0 || len(sink.covers) != 1 || sink.covers[0].Result != trailhouse.CoverageRead {
			t.Errorf("%s: %v %+v", empty, err, sink)
		}
	}
}

// TestBrokenLines wants a line that is no JSON to be refused alone where every record
// has a line.
func TestBrokenLines(t *testing.T) {
	lines := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(small(""), `{"Records":[`), "]}"), "},{", "}\n{")
	for name, text := range map[string]string{
		"cut in the middle": strings.Replace(lines, `Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeVpcs","awsRegion":"us-east-1","eventID":"00000000-0000-0000-0000-000000000002","recipientAccountId":"111122223333"}`, "", 1),
		"garbage":           strings.Replace(lines, "\n", "\nnonsense\n", 1),
		"cut at the end":    lines[:len(lines)-30],
	} {
		sink, err := readText(t, trailName, text)
		if err != nil || len(sink.rejected) != 1 || !strings.Contains(sink.rejected[0].Reason, "it is no JSON: byte ") {
			t.Errorf("%s: %v, %d records, %q", name, err, sink.records, sink.reasons())
			continue
		}
		if want := map[string]int{"garbage": 3}[name]; sink.records != max(want, 2) {
			t.Errorf("%s: %d records", name, sink.records)
		}
	}
}

// TestTruncatedGzip cuts a real object at 1,000 places.
func TestTruncatedGzip(t *testing.T) {
	packed := realObject(t)
	dir := t.TempDir()
	path := filepath.Join(dir, trailName+".gz")
	s := New(Options{})
	for i := range 1000 {
		cut := 2 + i*(len(packed)-2)/1000
		if err := os.WriteFile(path, packed[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		sink := newSink()
		err := s.Read(context.Background(), trailhouse.Unit{Object: path, Size: -1}, sink)
		if trailhouse.CodeOf(err) != trailhouse.CodeDamaged || sink.records != 0 {
			t.Fatalf("cut at %d of %d: %v, %d records", cut, len(packed), err, sink.records)
		}
	}
}

// TestFlippedBits changes single bits of a real object. The check sum finds all but
// those that mean nothing: of the header, and between blocks.
func TestFlippedBits(t *testing.T) {
	packed := realObject(t)
	path := filepath.Join(t.TempDir(), trailName+".gz")
	chance := rand.New(rand.NewPCG(1, 2))
	s := New(Options{})
	flips := 5000
	if testing.Short() {
		flips = 500
	}
	good, rows := 0, 0
	for range flips {
		bit := chance.IntN(len(packed) * 8)
		changed := bytes.Clone(packed)
		changed[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		sink := newSink()
		err := s.Read(context.Background(), trailhouse.Unit{Object: path, Size: -1}, sink)
		switch code := trailhouse.CodeOf(err); {
		case err == nil && sink.records == 56: // the check sum says that nothing has changed
			good++
			rows = max(rows, sink.events().Len())
		case code != trailhouse.CodeDamaged && code != trailhouse.CodeLimit || sink.records != 0:
			t.Fatalf("bit %d: %v, %d records", bit, err, sink.records)
		}
	}
	if good > flips/100 || rows > 56 {
		t.Errorf("%d of %d changes mean nothing, %d rows", good, flips, rows)
	}
}

// realObject is a real object of about 64 KiB inflated, packed.
func realObject(t testing.TB) []byte {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join("testdata", "111122223333_CloudTrail_us-east-1_20230710T1230Z_0000000000000000.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// endless gives a document of many records without holding it.
type endless struct {
	head, record, tail string
	left               int
	part               string
}

func (e *endless) Read(p []byte) (int, error) {
	for e.part == "" {
		switch {
		case e.head != "":
			e.part, e.head = e.head, ""
		case e.left > 1:
			e.part = e.record + ","
			e.left--
		case e.left == 1:
			e.part = e.record
			e.left--
		case e.tail != "":
			e.part, e.tail = e.tail, ""
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.part)
	e.part = e.part[n:]
	return n, nil
}

// TestHugeObject reads an object of 300 MB with little memory, plain and packed, and
// finds the bytes of a record in its middle again.
func TestHugeObject(t *testing.T) {
	if testing.Short() {
		t.Skip("600 MB in a short test")
	}
	text, err := os.ReadFile("testdata/launch.json")
	if err != nil {
		t.Fatal(err)
	}
	const records = 71_000
	document := func() io.Reader {
		return &endless{head: `{"Records":[`, record: string(text), tail: "]}", left: records}
	}
	dir := t.TempDir()
	for _, name := range []string{trailName, trailName + ".gz"} {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		var w io.WriteCloser = f
		if strings.HasSuffix(name, ".gz") {
			if w, err = gzip.NewWriterLevel(f, 1); err != nil {
				t.Fatal(err)
			}
		}
		n, err := io.Copy(w, document())
		if err := errors.Join(err, w.Close()); err != nil || n < 300_000_000 {
			t.Fatal(n, err)
		}
		f.Close()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		most := uint64(0)
		sink := newSink()
		var span Span
		sink.each = func(s *memorySink) error {
			if s.records%10_000 == 0 {
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapInuse)
			}
			if s.records == records/2 {
				_, _, span = WhereIs(s.events(), 0)
			}
			return nil
		}
		s := New(Options{Limits: objects.Limits{Ratio: 2000}})
		if err := s.Read(context.Background(), trailhouse.Unit{ID: "u", Object: path, Size: info.Size(), Modified: info.ModTime()}, sink); err != nil {
			t.Fatal(err)
		}
		if grown := int64(most) - int64(before.HeapInuse); sink.records != records || grown > 48<<20 {
			t.Errorf("%s: %d records, %d bytes of memory more", name, sink.records, grown)
		}
		if span.Position != int64(len(`{"Records":[`)+(records/2-1)*(len(text)+1)) || span.Length != int64(len(text)) {
			t.Errorf("%s: a record in the middle is at %+v", name, span)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
