package report

import (
	"slices"
	"strings"
)

// near returns the names that somebody who wrote name may have meant, the nearest first,
// three at most: those that are few letters away, and those that hold it or are held.
func near(name string, names []string) []string {
	most := min(2, len(name)/2)
	far := func(other string) int {
		if len(name) > 3 && (strings.Contains(other, name) || len(other) > 3 && strings.Contains(name, other)) {
			return min(most, distance(name, other))
		}
		return distance(name, other)
	}
	out := slices.DeleteFunc(slices.Clone(names), func(other string) bool { return far(other) > most })
	slices.SortStableFunc(out, func(a, b string) int { return far(a) - far(b) })
	return out[:min(3, len(out))]
}

// distance returns how many letters have to be added, dropped or changed to get from one
// name to the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
