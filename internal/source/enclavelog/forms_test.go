package enclavelog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

const host = "i-0a1b2c3d4e5f60718"

// cloudEvent is an event as the aws command prints it.
type cloudEvent struct {
	LogStreamName string `json:"logStreamName,omitempty"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId,omitempty"`
}

// cloudEvents makes an event of each line of a text, as the agent does.
func cloudEvents(text, stream string) []cloudEvent {
	var out []cloudEvent
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		out = append(out, cloudEvent{LogStreamName: stream, Timestamp: 1762156800000 + int64(i/7), Message: l, IngestionTime: 1762156801000, EventID: fmt.Sprint("3890", i)})
	}
	return out
}

func marshal(v any, indent string) string {
	b, err := json.MarshalIndent(v, "", indent)
	if indent == "" {
		b, err = json.Marshal(v)
	}
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return string(b) + "\n"
}

func page(events []cloudEvent) map[string]any {
	return map[string]any{"events": events, "searchedLogStreams": []any{}, "nextToken": `x"y`}
}

func jsonLines(events []cloudEvent) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(marshal(e, ""))
	}
	return b.String()
}

func exported(text string) string {
	var b strings.Builder
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		fmt.Fprintf(&b, "2025-11-03T08:00:%02d.%03dZ %s\n", i/100, i, l)
	}
	return b.String()
}

func zipped(parts ...string) string {
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		w.Write([]byte(p))
		w.Close()
	}
	return b.String()
}

// records returns what a unit gave but for where it lay.
func records(m *memory) []string {
	var out []string
	for i := range m.log.Len() {
		row := []string{m.log.Key(0, i).String()}
		for _, c := range []string{"instance_id", "logger", "slot", "level", "file", "message", "continuation"} {
			row = append(row, m.text(c, i))
		}
		out = append(out, strings.Join(row, "|"))
	}
	return out
}

// forms writes a log in every form that people have it in.
func forms(text string) map[string]string {
	events := cloudEvents(text, host)
	half := len(events) / 2
	joinedUp := []cloudEvent{}
	for _, e := range events {
		if n := len(joinedUp); n > 0 && !strings.HasPrefix(e.Message, "[") {
			joinedUp[n-1].Message += "\n" + e.Message
			continue
		}
		joinedUp = append(joinedUp, e)
	}
	var bare strings.Builder // an export task with multi-line events: lines without a time
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(l, "[") {
			bare.WriteString("2025-11-03T08:00:00.000Z ")
		}
		bare.WriteString(l + "\n")
	}
	return map[string]string{
		"plain.log":             text,
		"dos.log":               strings.ReplaceAll(text, "\n", "\r\n"),
		"mark.log":              "\ufeff" + text,
		"blank.log":             "\n\n" + text + "\n\n",
		"no-gz-name.log":        zipped(text),
		"members.log.1.gz":      zipped(text[:5000], text[5000:]),
		"pretty.json":           marshal(page(events), "    "),
		"compact.json":          marshal(page(events), ""),
		"compact-mark.json":     "\ufeff" + marshal(page(events), ""),
		"pages.json":            marshal(page(events[:half]), "    ") + marshal(page(events[half:]), "    "),
		"compact-pages.json":    marshal(page(events[:half]), "") + marshal(page(events[half:]), ""),
		"get-log-events.json":   marshal(map[string]any{"events": cloudEvents(text, ""), "nextForwardToken": "f/1"}, "  "),
		"lines.jsonl":           jsonLines(events),
		"mixed.jsonl":           jsonLines(events[:half]) + marshal(page(events[half:]), ""),
		"array.json":            marshal(events, "  "),
		"compact-array.json":    marshal(events, ""),
		"array-by-line.json":    "[" + strings.ReplaceAll(strings.TrimSuffix(jsonLines(events), "\n"), "\n", ",\n") + "]\n",
		"slurped.json":          marshal([]any{page(events[:half]), page(events[half:])}, ""),
		"multi-line.json":       marshal(page(joinedUp), ""),
		"pretty.json.gz":        zipped(marshal(page(events), "    ")),
		"000000.gz":             zipped(exported(text)),
		"exported.txt":          exported(text),
		"exported-trimmed.txt":  strings.ReplaceAll(exported(text), "Z \n", "Z\n"),
		"exported-multi.txt":    bare.String(),
		".hidden.tmp":           text,
		host + "/deep/file.log": text,
	}
}

