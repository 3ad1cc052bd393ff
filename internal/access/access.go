// Package access says which permissions of IAM a configuration needs: who must be allowed
// to do what, on what, and for which source or delivery. Policies are written from it, and
// doctor tries each of them.
package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/config"
)

// Need is one permission that something in the configuration needs.
type Need struct {
	// Place names what needs it, such as sources[1].
	Place string
	// As is who must have it, and where the server is.
	As config.AWS
	// Action is the permission, such as s3:GetObject.
	Action string
	// Resources are the ARNs that it is needed on; parts that the configuration does not
	// know are *.
	Resources []string
	// Prefixes, where not empty, narrow a listing: the values of s3:prefix that are asked
	// for, in which * is any text.
	Prefixes []string

	// Bucket and Prefix are the folder in question, KMSKeyID the key that is to encrypt
	// what is written there, Group the pattern of log groups and
	// Region where they are, Topic the topic: empty where the need is about none.
	Bucket, Prefix string
	KMSKeyID       string
	Group, Region  string
	Topic          string
}

// Needs returns every permission that the configuration needs, in the order of the file:
// sources first, then deliveries. Files of this machine need none, and mail needs none of
// AWS.
func Needs(c *config.Config) []Need {
	var out []Need
	for i, s := range c.Sources {
		out = append(out, sourceNeeds(c, fmt.Sprintf("sources[%d]", i+1), s)...)
	}
	for i := range c.Deliver {
		out = append(out, deliverNeeds(c, fmt.Sprintf("deliver[%d]", i+1), &c.Deliver[i])...)
	}
	return withRoles(out)
}

// withRoles adds the permission to become each role that something acts as, which whoever
// assumes it must have.
func withRoles(needs []Need) []Need {
	var out []Need
	known := map[string]bool{}
	for _, n := range needs {
		role := n.As.RoleARN
		if role != "" && !known[n.As.Profile+" "+role] {
			known[n.As.Profile+" "+role] = true
			base := n.As
			base.RoleARN, base.ExternalID = "", ""
			out = append(out, Need{Place: n.Place, As: base, Action: aws.ActionAssumeRole, Resources: []string{role}})
		}
		out = append(out, n)
	}
	return out
}

// sourceNeeds returns what a source needs.
func sourceNeeds(c *config.Config, place string, s config.Source) []Need {
	as := c.Access(s)
	if rest, ok := strings.CutPrefix(s.Path, "s3://"); ok {
		bucket, prefix, _ := strings.Cut(rest, "/")
		if s.Source == "cloudtrail" && isObject(prefix) {
			get := Need{Place: place, As: as, Bucket: bucket, Prefix: prefix, Action: aws.ActionGetObject}
			get.Resources = []string{bucketARN(as, bucket) + "/" + prefix}
			return []Need{get}
		}
		return readNeeds(place, as, bucket, prefix, s.Source != "cloudtrail")
	}
	var out []Need
	if s.LogGroup != "" {
		for _, region := range c.RegionsOf(s) {
			out = append(out, groupNeeds(place, as, s.LogGroup, region)...)
		}
	}
	return out
}

// groupNeeds returns what reading log groups of a region needs. The wildcards of a pattern
// mean the same in a policy.
func groupNeeds(place string, as config.AWS, group, region string) []Need {
	account := "*"
	if parts := strings.SplitN(as.RoleARN, ":", 6); len(parts) == 6 {
		account = parts[4]
	}
	arn := "arn:" + aws.Partition(region) + ":logs:" + cmp.Or(region, "*") + ":" + account + ":log-group:"
	n := Need{Place: place, As: as, Group: group, Region: region}
	find, hosts, lines := n, n, n
	find.Action, find.Resources = aws.ActionDescribeLogGroups, []string{arn + "*"}
	hosts.Action, hosts.Resources = aws.ActionDescribeLogStreams, []string{arn + group + ":*"}
	lines.Action, lines.Resources = aws.ActionFilterLogEvents, hosts.Resources
	return []Need{find, hosts, lines}
}

