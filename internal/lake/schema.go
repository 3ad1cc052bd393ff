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
	for i, c := range t.Columns {
		typ, err := icebergType(c.Type, i)
		if err != nil {
			return nil, err
		}
		fields[i] = iceberg.NestedField{ID: columns.FieldID(i), Name: c.Name, Type: typ, Required: c.Required, Doc: c.Doc}
	}
	return iceberg.NewSchema(0, fields...), nil
}

// icebergType is the Iceberg type of the column at a position.
func icebergType(t trailhouse.Type, position int) (iceberg.Type, error) {
	switch t {
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
		return listOf(iceberg.PrimitiveTypes.Int64, position), nil
	case trailhouse.TypeStrings:
		return listOf(iceberg.PrimitiveTypes.String, position), nil
	}
	return nil, trailhouse.Errorf(trailhouse.CodeInternal, "column type %d has no Iceberg type", t)
}

func listOf(element iceberg.Type, position int) *iceberg.ListType {
	return &iceberg.ListType{ElementID: columns.ElementID(position), Element: element, ElementRequired: true}
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
