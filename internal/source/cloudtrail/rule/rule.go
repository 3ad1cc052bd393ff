// Package rule picks events of a trail by their fields, before they are decoded.
package rule

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Rule picks events by their fields. An empty field matches every event; in the others
// * stands for any text and ? for one character. All fields that are set must match.
type Rule struct {
	// Category is the eventCategory: Management, Data, …
	Category string
	// Source is the eventSource, such as kms.amazonaws.com.
	Source string
	// Name is the eventName, such as Describe*.
	Name string
	// Account is the account whose event it is.
	Account string
}

// Rules say what is read and what is left out of it.
type Rules struct{ Include, Exclude []Rule }

// Any reports whether there is a rule at all.
func (r *Rules) Any() bool { return len(r.Include) > 0 || len(r.Exclude) > 0 }

// Hash names the rules whatever their order, and one that stands twice.
func (r *Rules) Hash() string {
	h := sha256.New()
	for _, list := range [][]Rule{r.Include, r.Exclude} {
		list = slices.SortedFunc(slices.Values(list), func(a, b Rule) int {
			return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Account, b.Account))
		})
		fmt.Fprintf(h, "%q\n", slices.Compact(list))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Keep reports whether an event is to be read: one that an include rule matches, where
// there are any, and no exclude rule.
func (r *Rules) Keep(category, source, name, account []byte) bool {
	matches := func(list []Rule) bool {
		for i := range list {
			l := &list[i]
			if glob(l.Category, category) && glob(l.Source, source) && glob(l.Name, name) && glob(l.Account, account) {
				return true
			}
		}
		return false
	}
	return (len(r.Include) == 0 || matches(r.Include)) && !matches(r.Exclude)
}

// glob reports whether a pattern matches a text; an empty pattern matches every text.
func glob(pattern string, text []byte) bool {
	if pattern == "" {
		return true
	}
	star, mark, p, t := -1, 0, 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
