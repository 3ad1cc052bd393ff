package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// AWS says who we are at AWS and at servers that speak S3, and bounds what is asked of
// them. A source may say otherwise for itself.
type AWS struct {
	// Profile of the AWS CLI's files. Empty for the default chain: environment, default
	// profile, container, instance.
	Profile string `yaml:"profile"`
	// Role to assume with those credentials. Empty for none.
	RoleARN string `yaml:"role_arn"`
	// External id that the role's owner asks for.
	ExternalID string `yaml:"external_id"`
	// Name by which the use of the role is seen in its owner's trail.
	SessionName string `yaml:"session_name"`
	// Region of buckets and log groups. Empty asks profile and environment, then the bucket.
	Region string `yaml:"region"`
	// URL of a server that speaks as AWS does. Empty for AWS. Roles are assumed at AWS's own STS
	// unless AWS_ENDPOINT_URL_STS names another.
	Endpoint string `yaml:"endpoint"`
	// Put the bucket into the path of a URL and not before the host name. Always so where
	// `endpoint` is an IP address or localhost.
	PathStyle bool `yaml:"path_style"`
	// Most attempts of one request, with growing random pauses between them.
	Attempts int64 `yaml:"attempts" min:"1" max:"100"`
	// Most requests of one import at a time.
	Parallel int64 `yaml:"parallel" min:"1" max:"64"`
	// How long a server may send nothing until the connection is given up.
	IdleTimeout time.Duration `yaml:"idle_timeout" min:"1s" max:"1h"`
	// Days before the newest evidence known that are looked at again, because evidence comes
	// late: delivery days of a trail, days of events of a log stream.
	LookBackDays int64 `yaml:"look_back_days" min:"1" max:"36500"`
}

// Identity says who we are at a place, where that is another than `aws` says.
type Identity struct {
	// Profile of the AWS CLI's files. A place that names a profile or a role takes
	// nothing of who we are from `aws`.
	Profile string `yaml:"profile"`
	// Role to assume, such as arn:aws:iam::111122223333:role/Audit.
	RoleARN string `yaml:"role_arn"`
	// External id that the role's owner asks for.
	ExternalID string `yaml:"external_id"`
	// Name by which the use of the role is seen in its owner's trail.
	SessionName string `yaml:"session_name"`
}

// Access says who we are at a place and where its server is, where that is another than
// `aws` says.
type Access struct {
	Identity
	// Region of the bucket or log group.
	Region string `yaml:"region"`
	// URL of a server that speaks as AWS does. A place that names one takes `path_style` from
	// itself too.
	Endpoint string `yaml:"endpoint"`
	// As `aws.path_style`.
	PathStyle bool `yaml:"path_style"`
}

// Source is a place with evidence that is imported where a command names none.
type Source struct {
	// Line is the line of trailhouse.yaml on which the source starts, for messages.
	Line int `yaml:"-"`

	// Kind of evidence: `cloudtrail` or `enclave-log`.
	Source string `yaml:"source"`
	// Where it is: a file or directory, or `s3://bucket/prefix`: for a trail the folder that
	// holds AWSLogs, or one above or below it; for logs of enclaves any folder or object.
	Path string `yaml:"path"`
	// Name of a log group of CloudWatch Logs in which the logs are, instead of `path`
	// (enclave-log only). `*` is any text and `?` any character, so that one source may be
	// many groups, such as /aws/nitro/*.
	LogGroup string `yaml:"log_group"`
	Access
	// Several regions with the log group, instead of `region`.
	Regions []string `yaml:"regions"`
	// As `aws.look_back_days`, for this source alone; 0 takes that.
	LookBackDays int64 `yaml:"look_back_days"`
	// Rules for events to read (cloudtrail only); an event that none matches is left out
	// and counted as filtered. Empty for all events. Where the rules of a place change, the
	// next import reads everything there again; events that are in already count as duplicate.
	Include []EventRule `yaml:"include"`
	// Rules for events to leave out (cloudtrail only). A rule takes nothing out of the lake
	// that is in it already.
	Exclude []EventRule `yaml:"exclude"`
}

