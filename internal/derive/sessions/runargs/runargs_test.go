package runargs

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func ptr[T any](v T) *T { return &v }

func TestParseRunArgs(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Request
		named, bad bool
	}{
		{
			name: "1.0.10", text: `RunEnclavesArgs { eif_path: "hello.eif", enclave_cid: None, memory_mib: 512, cpu_ids: None, debug_mode: Some(true), cpu_count: Some(2) }`,
			want: Request{EIFPath: ptr("hello.eif"), MemoryRequestedMiB: ptr(int64(512)), Debug: ptr(true), VCPUs: ptr(int64(2))},
		},
		{
			name: "1.1.0", text: `RunEnclavesArgs { eif_path: "a", enclave_cid: Some(0), memory_mib: 1, cpu_ids: Some([2, 6, 3]), debug_mode: None, cpu_count: None, enclave_name: Some("n") }`,
			want:  Request{EIFPath: ptr("a"), MemoryRequestedMiB: ptr(int64(1)), Debug: ptr(false), VCPUs: ptr(int64(3)), CPUIDs: []int64{2, 6, 3}, CIDRequested: ptr(int64(0)), Name: ptr("n")},
			named: true,
		},
		{
			name: "name None", text: `RunEnclavesArgs { enclave_name: None, attach_console: true, debug_mode: Some(false) }`,
			want: Request{AttachConsole: ptr(true), Debug: ptr(false)}, named: true,
		},
		{
			name: "escapes", text: `RunEnclavesArgs { eif_path: "\"\\\n\r\t\'\0\u{200b}\u{1f600}'{}" }`,
			want: Request{EIFPath: ptr("\"\\\n\r\t'\x00\u200b\U0001f600'{}")},
		},
		{name: "empty", text: `RunEnclavesArgs { }`},
		{name: "trailing comma and words", text: `RunEnclavesArgs { memory_mib: 5, unit: Unit, path: a::B(1), .. }`, want: Request{MemoryRequestedMiB: ptr(int64(5))}},
		{name: "another struct", text: `Other { memory_mib: 5 }`, bad: true},
		{name: "cut", text: `RunEnclavesArgs { eif_path: "a`, bad: true},
		{name: "text behind", text: `RunEnclavesArgs { memory_mib: 5 } x`, bad: true},
		{name: "wrong type", text: `RunEnclavesArgs { memory_mib: "5" }`, bad: true},
		{name: "too large", text: `RunEnclavesArgs { memory_mib: 99999999999999999999 }`, bad: true},
		{name: "bad escape", text: `RunEnclavesArgs { eif_path: "\q" }`, bad: true},
		{name: "surrogate", text: `RunEnclavesArgs { eif_path: "\u{d800}" }`, bad: true},
		{name: "deep", text: "RunEnclavesArgs { x: " + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + " }", bad: true},
		{name: "nothing", text: "", bad: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, named, err := Parse(c.text)
			if (err != nil) != c.bad || named != c.named || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, named %v, %v", got, named, err)
			}
		})
	}
}

// FuzzRunArgs holds the parser to never panic and to give valid text for valid
// text.
func FuzzRunArgs(f *testing.F) {
	f.Add(`RunEnclavesArgs { eif_path: "hello.eif", enclave_cid: None, memory_mib: 512, cpu_ids: Some([1]), debug_mode: Some(true), cpu_count: Some(2) }`)
	f.Fuzz(func(t *testing.T, text string) {
		r, named, err := Parse(text)
		if err != nil {
			if named || !reflect.DeepEqual(r, Request{}) {
				t.Errorf("%q: values beside an error", text)
			}
			return
		}
		if utf8.ValidString(text) && (r.Name != nil && !utf8.ValidString(*r.Name) || r.EIFPath != nil && !utf8.ValidString(*r.EIFPath)) {
			t.Errorf("%q: invalid UTF-8 in %+v", text, r)
		}
		if r.CPUIDs != nil && r.VCPUs == nil {
			t.Errorf("%q: CPUs without a count", text)
		}
	})
}
