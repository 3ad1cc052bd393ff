// Package derive keeps derived tables true to their sources. The pure functions
// are in one folder each (sessions); this package holds the job around them: it
// finds which partitions the sources touched since the last time, derives those
// again, and replaces whole partitions in one commit whose summary carries the
// source snapshots and the version of the code. Data and watermark move together,
// so a crash is a redo (docs/ARCHITECTURE.md, Decisions 4).
package derive
