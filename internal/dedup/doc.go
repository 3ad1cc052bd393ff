// Package dedup knows every row key that a table has, for ever and exactly: there
// is no window after which a copy counts again.
//
// A duplicate has the event time of its original, so only the partitions that a
// batch touches are opened. The keys of one (table, partition) lie in immutable
// sorted run files, one for each batch, merged before they are more than
// [MaxRuns]. The runs are a cache of the lake: where their counts do not add up to
// the record count of the partition's manifests, or a block fails its checksum,
// they are written anew from the key column of the lake's files. So a crash at any
// point costs time and never a row (design, Decisions 2; a SQLite primary key was
// measured at 2.3 to 7 µs an event).
//
// The caller holds the table's lock.
package dedup
