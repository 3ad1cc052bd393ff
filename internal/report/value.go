package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// maxExact is the largest whole number up to which a double holds every one.
const maxExact = 1 << 53

// FormatTime writes an instant as RFC 3339 in UTC with milliseconds; finer digits
// are cut off.
func FormatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// FormatText writes a value of a result as plain text, as tables and csv have it,
// by the type of its column. Null is empty.
func FormatText(v any, columnType string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case trailhouse.Decimal:
		return v.Text
	case time.Time:
		if columnType == "date" {
			return v.UTC().Format(time.DateOnly)
		}
		return FormatTime(v)
	}
	return string(appendJSON(nil, v, columnType))
}

// appendJSON writes a value as JSON. Numbers that a double does not keep, and so
// most readers of JSON neither, are texts: whole numbers beyond 2^53, and decimals
// of more than 15 digits, which no report of ours comes near.
func appendJSON(b []byte, v any, columnType string) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		if v > maxExact || v < -maxExact {
			return appendString(b, strconv.FormatInt(v, 10))
		}
		return strconv.AppendInt(b, v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return appendString(b, strings.TrimPrefix(FormatText(v, ""), "+"))
		}
		return appendFloat(b, v)
	case trailhouse.Decimal:
		if digits := strings.TrimLeft(v.Text, "-0."); len(digits)-strings.Count(digits, ".") <= 15 {
			return append(b, v.Text...)
		}
		return appendString(b, v.Text)
	case []any:
		return appendList(b, v, strings.TrimSuffix(strings.TrimPrefix(columnType, "array("), ")"))
	case time.Time:
		return appendString(b, FormatText(v, columnType))
	case string:
		return appendString(b, v)
	}
	panic(fmt.Sprintf("BUG: a result holds a %T", v))
}

// appendFloat writes a double with the fewest digits that read back as it.
func appendFloat(b []byte, v float64) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return append(b, text...)
}

// appendList writes an array.
func appendList(b []byte, items []any, itemType string) []byte {
	b = append(b, '[')
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, item, itemType)
	}
	return append(b, ']')
}

// appendString writes a text, with < and & as they are.
func appendString(b []byte, s string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("BUG: " + err.Error())
	}
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

// member begins a member of an object, behind a comma where it is not the first.
func member(b []byte, key string) []byte {
	if n := len(b); n > 0 && b[n-1] != '{' {
		b = append(b, ',')
	}
	return append(appendString(b, key), ':')
}
