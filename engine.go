package trailhouse

import (
	"context"
	"time"
)

// View is one table as a statement sees it: its columns and the data files that
// were planned for it.
type View struct {
	Table *Table
	Files []DataFile
}

// Query is one SELECT with everything it may see.
type Query struct {
	SQL string
	// Parameters are bound by name: :name in the text. A value is nil, string,
	// int64, bool, time.Time or, where it has a type and no value, Null.
	Parameters map[string]any
	// Views are the tables of the lake. The statement can read no other file.
	Views []View
	// Plan, where not nil, gives the Views that the statement needs with their files as
	// they are now; what Views say of files does not count then. Its errors are returned
	// as they are. The time that it takes is not the statement's.
	Plan func(ctx context.Context, tables []*Table) ([]View, error)
	// Derived are views over the Views, as name and SELECT, in the order in which
	// they build on one another. They are ours, never the user's.
	Derived []DerivedView
	Limits  Limits
}

// Null is a parameter without a value whose type is known, so that the engine can
// choose between functions and name the types of a result.
type Null struct{ Type Type }

// DerivedView is a named SELECT that statements can use like a table.
type DerivedView struct {
	Name, SQL string
	// Doc says what a row is; Meanings what columns hold that no table under the view
	// has, by their names. No answer depends on them.
	Doc      string
	Meanings map[string]string
}

// Limits bound one statement. Zero means no limit.
type Limits struct {
	Rows    int64
	Bytes   int64
	Timeout time.Duration
	// MemoryMiB bounds the engine's working memory.
	MemoryMiB int64
	Threads   int
}

// ResultColumn is one column of a result. Type is the engine's name for it, in
// Trino's spelling: varchar, bigint, boolean, timestamp, decimal(p,s), double,
// array(bigint).
type ResultColumn struct {
	Name, Type string
}

// Engine runs statements over planned files. A statement that is not one SELECT,
// or that reaches outside its views, is refused with CodeUsage; a limit that is
// reached is CodeLimit. The text of an error that belongs to a place in the
// statement begins with "line N: ".
type Engine interface {
	// Query runs the statement and calls row for each row of the result, in order.
	// Values are nil, string, int64, bool, time.Time (UTC), Decimal, float64, or
	// []any of these. The slice is reused. It stops at the first error of row.
	Query(ctx context.Context, q Query, columns func([]ResultColumn) error, row func([]any) error) error
	// Check parses and binds the statement without running it.
	Check(ctx context.Context, q Query) error
}

// Decimal is an exact decimal as text, such as 12.50. Scale is the number of
// digits behind the point.
type Decimal struct {
	Text  string
	Scale int
}
