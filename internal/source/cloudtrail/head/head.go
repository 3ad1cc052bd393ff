// Package head tells from the first bytes of an object whether it is a trail's, and what
// it is otherwise.
package head

import (
	"bytes"
	"compress/gzip"
	"io"
	"unicode/utf16"
)

// Size is how much of an object is looked at, behind white space.
const Size = 64 << 10

// Digest is what coverage says of a digest.
const Digest = "a digest file: kept for later, when chains are verified"

const bom = "\xef\xbb\xbf"

// Trim returns a text without the white space and the byte order mark in front of it.
func Trim(text []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(text, []byte(bom)), " \t\r\n")
}

// Skip fills first with the beginning of a text behind its white space, and returns what
// there is of it.
func Skip(r io.Reader, first []byte) []byte {
	for {
		n, err := io.ReadFull(r, first)
		if at := n - len(Trim(first[:n])); at < n {
			n = copy(first, first[at:n])
			more, _ := io.ReadFull(r, first[n:]) // what is there is enough
			return first[:n+more]
		}
		if err != nil {
			return nil
		}
	}
}

// isTrail reports whether a word of a trail is in a text.
func isTrail(text []byte) bool {
	for _, word := range [...]string{`"Records"`, `"eventVersion"`, `"eventTime"`, `"eventName"`, `"eventSource"`} {
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	return false
}

// Foreign says why a text is no trail's, empty where it may be one: it is not JSON, or
// no word of a trail is in it.
func Foreign(text []byte) string {
	text = Trim(text)
	switch {
	case len(text) == 0:
		return "it is empty"
	case text[0] != '{' && text[0] != '[':
		return "it is not JSON"
	case bytes.Contains(text, []byte(`"digestStartTime"`)) && bytes.Contains(text, []byte(`"digestS3Bucket"`)):
		return Digest
	case isTrail(text):
		return ""
	case bytes.Contains(text, []byte(`"configurationItem`)) || bytes.Contains(text, []byte(`"configSnapshotId"`)):
		return "a file of AWS Config: no record of CloudTrail in it"
	}
	return "no record of CloudTrail in it"
}

// HoldsTexts reports whether the records of a trail stand in a JSON document as texts:
// in answers of LookupEvents, whole or in part, and in messages of CloudWatch Logs.
func HoldsTexts(text []byte) bool {
	if bytes.Contains(text, []byte(`"Records"`)) || bytes.Contains(text, []byte(`"eventVersion"`)) {
		return false
	}
	return bytes.Contains(text, []byte(`"CloudTrailEvent"`)) ||
		bytes.Contains(text, []byte(`\"eventVersion\"`)) && bytes.Contains(text, []byte(`\"eventTime\"`))
}

// Encoded says how a text is encoded that is neither JSON nor foreign: as UTF-16 or
// compressed once more. trail says whether a word of a trail is in it.
func Encoded(text []byte) (how string, trail bool) {
	var order func(b []byte) uint16
	switch {
	case bytes.HasPrefix(text, []byte("\x1f\x8b")):
		r, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return "", false
		}
		inner := make([]byte, Size)
		n, _ := io.ReadFull(r, inner) // it is cut
		return "compressed twice", isTrail(inner[:n])
	case bytes.HasPrefix(text, []byte("\xff\xfe")), len(text) > 3 && text[0] != 0 && text[1] == 0 && text[3] == 0:
		order = func(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }
	case bytes.HasPrefix(text, []byte("\xfe\xff")), len(text) > 3 && text[0] == 0 && text[1] != 0 && text[2] == 0:
		order = func(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }
	default:
		return "", false
	}
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = order(text[2*i:])
	}
	return "UTF-16", isTrail([]byte(string(utf16.Decode(units))))
}
