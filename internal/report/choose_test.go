package report_test

import (
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/report"
)

func TestChooseKeepsTheNamedColumnsInTheirOrder(t *testing.T) {
	head := report.Head{Columns: []trailhouse.ResultColumn{{Name: "a", Type: "bigint"}, {Name: "b", Type: "varchar"}, {Name: "c", Type: "bigint"}}}
	var out strings.Builder
	csv, err := report.NewWriter("csv", &out)
	if err != nil {
		t.Fatal(err)
	}
	w := report.Choose(csv, []string{"c", "b"})
	if err := w.Begin(head); err != nil {
		t.Fatal(err)
	}
	if err := w.Row([]any{int64(1), "two", int64(3)}); err != nil {
		t.Fatal(err)
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(out.String(), "\r", ""); got != "c,b\n3,two\n" {
		t.Errorf("%q", got)
	}
	err = report.Choose(csv, []string{"nothing"}).Begin(head)
	if trailhouse.CodeOf(err) != trailhouse.CodeUsage || !strings.Contains(trailhouse.HintOf(err), "a, b, c") {
		t.Errorf("an unknown column: %v, hint %q", err, trailhouse.HintOf(err))
	}
}
