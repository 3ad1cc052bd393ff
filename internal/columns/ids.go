package columns

import "github.com/trailhouse/trailhouse"

// Path leads from a table to one of its columns, and from there to the nodes that
// the column nests: the fields of a struct, the element of a list, the key and the
// value of a map. Every node has a field id, equal in the Iceberg schema and in the
// files, which depends on nothing but the positions on the way: columns, and fields
// of a struct, can be added at the end without moving an id that is in use.
type Path struct {
	column  int
	depth   int
	code    int // a byte of 6 bits for each step below the column
	element bool
}

const (
	// maxDepth is how many steps lead below a column: useridentity.sessioncontext.
	// webidfederationdata.attributes.key has four.
	maxDepth = 4
	// stepBits hold one step.
	stepBits = 6
	// maxColumns keeps ids below 2^31.
	maxColumns = 126
)

// ColumnPath is the path of the column at a position.
func ColumnPath(position int) Path { return Path{column: position} }

// Child is the path of a node's n-th part: a field of a struct, or 0 and 1 for the
// key and the value of a map.
func (p Path) Child(n int) Path {
	if p.depth == maxDepth || n >= 1<<stepBits-1 || p.column >= maxColumns {
		panic("BUG: a column is nested too deeply or has too many fields for field ids")
	}
	shift := stepBits * (maxDepth - 1 - p.depth)
	return Path{column: p.column, depth: p.depth + 1, code: p.code | (n+1)<<shift}
}

// Element is the path of a list's elements.
func (p Path) Element() Path {
	e := p.Child(0)
	e.element = true
	return e
}

// ID is the field id of the node.
func (p Path) ID() int {
	switch {
	case p.depth == 0:
		return FieldID(p.column)
	case p.depth == 1 && p.element:
		return ElementID(p.column)
	}
	return (p.column+1)<<(stepBits*maxDepth) | p.code
}

// FieldID returns the field id of the column at a position.
func FieldID(column int) int { return column + 1 }

// ElementID returns the field id of the elements of the list column at a
// position.
func ElementID(column int) int { return 10001 + column }

// mapFields are the columns that a map's entries are held as.
func mapFields() []trailhouse.Column {
	return []trailhouse.Column{{Name: "key", Type: trailhouse.TypeString, Required: true}, {Name: "value", Type: trailhouse.TypeString}}
}
