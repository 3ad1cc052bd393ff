package duckdb

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// maxGrowth is how many bytes or items one call may make out of its constants.
const maxGrowth = 1_000_000

// growth refuses a call that makes a huge value from a few letters. DuckDB builds
// such a value outside its memory limit: repeat('x', 1000000000) takes 4 GB.
//
// Covered are repeat, lpad, rpad, list_resize, array_resize, and range and
// generate_series as lists, whose counts are integers, texts of integers, casts of
// these or parameters; also within each other. In FROM, range and repeat hand out
// rows one chunk at a time and may go on as long as the limits on rows and time
// let them. Not covered are counts that are calculated or come from a table, widths
// in the texts of format and printf, and values that grow row by row, as by
// string_agg or a recursive WITH: there the limits on memory and time alone hold.
func (w *walker) growth(o map[string]any) error {
	if n := w.grown(o); n > maxGrowth && o[streams] == nil {
		return w.at(o, "%s would make a value of %d bytes or items; at most %d are possible", text(o, "function_name"), n, maxGrowth)
	}
	return nil
}

// grown returns a lower bound of the bytes or items that an expression makes, 1
// where nothing is known.
func (w *walker) grown(v any) uint64 {
	o, _ := v.(map[string]any)
	children, _ := o["children"].([]any)
	switch {
	case o["class"] == "CONSTANT":
		s, _ := constant(o).(string)
		return max(1, uint64(len(s)))
	case o["class"] == "CAST":
		return w.grown(o["child"])
	case o["class"] != "FUNCTION" || len(children) == 0:
		return 1
	}
	switch strings.ToLower(text(o, "function_name")) {
	case "repeat":
		if len(children) == 2 {
			high, low := bits.Mul64(w.grown(children[0]), w.count(children[1]))
			if high > 0 {
				return math.MaxUint64
			}
			return low
		}
	case "lpad", "rpad", "list_resize", "array_resize":
		if len(children) > 1 {
			return w.count(children[1])
		}
	case "range", "generate_series":
		return w.span(children)
	}
	return 1
}

// count is a number that is known, 1 where it is not or is less.
func (w *walker) count(v any) uint64 {
	n, _ := w.number(v)
	return uint64(max(1, n))
}

// span is how many numbers range makes from start, stop and step.
func (w *walker) span(children []any) uint64 {
	numbers := []int64{0, 0, 1}
	first := 0
	if len(children) == 1 {
		first = 1 // range(stop)
	}
	for i, child := range children {
		n, ok := w.number(child)
		if !ok || first+i >= len(numbers) {
			return 1
		}
		numbers[first+i] = n
	}
	start, stop, step := float64(numbers[0]), float64(numbers[1]), float64(numbers[2])
	if step == 0 {
		return 1
	}
	// Beyond 2^53 a float is not exact, and far beyond maxGrowth.
	return uint64(min(max(1, (stop-start)/step), math.MaxInt64/2))
}

// number is the value of an integer, of a text of one, of a cast of these or of a
// parameter.
func (w *walker) number(v any) (int64, bool) {
	o, _ := v.(map[string]any)
	var value any
	switch o["class"] {
	case "CAST":
		return w.number(o["child"])
	case "FUNCTION": // the parser writes -5 as -(5)
		children, _ := o["children"].([]any)
		if text(o, "function_name") != "-" || len(children) != 1 {
			return 0, false
		}
		n, ok := w.number(children[0])
		return -n, ok
	case "CONSTANT":
		value = constant(o)
	case "PARAMETER":
		value = w.parameters[text(o, "identifier")]
	}
	switch value := value.(type) {
	case int64:
		return value, true
	case float64:
		return int64(min(max(value, -math.MaxInt64/2), math.MaxInt64/2)), true
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// constant returns the value of a constant as JSON has it.
func constant(o map[string]any) any {
	value, _ := o["value"].(map[string]any)
	return value["value"]
}
