// Package derive keeps derived tables true to their sources. The pure functions
// are in one folder each (sessions); this package holds the job around them: it
// finds which partitions the sources touched since the last time, derives those
// again, and replaces whole partitions in one commit whose summary carries the
// source snapshots and the version of the code. Data and watermark move together,
// so a crash is a redo (docs/ARCHITECTURE.md, Decisions 4). A snapshot that merged
// files counts as the one whose rows it holds (trailhouse.Lake.Content), so that
// compaction makes nothing out of date; where the history no longer tells, the tables
// are derived again from all there is.
package derive
