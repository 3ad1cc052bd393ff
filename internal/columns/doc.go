// Package columns writes trailhouse.Batch to Parquet files and reads them back.
// It is the only package that imports arrow-go. Files are read through arrow-go's
// column readers. They are written by encoders of our own, which take whole columns
// of a Batch and turn them into pages without a copy for each value: dictionaries
// with a memory of the last value, and bounds from the dictionaries. Schema and
// footer are arrow-go's. Its own column writers took 5 µs of processor time an event
// of a trail, these take 1.5.
//
// A file is written aside, synced, and only then given its name, so a name never
// stands for half a file and a file that has its name never changes. Equal rows
// give equal bytes.
//
// There are no Bloom filters of the keys: DuckDB 1.5.5 passes every uuid through
// them (parquet_bloom_probe), and the index of keys knows the day of an event.
package columns

// RowGroupRows is the number of rows of a row group, the unit that queries skip
// by its statistics (facts/engine.md 3 and 4 measured with this size).
const RowGroupRows = 65536

// rowGroupBytes ends a row group early where its values are large, as the batch
// counts them, so that a reader never needs much more than this in memory.
const rowGroupBytes = 96 << 20
