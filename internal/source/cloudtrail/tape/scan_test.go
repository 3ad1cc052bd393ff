package tape

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scanText scans one value and what may stand behind it, as json.Valid does.
func scanText(text []byte) (*Tape, bool, bool) {
	b := append(append([]byte(nil), text...), make([]byte, Padding)...)
	t := &Tape{}
	end, ok := t.Scan(b, 0)
	if ok {
		end = t.space(b, end)
	}
	return t, ok && end == len(text), !ok && end >= len(text)
}

// compareScan holds the scanner against encoding/json: what they accept, and every
// node.
func compareScan(t *testing.T, text []byte) {
	t.Helper()
	fast, ok, cut := scanText(text)
	valid := json.Valid(text)
	if valid != ok && (valid || !fast.deep) {
		t.Fatalf("%.200q: accepted %v, by encoding/json %v", text, ok, valid)
	}
	if !valid {
		if cut && strings.ContainsRune(string(text), 0) && !strings.HasSuffix(string(text), "\x00") {
			return
		}
		return
	}
	slow := &Tape{}
	b := append(append([]byte(nil), text...), make([]byte, Padding)...)
	if _, ok := slow.SlowScan(b, 0); !ok {
		t.Fatalf("%.200q: refused by the slow scanner", text)
	}
	if fast.deep != slow.deep || len(fast.Nodes) != len(slow.Nodes) {
		t.Fatalf("%.200q: deep %v, %d nodes; encoding/json: %v, %d", text, fast.deep, len(fast.Nodes), slow.deep, len(slow.Nodes))
	}
	if fast.deep {
		return
	}
	for i, n := range fast.Nodes {
		m := slow.Nodes[i]
		n.Flags, m.Flags = n.Flags&^Spaced, m.Flags&^Spaced
		if n != m {
			t.Fatalf("%.200q: node %d is %+v, %+v by encoding/json", text, i, n, m)
		}
	}
}

func scanSeeds() []string {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	seeds := []string{
		`{}`, `[]`, ` [ ] `, `null`, `true`, `false`, `tru`, `nul`, `falsey`, `"a"`, `"`, `"\`, `"\u12`, `"\u12g4"`, `"\x"`, "\"\x01\"", "\"\x1f\"", `"` + "\x7f" + `"`,
		`0`, `-0`, `-`, `01`, `1.`, `1.5`, `.5`, `1e5`, `1E+5`, `1e`, `1e-`, `12345678901234567890`, `-1.5e-10`, `1 2`, `+1`,
		`{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`, `{,}`, `[1,]`, `[,1]`, `[1 2]`, `[1}`, `{"a":1]`, `{"a":[{"b":{}},[],{"c":"\n"}]}`,
		` { "a" : [ 1 , 2 , { "b" : null } ] , "c" : "x" } `, "[1,\n2]", `{"a":1,"a":2}`, `{"\u0061":1}`, `["0123456","01234567","012345678","0123456789abcdef"]`,
		"[\"\xff\xfe\"]", `["\ud800"]`, `["é\u00e9𝄞"]`, "\xef\xbb\xbf{}", "{}\x00", "[\x00]", "\"a\x00b\"", deep(5), deep(1000), deep(1001), deep(1002), deep(9999), deep(10000), deep(10001), `{"Records":[{"eventID":"x"}]}`,
		"[1,2]]", "[[1]", `"a"b`, "\x0b1", "[1\f]", `["#!#\"!"]`, `["  \\\\\\\""]`, strings.Repeat(" ", 20) + "1",
	}
	return seeds
}

func TestScanEqualsEncodingJSON(t *testing.T) {
	for _, s := range scanSeeds() {
		compareScan(t, []byte(s))
	}
}

// TestScanRealRecord cuts a real record everywhere, and changes it in many places.
func TestScanRealRecord(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "testdata", "launch.json"))
	if err != nil {
		t.Fatal(err)
	}
	compareScan(t, text)
	for i := range text {
		compareScan(t, text[:i])
		if i%11 != 0 {
			continue
		}
		changed := append([]byte(nil), text...)
		for _, c := range []byte("\"\\{}[],:0 \x00\x80e-.") {
			changed[i] = c
			compareScan(t, changed)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range scanSeeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) < 1<<20 {
			compareScan(t, text)
		}
	})
}
