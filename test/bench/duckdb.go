package main

import (
	"context"
	"database/sql"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // the public engine that imports are held against
)

// duckdbSQL splits a nitro-cli log to the columns of enclave_log that SQL can give
// and writes them as Parquet.
const duckdbSQL = `COPY (
  SELECT 'i-0' AS instance_id,
         try_strptime(regexp_extract(line, '\]\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z\]', 1), '%Y-%m-%dT%H:%M:%S.%g') AS time,
         regexp_extract(line, '^\[([^\]]*)\]', 1) AS logger,
         regexp_extract(line, '^\[[^\]]*\]\[([A-Z]+)\]', 1) AS level,
         regexp_extract(line, '\]\[([^\]]+):\d+\] ', 1) AS file,
         CAST(nullif(regexp_extract(line, '\]\[[^\]]+:(\d+)\] ', 1), '') AS BIGINT) AS line,
         regexp_extract(line, '\]\[[^\]]+:\d+\] (.*)$', 1) AS message
  FROM read_csv('$IN', columns = {'line': 'VARCHAR'}, delim = '', quote = '', escape = '', header = false, auto_detect = false)
) TO '$OUT' (FORMAT parquet, COMPRESSION zstd)`

// duckdbImport runs the statement on one thread in this process, which does
// nothing else.
func duckdbImport(in, out string) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := context.Background()
	if _, err := db.ExecContext(ctx, "SET threads = 1"); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, strings.NewReplacer("$IN", in, "$OUT", out).Replace(duckdbSQL))
	return err
}
