package trailhouse

import "strings"

// Type is the type of a column. Every type is one of Iceberg v2's.
type Type uint8

// The types of columns, with the Iceberg type that each is stored as.
const (
	TypeString    Type = iota // string, UTF-8
	TypeInt64                 // long
	TypeBool                  // boolean
	TypeTimestamp             // timestamp without zone, microseconds, always UTC
	TypeUUID                  // uuid, 16 bytes
	TypeInt64s                // list<long>
	TypeStrings               // list<string>
	TypeBinary                // binary
	TypeStruct                // struct of Column.Fields
	TypeStructs               // list of struct of Column.Fields
	TypeMap                   // map<string, string>
)

// Column is one column of a Table.
type Column struct {
	Name     string
	Type     Type
	Required bool
	// Fields are the columns of a TypeStruct or TypeStructs column, which may nest.
	Fields []Column
	// Unique says that hardly two rows have the same value, so that a dictionary of
	// values would not pay.
	Unique bool
	// Doc says what the column holds and its unit; it becomes the Iceberg doc.
	Doc string
}

// fields returns the columns of the rows that a nested column holds, nil for a flat
// one.
func (c *Column) fields() []Column {
	switch c.Type {
	case TypeStruct, TypeStructs:
		return c.Fields
	case TypeMap:
		return []Column{{Name: "key", Type: TypeString, Required: true}, {Name: "value", Type: TypeString}}
	}
	return nil
}

// SQLType returns the type as statements see it, in Trino's spelling, such as bigint,
// array(varchar), map(varchar, varchar) or row(arn varchar, type varchar). Keys of
// TypeUUID are text there.
func (c *Column) SQLType() string {
	switch c.Type {
	case TypeInt64:
		return "bigint"
	case TypeBool:
		return "boolean"
	case TypeTimestamp:
		return "timestamp"
	case TypeInt64s:
		return "array(bigint)"
	case TypeStrings:
		return "array(varchar)"
	case TypeBinary:
		return "varbinary"
	case TypeMap:
		return "map(varchar, varchar)"
	case TypeStruct, TypeStructs:
		fields := make([]string, len(c.Fields))
		for i := range c.Fields {
			fields[i] = c.Fields[i].Name + " " + c.Fields[i].SQLType()
		}
		row := "row(" + strings.Join(fields, ", ") + ")"
		if c.Type == TypeStructs {
			return "array(" + row + ")"
		}
		return row
	}
	return "varchar"
}

// Transform says how a table is cut into partitions.
type Transform uint8

// The transforms, named as Iceberg names them.
const (
	Unpartitioned Transform = iota
	ByDay                   // day(column): the column is a timestamp
	ByMonth                 // month(column): the column is a timestamp
)

// Table describes one table of the lake. A Table is a value that nobody changes;
// the position of a column in Columns decides its Iceberg field id, so columns
// are only ever added at the end.
type Table struct {
	Name    string
	Doc     string
	Columns []Column
	// PartitionBy names the timestamp column that Transform cuts by.
	PartitionBy string
	Transform   Transform
	// Key names the TypeUUID column by which a row is known for ever: ingest
	// writes a key once. Empty for tables whose rows are never repeated, and for
	// derived tables, whose partitions are replaced whole.
	Key string
	// KeyText names a TypeString column that writes the key of most rows as a GUID. A
	// file holds the key of the others only, 16 bytes a row that nothing makes shorter;
	// who reads files or asks statements is given the key of every row. The column Key
	// is not Required then, and set in each row all the same.
	KeyText string
	// Cluster names TypeString columns. Within a row group of a file, rows that are
	// equal in the first of them are stored side by side, within those the ones that are
	// equal in the second, and so on: what is alike compresses better where it meets.
	Cluster []string
}

// Index returns the position of the named column, or -1.
func (t *Table) Index(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// MustIndex returns the position of the named column. A name that is not a column
// is a mistake of ours.
func (t *Table) MustIndex(name string) int {
	if i := t.Index(name); i >= 0 {
		return i
	}
	panic("BUG: table " + t.Name + " has no column " + name)
}
