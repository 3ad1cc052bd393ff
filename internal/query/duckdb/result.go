package duckdb

import (
	"database/sql/driver"
	"encoding/hex"
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
}

// resultOf returns the columns of a prepared statement.
func resultOf(stmt *duck.Stmt) (*result, error) {
	n, err := stmt.ColumnCount()
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInternal, "the result has no columns: %w", err)
	}
	r := &result{columns: make([]trailhouse.ResultColumn, n)}
	for i := range r.columns {
		title, err := stmt.ColumnName(i)
		if err != nil {
			return nil, trailhouse.Errorf(trailhouse.CodeInternal, "column %d of the result has no name: %w", i+1, err)
		}
		t, ok := typeOf(stmt, i)
		if !ok {
			return nil, inexact(title)
		}
		r.columns[i] = trailhouse.ResultColumn{Name: title, Type: t}
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

// typeOf returns Trino's name of a column's type, and false for types that are not
// handed out. A column that is null throughout has no type; it is varchar.
func typeOf(stmt *duck.Stmt, i int) (string, bool) {
	t, err := stmt.ColumnType(i)
	if err != nil {
		return "", false
	}
	if t == duck.TYPE_SQLNULL || t == duck.TYPE_INVALID {
		return "varchar", true
	}
	info, err := stmt.ColumnTypeInfo(i)
	if err != nil {
		return "", false
	}
	return typeName(info)
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
		value, n, err := convert(v)
		if err != nil {
			return 0, refuse("column %s: %s", r.columns[i].Name, err)
		}
		out[i] = value
		size += n
	}
	return size, nil
}

// convert turns one value of the driver's into ours.
func convert(v any) (any, int64, error) {
	switch v := v.(type) {
	case nil:
		return nil, 1, nil
	case bool:
		return v, 1, nil
	case string:
		return v, int64(len(v)), nil
	case []byte:
		return hex.EncodeToString(v), int64(2 * len(v)), nil
	case duck.UUID:
		return trailhouse.Key(v).String(), 36, nil
	case time.Time:
		return v.UTC(), 8, nil
	case float32:
		return float64(v), 4, nil
	case float64:
		return v, 8, nil
	case *big.Int:
		return trailhouse.Decimal{Text: v.String()}, 16, nil
	case duck.Decimal:
		return decimal(v), 16, nil
	case []any:
		return list(v)
	}
	n, ok := integer(v)
	if !ok {
		return nil, 0, fmt.Errorf("a value of type %T has no exact form", v)
	}
	return n, 8, nil
}

// integer widens the driver's integers. One beyond 63 bits is a decimal.
func integer(v any) (any, bool) {
	switch v := v.(type) {
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
func list(items []any) (any, int64, error) {
	out := make([]any, len(items))
	var size int64
	for i, item := range items {
		value, n, err := convert(item)
		if err != nil {
			return nil, 0, err
		}
		out[i] = value
		size += n
	}
	return out, size, nil
}
