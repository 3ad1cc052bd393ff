package entity

import "bytes"

const arnPrefix = "arn:"

// MoreWithin reports whether a record names ARNs that were not added, within other texts
// or as keys: error messages, policies as JSON in a string or URL-encoded
// (facts/cloudtrail.md 2.4.8). Most records do not, and their text is looked through
// once: it has as many ARNs as were added.
func (c *Names) MoreWithin(record []byte) bool { return hasMore(record, c.arns) }

// AddWithin adds the ARNs in a text that has no JSON escapes of its own; naming says
// that its key calls all of it an ARN, a name or an id.
func (c *Names) AddWithin(text []byte, naming bool) {
	if bytes.HasPrefix(text, []byte(arnPrefix)) && (naming || IsARN(text)) {
		c.addWhole(text)
		if bytes.Count(text, []byte(arnPrefix)) == 1 {
			return
		}
	}
	c.within(text)
}

// addWhole adds a text that is an ARN as a whole.
func (c *Names) addWhole(v []byte) {
	c.put(v)
	c.AddInstanceOf(v)
}

// AddInstanceOf adds the instance that an ARN of EC2 names.
func (c *Names) AddInstanceOf(arn []byte) {
	if id, ok := instanceOfARN(arn); ok {
		c.AddInstance(id)
	}
}

// hasMore reports whether a text has more ARNs than a number, or URL-encoded ones.
func hasMore(text []byte, than int) bool {
	for {
		at := bytes.Index(text, []byte("arn"))
		if at < 0 || at+3 >= len(text) {
			return false
		}
		switch text[at+3] {
		case ':':
			if than--; than < 0 {
				return true
			}
		case '%':
			return true
		}
		text = text[at+3:]
	}
}

// maxEncodings is how many times one in the other a text is URL-decoded.
const maxEncodings = 3

// within adds the ARNs in a text that has no JSON escapes of its own.
func (c *Names) within(text []byte) {
	for range maxEncodings {
		if !bytes.Contains(text, []byte("arn%")) {
			break
		}
		text = decodePercent(text)
	}
	for at := 0; ; {
		found := bytes.Index(text[at:], []byte(arnPrefix))
		if found < 0 {
			return
		}
		at += found
		end, arn := cutARN(text[at:])
		if arn != nil && (at == 0 || !isWord(text[at-1])) {
			c.addWhole(arn)
		}
		at += max(end, len(arnPrefix))
	}
}

// cutARN returns where the ARN at the beginning of a text ends, and the ARN, nil where
// it has no resource. It ends before a blank, a quote, a comma, a bracket or a
// backslash, wildcards and policy variables such as ${aws:username} belong to it, and
// the point of a sentence does not. A slash that is escaped is a slash.
func cutARN(text []byte) (end int, arn []byte) {
	slashes := false
	for end < len(text) && !endsARN(text[end]) {
		switch {
		case text[end] == '$' && end+1 < len(text) && text[end+1] == '{':
			if n := bytes.IndexByte(text[end:], '}'); n > 0 {
				end += n
			}
		case text[end] == '\\':
			if end+1 >= len(text) || text[end+1] != '/' {
				return end, wholeARN(text[:end], slashes)
			}
			slashes = true
			end++
		}
		end++
	}
	return end, wholeARN(text[:end], slashes)
}

// wholeARN returns an ARN without what a sentence puts behind it, nil where it does not
// have all of its six parts.
func wholeARN(v []byte, slashes bool) []byte {
	v = bytes.TrimRight(v, ".:!")
	if slashes {
		v = bytes.ReplaceAll(v, []byte(`\/`), []byte("/"))
	}
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
