package enclavelog

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// resolve gives each stream that has rows its instance, by the rules of the package
// comment, and returns the instances in the order of the streams. A stream of an export
// of several that names no host is nobody's: its records are rejected.
func (s *Source) resolve(ctx context.Context, u trailhouse.Unit, sv *survey) ([]trailhouse.InstanceID, error) {
	var all []trailhouse.InstanceID
	var nobody []*stream
	var first error
	for _, st := range sv.streams {
		if !st.rows {
			continue
		}
		id, err := s.instanceFor(ctx, u, sv, st)
		if err != nil {
			if first == nil {
				first = err
			}
			nobody = append(nobody, st)
			continue
		}
		st.instance, st.number = id, slices.Index(all, id)
		if st.number < 0 {
			st.number = len(all)
			all = append(all, id)
		}
	}
	if len(all) == 0 && first != nil {
		return nil, first
	}
	for _, st := range nobody {
		st.nobody = true
	}
	return all, nil
}

func (s *Source) instanceFor(ctx context.Context, u trailhouse.Unit, sv *survey, st *stream) (trailhouse.InstanceID, error) {
	if id := instanceIn(u.Object + "/" + st.name); id != "" {
		return id, nil
	}
	if len(st.ids) == 1 {
		return st.ids[0], nil
	}
	if s.options.CloudWatch != nil && len(st.ids) == 0 {
		if id := s.options.CloudWatch.Instance(stored(u)); id != "" {
			return id, nil
		}
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
	if !sv.json && s.options.CloudWatch == nil {
		if id := s.neighbour(ctx, u, !st.records); id != "" {
			return id, nil
		}
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

// neighbour returns the only instance that the files of the unit's rotated set name or,
// for a journal, those of its directory, so that a journal beside its host's log needs
// no words. It looks only where the user named a directory, and once for each.
func (s *Source) neighbour(ctx context.Context, u trailhouse.Unit, journal bool) trailhouse.InstanceID {
	if u.Explicit {
		return ""
	}
	dir, set := filepath.Split(u.Object)
	set = rotatedName(set)
	if journal {
		set = ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, ok := s.neighbours[dir+set]; ok {
		return id
	}
	found := map[trailhouse.InstanceID]bool{}
	for _, other := range s.beside(dir) {
		if name := filepath.Base(other.Object); (set == "" || rotatedName(name) == set) && ctx.Err() == nil {
			s.namesOf(ctx, other, found)
		}
	}
	var only trailhouse.InstanceID
	if len(found) == 1 {
		for id := range found {
			only = id
		}
	}
	s.neighbours[dir+set] = only
	return only
}

// beside returns the files of a directory. What cannot be listed has none. It is called
// with mu held.
func (s *Source) beside(dir string) []trailhouse.Unit {
	if s.options.Bucket != nil {
		return s.folders[dir]
	}
	var out []trailhouse.Unit
	entries, _ := os.ReadDir(dir) // what cannot be listed names nothing
	for _, e := range entries {
		if e.Type().IsRegular() {
			out = append(out, trailhouse.Unit{Object: filepath.Join(dir, e.Name())})
		}
	}
	return out
}

// namesOf adds the instances that a file names. A file that cannot be read names none.
func (s *Source) namesOf(ctx context.Context, u trailhouse.Unit, found map[trailhouse.InstanceID]bool) {
	if id := instanceIn(u.Object); id != "" {
		found[id] = true
		return
	}
	o, err := s.open(ctx, u)
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

// rotation is what logrotate and its like add to a name: a number or a date, and the
// suffix of a packed file.
var rotation = regexp.MustCompile(`(\.\d{1,3}|[-.]\d{8}([-T]?\d{2,6})?|\.old)?(\.(gz|xz|bz2|zst))?$`)

// numbered is a name that still ends in a number, as one with an address of IPv4 does
// once its last number is cut off.
var numbered = regexp.MustCompile(`\.\d+$`)

// rotatedName returns the name that the files of a rotated set have in common.
func rotatedName(name string) string {
	base := name[:rotation.FindStringIndex(name)[0]]
	if base == "" || numbered.MatchString(base) {
		return name
	}
	return base
}

// otherHosts says in words that the enclave ids in the log of an instance name another
// host than its path or the user does, empty where they do not. The path wins, since a
// log may hold a copied line, but who reads the coverage must know.
func (r *reader) otherHosts(id trailhouse.InstanceID) string {
	var others []trailhouse.InstanceID
	for _, st := range r.survey.streams {
		for _, other := range st.ids {
			if st.rows && st.instance == id && other != id && !slices.Contains(others, other) {
				others = append(others, other)
			}
		}
	}
	if len(others) == 0 {
		return ""
	}
	return "the log's own enclave ids name " + joined(others) + ", its path or --instance names " + string(id) + ": it counts for " + string(id)
}
