package config

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

func TestPCRSpellings(t *testing.T) {
	raw := make([]byte, pcrBytes)
	for i := range raw {
		raw[i] = byte(i * 5)
	}
	want := hex.EncodeToString(raw)
	for _, given := range []string{want, strings.ToUpper(want), base64.StdEncoding.EncodeToString(raw)} {
		got, err := ParsePCR(given)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v", given, got, err)
		}
	}
}

func TestApprovedImages(t *testing.T) {
	image := strings.Repeat("AB", 48)
	signer := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 48)))
	c, err := load(t, "clients: [{client: acme}]\napproved_images:\n"+
		"  - {pcr0: "+image+", client: acme, from: 2025-10-01, until: 2025-11-01T12:00:00Z, note: release 4}\n"+
		"  - {pcr8: \""+signer+"\", key: \"arn:aws:kms:*:111122223333:key/*\", client: unattributed}\n", Input{})
	if err != nil {
		t.Fatal(err)
	}
	a, b := c.ApprovedImages[0], c.ApprovedImages[1]
	if a.Line != 3 || a.PCR0 != strings.ToLower(image) || a.Client != "acme" || a.Until.Hour() != 12 || a.Note != "release 4" {
		t.Errorf("first: %+v", a)
	}
	if b.Line != 4 || b.PCR8 != strings.Repeat("6b", 48) || b.PCR0 != "" || b.Key == "" {
		t.Errorf("second: %+v", b)
	}
	var shown []string
	for _, s := range c.Settings() {
		if strings.HasPrefix(s.Key, "approved_images") {
			shown = append(shown, s.Value)
		}
	}
	if len(shown) != 2 || shown[0] != "pcr0 "+strings.ToLower(image)+", client acme" {
		t.Errorf("shown: %q", shown)
	}
}

func TestApprovedImagesRefused(t *testing.T) {
	image := strings.Repeat("ab", 48)
	for given, want := range map[string]string{
		"note: x":                           "[1].pcr0: is missing",
		"pcr0: " + strings.Repeat("ab", 32): "pcr0: \"" + strings.Repeat("ab", 32) + "\" has 32 bytes",
		"pcr8: nonsense":                    "pcr8: \"nonsense\" is neither 96 hexadecimal digits",
		"pcr0: \"" + strings.Repeat("00", 48) + "\"":                "debug mode",
		"pcr8: " + strings.Repeat("A", 64):                          "without a signature",
		"pcr0: " + image + ", client: acne":                         "no rule of clients names \"acne\"",
		"pcr0: " + image + ", key: alias/main":                      "is an alias",
		"pcr0: " + image + ", key: \"arn:aws:kms:eu:1:alias/main\"": "is an alias",
		"pcr0: " + image + ", key: \"a b\"":                         "neither an ARN nor a key id",
		"pcr0: " + image + ", from: 2025-10-02, until: 2025-10-02":  "never approved",
		"pcr0: " + image + ", from: yesterday":                      "neither a date",
		"pcr0: " + image + ", to: 2025-10-02":                       "unknown key",
		"pcr0: " + image + ", client: ACME":                         "no rule of clients names",
		"pcr0: " + image + ", note: \"two\\nlines\"":                "one line",
		"pcr0: [" + image + "]":                                     "must be a text",
	} {
		_, err := load(t, "clients: [{client: acme}]\napproved_images:\n  - {"+given+"}\n", Input{})
		if trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), FileName+":3: approved_images[1]") {
			t.Errorf("%s: %v", given, err)
		}
	}
}
