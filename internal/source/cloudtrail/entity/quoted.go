package entity

import (
	"bytes"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxQuoted is the most bytes of an ARN in quotes as it is written: each of its own may
// take more than one there.
const maxQuoted = 4 * MaxText

// maxInner is the most quotes within the quotes, so that a text of nothing but their
// beginnings takes no time.
const maxInner = 32

// quote is what stands around an ARN in a text.
type quote struct {
	closing string
	slashes int // backslashes in front of the opening one: the text is JSON in JSON
}

// opening returns the quote that stands right in front of an ARN at a place.
func opening(text []byte, at int) (q quote, ok bool) {
	before := text[:at]
	switch {
	case at == 0:
		return q, false
	case before[at-1] == '"':
		return quote{`"`, backslashes(before[:at-1])}, true
	case before[at-1] == '\'' || before[at-1] == '`':
		return quote{string(before[at-1:]), 0}, true
	case before[at-1] == 0x9c || before[at-1] == 0x98:
		if bytes.HasSuffix(before, []byte("“")) {
			return quote{"”", 0}, true
		}
		return quote{"’", 0}, bytes.HasSuffix(before, []byte("‘"))
	case before[at-1] == '2' || before[at-1] == '7':
		if e := escapeBefore(text, at); e == '"' || e == '\'' {
			return quote{string(before[at-6:]), 0}, true
		}
	}
	return q, false
}

// backslashes returns how many backslashes a text ends in.
func backslashes(text []byte) int { return len(text) - len(bytes.TrimRight(text, `\`)) }

// closes reports whether the closing quote at a place of a text is its end, rather than
// one that is a part of it.
func (q quote) closes(text []byte, at int) bool {
	switch q.closing {
	case `"`:
		n := backslashes(text[:at])
		return n < q.slashes || n%(2*(q.slashes+1)) == q.slashes
	case "'", "’": // of Bob's
		behind := at + len(q.closing)
		return behind >= len(text) || !isWord(text[behind]) || text[behind] >= 0x80
	}
	return true
}

// cutQuoted returns the ARN at the beginning of a text that runs to the quote that closes
// it, and where that stands. It fails where there is none, or where what stands within
// the quotes is more than a name.
func cutQuoted(text []byte, q quote) (end int, arn []byte, ok bool) {
	text = text[:min(len(text), maxQuoted)]
	for n := 0; ; n++ {
		found := bytes.Index(text[end:], []byte(q.closing))
		if found < 0 || n > maxInner {
			return 0, nil, false
		}
		if end += found; q.closes(text, end) {
			break
		}
		end += len(q.closing)
	}
	inside := text[:end]
	if q.closing == `"` {
		inside = inside[:len(inside)-min(backslashes(inside), q.slashes)]
	}
	if !isOneName(inside) {
		return 0, nil, false
	}
	if bytes.IndexByte(inside, '\\') >= 0 {
		for range bits.Len(uint(q.slashes + 1)) {
			inside = unescape(inside)
		}
	}
	return end, wholeARN(inside), true
}

// isOneName reports whether a text that begins as an ARN may be one as a whole, rather
// than a list or a sentence. Few resources have blanks in their names: objects of S3,
// alarms and the like; those of the services here have none.
func isOneName(v []byte) bool {
	for at := len(arnPrefix); ; {
		found := bytes.Index(v[at:], []byte(arnPrefix))
		if found < 0 {
			break
		}
		if at += found; endsARN(v[at-1]) {
			return false
		}
		at += len(arnPrefix)
	}
	if bytes.ContainsAny(v, "\n\r\t") {
		return false
	}
	blank := bytes.IndexByte(v, ' ')
	if blank < 0 {
		return true
	}
	parts := bytes.SplitN(v[:blank], []byte(":"), 6)
	if len(parts) < 6 {
		return false
	}
	switch string(parts[2]) {
	case "iam", "sts", "kms", "ec2", "sqs", "sns", "lambda", "dynamodb", "secretsmanager", "ecs", "ecr", "rds", "logs":
		return false
	case "s3": // a bucket has no blank
		return bytes.IndexByte(parts[5], '/') > 0
	}
	return len(parts[5]) > 0
}

// escapeBefore returns the character that a JSON escape of the form \uXXXX writes, which
// ends in front of a place, or a space for those that write white space; 0 where there
// is no escape.
func escapeBefore(text []byte, at int) rune {
	if at >= 6 && text[at-5] == 'u' && text[at-6] == '\\' {
		if r, ok := escaped(text[at-6:]); ok {
			return r
		}
	}
	if at >= 2 && text[at-2] == '\\' && bytes.IndexByte([]byte("nrtbf"), text[at-1]) >= 0 {
		return ' '
	}
	return 0
}

// isInWord reports whether what stands at a place goes on with a word before it.
func isInWord(text []byte, at int) bool {
	if at == 0 || !isWord(text[at-1]) {
		return false
	}
	if text[at-1] >= 0x80 {
		_, ok := opening(text, at)
		return !ok
	}
	e := escapeBefore(text, at)
	return e == 0 || e >= 0x80 || isWord(byte(e))
}

// escaped returns the UTF-16 unit of the escape \uXXXX that a text begins with.
func escaped(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}

// unescape takes one level of the escapes off that JSON has for what may be part of a
// name; all other bytes stay.
func unescape(v []byte) []byte {
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' || i+1 == len(v) {
			out = append(out, v[i])
			continue
		}
		switch c := v[i+1]; c {
		case '\\', '/', '"':
			out = append(out, c)
			i++
		case 'u':
			r, ok := escaped(v[i:])
			if !ok {
				out = append(out, '\\')
				continue
			}
			i += 5
			if low, ok := escaped(v[i+1:]); ok && utf16.IsSurrogate(r) {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					r = pair
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, '\\')
		}
	}
	return out
}
