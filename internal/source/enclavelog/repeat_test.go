package enclavelog

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestPartsOfALog reads a log while it grows, in parts and shuffled: every record has
// the key that it has in the whole.
func TestPartsOfALog(t *testing.T) {
	text := strings.Repeat("[nitro-cli:7][INFO][2025-11-03T07:00:00.000Z][src/main.rs:1] the same\n", 3) + sample(t)
	whole, err := read(t, "nitro.log", text, Options{Instance: host})
	if err != nil {
		t.Fatal(err)
	}
	known := whole.ids()
	if len(known) != int(whole.records) {
		t.Fatalf("%d records have %d keys", whole.records, len(known))
	}
	parts := map[string]string{}
	random := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		at := random.IntN(len(text))
		parts["head "+itoa(at)], parts["tail "+itoa(at)] = text[:at], text[at:]
	}
	lines := strings.SplitAfter(text, "\n")
	for i := range 5 {
		random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		parts["shuffled "+itoa(i)] = strings.Join(lines, "")
	}
	for name, part := range parts {
		m, err := read(t, "nitro.log", part, Options{Instance: host})
		if err != nil && code(err) != "invalid" {
			t.Fatal(name, err)
		}
		got := m.ids()
		for id, message := range got {
			if known[id] != message {
				t.Errorf("%s: %s is not in the whole", name, message)
			}
		}
		if strings.HasPrefix(name, "shuffled") && len(got) != len(known) {
			t.Errorf("%s: %d records of %d", name, len(got), len(known))
		}
	}
}
