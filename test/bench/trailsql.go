package main

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
)

//go:embed cloudtrail.sql
var trailStatement string

// The variants of trailStatement.
const (
	variantFull  = "full"
	variantPlain = "plain" // without what stands between the marks
)

// written is what DuckDB wrote.
type written struct {
	Rows    int64
	Version string
}

// trailDuckDB lets DuckDB do the work of an import, as far as SQL can.
func trailDuckDB(args []string) error {
	variant, in, out := args[0], args[1], args[2]
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // macros and settings are a connection's
	ctx := context.Background()
	if _, err := db.ExecContext(ctx, "SET threads = 1; SET preserve_insertion_order = false"); err != nil {
		return err
	}
	text := strings.NewReplacer("$IN", in, "$OUT", out).Replace(trailStatement)
	if variant == variantPlain {
		before, rest, _ := strings.Cut(text, "-- Extracted: begin")
		_, after, ok := strings.Cut(rest, "-- Extracted: end")
		if !ok {
			return fmt.Errorf("the statement has no marks")
		}
		text = before + after
	}
	done, err := db.ExecContext(ctx, text)
	if err != nil {
		return err
	}
	var w written
	if w.Rows, err = done.RowsAffected(); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "SELECT version()").Scan(&w.Version); err != nil {
		return err
	}
	return tell(w)
}

// compared says in how many of the events a column differs.
type compared struct {
	Events  int64
	Columns int
	Differ  map[string]int64
}

func (c compared) text() string {
	if len(c.Differ) == 0 {
		return fmt.Sprintf("%d columns equal in all %s events", c.Columns, grouped(c.Events))
	}
	var parts []string
	for name, n := range c.Differ {
		parts = append(parts, fmt.Sprintf("%s in %s", name, grouped(n)))
	}
	slices.Sort(parts)
	return fmt.Sprintf("%d columns compared in all %s events, equal but for %s", c.Columns, grouped(c.Events), strings.Join(parts, ", "))
}

// exact reports whether SQL can give exactly what the column holds: it reads numbers in
// payloads in its own way, and does not know all names of things.
func exact(column string) bool {
	switch column {
	case "requestparameters", "responseelements", "additionaleventdata", "serviceeventdetails", "entities":
		return false
	}
	return true
}

// trailEqual compares a file of DuckDB's with files of the lake, column by column. It
// fails where a column differs that must not.
func trailEqual(args []string) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	var names, hashes, sums []string
	for _, c := range cloudtrail.EventTable().Columns {
		if c.Name == "unknownfields" {
			break
		}
		names = append(names, c.Name)
	}
	for i, name := range names {
		if name == "instance_ids" {
			name = "list_sort(instance_ids)" // SQL has them in no order
		}
		hashes = append(hashes, fmt.Sprintf("hash(%s) AS c%d", name, i))
		sums = append(sums, fmt.Sprintf("CAST(count_if(o.c%d <> t.c%d) AS BIGINT)", i, i))
	}
	text := fmt.Sprintf(`WITH o AS (SELECT coalesce(event_key, TRY_CAST(eventid AS UUID)) AS event_key, %s FROM read_parquet(['%s'], hive_partitioning = false)),
		t AS (SELECT DISTINCT event_key, %s FROM read_parquet('%s'))
		SELECT (SELECT count(*) FROM o), count(*), [%s] FROM o JOIN t USING (event_key)`,
		strings.Join(hashes, ", "), strings.Join(args[1:], "','"), strings.Join(hashes, ", "), args[0], strings.Join(sums, ", "))
	found := compared{Columns: len(names), Differ: map[string]int64{}}
	var joined int64
	var differ []any
	if err := db.QueryRowContext(context.Background(), text).Scan(&found.Events, &joined, &differ); err != nil {
		return err
	}
	if joined != found.Events {
		return fmt.Errorf("wrong: %d of %d events are on both sides", joined, found.Events)
	}
	for i, n := range differ {
		n, ok := n.(int64)
		if !ok {
			return fmt.Errorf("the count of %s is a %T", names[i], differ[i])
		}
		if n > 0 && exact(names[i]) {
			return fmt.Errorf("wrong: the column %s differs from DuckDB's in %d events", names[i], n)
		}
		if n > 0 {
			found.Differ[names[i]] = n
		}
	}
	return tell(found)
}

// askedRounds is how often a question is asked.
const askedRounds = 9

// asked is what a question took.
type asked struct {
	Median, Plan, First time.Duration
	Events              int64
	Names, Files        int
}

// trailDay opens a lake and asks it for the calls of one day by name.
func trailDay(args []string) error {
	ctx := context.Background()
	day, err := time.Parse(time.DateOnly, args[1])
	if err != nil {
		return err
	}
	l, err := lake.Open(ctx, args[0], trailhouse.SystemClock{})
	if err != nil {
		return err
	}
	defer l.Close()
	engine := duckdb.New(duckdb.Options{})
	var got asked
	var whole, plan []time.Duration
	for range askedRounds {
		begun := time.Now()
		planned, err := got.ask(ctx, l, engine, day)
		if err != nil {
			return err
		}
		whole, plan = append(whole, time.Since(begun)), append(plan, planned)
	}
	got.First = whole[0]
	got.Median, got.Plan = median(whole), median(plan)
	return tell(got)
}

// ask plans and runs the question once and returns how long planning took.
func (a *asked) ask(ctx context.Context, l *lake.Lake, engine trailhouse.Engine, day time.Time) (time.Duration, error) {
	begun := time.Now()
	table := cloudtrail.EventTable()
	files, _, err := l.Files(ctx, table.Name, trailhouse.Period{From: day, To: day.AddDate(0, 0, 1)})
	if err != nil {
		return 0, err
	}
	planned := time.Since(begun)
	a.Files, a.Names, a.Events = len(files), 0, 0
	err = engine.Query(ctx, trailhouse.Query{
		SQL:        "SELECT eventname, count(*) AS events FROM cloudtrail WHERE eventtime >= :from AND eventtime < :to GROUP BY eventname ORDER BY events DESC",
		Parameters: map[string]any{"from": day, "to": day.AddDate(0, 0, 1)},
		Views:      []trailhouse.View{{Table: table, Files: files}},
	}, func([]trailhouse.ResultColumn) error { return nil }, func(row []any) error {
		n, _ := row[1].(int64)
		a.Events += n
		a.Names++
		return nil
	})
	return planned, err
}
