// Package ingest brings evidence into the lake, each record exactly once.
//
// A run asks a source for its units, passes over those that the ledger knows, and
// has the others decoded into one open batch: small units share a batch, a huge
// unit spans many. A batch is written like this, and only this part holds locks:
//
//  1. take the locks of the tables it touches, in the order of their names, and
//     recover what a dead process left open in them
//  2. leave out the rows whose keys the lake has (internal/dedup)
//  3. journal the intent: which files go to which tables, which units are done
//     with it
//  4. write the files, each aside, synced and renamed
//  5. commit, quarantine first, each commit with the batch id in its summary
//  6. end the intent and mark the units as done, in one transaction
//  7. note the new keys in the index, and unlock
//
// Iceberg has no commit across tables. All files of a batch are on disk before its
// first commit, so whoever finds an open intent with one table committed commits
// the others too, and whoever finds it with none committed removes its files: a
// batch appears in all its tables or in none, whatever died where. That makes the
// rows of units, coverage and runs, which have no key, exact as well.
//
// A batch id names one attempt and nothing else: it is hashed over the run, the
// number of the batch in the run, the source and its version, and the units with
// their record ranges. A unit that is read again after a crash, after it grew or
// with other batch sizes gets other ids, so that no content can be taken for
// another's; that its rows are not written twice is the business of their keys.
package ingest
