package entity

import "bytes"

// Known is what a part of a record names that comes again and again, such as its caller.
// It is of use as long as the numbers of the column's texts are (trailhouse.Batch.Era).
// The zero value knows nothing.
type Known struct {
	learned   bool
	entities  []numbered
	instances [][]byte
}

// numbered is an entity and its number in the column plus one, 0 where it has none yet.
type numbered struct {
	text   []byte
	number uint32
}

// Learned reports whether it is known what the part names.
func (k *Known) Learned() bool { return k.learned }

// Recall adds what a part names that is known.
func (c *Names) Recall(k *Known) {
	for i := range k.entities {
		c.entities = append(c.entities, name{k.entities[i].text, &k.entities[i].number})
	}
	for _, v := range k.instances {
		c.AddInstance(v)
	}
}

// Learn has add add what a part names, and copies it to what is known. Where instances are
// there already, add may have left out one of them, and nothing is learned.
func (c *Names) Learn(k *Known, add func()) {
	from, instances := len(c.entities), len(c.instances)
	add()
	if instances > 0 {
		return
	}
	k.learned, k.entities, k.instances = true, nil, nil
	for _, n := range c.entities[from:] {
		k.entities = append(k.entities, numbered{text: bytes.Clone(n.text)})
	}
	for _, v := range c.instances {
		k.instances = append(k.instances, bytes.Clone(v))
	}
}
