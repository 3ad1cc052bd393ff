package duckdb

import (
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// bindNames writes each :name of the text as DuckDB's $name, cast to the type of
// its value so that the statement binds in the same way whatever the value is;
// where there is no value, as NULL.
// Texts, quoted names, comments and :: are left alone, and lines stay lines. A $
// of the user's own is refused: it would begin another spelling of parameters and
// of texts.
func bindNames(text string, values map[string]any) (string, error) {
	if len(text) > maxText {
		return "", refuse("the statement is longer than %d bytes", maxText)
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return "", at(text, i, "the statement holds a NUL byte")
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		end := skipToken(text, i)
		switch {
		case end > i:
		case text[i] == '$':
			return "", at(text, i, "$ is not allowed here: write parameters as :name and texts in single quotes")
		case startsParameter(text, i):
			end = i + 1 + wordLength(text[i+1:])
			param := strings.ToLower(text[i+1 : end])
			value, known := values[param]
			if !known {
				return "", at(text, i, "there is no parameter :%s", param)
			}
			if i > 0 && isWord(text[i-1]) {
				out.WriteByte(' ')
			}
			out.WriteString(typed(param, value))
			i = end
			continue
		default:
			end = i + max(1, wordLength(text[i:]))
		}
		out.WriteString(text[i:end])
		i = end
	}
	return out.String(), nil
}

// startsParameter reports whether a colon at i begins a parameter.
func startsParameter(text string, i int) bool {
	return text[i] == ':' && i+1 < len(text) && isLetter(text[i+1])
}

// skipToken returns the end of the text literal, quoted name, comment or :: that
// begins at i, or i where none does. One without an end reaches to the end of the
// text, where DuckDB's parser will find it.
func skipToken(text string, i int) int {
	rest := text[i:]
	switch {
	case rest[0] == '\'':
		escapes := i > 0 && (text[i-1] == 'e' || text[i-1] == 'E') && (i == 1 || !isWord(text[i-2]))
		return i + quoted(rest, '\'', escapes)
	case rest[0] == '"':
		return i + quoted(rest, '"', false)
	case strings.HasPrefix(rest, "--"):
		return i + lineComment(rest)
	case strings.HasPrefix(rest, "/*"):
		return i + blockComment(rest)
	case strings.HasPrefix(rest, "::"):
		return i + 2
	}
	return i
}

// quoted returns the length of the literal or name at the start of s, in which a
// doubled quote stands for one.
func quoted(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] != quote:
		case i+1 < len(s) && s[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(s)
}

// lineComment returns the length of the comment at the start of s, which ends
// before the end of the line.
func lineComment(s string) int {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return i
	}
	return len(s)
}

// blockComment returns the length of the comment at the start of s. Comments nest.
func blockComment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// wordLength returns how many letters, digits, _ and bytes beyond ASCII s begins
// with.
func wordLength(s string) int {
	n := 0
	for n < len(s) && isWord(s[n]) {
		n++
	}
	return n
}

func isWord(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' || c >= 0x80 }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

// typed returns the parameter as an expression with the type of its value.
func typed(param string, value any) string {
	t, what := "", "$"+param
	switch v := value.(type) {
	case string:
		t = "VARCHAR"
	case int64:
		t = "BIGINT"
	case bool:
		t = "BOOLEAN"
	case time.Time:
		t = "TIMESTAMP"
	case trailhouse.Null:
		what = "NULL"
		_, t = columnTypes(v.Type)
	default:
		return "NULL"
	}
	return "CAST(" + what + " AS " + t + ")"
}
