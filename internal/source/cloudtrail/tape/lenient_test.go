package tape

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// found is what a lenient document gives.
func found(t *testing.T, d *Document) (list []string) {
	t.Helper()
	d.Lenient()
	for {
		r, err := d.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		text, base := d.Text()
		list = append(list, fmt.Sprintf("%d %t %.60s", base+int64(r.At), r.Broken == "", text[r.At:r.End]))
	}
}

// TestLenientStream damages records of a text that is larger than a window at many
// places, and wants the same from a window that moves and one that does not.
func TestLenientStream(t *testing.T) {
	damage := []string{"", `{"a":"x` + "\x00" + `"}`, "", `nonsense`, `{"eventTime":"t","eventName":"n",}`, "", `{"a":{`, `{"a":[{"b":1},tru`, strings.Repeat("{", 300)}
	var text bytes.Buffer
	text.WriteString(`{"Records":[`)
	good := 0
	for i := range 3000 {
		if i > 0 {
			text.WriteByte(',')
		}
		if i%7 == 3 && damage[i%len(damage)] != "" {
			text.WriteString(damage[i%len(damage)])
			continue
		}
		good++
		fmt.Fprintf(&text, `{"eventVersion":"1.08","eventTime":"2025-01-02T03:00:02Z","eventName":"N%d","x":{"y":%q}}`, i, strings.Repeat("z", i%1500))
	}
	text.WriteString("]}")
	all := text.String()
	whole := found(t, NewDocument(Whole([]byte(all+string(make([]byte, Padding)))), &Tape{}))
	moving := found(t, NewDocument(Moving(strings.NewReader(all), nil), &Tape{}))
	if !slices.Equal(whole, moving) {
		t.Errorf("%d in memory, %d as a stream", len(whole), len(moving))
	}
	n := 0
	for _, r := range whole {
		if strings.Contains(r, ` true {"eventVersion"`) {
			n++
		}
	}
	if n != good || len(all) < 2*windowSize {
		t.Errorf("%d records of %d in %d bytes", n, good, len(all))
	}
}

// TestLenientEnds wants an end, in little time, to texts that are nothing but damage.
func TestLenientEnds(t *testing.T) {
	for name, unit := range map[string]string{
		"brackets": "{", "arrays": "[", "members": `{"a":`, "records that do not end": `{"eventTime":"t","eventName":"n","a":`,
		"swallowing": `{"eventTime":"t","eventName":"n"},{"a":[{"b":1},`, "texts": `"{`, "commas": ",", "zeros": "\x00", "closed": "}]", "words": "tru,",
	} {
		text := `{"Records":[{"eventTime":"t","eventName":"n"},x` + strings.Repeat(unit, (1<<20)/len(unit))
		for form, w := range map[string]*Window{
			"whole": Whole([]byte(text + string(make([]byte, Padding)))), "moving": Moving(strings.NewReader(text), nil),
		} {
			d := NewDocument(w, &Tape{})
			d.Lenient()
			n, err := 0, error(nil)
			for ; err == nil && n < 4<<20; n++ {
				_, err = d.Next()
			}
			if err != io.EOF {
				t.Errorf("%s, %s: %v behind %d records", name, form, err, n)
			}
		}
	}
}

// TestMend wants commas in front of closing brackets gone, and nothing else.
func TestMend(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,}`: `{"a":1}`, `[1 , ]`: `[1  ]`, `{"a":[1,],"b":{"c":2, } ,}`: `{"a":[1],"b":{"c":2 } }`,
		`{"a":",}"}`: "", `{"a":"\",}"}`: "", `[1,2]`: "", `{"a":"\\",}`: `{"a":"\\"}`, "": "",
	} {
		got, ok := Mend(nil, []byte(text))
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%s: %s, %t", text, got, ok)
		}
	}
}

// TestLenientIsStrictOnGoodTexts wants the same records of texts without damage.
func TestLenientIsStrictOnGoodTexts(t *testing.T) {
	for _, text := range []string{`{"Records":[{"a":1},{"b":[{"c":"d"}]}],"x":1}`, `[1,{"a":2}]`, "{\"a\":1}\n{\"b\":2}\n", `{"Records":[]}`, `{"a":[]} [] {"Records":[null]}`} {
		d := NewDocument(Moving(strings.NewReader(text), nil), &Tape{})
		var strict []string
		for {
			r, err := d.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			b, base := d.Text()
			strict = append(strict, fmt.Sprintf("%d %t %.60s", base+int64(r.At), r.Broken == "", b[r.At:r.End]))
		}
		if got := found(t, NewDocument(Moving(strings.NewReader(text), nil), &Tape{})); !slices.Equal(got, strict) {
			t.Errorf("%s: %q, want %q", text, got, strict)
		}
	}
}
