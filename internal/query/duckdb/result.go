package duckdb

import (
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/trailhouse/trailhouse"
)

// result is how the columns of a result are read.
type result struct {
	columns []trailhouse.ResultColumn
	// leaves are the types of the columns' values, of a list's innermost items.
	leaves []duck.Type
	// nested are the types of the columns that are handed out as JSON text, nil for
	// the others.
	nested []duck.TypeInfo
}

// resultOf returns the columns of a prepared statement.
func resultOf(stmt *duck.Stmt) (*result, error) {
	n, err := stmt.ColumnCount()
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "the result has no columns: %w", err)
	}
	r := &result{columns: make([]trailhouse.ResultColumn, n), leaves: make([]duck.Type, n), nested: make([]duck.TypeInfo, n)}
	for i := range r.columns {
		title, err := stmt.ColumnName(i)
		if err != nil {
			return nil, trailhouse.Errorf(trailhouse.CodeInternal, "column %d of the result has no name: %w", i+1, err)
		}
		info, err := stmt.ColumnTypeInfo(i)
		if err != nil {
			return nil, inexact(title)
		}
		t, ok := typeName(info)
		if nests(info) {
			t, ok, r.nested[i] = "varchar", exact(info), info
		}
		if !ok {
			return nil, inexact(title)
		}
		r.columns[i], r.leaves[i] = trailhouse.ResultColumn{Name: title, Type: t}, leafOf(info)
	}
	return r, nil
}

// noJSON refuses columns of DuckDB's JSON type, which the driver hands out parsed,
// with numbers as doubles. Only the result's type names tell them from text.
func noJSON(rows driver.Rows, columns []trailhouse.ResultColumn) error {
	typed, ok := rows.(driver.RowsColumnTypeDatabaseTypeName)
	for i := 0; ok && i < len(columns); i++ {
		if strings.Contains(typed.ColumnTypeDatabaseTypeName(i), "JSON") {
			return inexact(columns[i].Name)
		}
	}
	return nil
}

// inexact refuses a column whose values have no exact form in a result.
func inexact(column string) error {
	return refuse("column %s of the result has a type without an exact form", column).
		WithHint("cast it: CAST(%s AS varchar)", column)
}

// leafOf returns the type of a list's innermost items, or the type itself.
func leafOf(info duck.TypeInfo) duck.Type {
	switch d := info.Details().(type) {
	case *duck.ListDetails:
		return leafOf(d.Child)
	case *duck.ArrayDetails:
		return leafOf(d.Child)
	}
	return info.InternalType()
}

// typeName returns Trino's name of a type.
func typeName(info duck.TypeInfo) (string, bool) {
	switch info.InternalType() {
	case duck.TYPE_BOOLEAN:
		return "boolean", true
	case duck.TYPE_TINYINT:
		return "tinyint", true
	case duck.TYPE_SMALLINT, duck.TYPE_UTINYINT:
		return "smallint", true
	case duck.TYPE_INTEGER, duck.TYPE_USMALLINT:
		return "integer", true
	case duck.TYPE_BIGINT, duck.TYPE_UINTEGER:
		return "bigint", true
	case duck.TYPE_UBIGINT:
		return "decimal(20,0)", true
	case duck.TYPE_HUGEINT, duck.TYPE_UHUGEINT:
		return "decimal(38,0)", true
	case duck.TYPE_FLOAT:
		return "real", true
	case duck.TYPE_DOUBLE:
		return "double", true
	case duck.TYPE_VARCHAR, duck.TYPE_ENUM, duck.TYPE_UUID, duck.TYPE_SQLNULL:
		return "varchar", true
	case duck.TYPE_BLOB:
		return "varbinary", true
	case duck.TYPE_DATE:
		return "date", true
	case duck.TYPE_TIMESTAMP, duck.TYPE_TIMESTAMP_S, duck.TYPE_TIMESTAMP_MS, duck.TYPE_TIMESTAMP_NS, duck.TYPE_TIMESTAMP_TZ:
		return "timestamp", true
	}
	return nestedName(info)
}

// nestedName returns Trino's name of a type with parameters.
func nestedName(info duck.TypeInfo) (string, bool) {
	switch d := info.Details().(type) {
	case *duck.DecimalDetails:
		return fmt.Sprintf("decimal(%d,%d)", d.Width, d.Scale), true
	case *duck.ListDetails:
		child, ok := typeName(d.Child)
		return "array(" + child + ")", ok
	case *duck.ArrayDetails:
		child, ok := typeName(d.Child)
		return "array(" + child + ")", ok
	}
	return "", false
}

// convert turns a row of the driver's values into ours and returns about how many
// bytes they take.
func (r *result) convert(raw []driver.Value, out []any) (int64, error) {
	var size int64
	for i, v := range raw {
		value, n, err := r.value(i, v)
		if err != nil {
			return 0, inexact(r.columns[i].Name)
		}
		out[i] = value
		size += n
	}
	return size, nil
}

// value turns one value of a column into ours.
func (r *result) value(i int, v any) (any, int64, error) {
	if r.nested[i] == nil || v == nil {
		return convert(v, r.leaves[i])
	}
	text, err := appendRow(nil, v, r.nested[i])
	return string(text), int64(len(text)), err
}

// errInexact is a value that has no exact form in a result.
var errInexact = errors.New("no exact form")

// convert turns one value of the driver's into ours. The driver gives a uuid and a
// binary value alike, and json in a list parsed though its type is that of text.
func convert(v any, leaf duck.Type) (any, int64, error) {
	switch v := v.(type) {
	case nil:
		return nil, 1, nil
	case string:
		return v, int64(len(v)), nil
	case []byte:
		if leaf == duck.TYPE_UUID && len(v) == len(trailhouse.Key{}) {
			return trailhouse.Key(v).String(), 36, nil
		}
		return hex.EncodeToString(v), int64(2 * len(v)), nil
	case time.Time:
		return v.UTC(), 8, nil
	case *big.Int:
		return trailhouse.Decimal{Text: v.String()}, 16, nil
	case duck.Decimal:
		return decimal(v), 16, nil
	case []any:
		return list(v, leaf)
	}
	n, ok := plain(v)
	if !ok || leaf == duck.TYPE_VARCHAR {
		return nil, 0, errInexact
	}
	return n, 8, nil
}

// plain widens the driver's numbers. An integer beyond 63 bits is a decimal.
func plain(v any) (any, bool) {
	switch v := v.(type) {
	case bool, float64:
		return v, true
	case float32:
		return float64(v), true
	case int64:
		return v, true
	case int32:
		return int64(v), true
	case int16:
		return int64(v), true
	case int8:
		return int64(v), true
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint64:
		return trailhouse.Decimal{Text: fmt.Sprint(v)}, true
	}
	return nil, false
}

// decimal writes a decimal with all digits of its scale.
func decimal(d duck.Decimal) trailhouse.Decimal {
	scale := int(d.Scale)
	digits := new(big.Int).Abs(d.Value).String()
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale+1-len(digits)) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if d.Value.Sign() < 0 {
		digits = "-" + digits
	}
	return trailhouse.Decimal{Text: digits, Scale: scale}
}

// list converts the values of a list.
func list(items []any, leaf duck.Type) (any, int64, error) {
	out := make([]any, len(items))
	var size int64
	for i, item := range items {
		value, n, err := convert(item, leaf)
		if err != nil {
			return nil, 0, err
		}
		out[i] = value
		size += n
	}
	return out, size, nil
}
