package lake

import (
	"github.com/apache/iceberg-go"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// icebergSchema is the Iceberg schema of a table, with the field ids that columns
// writes to its files.
func icebergSchema(t *trailhouse.Table) (*iceberg.Schema, error) {
	fields := make([]iceberg.NestedField, len(t.Columns))
	for i := range t.Columns {
		f, err := icebergField(&t.Columns[i], columns.ColumnPath(i))
		if err != nil {
			return nil, err
		}
		fields[i] = f
	}
	return iceberg.NewSchema(0, fields...), nil
}

// icebergField is a column, or a field of a struct, with its type and id.
func icebergField(c *trailhouse.Column, at columns.Path) (iceberg.NestedField, error) {
	typ, err := icebergType(c, at)
	return iceberg.NestedField{ID: at.ID(), Name: c.Name, Type: typ, Required: c.Required, Doc: c.Doc}, err
}

// icebergType is the Iceberg type of the column at a path.
func icebergType(c *trailhouse.Column, at columns.Path) (iceberg.Type, error) {
	switch c.Type {
	case trailhouse.TypeString:
		return iceberg.PrimitiveTypes.String, nil
	case trailhouse.TypeInt64:
		return iceberg.PrimitiveTypes.Int64, nil
	case trailhouse.TypeBool:
		return iceberg.PrimitiveTypes.Bool, nil
	case trailhouse.TypeTimestamp:
		return iceberg.PrimitiveTypes.Timestamp, nil
	case trailhouse.TypeUUID:
		return iceberg.PrimitiveTypes.UUID, nil
	case trailhouse.TypeBinary:
		return iceberg.PrimitiveTypes.Binary, nil
	case trailhouse.TypeInt64s:
		return listOf(iceberg.PrimitiveTypes.Int64, at), nil
	case trailhouse.TypeStrings:
		return listOf(iceberg.PrimitiveTypes.String, at), nil
	case trailhouse.TypeStruct:
		return structOf(c.Fields, at)
	case trailhouse.TypeStructs:
		element, err := structOf(c.Fields, at.Element())
		return listOf(element, at), err
	case trailhouse.TypeMap:
		return &iceberg.MapType{
			KeyID: at.Child(0).ID(), KeyType: iceberg.PrimitiveTypes.String,
			ValueID: at.Child(1).ID(), ValueType: iceberg.PrimitiveTypes.String,
		}, nil
	}
	return nil, trailhouse.Errorf(trailhouse.CodeInternal, "column type %d has no Iceberg type", c.Type)
}

func listOf(element iceberg.Type, at columns.Path) *iceberg.ListType {
	return &iceberg.ListType{ElementID: at.Element().ID(), Element: element, ElementRequired: true}
}

func structOf(fields []trailhouse.Column, at columns.Path) (*iceberg.StructType, error) {
	s := &iceberg.StructType{FieldList: make([]iceberg.NestedField, len(fields))}
	for i := range fields {
		f, err := icebergField(&fields[i], at.Child(i))
		if err != nil {
			return nil, err
		}
		s.FieldList[i] = f
	}
	return s, nil
}

// partitionSpec is the partition spec of a partitioned table. The column must be
// required: a row without an instant would lie in no partition.
func partitionSpec(t *trailhouse.Table, schema *iceberg.Schema) (iceberg.PartitionSpec, error) {
	i := t.MustIndex(t.PartitionBy)
	if c := t.Columns[i]; c.Type != trailhouse.TypeTimestamp || !c.Required {
		return iceberg.PartitionSpec{}, trailhouse.Errorf(trailhouse.CodeInternal, "table %s cannot be partitioned by %s: not a required timestamp", t.Name, c.Name)
	}
	name, transform := t.PartitionBy+"_day", iceberg.Transform(iceberg.DayTransform{})
	if t.Transform == trailhouse.ByMonth {
		name, transform = t.PartitionBy+"_month", iceberg.MonthTransform{}
	}
	return iceberg.NewPartitionSpecOpts(iceberg.AddPartitionFieldBySourceID(columns.FieldID(i), name, transform, schema, nil))
}