func TestEveryFormGivesTheSameRecords(t *testing.T) {
	want, err := readFile(t, absolute(t, "testdata/nitro_enclaves.sample.log"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range forms(sample(t)) {
		t.Run(name, func(t *testing.T) {
			m, err := read(t, name, content, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(records(want), records(m)); diff != "" {
				t.Error(diff)
			}
			if len(m.rejected) != 0 || m.filtered != 0 {
				t.Errorf("rejected %v, filtered %d", m.rejected, m.filtered)
			}
		})
	}
}

// TestStreams reads one export of several hosts, whose events lie between one another.
func TestStreams(t *testing.T) {
	text := sample(t)
	other := strings.ReplaceAll(text, host, "i-0ffffffffffffffff")
	a, b := cloudEvents(text, "hosts/"+host+"/nitro"), cloudEvents(other, "nameless")
	var mixed []cloudEvent
	for i := range a {
		mixed = append(mixed, a[i], b[i])
	}
	m, err := read(t, "all.json", marshal(page(mixed), ""), Options{})
	if err != nil {
		t.Fatal(err)
	}
	byHost := map[string]int{}
	for i := range m.log.Len() {
		byHost[m.text("instance_id", i)]++
	}
	whole, err := read(t, "one.log", text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := whole.log.Len()
	if diff := cmp.Diff(map[string]int{host: n, "i-0ffffffffffffffff": n}, byHost); diff != "" || len(m.rejected) != 0 {
		t.Error(diff, m.rejected)
	}
	ids := m.ids()
	for id := range whole.ids() {
		if _, ok := ids[id]; !ok {
			t.Fatalf("record %s of the file is not in the export", id)
		}
	}
	if len(m.covered) != 2 {
		t.Errorf("coverage %v", m.covered)
	}
}

func TestBrokenJSONLine(t *testing.T) {
	events := cloudEvents(sample(t), host)
	lines := strings.SplitAfter(jsonLines(events), "\n")
	for name, bad := range map[string]string{
		"cut in a string":      lines[3][:40] + "\n",
		"cut at a comma":       `{"logStreamName":"x",` + "\n",
		"no JSON":              "hello\n",
		"no event":             `{"a":1}` + "\n",
		"a number":             "17\n",
		"control character":    strings.Replace(lines[3], "nitro", "n\x01tro", 1),
		"a page that is cut":   `{"events":[` + strings.TrimSpace(lines[4]) + ",\n",
		"behind a good value":  strings.TrimSpace(lines[3]) + "}\n",
		"deep":                 strings.Repeat("[", 5000) + "\n",
		"message of no string": `{"message":7}` + "\n",
	} {
		for _, at := range []int{0, 1, 100, len(lines) - 1} {
			if at == 0 && (name == "deep" || name == "a page that is cut") {
				continue // as a first line it may be the beginning of a document
			}
			rest := append(append([]string{}, lines[:at]...), bad)
			skip := at
			if name == "behind a good value" {
				skip = min(at+1, len(lines))
				if at != 3 {
					continue
				}
			}
			rest = append(rest, lines[skip:]...)
			content := strings.Join(rest, "")
			want := strings.Count(content, `"message":"[`) - strings.Count(bad, `"message":"[`)
			if name == "behind a good value" {
				want++
			}
			m, err := read(t, "x.jsonl", content, Options{})
			if err != nil {
				t.Errorf("%s at %d: %v", name, at, err)
				continue
			}
			if len(m.rejected) != 1 || int(m.records) != want {
				t.Errorf("%s at %d: %d rejected, %d records", name, at, len(m.rejected), m.records)
				continue
			}
			r := m.rejected[0]
			if got := content[r.Position : r.Position+r.Length]; strings.TrimSpace(got) != strings.TrimSpace(string(r.Content)) {
				t.Errorf("%s at %d: content %q, file has %q", name, at, r.Content, got)
			}
		}
	}
}

func TestBrokenDocument(t *testing.T) {
	events := cloudEvents(sample(t), host)
	for name, whole := range map[string]string{
		"pretty":  marshal(page(events), "  "),
		"compact": marshal(page(events), ""),
		"array":   marshal(events, ""),
		"by line": "[" + strings.ReplaceAll(strings.TrimSuffix(jsonLines(events), "\n"), "\n", ",\n") + "]\n",
	} {
		for _, broken := range []string{whole[:len(whole)/2], whole[:len(whole)-3], strings.Replace(whole, `"message"`, `message`, 1), whole[:len(whole)-3] + ",}"} {
			m, err := read(t, "x.json", broken, Options{})
			if code(err) != "damaged" || m.records != 0 || len(m.rejected) != 0 {
				t.Errorf("%s: %v, %d records", name, err, m.records)
			}
		}
	}
}
