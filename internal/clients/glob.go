package clients

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"
)

// errGlob says that a glob cannot be read.
var errGlob = errors.New("not a glob: a [ needs its ], a class cannot be empty, a range goes upwards and \\ escapes a character")

// pattern is one compiled glob: a text to be equal to, or an expression to match.
type pattern struct {
	literal string // set where the glob has no wildcard
	regex   string // else an anchored expression that RE2, Trino and Go read alike
}

// compileGlob reads a glob: * is any text, / and line feeds included, ? any one
// character, [a-z] one of a class, [^a-z] and [!a-z] one outside it, \ takes the
// next character as it is. The whole text must match and case counts.
func compileGlob(glob string) (pattern, error) {
	var literal, regex strings.Builder
	wild := false
	for rest := glob; rest != ""; {
		c, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		switch c {
		case '*':
			wild = true
			regex.WriteString(".*")
		case '?':
			wild = true
			regex.WriteByte('.')
		case '[':
			wild = true
			after, err := globClass(&regex, rest)
			if err != nil {
				return pattern{}, err
			}
			rest = after
		default:
			if c == '\\' {
				if rest == "" {
					return pattern{}, errGlob
				}
				c, size = utf8.DecodeRuneInString(rest)
				rest = rest[size:]
			}
			literal.WriteRune(c)
			regex.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	if wild {
		return pattern{regex: `\A(?s:` + regex.String() + `)\z`}, nil
	}
	return pattern{literal: literal.String()}, nil
}

// globClass reads a class behind its [ and returns what follows its ].
func globClass(regex *strings.Builder, rest string) (string, error) {
	regex.WriteByte('[')
	if rest != "" && (rest[0] == '^' || rest[0] == '!') {
		regex.WriteByte('^')
		rest = rest[1:]
	}
	for n := 0; ; n++ {
		if n > 0 && strings.HasPrefix(rest, "]") {
			regex.WriteByte(']')
			return rest[1:], nil
		}
		lo, after, err := classRune(rest)
		if err != nil {
			return "", err
		}
		hi := lo
		if strings.HasPrefix(after, "-") {
			if hi, after, err = classRune(after[1:]); err != nil {
				return "", err
			}
		}
		if hi < lo {
			return "", errGlob
		}
		writeClassRune(regex, lo)
		regex.WriteByte('-')
		writeClassRune(regex, hi)
		rest = after
	}
}

// classRune reads one character of a class.
func classRune(rest string) (rune, string, error) {
	if rest == "" || rest[0] == '-' || rest[0] == ']' {
		return 0, "", errGlob
	}
	if rest[0] == '\\' {
		if rest = rest[1:]; rest == "" {
			return 0, "", errGlob
		}
	}
	c, size := utf8.DecodeRuneInString(rest)
	return c, rest[size:], nil
}

// writeClassRune writes a character so that no engine takes it for syntax: Java's
// classes, which Trino reads, know && and nested brackets.
func writeClassRune(regex *strings.Builder, c rune) {
	if c < utf8.RuneSelf && strings.ContainsRune(`!"#$%&'()*+,-./:;<=>?@[\]^_{|}~`+"`", c) {
		regex.WriteByte('\\')
	}
	regex.WriteRune(c)
}
