package tape

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// TestCutJSON cuts a document of 64 KiB behind each of its bytes, in memory and as a
// stream: it is refused, and nothing of it read.
func TestCutJSON(t *testing.T) {
	packed, err := os.Open("../testdata/111122223333_CloudTrail_us-east-1_20230710T1230Z_0000000000000000.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.TrimSpace(text)
	step := 1
	if testing.Short() {
		step = 37
	}
	nodes, buf := &Tape{}, make([]byte, 0, len(text)+Padding)
	for _, form := range []string{"whole", "moving"} {
		for cut := 0; cut < len(text); cut += step {
			var w *Window
			if form == "moving" {
				w = Moving(bytes.NewReader(text[:cut]), nil)
			} else {
				w = Whole(append(append(buf, text[:cut]...), make([]byte, Padding)...))
			}
			d := NewDocument(w, nodes)
			_, err := d.Next()
			for err == nil {
				_, err = d.Next()
			}
			var at *SyntaxError
			if cut == 0 && err == io.EOF {
				continue
			}
			if !errors.As(err, &at) || at.at != int64(cut) || !strings.Contains(at.reason, "it is cut") {
				t.Fatalf("%s, cut at %d: %v", form, cut, err)
			}
			if form == "moving" {
				cut += 100 * step
			}
		}
	}
}

func TestUnescapeAndCompactEqualEncodingJSON(t *testing.T) {
	for _, s := range []string{`""`, `"a\u00e4b"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`, `"\"\\\/\b\f\n\r\t"`, `"\u0000"`, `"\uFFFF\uD800"`} {
		var want string
		if err := json.Unmarshal([]byte(s), &want); err != nil {
			t.Fatal(err)
		}
		if got := string(Unescape(nil, []byte(s[1:len(s)-1]))); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
	for _, s := range []string{`{ "a b" : [ 1 , "x \" y" , { } ] }`, "[\n\t1,\r\n2 ]", `"  \\ "`} {
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(s)); err != nil {
			t.Fatal(err)
		}
		if got := string(Compact(nil, []byte(s))); got != want.String() {
			t.Errorf("%s: %s, want %s", s, got, want.String())
		}
	}
}
