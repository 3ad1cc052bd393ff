package entity

import "bytes"

const arnPrefix = "arn:"

// shortest is the length of the shortest ARN that names something, arn:aws:s3:::b, less
// its last letter; encoded the length of one that is URL-encoded.
const (
	shortest = 14
	encoded  = 24
)

// MayHold reports whether a text may have an ARN in it, as it is or URL-encoded
// (facts/cloudtrail.md 2.4.8). It is asked for every text of every record: it looks for
// the colon, which most texts do not have.
func MayHold(v []byte) bool { return len(v) >= shortest && mayHold(v) }

func mayHold(v []byte) bool { return behindARN(v, ':') || len(v) >= encoded && behindARN(v, '%') }

// behindARN reports whether a byte stands somewhere behind the letters arn.
func behindARN(v []byte, c byte) bool {
	for at := 3; at < len(v); at++ {
		found := bytes.IndexByte(v[at:], c)
		if found < 0 {
			return false
		}
		if at += found; v[at-1] == 'n' && v[at-2] == 'r' && v[at-3] == 'a' {
			return true
		}
	}
	return false
}

// AddWithin adds the ARNs in a text that has no JSON escapes of its own; naming says
// that its key calls all of it an ARN, a name or an id.
func (c *Names) AddWithin(text []byte, naming bool) {
	if bytes.HasPrefix(text, []byte(arnPrefix)) && (naming || IsARN(text)) {
		c.addWhole(text)
		if !MayHold(text[len(arnPrefix):]) {
			return
		}
	}
	c.within(text)
}

// addWhole adds a text that is an ARN as a whole.
func (c *Names) addWhole(v []byte) {
	c.Add(v)
	c.AddInstanceOf(v)
}

// AddInstanceOf adds the instance that an ARN of EC2 names.
func (c *Names) AddInstanceOf(arn []byte) {
	if id, ok := instanceOfARN(arn); ok {
		c.AddInstance(id)
	}
}

// maxEncodings is how many times one in the other a text is URL-decoded.
const maxEncodings = 3

// within adds the ARNs in a text that has no JSON escapes of its own, URL-decoded where
// it is encoded.
func (c *Names) within(text []byte) { c.withinEncoded(text, maxEncodings) }

// withinEncoded adds the ARNs in a text that is URL-encoded so many times at most. What
// is encoded ends at an ampersand that is not.
func (c *Names) withinEncoded(text []byte, most int) {
	if most == 0 || !bytes.Contains(text, []byte("arn%")) {
		c.withinPlain(text)
		return
	}
	for len(text) > 0 {
		part, rest, _ := bytes.Cut(text, []byte("&"))
		if bytes.IndexByte(part, '%') >= 0 {
			part = decodePercent(part)
		}
		c.withinEncoded(part, most-1)
		text = rest
	}
}

// withinPlain adds the ARNs in a text.
func (c *Names) withinPlain(text []byte) {
	for at := 0; ; {
		found := bytes.Index(text[at:], []byte(arnPrefix))
		if found < 0 {
			return
		}
		at += found
		if isInWord(text, at) {
			end, _ := cutARN(text[at:])
			at += max(end, len(arnPrefix))
			continue
		}
		end, arn, whole := 0, []byte(nil), false
		if q, ok := opening(text, at); ok {
			end, arn, whole = cutQuoted(text[at:], q)
		}
		if !whole {
			end, arn = cutARN(text[at:])
		}
		if arn != nil {
			c.addWhole(arn)
		}
		at += max(end, len(arnPrefix))
	}
}

// maxVariable is the most bytes of a policy variable, so that a text of nothing but their
// beginnings takes no time.
const maxVariable = 128

// cutARN returns where the ARN at the beginning of a text ends that no quotes are around,
// and the ARN, nil where it has no resource. It ends before a blank, a quote, a comma, a
// bracket or a backslash, wildcards and policy variables such as ${aws:username} belong
// to it, and the point of a sentence does not. JSON escapes of a slash and \uXXXX belong
// to it.
func cutARN(text []byte) (end int, arn []byte) {
	escapes := false
	for end < len(text) && !endsARN(text[end]) {
		switch {
		case text[end] == '$' && end+1 < len(text) && text[end+1] == '{':
			if n := bytes.IndexByte(text[end:min(end+maxVariable, len(text))], '}'); n > 0 {
				end += n
			}
		case text[end] == '\\':
			n := escapeLength(text[end:])
			if n == 0 {
				return end, unquotedARN(text[:end], escapes)
			}
			escapes = true
			end += n - 1
		}
		end++
	}
	return end, unquotedARN(text[:end], escapes)
}

// escapeLength returns the length of a JSON escape at the beginning of a text, with all
// its backslashes, that writes what an ARN may have in it; else 0.
func escapeLength(text []byte) int {
	n := 1
	for n < len(text) && n < maxSlashes && text[n] == '\\' {
		n++
	}
	if n < len(text) && text[n] == '/' {
		return n + 1
	}
	if r, ok := escaped(text[n-1:]); ok && (r >= 0x80 || !endsARN(byte(r))) {
		return n + 5
	}
	return 0
}

// maxSlashes is the most backslashes in front of an escape: of JSON in JSON, four deep.
const maxSlashes = 8

// unquotedARN returns an ARN without what a sentence puts behind it, nil where it does
// not have all of its six parts.
func unquotedARN(v []byte, escapes bool) []byte {
	v = bytes.TrimRight(v, ".:!")
	for n := 1; escapes && n < maxSlashes; n *= 2 {
		v = unescape(v)
	}
	return wholeARN(v)
}

// wholeARN returns an ARN, nil where it does not have all of its six parts.
func wholeARN(v []byte) []byte {
	rest := v
	for range 5 {
		at := bytes.IndexByte(rest, ':')
		if at < 0 {
			return nil
		}
		rest = rest[at+1:]
	}
	if len(rest) == 0 {
		return nil
	}
	return v
}

// endsARN reports whether a byte is none of an ARN in a text.
func endsARN(c byte) bool {
	switch c {
	case '"', '\'', '`', ',', ';', '(', ')', '[', ']', '{', '}', '<', '>', '|':
		return true
	}
	return c <= ' '
}

func isWord(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80
}

// decodePercent replaces %XX by the byte that it writes and leaves everything else as
// it is.
func decodePercent(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			high, ok := hexDigit(text[i+1])
			low, also := hexDigit(text[i+2])
			if ok && also {
				out = append(out, high<<4|low)
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// hexDigit returns the value of a hexadecimal digit.
func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