// EventRule picks events of a trail. `*` is any text and `?` any character; what is not
// given matches everything; all keys of a rule must match.
type EventRule struct {
	// Category, such as Management, Data, Insight.
	Category string `yaml:"category"`
	// Service, such as kms.amazonaws.com.
	Source string `yaml:"source"`
	// Name, such as Describe*.
	Name string `yaml:"name"`
	// Account id whose event it is.
	Account string `yaml:"account"`
}

const s3Scheme = "s3://"

// Access returns who we are and where the server is for a source, and how far it looks
// back: what it says itself, else what `aws` says.
func (c *Config) Access(s Source) AWS {
	a := c.accessOf(s.Access)
	if s.LookBackDays > 0 {
		a.LookBackDays = s.LookBackDays
	}
	return a
}

// accessOf returns who we are and where the server is at a place. Who we are is taken whole
// from it or from `aws`, so that no role of one account is assumed with the credentials of
// another. A flag comes first.
func (c *Config) accessOf(s Access) AWS {
	a := c.AWS
	if (s.Profile != "" || s.RoleARN != "") && !c.fromFlag("aws.profile", "aws.role_arn") {
		a.Profile, a.RoleARN, a.ExternalID = s.Profile, s.RoleARN, s.ExternalID
		if s.SessionName != "" {
			a.SessionName = s.SessionName
		}
	}
	if s.Region != "" && !c.fromFlag("aws.region") {
		a.Region = s.Region
	}
	if s.Endpoint != "" && !c.fromFlag("aws.endpoint") {
		a.Endpoint, a.PathStyle = s.Endpoint, s.PathStyle
	}
	a.PathStyle = a.PathStyle || s.PathStyle
	return a
}

// RegionsOf returns the regions of a source with a log group: the flag's, its own, those of
// `aws`; one empty region where nobody names one.
func (c *Config) RegionsOf(s Source) []string {
	if len(s.Regions) > 0 && !c.fromFlag("aws.region") {
		return s.Regions
	}
	return []string{c.Access(s).Region}
}

func (c *Config) fromFlag(keys ...string) bool {
	for _, key := range keys {
		if c.Origin(key) == "flag" {
			return true
		}
	}
	return false
}

// SourceAt returns the source of the file that a path or address is the same as or lies
// below, the nearest where there are several; only what it is called where there is
// none.
func (c *Config) SourceAt(kind, path string) Source {
	best := Source{Source: kind}
	for _, s := range c.Sources {
		at := strings.TrimSuffix(s.Path, "/")
		if s.Source == kind && s.Path != "" && (path == at || strings.HasPrefix(path, at+"/")) && len(at) >= len(best.Path) {
			best = s
		}
	}
	best.Path = path
	return best
}

// SourceOfGroup returns the source of the file with that log group; only what it is called
// where there is none.
func (c *Config) SourceOfGroup(kind, group string) Source {
	for _, s := range c.Sources {
		if s.Source == kind && s.LogGroup == group {
			return s
		}
	}
	return Source{Source: kind, LogGroup: group}
}

// SourcesOf returns the sources of a kind, in the order of the file.
func (c *Config) SourcesOf(kind string) []Source {
	var out []Source
	for _, s := range c.Sources {
		if s.Source == kind {
			out = append(out, s)
		}
	}
	return out
}

// checkSources checks sources and makes their paths absolute.
func (c *Config) checkSources(env map[string]string) []error {
	var wrong []error
	for i := range c.Sources {
		s, key := &c.Sources[i], fmt.Sprintf("sources[%d]", i+1)
		for _, rule := range append(append([]EventRule(nil), s.Include...), s.Exclude...) {
			if rule == (EventRule{}) {
				wrong = append(wrong, c.wrong(key, "include", "a rule without a key matches every event: name a category, source, name or account"))
			}
		}
		if name, text := s.problem(); name != "" {
			wrong = append(wrong, c.wrong(key, name, text))
			continue
		}
		if s.Path != "" && !strings.HasPrefix(s.Path, s3Scheme) {
			s.Path = c.besideFile(s.Path, env)
		}
	}
	return append(wrong, c.checkAWS()...)
}

