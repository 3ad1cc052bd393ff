package enclavelog

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
)

// resolve gives each stream that has rows its instance: the last one in the path and
// the stream's name, else the one that its own enclaves name, else the one that the
// user gave, else the only one of its directory. It returns the instances in the
// order of the streams.
func (s *Source) resolve(ctx context.Context, u trailhouse.Unit, sv *survey) ([]trailhouse.InstanceID, error) {
	var all []trailhouse.InstanceID
	for _, st := range sv.streams {
		if !st.rows {
			continue
		}
		id, err := s.instanceFor(ctx, u, st)
		if err != nil {
			return nil, err
		}
		st.instance, st.number = id, slices.Index(all, id)
		if st.number < 0 {
			st.number = len(all)
			all = append(all, id)
		}
	}
	return all, nil
}

func (s *Source) instanceFor(ctx context.Context, u trailhouse.Unit, st *stream) (trailhouse.InstanceID, error) {
	if id := instanceIn(u.Object + "/" + st.name); id != "" {
		return id, nil
	}
	if len(st.ids) == 1 {
		return st.ids[0], nil
	}
	if s.options.Instance != "" {
		return s.options.Instance, nil
	}
	what := u.Object
	if st.name != "" {
		what += ", stream " + st.name
	}
	if len(st.ids) > 1 {
		return "", trailhouse.Errorf(trailhouse.CodeInvalid, "%s holds enclaves of several instances: %s", what, joined(st.ids)).
			WithHint("a log belongs to one host: say which one with --instance, or put its id into the path")
	}
	if id := s.neighbour(ctx, u); id != "" {
		return id, nil
	}
	return "", trailhouse.Errorf(trailhouse.CodeInvalid, "%s does not tell which instance it comes from: neither its path nor an enclave id in it names one", what).
		WithHint("say which one with --instance, or put its id into the path")
}

func joined(ids []trailhouse.InstanceID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = string(id)
	}
	return strings.Join(words, ", ")
}

// neighbour returns the only instance that the files of the unit's directory name, so
// that a journal beside its host's log needs no words. It looks only where the user
// named a directory, and once for each.
func (s *Source) neighbour(ctx context.Context, u trailhouse.Unit) trailhouse.InstanceID {
	if u.Explicit {
		return ""
	}
	dir := filepath.Dir(u.Object)
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, ok := s.neighbours[dir]; ok {
		return id
	}
	found := map[trailhouse.InstanceID]bool{}
	entries, _ := os.ReadDir(dir) // what cannot be listed names nothing
	for _, e := range entries {
		if e.Type().IsRegular() && ctx.Err() == nil {
			s.namesOf(filepath.Join(dir, e.Name()), found)
		}
	}
	var only trailhouse.InstanceID
	if len(found) == 1 {
		for id := range found {
			only = id
		}
	}
	s.neighbours[dir] = only
	return only
}

// namesOf adds the instances that a file names. A file that cannot be read names none.
func (s *Source) namesOf(path string, found map[trailhouse.InstanceID]bool) {
	if id := instanceIn(path); id != "" {
		found[id] = true
		return
	}
	o, err := objects.Open(path, s.options.Limits)
	if err != nil {
		return
	}
	defer o.Close()
	sv, err := inspect(o)
	if err != nil {
		return
	}
	for _, st := range sv.streams {
		if id := instanceIn(st.name); id != "" {
			found[id] = true
			continue
		}
		for _, id := range st.ids {
			found[id] = true
		}
	}
}
