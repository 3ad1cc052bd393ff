package enclavelog

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// TestGzipTwiceIsTold rejects what Firehose compressed once more, whatever its name:
// evidence is never passed over.
func TestGzipTwiceIsTold(t *testing.T) {
	once := packed(t, []byte(sample(t)))
	path := filepath.Join(t.TempDir(), "delivery-1-2025-11-03-10-00-00-abc")
	if err := os.WriteFile(path, packed(t, once), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := readFile(t, path, Options{})
	if trailhouse.CodeOf(err) != trailhouse.CodeInvalid || trailhouse.HintOf(err) == "" || len(m.covered) != 0 {
		t.Errorf("error %v, hint %q, coverage %v", err, trailhouse.HintOf(err), m.covered)
	}
}

func packed(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
