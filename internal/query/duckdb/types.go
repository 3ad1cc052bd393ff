package duckdb

import (
	"strings"

	"github.com/trailhouse/trailhouse"
)

// columnTypes returns the DuckDB types of a column: as it is stored and as
// statements see it. Payloads are physical maps, as in CloudTrail Lake
// (facts/engine.md 5).
func columnTypes(c trailhouse.Column) (stored, seen string) {
	switch c.Type {
	case trailhouse.TypeInt64:
		stored = "BIGINT"
	case trailhouse.TypeBool:
		stored = "BOOLEAN"
	case trailhouse.TypeTimestamp:
		stored = "TIMESTAMP"
	case trailhouse.TypeUUID:
		return "UUID", "VARCHAR"
	case trailhouse.TypeInt64s:
		stored = "BIGINT[]"
	case trailhouse.TypeStrings:
		stored = "VARCHAR[]"
	case trailhouse.TypeBinary:
		stored = "BLOB"
	case trailhouse.TypeMap:
		stored = "MAP(VARCHAR, VARCHAR)"
	case trailhouse.TypeStruct:
		return structTypes(c.Fields)
	case trailhouse.TypeStructs:
		stored, seen = structTypes(c.Fields)
		return stored + "[]", seen + "[]"
	default:
		stored = "VARCHAR"
	}
	return stored, stored
}

// structTypes is columnTypes for the fields of a nested column.
func structTypes(fields []trailhouse.Column) (stored, seen string) {
	in, out := make([]string, len(fields)), make([]string, len(fields))
	for i, f := range fields {
		s, o := columnTypes(f)
		in[i], out[i] = name(f.Name)+" "+s, name(f.Name)+" "+o
	}
	return "STRUCT(" + strings.Join(in, ", ") + ")", "STRUCT(" + strings.Join(out, ", ") + ")"
}
