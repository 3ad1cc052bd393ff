// Package trailhouse is the vocabulary of Trailhouse: the words and the few
// seams that every other package shares. It imports nothing of ours and nothing
// outside the standard library.
//
// Trailhouse answers who ran what in AWS, whether it was allowed and what it
// cost, down to the Nitro Enclave. Raw evidence is read once, exactly once, into
// open tables (Apache Iceberg, Parquet); everything a person sees is a question
// put to those tables. docs/ARCHITECTURE.md draws the rooms and their arrows.
package trailhouse
