package duckdb_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
)

// TestSpare asks one engine from several goroutines, announced or not, and closes it
// while more is announced: nothing of one statement is seen by the next.
func TestSpare(t *testing.T) {
	e := duckdb.New(duckdb.Options{})
	defer e.Close()
	view := livesView(t)
	e.Warm(t.Context(), 3)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			q := trailhouse.Query{
				SQL: "SELECT count(*) FROM d", Views: []trailhouse.View{view},
				Derived: []trailhouse.DerivedView{{Name: "d", SQL: "SELECT * FROM lives WHERE n < 3"}},
			}
			want := int64(3)
			if i%2 == 0 {
				q.SQL, q.Derived, want = "SELECT count(*) FROM lives", nil, 5
			}
			err := e.Query(t.Context(), q, func([]trailhouse.ResultColumn) error { return nil }, func(row []any) error {
				if row[0] != want {
					t.Errorf("%s gave %v, want %d", q.SQL, row, want)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	e.Warm(t.Context(), 1)
	e.Close()
	e.Warm(t.Context(), 1)
	if err := e.Check(t.Context(), trailhouse.Query{SQL: "SELECT 1"}); err != nil {
		t.Errorf("an engine that keeps nothing ready: %v", err)
	}
}

// TestWarmStopped announces under a context that ends: the database is made all the
// same, for whoever comes next.
func TestWarmStopped(t *testing.T) {
	e := duckdb.New(duckdb.Options{})
	defer e.Close()
	e.Warm(cancelled(t), 1)
	if err := e.Check(t.Context(), trailhouse.Query{SQL: "SELECT 1"}); err != nil {
		t.Error(err)
	}
}

// TestPlan asks for files when the statement is known, for the tables that it and its
// derived views name, and hands errors on as they are.
func TestPlan(t *testing.T) {
	view := livesView(t)
	other := trailhouse.View{Table: &trailhouse.Table{Name: "other", Columns: lives().Columns}}
	derived := []trailhouse.DerivedView{{Name: "few", SQL: "SELECT * FROM lives WHERE n < 2"}, {Name: "none", SQL: "SELECT * FROM other"}}
	own := errors.New("no plan")
	for text, want := range map[string]string{
		"SELECT count(*) FROM lives":                        "lives",
		"SELECT count(*) FROM FEW":                          "lives",
		"SELECT 2":                                          "",
		"SELECT n FROM few UNION ALL SELECT n FROM none":    "lives other",
		"WITH other AS (SELECT 1 AS n) SELECT n FROM other": "",
		"SELECT count(*) FROM (SELECT 'other') WHERE 1 IN (SELECT n FROM main.lives)": "lives",
	} {
		asked := ""
		q := trailhouse.Query{
			SQL: text, Views: []trailhouse.View{{Table: view.Table}, {Table: other.Table}}, Derived: derived,
			Plan: func(_ context.Context, tables []*trailhouse.Table) ([]trailhouse.View, error) {
				views := map[string]trailhouse.View{"lives": view, "other": other}
				var planned []trailhouse.View
				for i, table := range tables {
					if i > 0 {
						asked += " "
					}
					asked += table.Name
					planned = append(planned, views[table.Name])
				}
				return planned, nil
			},
		}
		if _, rows, err := ask(t, q); err != nil || len(rows) == 0 || asked != want {
			t.Errorf("%s asked for %q, want %q: %v, %v", text, asked, want, rows, err)
		}
		q.Plan = func(context.Context, []*trailhouse.Table) ([]trailhouse.View, error) { return nil, own }
		if _, _, err := ask(t, q); want != "" && !errors.Is(err, own) {
			t.Errorf("%s: the planner's error became %v", text, err)
		}
	}
}
