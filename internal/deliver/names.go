package deliver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/trailhouse/trailhouse"
)

// ID returns the id of a delivery: 128 bits of SHA-256 over its name, instant and client,
// in hexadecimal. Nothing else is in it, so that every attempt of every run finds the
// same one. A delivery that was asked for by hand is another than one of its schedule.
func ID(name string, at time.Time, client string, forced bool) string {
	text := fmt.Sprintf("trailhouse delivery 1\n%q\n%d\n%q\n", name, at.UnixMicro(), client)
	if forced {
		text += "forced\n"
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// words are the values of a template's placeholders.
func words(d *trailhouse.Delivery, f trailhouse.DeliveryFile) map[string]string {
	return map[string]string{
		"delivery": d.Name, "client": d.Client, "report": f.Report, "delivery_id": d.ID, "format": f.Format, "ext": f.Ext,
		"period_from": boundary(d.Period.From), "period_to": boundary(d.Period.To), "scheduled": stamp(d.Scheduled),
	}
}

// boundary writes one end of a period into a name: a date where it is midnight UTC, `all`
// where it is open.
func boundary(t time.Time) string {
	switch {
	case t.IsZero():
		return "all"
	case t.Equal(t.Truncate(24 * time.Hour)):
		return t.UTC().Format(time.DateOnly)
	}
	return stamp(t)
}

// stamp writes an instant without characters that file systems refuse.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T150405Z") }

// expandKey fills a template of a key. Values cannot leave their part of the path, and
// parts that are empty fall out.
func expandKey(template string, values map[string]string) string {
	var parts []string
	for _, part := range strings.Split(template, "/") {
		part = placeholder.ReplaceAllStringFunc(part, func(m string) string { return safe(values[m[1:len(m)-1]]) })
		if part != "" && part != "." && part != ".." {
			parts = append(parts, part)
		}
	}
	return path.Join(parts...)
}

// safe writes a name, which may be any text, so that it is one part of a path on every
// file system and in every listing.
func safe(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == ':' || !unicode.IsPrint(r) || strings.ContainsRune(`"*<>?|`, r) {
			return '_'
		}
		return r
	}, strings.TrimLeft(name, "."))
}

// expandSubject fills a template of a subject; it stays one line.
func expandSubject(template string, values map[string]string) string {
	text := placeholder.ReplaceAllStringFunc(template, func(m string) string { return values[m[1:len(m)-1]] })
	return oneLine(text)
}

// oneLine replaces what is not printable, so that no name breaks a header.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// forms returns the usual ending and the media type of a format.
func forms(format string) (ext, mediaType string) {
	switch format {
	case "csv":
		return "csv", "text/csv; charset=utf-8"
	case "jsonl":
		return "jsonl", "application/x-ndjson"
	case "json":
		return "json", "application/json"
	case "seed":
		return "seed.json", "application/json"
	}
	return "txt", "text/plain; charset=utf-8"
}
