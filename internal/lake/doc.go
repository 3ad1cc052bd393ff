// Package lake keeps the tables: Apache Iceberg (format version 2) in a
// directory of the user's. It is the only package that imports iceberg-go.
//
// A lake directory holds catalog.db, an SQLite catalog with one row for each
// table, and for each table a folder with data/ (Parquet) and metadata/. Every
// location in the metadata is written as local:///table/..., which is resolved
// against the directory that the lake was opened with, so a lake can be copied
// or moved. Trino's local file system reads the same scheme (facts/engine.md 8).
//
// A change is one new metadata file and then one UPDATE of the catalog's row. All
// files are synced before that UPDATE and never changed after it. Where the
// answer to an UPDATE is a conflict or is lost, the table is read again and the
// batch id is looked up before anything is tried again (facts/reliability.md 3).
package lake
