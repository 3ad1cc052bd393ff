package bucket

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
)

const (
	logs = "AWSLogs"
	// searchDepth and searchFolders bound the search for AWSLogs below a prefix.
	searchDepth   = 4
	searchFolders = 500
)

// folder is a folder of a trail and what is known of it on the way from
// [prefix/]AWSLogs/ down to [o-ORG/]ACCOUNT/KIND/REGION/ (facts/cloudtrail.md 2.2).
type folder struct {
	prefix                string // with its slash
	account, kind, region string
	part                  bool // a part of a region that the user named
}

// scope is the account and region as coverage names them.
func (f folder) scope() string {
	if f.region == "" {
		return f.account
	}
	return f.account + "/" + f.region
}

// listing is one call of List. Its visit and miss are called by one goroutine at a
// time.
type listing struct {
	*Store
	ctx       context.Context
	bucket    *aws.Bucket
	positions map[string]string

	calls  sync.Mutex
	visit  func(trailhouse.Unit) error
	misses []trailhouse.Coverage
	found  int64
	// passed counts objects beside a trail that cannot be evidence.
	passed int64
	// loose are the objects that lie on the way down to the folders of the regions, and
	// strange the folders there that are none of a trail's.
	loose   []loose
	strange []string
}

// List finds the objects, in any order. Below AWSLogs it lists by account, kind
// and region from the remembered delivery day on; where there is no AWSLogs it lists
// everything that may be a file of a trail. What cannot be listed is missing and does
// not stop the rest. Only credentials that do not hold end the listing.
func (s *Store) List(ctx context.Context, visit func(trailhouse.Unit) error, miss func(trailhouse.Coverage) error) error {
	l := &listing{Store: s, ctx: ctx, bucket: s.options.Bucket, visit: visit}
	if s.options.Positions != nil {
		var err error
		if l.positions, err = s.options.Positions.Positions(ctx, s.options.Source, s.options.Version); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.newest, s.before, s.failed = map[string]string{}, l.positions, map[string]string{}
	s.mu.Unlock()
	if err := l.run(); err != nil {
		return err
	}
	if l.passed > 0 {
		l.miss(folder{prefix: s.options.Prefix}, trailhouse.CoverageIgnored, fmt.Sprintf("%d objects are neither .json nor .gz", l.passed))
	}
	l.tellStrange()
	slices.SortFunc(l.misses, func(a, b trailhouse.Coverage) int { return cmp.Compare(a.Object, b.Object) })
	for _, c := range l.misses {
		if err := miss(c); err != nil {
			return err
		}
	}
	return nil
}

// run lists one object, the trails below AWSLogs, or everything.
func (l *listing) run() error {
	prefix := strings.TrimSuffix(l.options.Prefix, "/")
	if prefix == l.options.Prefix && evidence(prefix) {
		return l.one(prefix)
	}
	roots, rest, err := l.roots(prefix)
	if err != nil {
		return err
	}
	if len(roots) == 0 {
		if len(l.misses) > 0 {
			return nil
		}
		roots = []folder{{prefix: withSlash(prefix), part: true}}
	} else if roots, err = l.trails(prefix, roots, rest); err != nil {
		return err
	}
	var recent bool // something was listed from a position on, so that nothing new is no news
	for _, r := range roots {
		recent = recent || l.start(r) != ""
	}
	if err := l.each(len(roots), func(i int) error { return l.objects(roots[i]) }); err != nil {
		return err
	}
	if l.found == 0 && !recent && len(l.misses) == 0 {
		l.miss(folder{prefix: l.options.Prefix}, trailhouse.CoverageMissing, l.bucket.Address(l.options.Prefix)+" holds no files of a trail")
	}
	return nil
}

// one gives the object that the user named.
func (l *listing) one(key string) error {
	o, err := l.bucket.Stat(l.ctx, key)
	if err != nil {
		return l.missed(folder{prefix: key}, err)
	}
	u := l.bucket.Unit(o)
	u.Explicit = true
	return l.visit(u)
}

// roots returns the folders AWSLogs at, above or below a prefix, and the folders below
// it that the prefix names already.
func (l *listing) roots(prefix string) (roots []folder, rest []string, err error) {
	parts := strings.Split(prefix, "/")
	if i := slices.Index(parts, logs); i >= 0 {
		return []folder{{prefix: strings.Join(parts[:i+1], "/") + "/"}}, parts[i+1:], nil
	}
	here, seen := []folder{{prefix: withSlash(prefix)}}, 0
	var all []folder
	for depth := 0; depth < searchDepth && len(here) > 0; depth++ {
		if seen += len(here); seen > searchFolders {
			if len(roots) > 0 { // else everything is listed, whatever its folders
				l.miss(folder{prefix: withSlash(prefix)}, trailhouse.CoverageMissing,
					fmt.Sprintf("AWSLogs was looked for in %d folders and not in the rest: name the one that holds it", searchFolders))
			}
			break
		}
		here, err = l.level(here, "", func(f folder, _ string) (folder, bool) { return f, true })
		if err != nil {
			return nil, nil, err
		}
		all = append(all, here...)
		below := here[:0]
		for _, f := range here {
			if path.Base(f.prefix) == logs {
				roots = append(roots, f)
			} else {
				below = append(below, f)
			}
		}
		here = below
	}
	l.beside(prefix, all, roots)
	return roots, nil, nil
}

func isAccount(name string) bool { return len(name) == 12 && strings.Trim(name, "0123456789") == "" }

func withSlash(prefix string) string {
	if prefix == "" {
		return ""
	}
	return prefix + "/"
}

// regions goes from AWSLogs down to the regions. rest holds the names of folders that
// the user gave.
func (l *listing) regions(roots []folder, rest []string) ([]folder, error) {
	take := func() string {
		if len(rest) == 0 {
			return ""
		}
		name := rest[0]
		rest = rest[1:]
		return name
	}
	first, err := l.level(roots, take(), func(f folder, name string) (folder, bool) {
		f.account = name
		return f, l.known(f, isAccount(name) || strings.HasPrefix(name, "o-"))
	})
	if err != nil {
		return nil, err
	}
	var accounts, orgs []folder
	for _, f := range first {
		if strings.HasPrefix(f.account, "o-") {
			orgs = append(orgs, folder{prefix: f.prefix})
		} else {
			accounts = append(accounts, f)
		}
	}
	if len(orgs) > 0 {
		more, err := l.level(orgs, take(), func(f folder, name string) (folder, bool) {
			f.account = name
			return f, l.known(f, isAccount(name))
		})
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, more...)
	}
	kinds, err := l.level(accounts, take(), l.kind)
	if err != nil {
		return nil, err
	}
	regions, err := l.level(kinds, take(), func(f folder, name string) (folder, bool) {
		f.region = name
		return f, true
	})
	if len(rest) > 0 {
		for i := range regions {
			regions[i].prefix += strings.Join(rest, "/") + "/"
			regions[i].part = true
		}
	}
	return regions, err
}

