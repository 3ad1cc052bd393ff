package report

import (
	"fmt"
	"slices"

	"github.com/trailhouse/trailhouse"
)

// discreet passes on a result without the names of places.
type discreet struct{ Writer }

// Discreet returns a Writer that passes on of the coverage only how many rows a source has
// of each result: places are hosts and accounts, which may be those of another client than
// the one that the result is for.
func Discreet(w Writer) Writer { return discreet{w} }

// Begin implements Writer.
func (w discreet) Begin(h Head) error {
	var out []trailhouse.Coverage
	var counts []int
	for _, c := range h.Coverage {
		i := slices.IndexFunc(out, func(o trailhouse.Coverage) bool { return o.Source == c.Source && o.Result == c.Result })
		if i < 0 {
			i = len(out)
			out, counts = append(out, trailhouse.Coverage{Source: c.Source, Result: c.Result}), append(counts, 0)
		}
		counts[i]++
	}
	for i, n := range counts {
		out[i].Detail = fmt.Sprintf("%d places", n)
		if n == 1 {
			out[i].Detail = "1 place"
		}
	}
	h.Coverage = out
	return w.Writer.Begin(h)
}
