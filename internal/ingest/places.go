package ingest

import (
	"cmp"
	"context"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// The state's places that hold, for each source, what could not be listed at its last
// import.
const (
	missedVersion = "1"
	missed        = "missing"
)

func missedOf(source string) string { return "missing places of " + source }

// places are folders and prefixes that could not be listed. What is read below one
// later has coverage under names of its own, so that the place's row would say for ever
// that it is missing: it is taken back where a unit below it is found.
type places struct {
	before map[string]bool // of earlier imports
	// again are those of them that were listed, with what the source says of that, or below
	// which a unit was found.
	again map[string]trailhouse.Coverage
	own   map[string]bool // of those before, those that are units now
	now   map[string]bool // of this import
}

func (r *run) recallPlaces(ctx context.Context) error {
	known, err := r.g.state.Positions(ctx, missedOf(r.src.Name()), missedVersion)
	if err != nil {
		return err
	}
	r.places = places{before: map[string]bool{}, again: map[string]trailhouse.Coverage{}, own: map[string]bool{}, now: map[string]bool{}}
	for place, value := range known {
		if value == missed {
			r.places.before[place] = true
		}
	}
	return nil
}

// found notes that the source listed an object. One that is the place itself, and is
// read, has a row of its own.
func (p *places) found(object string, read bool) {
	for place := range p.before {
		rest, below := strings.CutPrefix(object, place)
		switch {
		case !below:
		case rest != "" && (strings.HasSuffix(place, "/") || rest[0] == '/'):
			p.again[place] = trailhouse.Coverage{}
		case rest == "" && read:
			p.own[place] = true
		case rest == "":
			p.again[place] = trailhouse.Coverage{}
		}
	}
}

// listed notes that a place which may have been missing could be listed.
func (p *places) listed(c trailhouse.Coverage) {
	if p.before[c.Object] {
		p.again[c.Object] = c
	}
}

// takeBack tells of each place that was missing and is not any more. A place that is
// still missing in part keeps its row.
func (r *run) takeBack() {
	for place, c := range r.places.again {
		if r.places.now[place] {
			continue
		}
		r.healed = true
		r.open.covers = append(r.open.covers, cover{trailhouse.Coverage{
			Source: r.src.Name(), Scope: c.Scope, Object: place, Result: trailhouse.CoverageRead, Detail: cmp.Or(c.Detail, "was missing before, and is listed now"),
		}, r.g.clock.Now()})
	}
}

// keepPlaces remembers what is missing once the lake holds what was said of it. Where
// that is lost, a place is taken back twice, which changes nothing.
func (r *run) keepPlaces(ctx context.Context) error {
	keep := map[string]string{}
	for place := range r.places.now {
		if !r.places.before[place] {
			keep[place] = missed
		}
	}
	for place := range r.places.before {
		_, again := r.places.again[place]
		if (again || r.places.own[place]) && !r.places.now[place] {
			keep[place] = ""
		}
	}
	return r.g.state.SetPositions(ctx, missedOf(r.src.Name()), missedVersion, keep)
}
