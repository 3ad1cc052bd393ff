package setup

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Left is something of a stack that its deletion does not remove, or has not yet removed.
type Left struct {
	// Kind is bucket, log group, volume, or other for what belongs to a stack that is
	// there.
	Kind string `json:"kind"`
	Name string `json:"name"`
	ARN  string `json:"arn,omitempty"`
	// Holds says what is lost with it.
	Holds string `json:"holds"`
	// Commands remove it, in this order; none where deleting the stack does.
	Commands []string `json:"commands"`
}

// Leftovers says for each of the ARNs that carry the tag of a stack what it is and how it
// is removed, data first, each once.
func Leftovers(arns []string) []Left {
	var data, rest []Left
	for _, arn := range slices.Compact(slices.Sorted(slices.Values(arns))) {
		l := leftover(arn)
		if l.Kind == "other" {
			rest = append(rest, l)
		} else {
			data = append(data, l)
		}
	}
	return append(data, rest...)
}

// leftover takes an ARN apart: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE.
func leftover(arn string) Left {
	parts := strings.SplitN(arn, ":", 6)
	l := Left{Kind: "other", Name: arn, ARN: arn, Holds: "part of the stack: deleting the stack removes it", Commands: []string{}}
	if len(parts) < 6 {
		return l
	}
	service, region, resource := parts[2], parts[3], parts[5]
	switch {
	case service == "s3" && !strings.Contains(resource, "/"):
		return bucketLeft(arn, resource)
	case service == "logs" && strings.HasPrefix(resource, "log-group:"):
		return groupLeft(arn, strings.TrimSuffix(strings.TrimPrefix(resource, "log-group:"), ":*"), region)
	case service == "ec2" && strings.HasPrefix(resource, "volume/"):
		return volumeLeft(arn, strings.TrimPrefix(resource, "volume/"), region)
	}
	return l
}

// bucketLeft: the versions of a versioned bucket go first, 1,000 at a time.
func bucketLeft(arn, name string) Left {
	return Left{
		Kind: "bucket", Name: name, ARN: arn, Holds: "reports, and their earlier versions",
		Commands: []string{
			fmt.Sprintf(`while objects=$(aws s3api list-object-versions --bucket %[1]s --max-items 1000 --output json `+
				`--query '{Objects: [Versions, DeleteMarkers][].{Key: Key, VersionId: VersionId}}') && [[ $objects == *VersionId* ]]; `+
				`do aws s3api delete-objects --bucket %[1]s --delete "$objects" >/dev/null; done`, name),
			"aws s3api delete-bucket --bucket " + name,
		},
	}
}

func groupLeft(arn, name, region string) Left {
	return Left{
		Kind: "log group", Name: name, ARN: arn, Holds: "lines of hosts; their agents make the group anew when they write",
		Commands: []string{fmt.Sprintf("aws logs delete-log-group --region %s --log-group-name '%s'", region, name)},
	}
}

func volumeLeft(arn, id, region string) Left {
	return Left{
		Kind: "volume", Name: id, ARN: arn, Holds: "the lake: everything that was read",
		Commands: []string{fmt.Sprintf("aws ec2 delete-volume --region %s --volume-id %s", region, id)},
	}
}

// KeptByTemplate returns the resources of a CloudFormation template that deletion keeps,
// as "NAME (TYPE)" in the order of the text, for templates as StackTemplate writes them:
// YAML with two blanks a level.
func KeptByTemplate(text string) []string {
	_, rest, ok := strings.Cut("\n"+text, "\nResources:\n")
	if !ok {
		return nil
	}
	if end := regexp.MustCompile(`(?m)^[A-Za-z]`).FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	var out []string
	var name, kind string
	for line := range strings.Lines(rest) {
		line = strings.TrimRight(line, " \r\n")
		switch {
		case resourceName.MatchString(line):
			name, kind = strings.Trim(line, " :"), ""
		case strings.HasPrefix(line, "    Type: "):
			kind = strings.TrimPrefix(line, "    Type: ")
		case keeps.MatchString(line):
			out = append(out, name+" ("+kind+")")
		}
	}
	return out
}

var resourceName = regexp.MustCompile(`^  [A-Za-z0-9]+:$`)

var keeps = regexp.MustCompile(`^    DeletionPolicy: "?(Retain|RetainExceptOnCreate|Snapshot)"?$`)
