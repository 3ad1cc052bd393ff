// Package columns writes trailhouse.Batch to Parquet files and reads them back.
// It is the only package that imports arrow-go; it uses arrow-go's column
// writers and readers directly, which cost less than half the processor time of
// the record builders above them (facts/engine.md 3).
//
// A file is written aside, synced, and only then given its name, so a name never
// stands for half a file and a file that has its name never changes.
package columns

// RowGroupRows is the number of rows of a row group, the unit that queries skip
// by its statistics (facts/engine.md 3 and 4 measured with this size).
const RowGroupRows = 65536

// rowGroupBytes ends a row group early where its values are large, so that a
// reader never needs much more than this in memory.
const rowGroupBytes = 32 << 20

// ElementID returns the field id of the elements of the list column at a
// position. Field ids of columns are their position plus one; those of elements
// lie far above, so that a column added at the end moves no id that is in use.
func ElementID(column int) int { return 10001 + column }

// FieldID returns the field id of the column at a position.
func FieldID(column int) int { return column + 1 }

// leafPath is the path of a column's values in a Parquet schema.
func leafPath(name string, list bool) string {
	if list {
		return name + ".list.element"
	}
	return name
}
