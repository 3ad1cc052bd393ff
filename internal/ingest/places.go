package ingest

import (
	"cmp"
	"context"

	"github.com/trailhouse/trailhouse"
)

// The state's places that hold, for each source, what could not be listed at its last
// import.
const (
	missedVersion = "1"
	missed        = "missing"
	// recalled is the position of no place: the state knows what the lake says of places.
	recalled = "recalled"
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
	// learnt says that before is from the lake, because the state does not know.
	learnt bool
	own    map[string]bool // of those before, those that are units now
	now    map[string]bool // of this import
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
	if r.places.learnt = known[""] != recalled; r.places.learnt {
		return r.learnPlaces(ctx)
	}
	return nil
}

// learnPlaces takes from the lake what the newest run that tells of an object says is
// missing: the state is new, or was lost beside the lake, and a place that it forgot would
// be missing for ever. That units are among them changes nothing, they have rows of their
// own.
func (r *run) learnPlaces(ctx context.Context) error {
	t := CoverageTable()
	files, _, err := r.g.lake.Files(ctx, t.Name, trailhouse.Period{})
	if err != nil {
		return err
	}
	type word struct {
		at      int64
		run     string
		missing bool
	}
	newest := map[string]word{}
	names := []string{"source", "object", "run_id", "found_at", "result"}
	source, object, run, at, result := t.MustIndex(names[0]), t.MustIndex(names[1]), t.MustIndex(names[2]), t.MustIndex(names[3]), t.MustIndex(names[4])
	for _, f := range files {
		err := r.g.files.Read(ctx, f.Path, t, names, func(b *trailhouse.Batch) error {
			for i := range b.Len() {
				if string(b.Text(source, i)) != r.src.Name() || len(b.Text(object, i)) == 0 {
					continue
				}
				w := word{b.Int(at, i), b.String(run, i), string(b.Text(result, i)) == trailhouse.CoverageMissing}
				switch have := newest[b.String(object, i)]; {
				case have.run == w.run:
					w.at, w.missing = max(w.at, have.at), w.missing || have.missing
				case have.at > w.at || have.at == w.at && have.run > w.run:
					w = have
				}
				newest[b.String(object, i)] = w
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for place, w := range newest {
		if w.missing {
			r.places.before[place] = true
		}
	}
	return nil
}

// found notes that the source listed an object: no place that it lies below is missing.
// One that is the place itself, and is read, has a row of its own.
func (p *places) found(object string, read bool) {
	if len(p.before) == 0 {
		return
	}
	again := func(place string) {
		if p.before[place] {
			p.again[place] = trailhouse.Coverage{}
		}
	}
	for at := range object {
		if object[at] != '/' {
			continue
		}
		again(object[:at])
		if at+1 < len(object) {
			again(object[:at+1])
		}
	}
	switch {
	case !read:
		again(object)
	case p.before[object]:
		p.own[object] = true
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
	if r.places.learnt {
		keep[""] = recalled
		for place := range r.places.before {
			keep[place] = missed
		}
	}
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
