package aws

// The permissions of IAM that requests of ours need.
const (
	ActionAssumeRole         = "sts:AssumeRole"
	ActionGetCallerIdentity  = "sts:GetCallerIdentity"
	ActionListBucket         = "s3:ListBucket"
	ActionGetObject          = "s3:GetObject"
	ActionPutObject          = "s3:PutObject"
	ActionDecrypt            = "kms:Decrypt"
	ActionGenerateDataKey    = "kms:GenerateDataKey"
	ActionDescribeLogGroups  = "logs:DescribeLogGroups"
	ActionDescribeLogStreams = "logs:DescribeLogStreams"
	ActionFilterLogEvents    = "logs:FilterLogEvents"
	ActionPutLogEvents       = "logs:PutLogEvents"
	ActionCreateLogStream    = "logs:CreateLogStream"
	ActionGetTopicAttributes = "sns:GetTopicAttributes"
	ActionPublish            = "sns:Publish"
	ActionGetResources       = "tag:GetResources"
)

// Operation is a kind of request that Trailhouse makes of AWS, or makes AWS do.
type Operation struct {
	// Request is AWS's name of the request, such as ListObjectsV2.
	Request string
	// Action is the permission that it needs.
	Action string
	// Purpose says what Trailhouse does it for.
	Purpose string
}

// Operations returns every operation with its permission: the one table that policies are
// written from, that missing permissions are named after, and that doctor tries.
func Operations() []Operation {
	return []Operation{
		{"AssumeRole", ActionAssumeRole, "be the role that a source or target names"},
		{"GetCallerIdentity", ActionGetCallerIdentity, "see who we are, for which no policy is needed"},
		{"ListObjectsV2", ActionListBucket, "find the objects of a source"},
		{"GetObject", ActionGetObject, "read objects, and sign links to reports"},
		{"HeadObject", ActionGetObject, "find an object that is named"},
		{"PutObject", ActionPutObject, "deliver a report"},
		{"GetObject with SSE-KMS", ActionDecrypt, "read objects that are encrypted with a key of yours"},
		{"PutObject with SSE-KMS", ActionGenerateDataKey, "deliver a report that is encrypted with a key of yours"},
		{"DescribeLogGroups", ActionDescribeLogGroups, "find the log groups of a pattern"},
		{"DescribeLogStreams", ActionDescribeLogStreams, "find the hosts of a log group"},
		{"FilterLogEvents", ActionFilterLogEvents, "read the lines of a host"},
		{"CreateLogStream", ActionCreateLogStream, "begin the log stream of a host, by trailhouse agent"},
		{"PutLogEvents", ActionPutLogEvents, "write what trailhouse agent sees"},
		{"GetTopicAttributes", ActionGetTopicAttributes, "see that a topic is there, in trailhouse doctor"},
		{"Publish", ActionPublish, "tell people that a report is ready"},
		{"GetResources", ActionGetResources, "list what a deleted stack left, in trailhouse setup clean-up"},
	}
}

// Partition returns the part of AWS that a region is in, as ARNs name it: aws where the
// region is unknown.
func Partition(region string) string { return partition(region) }
