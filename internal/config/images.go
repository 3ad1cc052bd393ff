package config

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// ApprovedImage is one entry of approved_images: as it stands in trailhouse.yaml.
// Load checks all of it; internal/policy owns what it means for a call.
type ApprovedImage struct {
	// Line is the line of trailhouse.yaml on which the entry starts, for messages.
	Line int `yaml:"-"`

	// PCR0, the measurement of the image, as hexadecimal or base64.
	PCR0 string `yaml:"pcr0"`
	// PCR8, the measurement of the certificate that signed the image, as hexadecimal or
	// base64: approves every image of that signer. With `pcr0` both must match.
	PCR8 string `yaml:"pcr8"`
	// Client whose enclaves the entry is for, as `clients` names it, or `unattributed`.
	// Empty for all.
	Client string `yaml:"client"`
	// KMS key that the entry is for: an ARN, a key id, or either with `*` for any text.
	// Empty for all, and for calls without a key (GenerateRandom).
	Key string `yaml:"key"`
	// First instant at which the image is approved: a date (midnight UTC) or RFC 3339.
	From time.Time `yaml:"from"`
	// First instant at which it is no longer approved.
	Until time.Time `yaml:"until"`
	// Why it is approved, for people.
	Note string `yaml:"note"`
}

// pcrBytes is the length of a PCR: nitro enclaves measure with SHA-384.
const pcrBytes = 48

// ParsePCR returns a PCR value, given as hexadecimal or base64, as lower-case
// hexadecimal: nitro-cli and key policies write hexadecimal, CloudTrail base64
// (facts/nitro.md 3).
func ParsePCR(value string) (string, error) {
	zeros := len(value) == 64 && strings.Trim(value, "A") == "" // base64 that looks like a SHA-256
	if raw, err := hex.DecodeString(value); err == nil && !zeros {
		if len(raw) != pcrBytes {
			return "", fmt.Errorf("%q has %d bytes; a PCR has %d (SHA-384)", value, len(raw), pcrBytes)
		}
		return hex.EncodeToString(raw), nil
	}
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(raw) != pcrBytes {
		return "", fmt.Errorf("%q is neither %d hexadecimal digits nor base64 of %d bytes", value, 2*pcrBytes, pcrBytes)
	}
	return hex.EncodeToString(raw), nil
}

// checkImages checks approved_images and spells their measurements as tables do.
func (c *Config) checkImages() []error {
	var wrong []error
	for i := range c.ApprovedImages {
		image, key := &c.ApprovedImages[i], fmt.Sprintf("approved_images[%d]", i+1)
		for _, m := range image.mistakes(c.namesClient) {
			wrong = append(wrong, c.wrong(key, m.key, m.text))
		}
		image.PCR0, image.PCR8 = spelled(image.PCR0), spelled(image.PCR8)
	}
	return wrong
}

// spelled is ParsePCR for a value that was checked, and for none.
func spelled(pcr string) string {
	text, err := ParsePCR(pcr)
	if err != nil {
		return ""
	}
	return text
}

// namesClient reports whether a call can belong to the client.
func (c *Config) namesClient(client string) bool {
	for _, rule := range c.Clients {
		if rule.Client == client {
			return true
		}
	}
	return client == Unattributed || c.told("clients")
}

// mistakes returns what cannot be as it is in an entry. A list that can approve nothing,
// or never applies, would look like one that forbids nothing.
func (a *ApprovedImage) mistakes(namesClient func(string) bool) []mistake {
	var out []mistake
	find := func(bad bool, key, text string) {
		if bad {
			out = append(out, mistake{key: key, text: text})
		}
	}
	find(a.PCR0 == "" && a.PCR8 == "", "pcr0", "is missing: an entry must name an image by pcr0 or its signer by pcr8")
	text := badPCR(a.PCR0, "it is that of every enclave in debug mode, whatever its image")
	find(text != "", "pcr0", text)
	text = badPCR(a.PCR8, "it is that of every image without a signature")
	find(text != "", "pcr8", text)
	find(a.Client != "" && !namesClient(a.Client), "client", fmt.Sprintf("no rule of clients names %q, so the entry would never apply", a.Client))
	alias := strings.HasPrefix(a.Key, "alias/") || strings.Contains(a.Key, ":alias/")
	find(alias, "key", fmt.Sprintf("%q is an alias, which may move from key to key: give the key's ARN or id", a.Key))
	odd := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r > unicode.MaxASCII }
	find(!alias && strings.ContainsFunc(a.Key, odd), "key", fmt.Sprintf("%q is neither an ARN nor a key id, with * for any text", a.Key))
	find(!a.From.IsZero() && !a.Until.IsZero() && !a.From.Before(a.Until), "until", "is not after from, so the image is never approved")
	find(strings.ContainsFunc(a.Note, unicode.IsControl), "note", "holds a control character: write one line")
	return out
}

// badPCR says what is wrong with a measurement; an empty one is fine. Zeros measure
// nothing.
func badPCR(value, zeros string) string {
	if value == "" {
		return ""
	}
	text, err := ParsePCR(value)
	if err != nil {
		return err.Error()
	}
	if strings.Trim(text, "0") == "" {
		return "is all zeros: " + zeros + ", so it approves nothing"
	}
	return ""
}
