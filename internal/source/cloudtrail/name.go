package cloudtrail

import (
	"path"
	"strings"
)

// delivery is what the name of an object says of what is in it
// (facts/cloudtrail.md 2.2).
type delivery struct {
	account string
	kind    string // CloudTrail, CloudTrail-Insight, …; empty where the name is no trail's
	region  string
	day     string // of the delivery, 2006-01-02; empty where it is not known
}

// The kinds of files, as they stand in names and paths.
const (
	fileTrail      = "CloudTrail"
	fileInsight    = "CloudTrail-Insight"
	fileNetwork    = "CloudTrail-NetworkActivity"
	fileAggregated = "CloudTrail-Aggregated"
	fileDigest     = "CloudTrail-Digest"
)

// parseName reads the name of an object:
// …/ACCOUNT/KIND/REGION/YYYY/MM/DD/ACCOUNT_KIND_REGION_YYYYMMDDTHHmmZ_RANDOM.json.gz,
// where all folders may be missing; of a digest more stands between region and time.
func parseName(object string) delivery {
	object = strings.ReplaceAll(object, "\\", "/")
	var d delivery
	parts := strings.Split(path.Base(object), "_")
	if len(parts) >= 4 && isKind(parts[1]) {
		d.account, d.kind, d.region = parts[0], parts[1], parts[2]
		for _, p := range parts[3:] {
			if day, ok := dayOf(p); ok {
				d.day = day
			}
		}
	}
	if d.day == "" {
		folders := strings.Split(path.Dir(object), "/")
		if n := len(folders); n >= 3 && isNumber(folders[n-3], 4) && isNumber(folders[n-2], 2) && isNumber(folders[n-1], 2) {
			d.day = folders[n-3] + "-" + folders[n-2] + "-" + folders[n-1]
		}
	}
	return d
}

func isKind(s string) bool {
	switch s {
	case fileTrail, fileInsight, fileNetwork, fileAggregated, fileDigest:
		return true
	}
	return false
}

// dayOf reads the day of a time such as 20230710T1205Z.
func dayOf(s string) (string, bool) {
	s, _, _ = strings.Cut(s, ".")
	if len(s) < 14 || s[8] != 'T' || s[len(s)-1] != 'Z' || !isNumber(s[:8], 8) {
		return "", false
	}
	return s[:4] + "-" + s[4:6] + "-" + s[6:8], true
}

func isNumber(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789") == ""
}

// scope is the account and region of a delivery as coverage names them, empty where the
// name does not say.
func (d delivery) scope() string {
	if d.account == "" && d.region == "" {
		return ""
	}
	return d.account + "/" + d.region
}
