package bucket

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// loose are the objects directly in a folder in which a trail has only folders. Somebody
// copied them there, or moved them out of their place.
type loose struct {
	folder folder
	files  []aws.Object
}

// put notes what lies in a folder beside the folders that are gone into.
func (l *listing) put(f folder, files []aws.Object) {
	if len(files) == 0 {
		return
	}
	l.calls.Lock()
	defer l.calls.Unlock()
	l.loose = append(l.loose, loose{f, files})
}

// trails gives the loose objects above and within folders AWSLogs and returns the folders
// of the regions. rest holds the names of folders below AWSLogs that the user gave: where
// the first is none of a trail's, everything below it is listed.
func (l *listing) trails(prefix string, roots []folder, rest []string) ([]folder, error) {
	regions, err := l.regions(roots, rest)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 && len(regions) == 0 && len(l.strange) > 0 && strings.HasPrefix(withSlash(prefix), l.strange[0]) {
		l.strange = nil
		return []folder{{prefix: withSlash(prefix), part: true}}, nil
	}
	for _, in := range l.loose {
		if !onTheWay(in.folder, roots) {
			continue // told as a folder that is not read
		}
		for _, o := range in.files {
			if err := l.object(o); err != nil {
				return nil, l.missed(in.folder, err)
			}
		}
	}
	return regions, nil
}

// onTheWay reports whether a folder holds one of the roots, or lies in one.
func onTheWay(f folder, roots []folder) bool {
	return slices.ContainsFunc(roots, func(r folder) bool {
		return strings.HasPrefix(r.prefix, f.prefix) || strings.HasPrefix(f.prefix, r.prefix)
	})
}

// ofOtherService reports whether a folder of an account is one that another service of AWS
// has beside CloudTrail: other evidence, which nobody misses here.
func ofOtherService(name string) bool {
	switch name {
	case "Config", "GuardDuty", "WAFLogs", "elasticloadbalancing", "globalaccelerator", "network-firewall", "redshift",
		"verified-access", "vpcdnsquerylogs", "vpcflowlogs":
		return true
	}
	return false
}

// known returns ok, and notes a folder that is not.
func (l *listing) known(f folder, ok bool) bool {
	if !ok {
		l.calls.Lock()
		defer l.calls.Unlock()
		l.strange = append(l.strange, f.prefix)
	}
	return ok
}

// tellStrange says which folders within AWSLogs are not read.
func (l *listing) tellStrange() {
	if len(l.strange) == 0 {
		return
	}
	slices.Sort(l.strange)
	l.miss(folder{prefix: path.Dir(strings.TrimSuffix(l.strange[0], "/")) + "/"}, trailhouse.CoverageIgnored,
		fmt.Sprintf("%d folders within AWSLogs are no account's and no kind of a trail's, and are not read (%s): name one to read it",
			len(l.strange), some(l.strange)))
}

// beside says which folders between a prefix and the trails below it hold none. all are
// the folders that were seen, from the prefix downwards.
func (l *listing) beside(prefix string, all, roots []folder) {
	if len(roots) == 0 {
		return
	}
	told := func(f folder) bool { // not within another that is told, or in a trail
		parent := strings.TrimPrefix(path.Dir(strings.TrimSuffix(f.prefix, "/"))+"/", "./")
		return parent == withSlash(prefix) || slices.ContainsFunc(roots, func(r folder) bool {
			return strings.HasPrefix(r.prefix, parent) && r.prefix != parent
		})
	}
	var names []string
	for _, f := range all {
		if !onTheWay(f, roots) && told(f) {
			names = append(names, f.prefix)
		}
	}
	if len(names) > 0 {
		l.miss(folder{prefix: withSlash(prefix)}, trailhouse.CoverageIgnored,
			fmt.Sprintf("%d folders beside AWSLogs are not read (%s): name one to read it", len(names), some(names)))
	}
}

// some returns the first few names.
func some(names []string) string { return strings.Join(names[:min(len(names), 5)], ", ") }