// kind takes the folders of CloudTrail. Others of AWSLogs (Config, load balancers) are
// other evidence; digests are kept for the check of the trail's own chain.
func (l *listing) kind(f folder, name string) (folder, bool) {
	f.kind = name
	switch name {
	case "CloudTrail", "CloudTrail-Insight", "CloudTrail-NetworkActivity", "CloudTrail-Aggregated":
		return f, true
	}
	if name == "CloudTrail-Digest" {
		l.miss(f, trailhouse.CoverageIgnored, name+" is not read")
		return f, false
	}
	if !ofOtherService(name) {
		l.known(f, false)
	}
	return f, false
}

// level returns the folders directly below some, as far as child takes them; only
// names the one that is looked for, empty for all. A folder that cannot be listed is
// missing.
func (l *listing) level(parents []folder, only string, child func(f folder, name string) (folder, bool)) ([]folder, error) {
	found := make([][]folder, len(parents))
	err := l.each(len(parents), func(i int) error {
		names := []string{only + "/"}
		if only == "" {
			var files []aws.Object
			var err error
			if names, files, err = l.bucket.ListFolder(l.ctx, parents[i].prefix); err != nil {
				return l.missed(parents[i], err)
			}
			l.put(parents[i], files)
		}
		for _, name := range names {
			f := parents[i]
			f.prefix += name
			if f, ok := child(f, strings.TrimSuffix(name, "/")); ok {
				found[i] = append(found[i], f)
			}
		}
		return nil
	})
	return slices.Concat(found...), err
}

