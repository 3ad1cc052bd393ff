// Package cloudtrail reads CloudTrail: the files that a trail delivers, from
// directories or any other store of objects, as `{"Records":[…]}`, as a bare array or
// with one record to a line, plain or gzip.
//
// A unit is read in two steps. The scanner passes once over the inflated bytes, checks
// all of them and leaves a tape of nodes; a document that is cut or broken is refused
// whole before it has given a row. The rows are then filled from the tape. An object
// that is too large for memory is scanned twice instead, record by record.
//
// Where a record says a thing twice in one JSON object, the last value counts, as it
// does in encoding/json, and the coverage row of the unit says how often that was.
package cloudtrail
