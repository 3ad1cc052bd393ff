package duckdb

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/trailhouse/trailhouse"
)

// nests reports whether a type is a map or a row, or a list of them. Such values are
// handed out as JSON text.
func nests(info duck.TypeInfo) bool {
	switch d := info.Details().(type) {
	case *duck.MapDetails, *duck.StructDetails:
		return true
	case *duck.ListDetails:
		return nests(d.Child)
	case *duck.ArrayDetails:
		return nests(d.Child)
	}
	return false
}

// exact reports whether all values of a type have a form in JSON.
func exact(info duck.TypeInfo) bool {
	switch d := info.Details().(type) {
	case *duck.MapDetails:
		return d.Key.InternalType() == duck.TYPE_VARCHAR && exact(d.Value)
	case *duck.StructDetails:
		for _, e := range d.Entries {
			if !exact(e.Info()) {
				return false
			}
		}
		return true
	case *duck.ListDetails:
		return exact(d.Child)
	case *duck.ArrayDetails:
		return exact(d.Child)
	}
	_, ok := typeName(info)
	return ok
}

// appendRow appends a value of the driver's as compact JSON: fields in the order of
// the type, keys in the order of the map, decimals and whole numbers with all their
// digits.
func appendRow(b []byte, v any, info duck.TypeInfo) ([]byte, error) {
	if v == nil {
		return append(b, "null"...), nil
	}
	switch d := info.Details().(type) {
	case *duck.MapDetails:
		return appendMap(b, v, d)
	case *duck.StructDetails:
		return appendStruct(b, v, d)
	case *duck.ListDetails:
		return appendItems(b, v, d.Child)
	case *duck.ArrayDetails:
		return appendItems(b, v, d.Child)
	}
	return appendPlain(b, v, info)
}

func appendMap(b []byte, v any, d *duck.MapDetails) ([]byte, error) {
	m, ok := v.(duck.OrderedMap)
	if !ok {
		return b, errInexact
	}
	b = append(b, '{')
	values := m.Values()
	for i, key := range m.Keys() {
		name, ok := key.(string)
		if !ok {
			return b, errInexact
		}
		var err error
		if b, err = appendMember(b, name, values[i], d.Value); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendStruct(b []byte, v any, d *duck.StructDetails) ([]byte, error) {
	fields, ok := v.(map[string]any)
	if !ok {
		return b, errInexact
	}
	b = append(b, '{')
	for _, e := range d.Entries {
		var err error
		if b, err = appendMember(b, e.Name(), fields[e.Name()], e.Info()); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// appendMember appends a member of an object, behind a comma where it is not the
// first.
func appendMember(b []byte, name string, v any, info duck.TypeInfo) ([]byte, error) {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return appendRow(append(appendText(b, name), ':'), v, info)
}

func appendItems(b []byte, v any, item duck.TypeInfo) ([]byte, error) {
	items, ok := v.([]any)
	if !ok {
		return b, errInexact
	}
	b = append(b, '[')
	for i, x := range items {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendRow(b, x, item); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

// appendPlain appends a value that nests nothing.
func appendPlain(b []byte, v any, info duck.TypeInfo) ([]byte, error) {
	kind := info.InternalType()
	value, _, err := convert(v, kind)
	if err != nil {
		return b, err
	}
	switch v := value.(type) {
	case string:
		return appendText(b, v), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case trailhouse.Decimal:
		return append(b, v.Text...), nil
	case time.Time:
		if kind == duck.TYPE_DATE {
			return appendText(b, v.Format(time.DateOnly)), nil
		}
		return appendText(b, v.Format(time.RFC3339Nano)), nil
	case float64:
		if text, err := json.Marshal(v); err == nil { // not of NaN
			return append(b, text...), nil
		}
	}
	return b, errInexact
}

// appendText appends a text as JSON, with < and & as they are.
func appendText(b []byte, s string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("BUG: " + err.Error())
	}
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}
