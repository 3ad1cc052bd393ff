package ingest

import (
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
	again  map[string]bool // of these, those below which a unit was found
	now    map[string]bool // of this import
}

func (r *run) recallPlaces(ctx context.Context) error {
	known, err := r.g.state.Positions(ctx, missedOf(r.src.Name()), missedVersion)
	if err != nil {
		return err
	}
	r.places = places{before: map[string]bool{}, again: map[string]bool{}, now: map[string]bool{}}
	for place, value := range known {
		if value == missed {
			r.places.before[place] = true
		}
	}
	return nil
}

// found notes that the source listed an object.
func (p *places) found(object string) {
	for place := range p.before {
		rest, below := strings.CutPrefix(object, place)
		if below && (rest == "" || strings.HasSuffix(place, "/") || rest[0] == '/') {
			p.again[place] = true
		}
	}
}

// takeBack tells of each place that was missing and is not any more. A place that is
// still missing in part keeps its row.
func (r *run) takeBack() {
	for place := range r.places.again {
		if r.places.now[place] {
			continue
		}
		r.healed = true
		r.open.covers = append(r.open.covers, cover{trailhouse.Coverage{
			Source: r.src.Name(), Object: place, Result: trailhouse.CoverageRead, Detail: "was missing before, and is listed now",
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
	for place := range r.places.again {
		if !r.places.now[place] {
			keep[place] = ""
		}
	}
	return r.g.state.SetPositions(ctx, missedOf(r.src.Name()), missedVersion, keep)
}
