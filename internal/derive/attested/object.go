package attested

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// member is one member of a JSON object.
type member struct {
	key, value string
}

// parseObject returns the members of a JSON object in their order: text as it is,
// everything else as compact JSON. Of a name that stands twice the last counts.
func parseObject(text string) ([]member, bool) {
	if plain, ok := parsePlain(text); ok {
		return plain, true
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	var out []member
	for d.More() {
		name, err := d.Token()
		key, ok := name.(string)
		if err != nil || !ok {
			return nil, false
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, false
		}
		out = put(out, member{key, textOf(raw)})
	}
	if _, err := d.Token(); err != nil { // its end
		return nil, false
	}
	_, err := d.Token()
	return out, errors.Is(err, io.EOF)
}

// parsePlain is parseObject for compact objects of texts without escapes and with
// different names, as CloudTrail writes them: a fifth of the time.
func parsePlain(text string) ([]member, bool) {
	rest, ok := strings.CutPrefix(text, "{")
	if !ok || strings.IndexByte(text, '\\') >= 0 {
		return nil, false
	}
	out := make([]member, 0, 8)
	for {
		var m member
		if m.key, rest, ok = cutText(rest); !ok || !strings.HasPrefix(rest, ":") {
			return nil, false
		}
		if m.value, rest, ok = cutText(rest[1:]); !ok || rest == "" {
			return nil, false
		}
		before := len(out)
		if out = put(out, m); len(out) == before {
			return nil, false
		}
		if rest == "}" {
			return out, true
		}
		if rest[0] != ',' {
			return nil, false
		}
		rest = rest[1:]
	}
}

// cutText returns the text in quotes that s begins with, and what follows it.
func cutText(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", false
	}
	return strings.Cut(s[1:], `"`)
}

// put appends a member, or replaces that of its name.
func put(all []member, m member) []member {
	for i := range all {
		if all[i].key == m.key {
			all[i] = m
			return all
		}
	}
	return append(all, m)
}

// textOf returns a text without its quotes and everything else as it is.
func textOf(raw json.RawMessage) string {
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
