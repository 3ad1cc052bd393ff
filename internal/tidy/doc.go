// Package tidy holds the tree to its own rules: sizes, habits, arrows between
// packages, documentation that tells the truth. It has only tests, so that a rule
// is a failing test with file, line and reason, not a request in a review.
package tidy
