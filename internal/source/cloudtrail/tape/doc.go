// Package tape scans JSON: once over the bytes, without copies, into a tape of nodes
// that say where each value is. It refuses what encoding/json refuses, with two
// exceptions that are told apart from faults: a value that is nested too deeply and text
// that is not UTF-8 are the business of the record that they stand in. On top of the
// scanner, Document finds the records of a file, in memory or through a window that
// moves.
package tape