// start returns the key behind which the listing of a folder begins, empty for its
// beginning.
func (l *listing) start(f folder) string {
	newest, err := time.Parse(time.DateOnly, l.positions[l.place(f.prefix)])
	if err != nil || f.part {
		return ""
	}
	return f.prefix + newest.AddDate(0, 0, -l.options.LookBackDays).Format("2006/01/02")
}

// objects lists a folder to its end and notes its newest delivery day. A day that lies
// behind the one on which the server wrote the object is somebody's invention: as a
// position it would hide what is delivered until then.
func (l *listing) objects(f folder) error {
	newest := ""
	err := l.bucket.List(l.ctx, f.prefix, l.start(f), func(o aws.Object) error {
		if place, day := placeAndDay(o.Key); place == f.prefix && day <= o.Modified.Format(time.DateOnly) {
			newest = max(newest, day)
		}
		return l.object(o)
	})
	if err != nil {
		return l.missed(f, err)
	}
	if !f.part {
		l.mu.Lock()
		l.newest[f.prefix] = newest
		l.mu.Unlock()
	}
	return nil
}

// object gives one object, unless its name says that it is no file of a trail.
func (l *listing) object(o aws.Object) error {
	l.calls.Lock()
	defer l.calls.Unlock()
	switch {
	case strings.HasSuffix(o.Key, "/") && o.Size == 0: // what consoles make of folders
	case !evidence(o.Key):
		l.passed++
	default:
		l.found++
		return failed{l.visit(l.bucket.Unit(o))}.orNil()
	}
	return nil
}

// evidence reports whether an object may be a file of a trail, by its name.
func evidence(key string) bool {
	for _, suffix := range []string{".json", ".jsonl", ".ndjson", ".gz"} {
		if strings.HasSuffix(key, suffix) {
			return true
		}
	}
	return false
}

// failed is an error of visit, which ends the listing whatever its code.
type failed struct{ error }

func (f failed) orNil() error {
	if f.error == nil {
		return nil
	}
	return f
}

func (f failed) Unwrap() error { return f.error }

// missed notes a folder that could not be listed. It returns the errors that end the
// listing.
func (l *listing) missed(f folder, err error) error {
	if own, ok := err.(failed); ok { //nolint:errorlint // ours, and never wrapped
		return own.error
	}
	switch trailhouse.CodeOf(err) {
	case trailhouse.CodeDenied, trailhouse.CodeNotFound, trailhouse.CodeUnavailable, trailhouse.CodeInvalid:
		l.note(f, trailhouse.Coverage{Result: trailhouse.CoverageMissing, Detail: err.Error(), Cause: err})
		return nil
	}
	return err
}

// miss notes what is not read of a folder, and why.
func (l *listing) miss(f folder, result, detail string) {
	l.note(f, trailhouse.Coverage{Result: result, Detail: detail})
}

// note is miss with the coverage, which lacks only whose it is.
func (l *listing) note(f folder, c trailhouse.Coverage) {
	l.calls.Lock()
	defer l.calls.Unlock()
	c.Source, c.Scope, c.Object = l.options.Source, f.scope(), l.bucket.Address(f.prefix)
	l.misses = append(l.misses, c)
}

// each calls fn for 0 to n-1, several at a time, and returns the first error, after
// which no more are begun.
func (l *listing) each(n int, fn func(i int) error) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
		slots = make(chan struct{}, l.options.Parallel)
	)
	for i := range n {
		slots <- struct{}{}
		mu.Lock()
		stop := first != nil
		mu.Unlock()
		if stop {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := fn(i); err != nil {
				mu.Lock()
				first = cmp.Or(first, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return first
}
