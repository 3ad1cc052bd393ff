// Package report turns report files into answers: it parses them, checks them,
// binds their parameters, runs them on an Engine and writes the rows in the
// format that was asked for. It knows nothing of files of the lake.
//
// # A report is one .sql file
//
// The file name without .sql is the report's name. The file begins with one
// comment that holds the header as YAML; the rest is one SELECT in the Trino
// subset of SQL that runs on DuckDB too (no QUALIFY, no ::; LIMIT takes a bare
// parameter; division and avg of decimals only with an explicit cast). Columns of
// the lake are UTC timestamps without zone, bigint, varchar, boolean, arrays, rows
// and maps of varchar; uuid columns are varchar in 8-4-4-4-12 form.
//
//	/*
//	title: Host pool                            # required, a few words
//	question: How much of each pool was idle?   # required, a sentence
//	parameters:                                 # beside from, to and as_of
//	  - name: instance                          # :instance in the text
//	    type: string                            # timestamp, date, string, integer or boolean
//	    default: i-0a1b                         # absent: null
//	    choices: [i-0a1b, i-0c2d]               # absent: any value of the type
//	    doc: only this host                     # required
//	    known:                                  # absent: no rows is an answer for any value. Else a
//	      as: host                              # value for which the statement has none either is an
//	      sql: SELECT 1 FROM enclave_sessions WHERE instance_id = :instance LIMIT 1 # error: there is no
//	      hint: trailhouse report host-pool     # host "…", with the hint. Of any time, whatever the period
//	columns:                                    # required: the result's columns in order
//	  - name: hours
//	    type: decimal(18,3)                     # varchar, bigint, boolean, double, timestamp, date,
//	                                            # decimal(p,s), array(bigint), array(varchar)
//	    unit: h                                 # free text such as s, h, MiB, GiB-h
//	    format: duration                        # plain (default), id, duration, bytes, percent, month,
//	                                            # origin: where a record's bytes are, see below
//	    link: enclave-usage?instance={instance} # report and parameters from this row's columns
//	    doc: pool reserved and not used         # required
//	coverage: [enclave-log]                     # sources whose coverage rows belong to the answer;
//	                                            # "*" stands for all sources
//	argument: instance                          # parameter that must be given, its name need not
//	within: [cloudtrail]                        # tables of which only rows in the period play a part,
//	                                            # by the column that partitions them: no other files
//	                                            # are planned
//	several_clients: false                      # true: a row may name clients beside the one of the
//	                                            # parameter client: not for deliveries for each client
//	seed: false                                 # true: the columns that SeedWriter needs are there
//	*/
//	SELECT … WHERE (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to) ORDER BY …
//
// Unknown keys are errors with file and line. Every report has three parameters
// without declaring them: from and to, timestamps of a half-open period, each null
// where that side is open, and as_of, the instant of the question. Parameters are
// typed even where they are null (:from IS NULL, greatest(ready, coalesce(:from, ready))
// work), and a date is bound as the timestamp of its midnight in UTC. The SQL may
// call compat functions of package query/duckdb. greatest and least leave nulls out
// in DuckDB and are null in Trino, so their arguments must not be null.
//
// A report that bounds its rows does so by an integer parameter called limit: who
// asks is told where it was reached. A report whose rows are records has the columns
// object, position, length and object_sha256 of the format origin, which the table
// form leaves out, and its records can be exported as they were.
//
// A result of integer or decimal(38,0), which is what sum of bigint gives, fits a
// column declared bigint; a decimal fits any decimal of the same scale; otherwise
// types must be equal. Rows need an ORDER BY that leaves no ties, so that equal
// data gives equal bytes.
package report
