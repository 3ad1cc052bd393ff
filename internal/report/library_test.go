package report_test

import (
	"testing"

	"github.com/trailhouse/trailhouse/internal/query/duckdb"
	"github.com/trailhouse/trailhouse/internal/report"
)

// TestLibraryCheck is report check over our own reports and the empty lake.
func TestLibraryCheck(t *testing.T) {
	library, err := report.NewLibrary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(library.Reports()) < 5 {
		t.Errorf("only %d reports", len(library.Reports()))
	}
	p := plannerFor(t, nil, nil, nil)
	for _, err := range library.Check(t.Context(), duckdb.New(duckdb.Options{}), p.views, p.derived) {
		t.Error(err)
	}
}