// problem returns the key of a source that cannot be as it is, and why.
func (s *Source) problem() (key, text string) {
	onS3 := strings.HasPrefix(s.Path, s3Scheme)
	switch {
	case s.Source != "cloudtrail" && s.Source != "enclave-log":
		return "source", fmt.Sprintf("%q is not one of cloudtrail, enclave-log", s.Source)
	case s.LookBackDays < 0 || s.LookBackDays > maxLookBackDays:
		return "look_back_days", fmt.Sprintf("%d is not between 0 and %d", s.LookBackDays, maxLookBackDays)
	case s.LogGroup != "":
		return s.groupProblem()
	case len(s.Regions) > 0:
		return "regions", "is of use only with log_group"
	case s.Path == "":
		return "path", "is missing: a source must say where it is"
	case onS3 && strings.HasPrefix(strings.TrimPrefix(s.Path, s3Scheme), "/") || s.Path == s3Scheme:
		return "path", fmt.Sprintf("%q names no bucket", s.Path)
	case !onS3 && s.Profile+s.RoleARN+s.Endpoint+s.Region != "":
		return "path", "profile, role_arn, region and endpoint are of use only with s3://"
	case s.Source != "cloudtrail" && len(s.Include)+len(s.Exclude) > 0:
		return "include", "only events of CloudTrail are picked by rules"
	}
	return s.Identity.problem(s.Endpoint)
}

// maxLookBackDays is the most of aws.look_back_days.
const maxLookBackDays = 36500

// groupProblem is problem for a source with a log group.
func (s *Source) groupProblem() (key, text string) {
	switch {
	case s.Source != "enclave-log":
		return "log_group", "only logs of enclaves are read from CloudWatch Logs"
	case s.Path != "":
		return "path", "a source has either path or log_group"
	case !logGroup.MatchString(s.LogGroup):
		return "log_group", fmt.Sprintf("%q is not the name of a log group such as /aws/nitro/enclave (not its ARN), in which * and ? may stand", s.LogGroup)
	case s.Region != "" && len(s.Regions) > 0:
		return "regions", "a source has either region or regions"
	case slices.Contains(s.Regions, ""):
		return "regions", "a region is empty"
	case len(s.Include)+len(s.Exclude) > 0:
		return "include", "only events of CloudTrail are picked by rules"
	}
	return s.Identity.problem(s.Endpoint)
}

// logGroup is a name of a log group (API reference of CreateLogGroup) with wildcards.
var logGroup = regexp.MustCompile(`^[A-Za-z0-9._/#*?-]{1,512}$`)

// ValidLogGroup reports whether a text may be the name of a log group, with * and ?.
func ValidLogGroup(name string) bool { return logGroup.MatchString(name) }

// checkAWS checks the section aws.
func (c *Config) checkAWS() []error {
	key, text := Identity{RoleARN: c.AWS.RoleARN, ExternalID: c.AWS.ExternalID}.problem(c.AWS.Endpoint)
	if key == "" {
		return nil
	}
	return []error{trailhouse.Errorf(trailhouse.CodeUsage, "%s: aws.%s: %s", c.Origin("aws."+key), key, text)}
}

// problem returns the key of what cannot be as it is, here or of the server that we are
// known to, and why.
func (i Identity) problem(endpoint string) (key, text string) {
	switch {
	case i.ExternalID != "" && i.RoleARN == "":
		return "external_id", "is of use only with role_arn"
	case i.RoleARN != "" && (!strings.HasPrefix(i.RoleARN, "arn:aws") || !strings.Contains(i.RoleARN, ":role/")):
		return "role_arn", fmt.Sprintf("%q is not the ARN of a role such as arn:aws:iam::111122223333:role/Audit", i.RoleARN)
	case endpoint != "" && !strings.HasPrefix(endpoint, "https://") && !strings.HasPrefix(endpoint, "http://"):
		return "endpoint", fmt.Sprintf("%q is not a URL such as https://s3.example.com", endpoint)
	}
	return "", ""
}

// besideFile resolves a path of the file against the file's directory.
func (c *Config) besideFile(path string, env map[string]string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && env["HOME"] != "" {
		return filepath.Join(env["HOME"], rest)
	}
	return absolute(filepath.Dir(c.file), path)
}
