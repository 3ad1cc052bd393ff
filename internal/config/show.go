package config

import (
	"fmt"
	"strings"
)

// Setting is one setting with its value in force and where that comes from.
type Setting struct {
	// Key is the key as in the file, such as ingest.batch_records.
	Key string
	// Value is the value as text; a Secret is stars.
	Value string
	// Origin is `default`, `flag`, `environment NAME` or `FILE:LINE`.
	Origin string
}

// Secret is a text that must not be shown: wherever it is printed, logged or
// encoded it is stars.
type Secret string

// String returns stars, or nothing where there is no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "********"
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String, for JSON and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Origin returns where the value of a key comes from.
func (c *Config) Origin(key string) string {
	if origin, ok := c.origins[key]; ok {
		return origin
	}
	return "default"
}

// fromFile reports whether a key's value stands in the file.
func (c *Config) fromFile(key string) bool {
	origin := c.Origin(key)
	return origin != "default" && origin != "flag" && !strings.HasPrefix(origin, "environment ")
}

// Settings returns every setting in the order of the reference page.
func (c *Config) Settings() []Setting {
	var out []Setting
	for _, f := range c.fields() {
		out = append(out, Setting{Key: f.key, Value: fmt.Sprint(f.value.Interface()), Origin: c.Origin(f.key)})
	}
	for _, id := range c.hostIDs() {
		out = append(out, Setting{Key: "hosts." + id, Value: c.Hosts[id].text(), Origin: c.Origin("hosts." + id)})
	}
	for i, source := range c.Sources {
		key := fmt.Sprintf("sources[%d]", i+1)
		out = append(out, Setting{Key: key, Value: source.Source + " " + source.Path, Origin: c.Origin(key)})
	}
	for i, rule := range c.Clients {
		key := fmt.Sprintf("clients[%d]", i+1)
		out = append(out, Setting{Key: key, Value: rule.Client, Origin: c.Origin(key)})
	}
	for i, image := range c.ApprovedImages {
		key := fmt.Sprintf("approved_images[%d]", i+1)
		out = append(out, Setting{Key: key, Value: image.text(), Origin: c.Origin(key)})
	}
	for i := range c.Deliver {
		key := fmt.Sprintf("deliver[%d]", i+1)
		out = append(out, Setting{Key: key, Value: c.Deliver[i].text(), Origin: c.Origin(key)})
	}
	return out
}

// text returns the entry on one line.
func (a ApprovedImage) text() string {
	var parts []string
	for _, part := range [][2]string{{"pcr0", a.PCR0}, {"pcr8", a.PCR8}, {"client", a.Client}, {"key", a.Key}} {
		if part[1] != "" {
			parts = append(parts, part[0]+" "+part[1])
		}
	}
	return strings.Join(parts, ", ")
}

// text returns the delivery on one line.
func (d *Deliver) text() string {
	var kinds []string
	for _, t := range d.Kinds() {
		kinds = append(kinds, t.Kind())
	}
	when := d.Schedule
	if when == "" {
		when = "without a schedule"
	}
	return d.Name + " " + when + " to " + strings.Join(kinds, ", ")
}

// text returns the host on one line.
func (h Host) text() string {
	var parts []string
	if h.Account != "" {
		parts = append(parts, "account "+h.Account)
	}
	if h.InstanceType != "" {
		parts = append(parts, h.InstanceType)
	}
	if len(h.Tags) > 0 {
		parts = append(parts, fmt.Sprintf("%d tags", len(h.Tags)))
	}
	return strings.Join(parts, ", ")
}
