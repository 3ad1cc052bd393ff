package duckdb

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// bindNames writes each :name of the text as a literal or as DuckDB's $name, cast to
// the type of its value so that the statement binds in the same way whatever the value
// is; where there is no value, as NULL. Texts, quoted names and :: are left alone.
// Comments become blanks and lines stay lines: DuckDB's parser takes minutes over
// nested comments without an end and over long runs of +, and no interrupt stops it
// there. A $ of the user's own is refused: it would begin another spelling of
// parameters and of texts.
func bindNames(text string, values map[string]any) (string, error) {
	if len(text) > maxText {
		return "", refuse("the statement is longer than %d bytes", maxText)
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return "", at(text, i, "the statement holds a NUL byte")
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		t, end := nextToken(text, i)
		piece := text[i:end]
		switch t {
		case tokenOpen:
			return "", at(text, i, "what begins here does not end")
		case tokenOperators:
			return "", at(text, i, "there are more than %d operators in a row", maxOperators)
		case tokenDollar:
			return "", at(text, i, "$ is not allowed here: write parameters as :name and texts in single quotes")
		case tokenComment:
			piece = blank(piece)
		case tokenParameter:
			param := strings.ToLower(piece[1:])
			value, known := values[param]
			if !known {
				return "", at(text, i, "there is no parameter :%s", param)
			}
			piece = " " + typed(param, value)
		}
		out.WriteString(piece)
		i = end
	}
	return out.String(), nil
}

// token is a kind of token, as far as binding needs to know.
type token int

const (
	tokenOther     token = iota
	tokenOpen            // a text, a quoted name or a comment without its end
	tokenDollar          // $
	tokenComment         // -- or /* */
	tokenParameter       // :name
	tokenOperators       // more operators in a row than there may be
)

// nextToken returns the token that begins at i, and its end.
func nextToken(text string, i int) (token, int) {
	rest := text[i:]
	n, t := 0, tokenOther
	switch {
	case rest[0] == '\'':
		escapes := i > 0 && (text[i-1] == 'e' || text[i-1] == 'E') && (i == 1 || !isWord(text[i-2]))
		n = quoted(rest, '\'', escapes)
	case rest[0] == '"':
		n = quoted(rest, '"', false)
	case strings.HasPrefix(rest, "--"):
		n, t = lineComment(rest), tokenComment
	case strings.HasPrefix(rest, "/*"):
		n, t = blockComment(rest), tokenComment
	case strings.HasPrefix(rest, "::"):
		n = 2
	case rest[0] == '$':
		n, t = 1, tokenDollar
	case startsParameter(text, i):
		n, t = 1+wordLength(rest[1:]), tokenParameter
	case isOperators(rest):
		n, t = maxOperators, tokenOperators
	default:
		n = max(1, wordLength(rest))
	}
	if n == 0 {
		return tokenOpen, len(text)
	}
	return t, i + n
}

// maxOperators is how many characters of operators may stand in a row; DuckDB's own
// limit for one operator is the same.
const maxOperators = 64

// isOperators reports whether s begins with more operators than that.
func isOperators(s string) bool {
	return len(s) > maxOperators && strings.Trim(s[:maxOperators+1], "+-*/<>=~!@#%^&|`?") == ""
}

// blank returns a comment's place: its line ends, and a blank.
func blank(comment string) string {
	return " " + strings.Repeat("\n", strings.Count(comment, "\n"))
}

// startsParameter reports whether a colon at i begins a parameter.
func startsParameter(text string, i int) bool {
	return text[i] == ':' && i+1 < len(text) && isLetter(text[i+1])
}

// quoted returns the length of the literal or name at the start of s, in which a
// doubled quote stands for one; 0 where it does not end.
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
	return 0
}

// lineComment returns the length of the comment at the start of s, which ends
// before the end of the line.
func lineComment(s string) int {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return i
	}
	return len(s)
}

// blockComment returns the length of the comment at the start of s, 0 where it does
// not end. Comments nest.
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
	return 0
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
		_, t = columnTypes(trailhouse.Column{Type: v.Type})
	default:
		return "NULL"
	}
	if constant, ok := literal(value); ok {
		what = constant
	}
	return "CAST(" + what + " AS " + t + ")"
}

// literal writes a number, truth value or instant into the statement: DuckDB binds and
// plans a statement with open parameters twice. Texts stay parameters, so that nothing
// that a user gives as a value is ever read as SQL.
func literal(value any) (string, bool) {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10), v > math.MinInt64
	case bool:
		return strconv.FormatBool(v), true
	case time.Time:
		v = v.UTC()
		return quote(v.Format("2006-01-02 15:04:05.000000")), v.Year() > 0 && v.Year() < 10_000
	}
	return "", false
}

// statements returns where each statement of a text begins, at least one place. The
// text has passed bindNames, so that comments are blanks and quotes end.
func statements(text string) []int {
	var out []int
	begun := false
	for i := 0; i < len(text); {
		_, end := nextToken(text, i)
		switch {
		case text[i] == ';':
			begun = false
		case !begun && strings.TrimSpace(text[i:end]) != "":
			begun = true
			out = append(out, i)
		}
		i = end
	}
	if len(out) == 0 {
		return []int{0}
	}
	return out
}

// notSelect returns where the first statement begins that is no SELECT by its first
// word, else where the text's first one begins.
func notSelect(text string) int {
	all := statements(text)
	for _, i := range all {
		switch strings.ToUpper(text[i : i+wordLength(text[i:])]) {
		case "SELECT", "WITH", "FROM", "VALUES", "TABLE", "":
		default:
			return i
		}
	}
	return all[0]
}

// secondOf returns the second place, the last where there is none.
func secondOf(places []int) int { return places[min(1, len(places)-1)] }