// readNeeds returns what reading a folder of a bucket needs; where it may be one object
// too, which only a listing tells, also what that needs.
func readNeeds(place string, as config.AWS, bucket, prefix string, orObject bool) []Need {
	arn := bucketARN(as, bucket)
	list := Need{Place: place, As: as, Bucket: bucket, Action: aws.ActionListBucket, Resources: []string{arn}}
	folder := strings.TrimSuffix(prefix, "/")
	if folder != "" {
		folder += "/"
		list.Prefixes = []string{folder, folder + "*"}
	}
	list.Prefix = folder
	if orObject {
		list.Prefix = prefix
	}
	get := list
	get.Action, get.Prefixes, get.Resources = aws.ActionGetObject, nil, []string{arn + "/" + folder + "*"}
	if orObject && prefix != folder {
		list.Prefixes = append(list.Prefixes, prefix)
		get.Resources = append(get.Resources, arn+"/"+prefix)
	}
	return []Need{list, get}
}

// isObject reports whether a prefix names one file of a trail.
func isObject(prefix string) bool {
	for _, end := range []string{".json", ".jsonl", ".ndjson", ".gz"} {
		if strings.HasSuffix(prefix, end) {
			return true
		}
	}
	return false
}

// deliverNeeds returns what a delivery needs: each object is written, looked at where it
// is there already, and signed for a link.
func deliverNeeds(c *config.Config, place string, d *config.Deliver) []Need {
	var out []Need
	for _, t := range d.Kinds() {
		switch t.Kind() {
		case "s3":
			out = append(out, writeNeeds(place, c.AccessS3(t.S3), t.S3)...)
		case "sns":
			out = append(out, topicNeeds(place, c, t.SNS, d.Clients)...)
		}
	}
	return out
}

func writeNeeds(place string, as config.AWS, t config.S3Target) []Need {
	n := Need{Place: place, As: as, Bucket: t.Bucket, Prefix: strings.TrimSuffix(t.Prefix, "/"), KMSKeyID: t.KMSKeyID}
	if n.Prefix != "" {
		n.Prefix += "/"
	}
	n.Resources = []string{bucketARN(as, t.Bucket) + "/" + n.Prefix + "*"}
	get, put := n, n
	get.Action, put.Action = aws.ActionGetObject, aws.ActionPutObject
	out := []Need{get, put}
	if t.KMSKeyID != "" {
		for _, action := range []string{aws.ActionDecrypt, aws.ActionGenerateDataKey} {
			out = append(out, Need{Place: place, As: as, Action: action, Resources: []string{keyARN(as, t.KMSKeyID)}})
		}
	}
	return out
}

// topicNeeds returns what messages need: to the topic, or to those of clients.
func topicNeeds(place string, c *config.Config, t config.SNSTarget, clients map[string]config.DeliverClient) []Need {
	topics := []string{t.TopicARN}
	for _, client := range clients {
		topics = append(topics, client.TopicARN)
	}
	slices.Sort(topics)
	var out []Need
	for _, topic := range slices.Compact(topics) {
		if topic == "" {
			continue
		}
		t.TopicARN = topic
		n := Need{Place: place, As: c.AccessSNS(t), Resources: []string{topic}, Topic: topic}
		look, publish := n, n
		look.Action, publish.Action = aws.ActionGetTopicAttributes, aws.ActionPublish
		out = append(out, look, publish)
	}
	return out
}

func bucketARN(as config.AWS, bucket string) string {
	return "arn:" + aws.Partition(as.Region) + ":s3:::" + bucket
}

// keyARN returns the ARN of a key of KMS. A policy cannot name an alias, so for one it is
// every key of the account and region.
func keyARN(as config.AWS, id string) string {
	if strings.HasPrefix(id, "arn:") && !strings.Contains(id, ":alias/") {
		return id
	}
	key := "*"
	if !strings.Contains(id, "alias/") {
		key = id
	}
	return "arn:" + aws.Partition(as.Region) + ":kms:" + cmp.Or(as.Region, "*") + ":*:key/" + key
}

// Principal names who must have a permission: the ARN of a role, else the profile, else
// the default credentials.
func (n Need) Principal() string {
	switch {
	case n.As.RoleARN != "":
		return n.As.RoleARN
	case n.As.Profile != "":
		return "profile " + n.As.Profile
	}
	return DefaultPrincipal
}

// DefaultPrincipal stands for whoever runs Trailhouse where neither role nor profile is
// named.
const DefaultPrincipal = "default credentials"

// Principals returns who needs anything, each once, in the order of the needs.
func Principals(needs []Need) []string {
	var out []string
	for _, n := range needs {
		if p := n.Principal(); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
