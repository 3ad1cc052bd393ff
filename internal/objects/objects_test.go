package objects

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/trailhouse/trailhouse"
)

// plant writes files below a new directory; a name that ends in / is a directory,
// a content that begins with -> a link.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if target, ok := strings.CutPrefix(content, "->"); ok && err == nil {
			err = os.Symlink(target, path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// walk returns what Walk found below dir: files as they are, misses with a minus.
func walk(t *testing.T, dir string, paths ...string) []string {
	t.Helper()
	for i, p := range paths {
		paths[i] = filepath.Join(dir, p)
	}
	var out []string
	name := func(path string) string { return strings.TrimPrefix(path, dir+"/") }
	err := Walk(context.Background(), paths, func(f File) error {
		if f.Explicit {
			out = append(out, name(f.Path)+"!")
		} else {
			out = append(out, name(f.Path))
		}
		return nil
	}, func(path string, err error) error {
		out = append(out, "-"+name(path)+" "+string(trailhouse.CodeOf(err)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWalk(t *testing.T) {
	dir := plant(t, map[string]string{
		"t/b.log": "b", "t/a/z.log": "z", "t/a/.hidden": "h", "t/c.log": "->b.log", "t/loop": "->..", "t/gone": "->nowhere",
		"out/o.log": "o", "t/o.log": "->../out/o.log", "link": "->t",
	})
	cases := []struct {
		paths []string
		want  []string
	}{
		{[]string{"t"}, []string{"t/a/.hidden", "t/a/z.log", "t/b.log", "-t/gone not_found", "-t/loop invalid", "t/o.log"}},
		{[]string{"t/b.log", "t/a"}, []string{"t/b.log!", "t/a/.hidden", "t/a/z.log"}},
		{[]string{"t/a", "t/a/z.log"}, []string{"t/a/.hidden", "t/a/z.log!"}},
		{[]string{"t/c.log", "t/b.log"}, []string{"t/c.log!"}},
		{[]string{"link/a"}, []string{"link/a/.hidden", "link/a/z.log"}},
		{[]string{"none", "out"}, []string{"-none not_found", "out/o.log"}},
	}
	for _, c := range cases {
		name := strings.Join(c.paths, " ")
		if diff := cmp.Diff(c.want, walk(t, dir, c.paths...)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWalkStops(t *testing.T) {
	dir := plant(t, map[string]string{"a": "", "b": ""})
	stop, n := errors.New("stop"), 0
	err := Walk(context.Background(), []string{dir}, func(File) error { n++; return stop }, nil)
	if err != stop || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Walk(ctx, []string{dir}, nil, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestID(t *testing.T) {
	f := File{Path: "/a", Size: 1, Modified: time.Unix(5, 6)}
	ids := map[string]bool{f.ID(): true}
	for _, other := range []File{{"/b", 1, f.Modified, false}, {"/a", 2, f.Modified, false}, {"/a", 1, time.Unix(5, 7), false}} {
		ids[other.ID()] = true
	}
	if again := (File{Path: "/a", Size: 1, Modified: time.Unix(5, 6).UTC(), Explicit: true}); len(ids) != 4 || !ids[again.ID()] || len(f.ID()) != 32 {
		t.Errorf("ids %v", ids)
	}
}

func TestFault(t *testing.T) {
	for _, c := range []struct {
		err  error
		want trailhouse.Code
	}{
		{&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrNotExist}, trailhouse.CodeNotFound},
		{&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}, trailhouse.CodeDenied},
		{io.ErrClosedPipe, trailhouse.CodeStorage},
		{trailhouse.Errorf(trailhouse.CodeLimit, "as it is"), trailhouse.CodeLimit},
		{nil, ""},
	} {
		if got := trailhouse.CodeOf(Fault("/x", c.err)); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}

func zip(t testing.TB, parts ...[]byte) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestInflate(t *testing.T) {
	text := make([]byte, 300_000)
	for i := range text {
		text[i] = byte(rand.N(16))
	}
	whole := zip(t, text[:1000], text[1000:])
	get := func(b []byte, l Limits) ([]byte, error) { return io.ReadAll(Inflate(bytes.NewReader(b), "x", l)) }
	for name, b := range map[string][]byte{"plain": text, "members": whole} {
		if got, err := get(b, Limits{}); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := get(text, Limits{InflatedBytes: 5}); err != nil {
		t.Error("a plain file has no limit:", err)
	}
	for _, l := range []Limits{{InflatedBytes: 299_999}, {InflatedBytes: 1}} {
		if _, err := get(whole, l); trailhouse.CodeOf(err) != trailhouse.CodeLimit {
			t.Errorf("%v: %v", l, err)
		}
	}
	bomb := zip(t, make([]byte, 5<<20))
	if got, err := get(bomb, Limits{}); trailhouse.CodeOf(err) != trailhouse.CodeLimit || len(got) > 2<<20 {
		t.Errorf("bomb: %v after %d bytes", err, len(got))
	}
	if _, err := get(bomb, Limits{Ratio: 2000}); err != nil {
		t.Error("bomb that is trusted:", err)
	}
	if _, err := get(zip(t, make([]byte, 1<<20)), Limits{}); err != nil {
		t.Error("small and of a high ratio:", err)
	}
	member := len(zip(t, text[:1000]))
	for cut := 2; cut < len(whole); cut += 501 {
		if _, err := get(whole[:cut], Limits{}); trailhouse.CodeOf(err) != trailhouse.CodeDamaged && cut != member {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	if _, err := get(append(bytes.Clone(whole), "tail"...), Limits{}); trailhouse.CodeOf(err) != trailhouse.CodeDamaged {
		t.Error("something behind:", err)
	}
	broken := errors.New("disk")
	if _, err := io.ReadAll(Inflate(io.MultiReader(bytes.NewReader(whole[:2000]), failing{broken}), "x", Limits{})); trailhouse.CodeOf(err) != trailhouse.CodeStorage || !errors.Is(err, broken) {
		t.Error("a fault of the disk:", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestObjectKeepsItsSize(t *testing.T) {
	dir := plant(t, map[string]string{"a": "one\n", "empty": "", "z": string(zip(t, []byte("zipped")))})
	path := filepath.Join(dir, "a")
	o, err := Open(path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("two\n")
	f.Close()
	for range 2 {
		if b, err := io.ReadAll(o.Reader()); err != nil || string(b) != "one\n" {
			t.Errorf("%q, %v", b, err)
		}
	}
	for name, want := range map[string]string{"empty": "", "z": "zipped"} {
		o, err := Open(filepath.Join(dir, name), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(o.Reader()); err != nil || string(b) != want || o.Compressed() != (name == "z") || o.Most() < int64(len(b)) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		o.Close()
	}
	if _, err := Open(filepath.Join(dir, "none"), Limits{}); trailhouse.CodeOf(err) != trailhouse.CodeNotFound {
		t.Error(err)
	}
	if _, err := Open(dir, Limits{}); trailhouse.CodeOf(err) != trailhouse.CodeInvalid {
		t.Error(err)
	}
}

// pieces gives a text in reads of random sizes.
type pieces struct{ rest []byte }

func (p *pieces) Read(b []byte) (int, error) {
	n := copy(b[:min(len(b), 1+rand.N(100_000))], p.rest)
	p.rest = p.rest[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestLines(t *testing.T) {
	long := strings.Repeat("0123456789abcde\x00", MaxLine/16) // MaxLine bytes
	texts := []string{"", "\n", "a", "a\n", "a\n\nb\r\n", "\x00\x00a\nb\x00c\n\x00\n\x00", long + "\n" + long + "x\ny", long, long + "x", long + long + long + "\n" + long,
		strings.Repeat("\x00", 3*MaxLine) + "a\n", strings.Repeat("a line of usual length\n", 50_000)}
	for _, text := range texts {
		lines, joined := NewLines(&pieces{[]byte(text)}), strings.Builder{}
		for {
			l, err := lines.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if l.Offset != int64(joined.Len()) || len(l.Text) > MaxLine || l.Cut() != (l.Length > MaxLine) {
				t.Fatalf("line at %d of %d bytes, %d kept, %d joined", l.Offset, l.Length, len(l.Text), joined.Len())
			}
			whole := text[l.Offset : l.Offset+l.Length]
			if !strings.HasPrefix(whole, string(l.Text)) || (l.Cut() || l.Zeros) && l.SHA256 != sha256.Sum256([]byte(whole)) {
				t.Fatalf("line at %d: wrong text or hash", l.Offset)
			}
			if strings.Contains(whole, "\n") || l.Zeros != (len(whole) > 0 && strings.Trim(whole, "\x00") == "") {
				t.Fatalf("line at %d is none: %.20q", l.Offset, whole)
			}
			joined.WriteString(whole)
			if l.Terminated {
				joined.WriteString("\n")
			}
		}
		if joined.String() != text {
			t.Errorf("%.30q: the lines are not the text", text)
		}
	}
	broken := errors.New("disk")
	if _, err := NewLines(io.MultiReader(strings.NewReader("half"), failing{broken})).Next(); err != broken {
		t.Error(err)
	}
}

func FuzzLines(f *testing.F) {
	for _, seed := range []string{"", "a\nb", "\x00\x00a\n", "\n\n", "a\r\n\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		for lines := NewLines(strings.NewReader(text)); ; {
			l, err := lines.Next()
			if err != nil {
				break
			}
			b.Write(l.Text)
			if l.Terminated {
				b.WriteByte('\n')
			}
		}
		if b.String() != text {
			t.Errorf("%q became %q", text, b.String())
		}
	})
}

func BenchmarkLines(b *testing.B) {
	text := strings.Repeat("[enc-19a48bae81e5f1c:4105][INFO][2025-11-03T08:05:10.410Z][src/enclave_proc/mod.rs:479] Received command: Describe\n", 100_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for lines := NewLines(strings.NewReader(text)); ; {
			if _, err := lines.Next(); err != nil {
				break
			}
		}
	}
}
