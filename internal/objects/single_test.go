package objects

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// TestInflaterEqualsSingle is the contract of inflating in memory, whichever library
// does it: the bytes, the errors and the limits of Single.
func TestInflaterEqualsSingle(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(chance.IntN(64))
	}
	text := []byte(strings.Repeat(`{"eventVersion":"1.08"},`, 5000))
	whole := zip(t, text)
	var z Inflater
	cases := map[string][]byte{
		"text": whole, "noise": zip(t, noise), "nothing": zip(t, nil), "one byte": zip(t, []byte("x")),
		"two members": zip(t, text, noise), "text behind": append(bytes.Clone(whole), "x"...), "zeros behind": append(bytes.Clone(whole), 0, 0),
		"wrong CRC": changed(whole, len(whole)-8), "wrong size": changed(whole, len(whole)-4), "far too large a size": changed(whole, len(whole)-1), "wrong header": changed(whole, 2),
		"magic only": whole[:2], "bomb": zip(t, make([]byte, 8<<20)),
	}
	for i := range 50 {
		cases[fmt.Sprint("cut at ", i)] = whole[:2+i*(len(whole)-2)/50]
		cases[fmt.Sprint("changed at ", i)] = changed(whole, 10+i*(len(whole)-10)/50)
	}
	for name, stored := range cases {
		want, wantErr := io.ReadAll(Single(bytes.NewReader(stored), "x", Limits{}))
		for _, dst := range [][]byte{nil, make([]byte, 0, 1<<20)} {
			got, all, err := z.All(dst, stored, "x", 1<<24, 8, Limits{})
			if trailhouse.CodeOf(err) != trailhouse.CodeOf(wantErr) || trailhouse.CodeOf(err) != trailhouse.CodeLimit && fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%s: %v, want %v", name, err, wantErr)
			}
			if err == nil && (!all || !bytes.Equal(got[:len(got)-8], want) || !bytes.Equal(got[len(got)-8:], make([]byte, 8))) {
				t.Errorf("%s: %d bytes, all %v, want %d", name, len(got), all, len(want))
			}
		}
	}
}

func changed(b []byte, at int) []byte {
	c := bytes.Clone(b)
	c[at] ^= 0x55
	return c
}

func TestInflaterTellsLargeObjects(t *testing.T) {
	text := make([]byte, 3<<20)
	for i := range text {
		text[i] = byte(rand.N(8))
	}
	stored := zip(t, text)
	var z Inflater
	for name, b := range map[string][]byte{"said": stored, "kept silent": append(bytes.Clone(stored[:len(stored)-4]), 0, 1, 0, 0)} {
		if _, all, err := z.All(nil, b, "x", 1<<20, 8, Limits{}); all || err != nil {
			t.Errorf("%s: all %v, %v", name, all, err)
		}
	}
	got, all, err := z.All(nil, stored, "x", int64(len(text)), 0, Limits{})
	if err != nil || !all || sha256.Sum256(got) != sha256.Sum256(text) {
		t.Errorf("exactly as large as allowed: %v %v", all, err)
	}
	if _, _, err := z.All(nil, stored, "x", 1<<30, 0, Limits{InflatedBytes: 2 << 20}); trailhouse.CodeOf(err) != trailhouse.CodeLimit {
		t.Errorf("over the limit: %v", err)
	}
}

func TestSingleReadsPlainObjects(t *testing.T) {
	got, err := io.ReadAll(Single(strings.NewReader("{}"), "x", Limits{}))
	if err != nil || string(got) != "{}" {
		t.Error(string(got), err)
	}
}
