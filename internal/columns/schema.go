package columns

import (
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/trailhouse/trailhouse"
)

// elementType is the type of a list's elements.
func elementType(t trailhouse.Type) trailhouse.Type {
	if t == trailhouse.TypeInt64s {
		return trailhouse.TypeInt64
	}
	return trailhouse.TypeString
}

// parquetSchema is the Parquet schema of a table. Every node that holds values
// carries its field id: files with ids on some nodes only are refused by readers
// of Iceberg (facts/engine.md 2).
func parquetSchema(t *trailhouse.Table) (*schema.Schema, error) {
	fields := make(schema.FieldList, 0, len(t.Columns))
	for i := range t.Columns {
		node, err := columnNode(&t.Columns[i], ColumnPath(i))
		if err != nil {
			return nil, err
		}
		fields = append(fields, node)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		return nil, err
	}
	return schema.NewSchema(root), nil
}

// columnNode is the schema node of one column.
func columnNode(c *trailhouse.Column, at Path) (schema.Node, error) {
	repetition := parquet.Repetitions.Optional
	if c.Required {
		repetition = parquet.Repetitions.Required
	}
	switch c.Type {
	case trailhouse.TypeInt64s, trailhouse.TypeStrings:
		element, err := valueNode("element", elementType(c.Type), parquet.Repetitions.Required, at.Element())
		if err != nil {
			return nil, err
		}
		return repeated(c.Name, repetition, "list", schema.FieldList{element}, schema.ListLogicalType{}, at)
	case trailhouse.TypeStructs:
		element, err := structNode("element", parquet.Repetitions.Required, c.Fields, at.Element())
		if err != nil {
			return nil, err
		}
		return repeated(c.Name, repetition, "list", schema.FieldList{element}, schema.ListLogicalType{}, at)
	case trailhouse.TypeMap:
		fields, err := fieldNodes(mapFields(), at)
		if err != nil {
			return nil, err
		}
		return repeated(c.Name, repetition, "key_value", fields, schema.MapLogicalType{}, at)
	case trailhouse.TypeStruct:
		return structNode(c.Name, repetition, c.Fields, at)
	}
	return valueNode(c.Name, c.Type, repetition, at)
}

// repeated is the node of a list or map in the standard three levels.
func repeated(name string, rep parquet.Repetition, inner string, fields schema.FieldList, logical schema.LogicalType, at Path) (schema.Node, error) {
	group, err := schema.NewGroupNode(inner, parquet.Repetitions.Repeated, fields, -1)
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNodeLogical(name, rep, schema.FieldList{group}, logical, int32(at.ID()))
}

// structNode is the node of a struct.
func structNode(name string, rep parquet.Repetition, columns []trailhouse.Column, at Path) (schema.Node, error) {
	fields, err := fieldNodes(columns, at)
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNode(name, rep, fields, int32(at.ID()))
}

// fieldNodes are the nodes of a node's parts.
func fieldNodes(columns []trailhouse.Column, at Path) (schema.FieldList, error) {
	fields := make(schema.FieldList, 0, len(columns))
	for i := range columns {
		node, err := columnNode(&columns[i], at.Child(i))
		if err != nil {
			return nil, err
		}
		fields = append(fields, node)
	}
	return fields, nil
}

// valueNode is the schema node of plain values.
func valueNode(name string, t trailhouse.Type, rep parquet.Repetition, at Path) (schema.Node, error) {
	var logical schema.LogicalType
	physical, length := parquet.Types.Int64, -1
	switch t {
	case trailhouse.TypeString:
		physical, logical = parquet.Types.ByteArray, schema.StringLogicalType{}
	case trailhouse.TypeBinary:
		physical = parquet.Types.ByteArray
	case trailhouse.TypeBool:
		physical = parquet.Types.Boolean
	case trailhouse.TypeUUID:
		physical, length, logical = parquet.Types.FixedLenByteArray, 16, schema.UUIDLogicalType{}
	case trailhouse.TypeTimestamp:
		logical = schema.NewTimestampLogicalType(false, schema.TimeUnitMicros)
	}
	return schema.NewPrimitiveNodeLogical(name, rep, logical, physical, length, int32(at.ID()))
}

// properties say in the footer how the columns are encoded. Keys are random bits,
// which nothing makes shorter.
func properties(s *schema.Schema) *parquet.WriterProperties {
	options := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCreatedBy("trailhouse"),
	}
	for i := range s.NumColumns() {
		c := s.Column(i)
		switch c.PhysicalType() {
		case parquet.Types.FixedLenByteArray:
			options = append(options, parquet.WithCompressionFor(c.Path(), compress.Codecs.Uncompressed))
		case parquet.Types.ByteArray:
			options = append(options, parquet.WithEncodingFor(c.Path(), parquet.Encodings.DeltaLengthByteArray))
		case parquet.Types.Int64:
			options = append(options, parquet.WithEncodingFor(c.Path(), parquet.Encodings.DeltaBinaryPacked))
		}
	}
	return parquet.NewWriterProperties(options...)
}
