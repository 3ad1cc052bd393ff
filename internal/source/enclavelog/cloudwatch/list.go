package cloudwatch

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// listing is one call of List.
type listing struct {
	*Store
	ctx   context.Context
	visit func(trailhouse.Unit) error
	miss  func(trailhouse.Coverage) error
	seen  map[string]bool // places of streams that are there
	// failed are the groups and patterns of the region under way that could not be listed.
	failed []string
}

// List finds the streams, by region, group and name. A group that is not there or may not
// be listed is missing, and so, once, is a stream that was read before and is gone. Only
// credentials that do not hold end the listing.
func (s *Store) List(ctx context.Context, visit func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error {
	l := &listing{Store: s, ctx: ctx, visit: visit, miss: miss, seen: map[string]bool{}}
	kept := map[string]string{}
	if s.options.Positions != nil {
		var err error
		if kept, err = s.options.Positions.Positions(ctx, s.options.Source, s.options.Version); err != nil {
			return err
		}
	}
	before := map[string]position{}
	for place, text := range kept {
		before[place] = parsePosition(text)
	}
	s.mu.Lock()
	s.streams, s.before, s.after = map[string]*stream{}, before, map[string]position{}
	s.mu.Unlock()
	for _, logs := range s.options.Regions {
		if err := l.region(logs); err != nil {
			return err
		}
	}
	return nil
}

// region lists the groups of one region.
func (l *listing) region(logs *aws.Logs) error {
	l.failed = nil
	known, accounts := map[string]bool{}, map[string]bool{}
	for _, pattern := range l.options.Groups {
		groups, err := l.groups(logs, pattern)
		place := Address("*", logs.Region(), pattern, "*") + " as " + logs.Who()
		if err != nil {
			if err := l.missed(pattern, place, err); err != nil {
				return err
			}
			continue
		}
		if err := l.listed(place); err != nil {
			return err
		}
		for _, g := range groups {
			accounts[g.Account] = true
			if known[g.Name] {
				continue
			}
			known[g.Name] = true
			if err := l.group(logs, g); err != nil {
				return err
			}
		}
	}
	return l.vanished(logs, accounts)
}

// groups returns the groups that match a pattern, by name. It fails with CodeNotFound where
// there is none.
func (l *listing) groups(logs *aws.Logs, pattern string) ([]aws.LogGroup, error) {
	var groups []aws.LogGroup
	err := logs.Groups(l.ctx, pattern[:wildcard(pattern)], func(g aws.LogGroup) error {
		if matches(pattern, g.Name) {
			groups = append(groups, g)
		}
		return nil
	})
	if err == nil && len(groups) == 0 {
		err = trailhouse.Errorf(trailhouse.CodeNotFound, "there is no log group %s in %s that %s may see", pattern, logs.Region(), logs.Who())
	}
	slices.SortFunc(groups, func(a, b aws.LogGroup) int { return strings.Compare(a.Name, b.Name) })
	return groups, err
}

// group gives the streams of a group.
func (l *listing) group(logs *aws.Logs, g aws.LogGroup) error {
	var infos []aws.LogStream
	newest := int64(0)
	err := logs.Streams(l.ctx, g.Name, func(s aws.LogStream) error {
		infos = append(infos, s)
		newest = max(newest, s.LastIngestion)
		return nil
	})
	if err != nil {
		return l.missed(g.Name, Address(g.Account, logs.Region(), g.Name, "*"), err)
	}
	if err := l.listed(Address(g.Account, logs.Region(), g.Name, "*")); err != nil {
		return err
	}
	for _, info := range infos {
		st := &stream{logs: logs, account: g.Account, group: g.Name, name: info.Name}
		st.place = st.placeOf()
		l.seen[st.place] = true
		if p := l.before[st.place]; !p.gone {
			st.known = p
		}
		if st.known.newest > 0 {
			st.from = max(st.known.newest-l.options.LookBack.Milliseconds(), 1)
		}
		u := st.unit(info, info.LastIngestion == 0 || info.LastIngestion >= newest-l.options.LookBack.Milliseconds())
		l.mu.Lock()
		l.streams[u.ID] = st
		l.mu.Unlock()
		if err := l.visit(u); err != nil {
			return err
		}
	}
	return nil
}

// placeOf names a stream among those of all servers. Neither names of groups nor of streams
// hold a colon.
func (s *stream) placeOf() string {
	return strings.TrimSpace(s.logs.Endpoint() + " " + Scheme + s.account + "/" + s.logs.Region() + "/" + s.group + ":" + s.name)
}

// streamAt is the inverse of placeOf for a region of the store; nil where the place is
// another region's, another server's or of another group.
func (l *listing) streamAt(logs *aws.Logs, place string) *stream {
	rest, ok := strings.CutPrefix(place, strings.TrimSpace(logs.Endpoint()+" "+Scheme))
	if !ok {
		return nil
	}
	account, rest, _ := strings.Cut(rest, "/")
	region, rest, _ := strings.Cut(rest, "/")
	group, name, ok := strings.Cut(rest, ":")
	if !ok || region != logs.Region() || !slices.ContainsFunc(l.options.Groups, func(p string) bool { return matches(p, group) }) {
		return nil
	}
	return &stream{logs: logs, account: account, group: group, name: name, place: place}
}

// vanished tells of streams of a region that were read before and are gone, or whose group
// is: what they got since cannot be read. It is told once. accounts are those whose groups
// were listed.
func (l *listing) vanished(logs *aws.Logs, accounts map[string]bool) error {
	for _, place := range slices.Sorted(maps.Keys(l.before)) {
		p, st := l.before[place], l.streamAt(logs, place)
		if p.gone || st == nil || l.seen[place] || !accounts[st.account] || l.unlisted(st.group) {
			continue
		}
		st.from = p.newest
		err := l.miss(trailhouse.Coverage{
			Source: l.options.Source, Scope: string(p.instance), Object: st.unit(aws.LogStream{}, false).Object,
			Result: trailhouse.CoverageMissing, From: instant(p.newest),
			Detail: "log stream " + st.name + " of " + st.group + " is not there any more: what came to it behind the last event that was read is lost",
		})
		if err != nil {
			return err
		}
		p.gone = true
		l.mu.Lock()
		l.after[place] = p
		l.mu.Unlock()
	}
	return nil
}

// unlisted reports whether a group, or a pattern that it matches, could not be listed.
func (l *listing) unlisted(group string) bool {
	return slices.ContainsFunc(l.failed, func(pattern string) bool { return matches(pattern, group) })
}

// missed notes a place that could not be listed. It returns the errors that end the
// listing.
func (l *listing) missed(pattern, object string, err error) error {
	l.failed = append(l.failed, pattern)
	switch trailhouse.CodeOf(err) {
	case trailhouse.CodeDenied, trailhouse.CodeNotFound, trailhouse.CodeUnavailable:
		return l.miss(trailhouse.Coverage{
			Source: l.options.Source, Object: object, Result: trailhouse.CoverageMissing, Detail: err.Error(), Cause: err,
		})
	}
	return err
}

// listed takes back what an earlier import may have said of a place.
func (l *listing) listed(object string) error {
	return l.miss(trailhouse.Coverage{Source: l.options.Source, Object: object, Result: trailhouse.CoverageRead})
}

// wildcard returns where a pattern stops to be a plain name.
func wildcard(pattern string) int {
	if at := strings.IndexAny(pattern, "*?"); at >= 0 {
		return at
	}
	return len(pattern)
}

// matches reports whether a name matches a pattern whole: * is any text, / too, and ? any
// byte.
func matches(pattern, name string) bool {
	star, back := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			back++
			p, n = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
