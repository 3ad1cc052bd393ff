// Package entity finds what a record of CloudTrail names: ARNs, ids and names of
// resources, so that "who touched this" is a look at one column.
package entity

import (
	"bytes"
	"slices"
	"unsafe"

	"github.com/trailhouse/trailhouse"
)

// Names collects what one record names. The slices are parts of the record's text, or
// copies where that has escapes.
type Names struct {
	entities  []name
	instances [][]byte
	seen      map[string]bool // the instances, where there are many
	strings   []string
	made      []byte // texts that stand in no record as they are
}

// name is an entity, and where its number in the column is remembered, nil where it is not.
type name struct {
	text   []byte
	number *uint32
}

// Reset begins with the next record.
func (c *Names) Reset() {
	c.entities, c.instances, c.seen, c.made = c.entities[:0], c.instances[:0], nil, c.made[:0]
}

// Add adds an ARN, a name or an id.
func (c *Names) Add(v []byte) {
	if len(v) > 0 && len(v) <= MaxText {
		c.entities = append(c.entities, name{text: v})
	}
}

// Join adds a name that the record gives in parts.
func (c *Names) Join(parts ...[]byte) {
	at := len(c.made)
	for _, p := range parts {
		c.made = append(c.made, p...)
	}
	c.Add(c.made[at:len(c.made):len(c.made)])
}

// manyInstances is from how many instances on a map finds equal ones.
const manyInstances = 24

// AddInstance adds an EC2 instance, once.
func (c *Names) AddInstance(v []byte) {
	if len(c.instances) > manyInstances {
		c.addToMany(v)
		return
	}
	for _, have := range c.instances {
		if bytes.Equal(have, v) {
			return
		}
	}
	c.instances = append(c.instances, v)
}

// addToMany adds an instance to many.
func (c *Names) addToMany(v []byte) {
	if c.seen == nil {
		c.seen = map[string]bool{}
		for _, have := range c.instances {
			c.seen[string(have)] = true
		}
	}
	if !c.seen[string(v)] {
		c.seen[string(v)] = true
		c.instances = append(c.instances, v)
	}
}

// MaxText is the most bytes of an entity. ARNs have 2,048 at most.
const MaxText = 2048

// list returns the slices as strings that are valid until the next call and as long as
// the slices are.
func (c *Names) list(of [][]byte) []string {
	c.strings = c.strings[:0]
	for _, v := range of {
		c.strings = append(c.strings, unsafe.String(unsafe.SliceData(v), len(v)))
	}
	return c.strings
}

// Instances returns the instances in the order in which they were added. The strings
// are valid until the next call, and as long as the record is there.
func (c *Names) Instances() []string { return c.list(c.instances) }

// SetEntities sets a TypeStrings column of the row under way to the entities in order, each
// once, and leaves it null where there are none.
func (c *Names) SetEntities(b *trailhouse.Batch, col int) {
	if len(c.entities) == 0 {
		return
	}
	c.sort()
	for i := range c.entities {
		n := &c.entities[i]
		switch {
		case i > 0 && bytes.Equal(n.text, c.entities[i-1].text):
		case n.number == nil:
			b.AddText(col, n.text)
		case *n.number == 0:
			*n.number = b.AddText(col, n.text) + 1
		default:
			b.AddNumber(col, *n.number-1)
		}
	}
	b.SetList(col)
}

// sort puts the entities in order.
func (c *Names) sort() {
	if len(c.entities) > manyInstances {
		slices.SortFunc(c.entities, func(a, b name) int { return bytes.Compare(a.text, b.text) })
		return
	}
	for i := 1; i < len(c.entities); i++ {
		for k := i; k > 0 && bytes.Compare(c.entities[k-1].text, c.entities[k].text) > 0; k-- {
			c.entities[k-1], c.entities[k] = c.entities[k], c.entities[k-1]
		}
	}
}
